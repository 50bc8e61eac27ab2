"""Commands about cases: cases, decide."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from vpn_registry import settings, terminal
from vpn_registry.cli.options import AsJson, day
from vpn_registry.model import ConfigurationError

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
        date | None, typer.Option(parser=day, metavar="DATE", help="The last day on which an exemption holds.")
    ] = None,
    actor: Annotated[str, typer.Option(hidden=True)] = "operator",
) -> None:
    """Decide a case, or decide it anew, on a simulated home only; in production Airflow's form does."""
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline import decisions
    from vpn_registry.pipeline.exchange import open_exchange
    from vpn_registry.registry.cases import DecisionRefusedError

    exchange = open_exchange(settings.load(), open_sftp=no_sftp)
    if not exchange.registry.is_simulated:
        raise ConfigurationError("vpnreg decide is for simulated homes; here run the DAG decide_case in Airflow.")
    try:
        decided = decisions.decide(exchange, case, outcome=outcome, reason=reason, actor=actor, until=until)
    except DecisionRefusedError as refused:
        raise typer.BadParameter(str(refused)) from None
    typer.echo(f"Case {case} ({decided.kind} {decided.subject} of {decided.isp}): {outcome}.")
    typer.echo("Answers and statuses follow with the next run.")
