"""The command that proves the registry: rebuild."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from vpn_registry import settings
from vpn_registry.cli.options import AsJson

commands = typer.Typer()


@commands.command()
def rebuild(
    check: Annotated[bool, typer.Option("--check", help="Compare with a replay; nothing is changed.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replay the stored deliveries into a scratch registry and compare; exit 1 when the two differ."""
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline import rebuild as replay
    from vpn_registry.pipeline.exchange import open_exchange

    if not check:
        raise typer.BadParameter("say --check: a registry is compared with its replay, and never replaced by it")
    rebuilt = replay.check(open_exchange(settings.load(), open_sftp=no_sftp))
    if as_json:
        typer.echo(json.dumps({**asdict(rebuilt), "is_equal": rebuilt.is_equal}, indent=2))
    else:
        for one in rebuilt.first:
            typer.echo(f"{one.table} {one.key}: {one.what}")
        counted = ", ".join(f"{count} {table}" for table, count in rebuilt.equal.items())
        typer.echo(f"{rebuilt.deliveries} deliveries replayed; equal: {counted}.")
        if rebuilt.discarded:
            typer.echo(f"Past their retention, and left out with what they touched: {rebuilt.discarded} deliveries.")
        if not rebuilt.is_equal:
            typer.echo(f"Different: {sum(rebuilt.different.values())} rows.")
    if not rebuilt.is_equal:
        raise typer.Exit(1)
