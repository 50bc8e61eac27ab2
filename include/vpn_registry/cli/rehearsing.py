"""The command that plays a whole campaign: season."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from vpn_registry import settings, terminal
from vpn_registry.cli.options import AsJson

commands = typer.Typer()


@commands.command()
def season(
    start: Annotated[
        int, typer.Option("--from", min=-150, max=30, help="The first day, in days from the deadline.")
    ] = -60,
    end: Annotated[int, typer.Option("--to", min=-150, max=30, help="The last day, in days from the deadline.")] = 7,
    as_json: AsJson = False,
) -> None:
    """A whole campaign against a moving clock: what went to whom and why, and that no client was left out."""
    from vpn_registry.demo import season_report, season_told

    if start >= end:
        raise typer.BadParameter(f"--from {start} is not before --to {end}; both count days from the deadline")
    console = terminal.console(stderr=as_json)
    told = season_told.tell(settings.load(), console, start=start, end=end)
    if as_json:
        typer.echo(json.dumps(season_report.as_json(told), indent=2, ensure_ascii=False))
    else:
        season_report.show(console, told)
    if not told.is_whole:
        raise typer.Exit(1)
