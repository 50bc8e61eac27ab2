"""Commands that do the work: demo, run, approve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vpn_registry import one_pass, roster, settings, terminal
from vpn_registry.cli.options import AsJson, AsOf, Isp, known_isp, only_simulated, refuse_words
from vpn_registry.model import NoticeState

if TYPE_CHECKING:
    from rich.console import Console

    from vpn_registry.registry.home import Registry

commands = typer.Typer()


@commands.command()
def demo(
    ui: Annotated[bool, typer.Option("--ui", help="Leave Airflow's services running on the demo's state.")] = False,
) -> None:
    """The whole story on an embedded SFTP server, mail sink and database."""
    from vpn_registry.demo import story

    raise typer.Exit(story.tell(settings.load(), terminal.console(), with_ui=ui))


@commands.command()
def run(as_of: AsOf = None, as_json: AsJson = False) -> None:
    """One pass: list, wait until files have settled, list again, then every DAG in order, in this process."""
    from vpn_registry.pipeline.exchange import open_exchange
    from vpn_registry.pipeline.overview import overview
    from vpn_registry.registry import audit, home

    here = settings.load()
    registry = home.open_home(here, as_of=as_of)
    roster.refuse_samples(roster.load_isps(here.isps, here.home), registry.is_simulated)
    console = terminal.console(stderr=as_json)
    with stand_ins_for(registry) as connections:
        console.print("Preparing Airflow ...", style="dim")
        log = one_pass.prepare(here, connections)
        has_relay = one_pass.MAIL in {**settings.environment("AIRFLOW_CONN_"), **connections}
        results = list(_run_all(console, log, has_relay=has_relay))
    audit.seal(registry, registry.now())
    if as_json:
        typer.echo(json.dumps([{"dag": r.dag, "state": r.state, "failed": list(r.failed)} for r in results], indent=2))
    else:
        terminal.show_overview(console, overview(open_exchange(here, open_sftp=one_pass.no_sftp)))
    if not all(result.is_success for result in results):
        console.print(f"What happened stands in {log}", markup=False)
        raise typer.Exit(1)


def _run_all(console: Console, log: Path, *, has_relay: bool) -> Iterator[one_pass.DagResult]:
    """Every DAG in order; without a relay reminders and the daily report wait, which is no failure."""
    if not has_relay:
        console.print(f"No mail relay is named ({one_pass.MAIL}): reminders and the daily report wait.", markup=False)
    for dag in one_pass.DAGS:
        result = one_pass.run_dag(dag, log, is_dry=dag == "chase_filers" and not has_relay)
        failed = f": {', '.join(result.failed)} failed" if result.failed else ""
        console.print(f"{dag}: {result.state}{failed}", style="green" if result.is_success else "red", markup=False)
        yield result


def stand_ins_for(registry: Registry) -> AbstractContextManager[dict[str, str]]:
    """Servers for the connections a simulated home lacks; a real one has its own."""
    if not registry.is_simulated:
        return nullcontext({})
    from vpn_registry.demo.services import stand_ins

    here = registry.settings
    isps = roster.load_isps(here.isps, here.home)
    return stand_ins(here.home, isps.values(), settings.environment("AIRFLOW_CONN_"))


@commands.command()
def approve(
    reason: Annotated[str, typer.Option(help="Why the held notices may (or may not) go out; kept with the decision.")],
    stage: Annotated[str | None, typer.Option(help="Only notices of this stage.")] = None,
    isp: Isp = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Cancel them instead.")] = False,
    as_json: AsJson = False,
    actor: Annotated[str, typer.Option(hidden=True)] = "operator",
) -> None:
    """Approve held notices, on a simulated home only; in production Airflow's form does."""
    from vpn_registry.pipeline import approval
    from vpn_registry.registry import home

    registry = home.open_home(settings.load())
    only_simulated(registry, "approve", "run the DAG approve_notices in Airflow")
    refuse_words("reason", reason, "--reason is empty; it is kept with what you do")
    known_isp(isp)
    _known_stage(stage)
    decide = approval.refuse if refuse else approval.approve
    decided = decide(registry, actor=actor, reason=reason, stage=stage, isp=isp)
    if as_json:
        state = NoticeState.CANCELLED if refuse else NoticeState.APPROVED
        typer.echo(json.dumps([{"notice_no": number, "state": state} for number in decided], indent=2))
        return
    for number in decided:
        told = (
            "refused; it is cancelled" if refuse else "approved; it goes out with the next run, unless it lapses before"
        )
        typer.echo(f"{number} {told}.")
    if not decided:
        typer.echo("No notice is held.")


@commands.command()
def extend(
    ends_on: Annotated[datetime, typer.Argument(metavar="DATE", formats=["%Y-%m-%d"], help="The new last day.")],
    source: Annotated[str, typer.Option(help="The decision or letter that sets it; history and letters name it.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")] = "",
    isp: Isp = None,
    client: Annotated[
        str, typer.Option(metavar="CLIENT", help="For this client of the ISP alone, by its subscriber id.")
    ] = "",
    as_of: AsOf = None,
    as_json: AsJson = False,
    actor: Annotated[str, typer.Option(hidden=True)] = "operator",
) -> None:
    """Extend the deadline (for all, an ISP or one client), on a simulated home only; in production Airflow's form
    does."""
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline import extension
    from vpn_registry.pipeline.exchange import open_exchange

    exchange = open_exchange(settings.load(), open_sftp=no_sftp, as_of=as_of)
    only_simulated(exchange.registry, "extend", "run the DAG extend_deadline in Airflow")
    refuse_words("source", source, "--source is empty; it is kept with what you do")
    if reason:
        refuse_words("reason", reason, "--reason is empty; leave it out, or say why")
    try:
        added = extension.enter(
            exchange, ends_on.date(), source=source, reason=reason, actor=actor, isp=isp or "", client=client
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    if as_json:
        entry = {"version": added.version, "ends_on": added.ends_on.isoformat(), "isp": added.isp}
        typer.echo(json.dumps({**entry, "client": client, "source": source}, ensure_ascii=False))
        return
    whose = f" for client {client} of {isp}" if client else f" for {isp}" if isp else ""
    told = "the ISP hears it with the next run, if it was told" if isp else "ISPs hear it with the next run, if told"
    typer.echo(f"The deadline{whose} is {added.ends_on:%d %B %Y}; {told} another date.")


def _known_stage(stage: str | None) -> None:
    from vpn_registry import notices

    forms = notices.load_letters().forms
    if stage is not None and stage not in forms:
        raise typer.BadParameter(f"{stage!r} is no stage; there are {', '.join(forms)}")
