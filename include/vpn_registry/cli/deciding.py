"""Commands about cases: cases, decide, and mute, which enters one that is decided."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from vpn_registry import settings, terminal
from vpn_registry.cli.options import AsJson, AsOf, day, only_simulated

if TYPE_CHECKING:
    from datetime import datetime

    from vpn_registry.pipeline.exchange import Exchange

commands = typer.Typer()


@commands.command("cases")
def list_cases(as_json: AsJson = False) -> None:
    """What waits for a person's decision: number, kind, ISP, subject, by when, and what may be decided."""
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline import decisions
    from vpn_registry.pipeline.exchange import open_exchange

    found = decisions.waiting(open_exchange(settings.load(), open_sftp=no_sftp))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
        return
    for one in found:
        terminal.show_case(terminal.console(), one)
    if not found:
        typer.echo("No case is open.")


@commands.command()
def decide(
    case: Annotated[int, typer.Argument(metavar="CASE", help="Its number, from `vpnreg cases`.")],
    outcome: Annotated[str, typer.Option(help="What is decided; `vpnreg cases` shows what may be.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the decision. No names or numbers of persons.")],
    until: Annotated[
        date | None,
        typer.Option(parser=day, metavar="DATE", help="The last day on which an exemption or a mute holds."),
    ] = None,
    as_json: AsJson = False,
    actor: Annotated[str, typer.Option(hidden=True)] = "operator",
) -> None:
    """Decide a case, or decide it anew, on a simulated home only; in production Airflow's form does."""
    from vpn_registry.pipeline import decisions
    from vpn_registry.registry.cases import DecisionRefusedError

    exchange = _simulated("decide", "decide_case")
    try:
        decided = decisions.decide(exchange, case, outcome=outcome, reason=reason, actor=actor, until=until)
    except DecisionRefusedError as refused:
        raise typer.BadParameter(str(refused)) from None
    if as_json:
        told = {name: getattr(decided, name) for name in ("kind", "isp", "subject")}
        typer.echo(json.dumps({"case": case, **told, "outcome": outcome, "until": _iso(until)}, ensure_ascii=False))
        return
    about = " ".join(filter(None, [decided.kind, decided.subject, f"of {decided.isp or 'every ISP'}"]))
    typer.echo(f"Case {case} ({about}): {outcome}.")
    typer.echo("Answers, statuses and letters follow with the next run.")


@commands.command()
def mute(
    isp: Annotated[str, typer.Argument(metavar="ISP")],
    until: Annotated[date, typer.Option(parser=day, metavar="DATE", help="The last day; the mute ends by itself.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the mute. No names or numbers of persons.")],
    client: Annotated[
        str, typer.Option(metavar="CLIENT", help="This client of the ISP alone, by its subscriber id.")
    ] = "",
    as_of: AsOf = None,
    as_json: AsJson = False,
    actor: Annotated[str, typer.Option(hidden=True)] = "operator",
) -> None:
    """Keep letters to an ISP, or about one of its clients, back until a day; on a simulated home only."""
    from vpn_registry.pipeline import mutes
    from vpn_registry.registry.cases import DecisionRefusedError

    exchange = _simulated("mute", "mute_notices", as_of)
    try:
        case = mutes.enter(exchange, isp, until, reason=reason, actor=actor, client=client).id
    except DecisionRefusedError as refused:
        raise typer.BadParameter(str(refused)) from None
    if as_json:
        told = {"case": case, "isp": isp, "client": client, "until": _iso(until)}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    whom = f"client {client} of {isp}" if client else isp
    typer.echo(f"No letter speaks of {whom} until {until}: case {case}.")
    typer.echo(f"`vpnreg decide {case} --outcome lift --reason ...` ends it before.")


def _simulated(command: str, dag: str, as_of: datetime | None = None) -> Exchange:
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline.exchange import open_exchange

    exchange = open_exchange(settings.load(), open_sftp=no_sftp, as_of=as_of)
    only_simulated(exchange.registry, command, f"run the DAG {dag} in Airflow")
    return exchange


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
