"""Commands that do the work: demo, run, approve."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from vpn_registry import one_pass, roster, settings, terminal
from vpn_registry.cli.options import AsJson, AsOf, Isp, known_isp
from vpn_registry.model import ConfigurationError

if TYPE_CHECKING:
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
        results = []
        for dag in one_pass.DAGS:
            result = one_pass.run_dag(dag, log)
            results.append(result)
            failed = f": {', '.join(result.failed)} failed" if result.failed else ""
            console.print(f"{dag}: {result.state}{failed}", style="green" if result.is_success else "red", markup=False)
    audit.seal(registry, registry.now())
    if as_json:
        typer.echo(json.dumps([{"dag": r.dag, "state": r.state, "failed": list(r.failed)} for r in results], indent=2))
    else:
        terminal.show_overview(console, overview(open_exchange(here, open_sftp=one_pass.no_sftp)))
    if not all(result.is_success for result in results):
        console.print(f"What happened stands in {log}", markup=False)
        raise typer.Exit(1)


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
    reason: Annotated[str, typer.Option(help="Why the held notices may go out; kept with the approval.")],
    stage: Annotated[str | None, typer.Option(help="Only notices of this stage.")] = None,
    isp: Isp = None,
    actor: Annotated[str, typer.Option(hidden=True)] = "operator",
) -> None:
    """Approve held notices, on a simulated home only; in production Airflow's form does."""
    from vpn_registry.pipeline import notify
    from vpn_registry.registry import home

    registry = home.open_home(settings.load())
    if not registry.is_simulated:
        raise ConfigurationError("vpnreg approve is for simulated homes; here run the DAG approve_notices in Airflow.")
    if not reason.strip():
        raise typer.BadParameter("say why in --reason; it is kept with the approval")
    known_isp(isp)
    approved = notify.approve(registry, actor=actor, reason=reason, stage=stage, isp=isp)
    for number in approved:
        typer.echo(f"{number} approved; it goes out with the next run, if its stage has not lapsed by then.")
    if not approved:
        typer.echo("No notice is held.")
