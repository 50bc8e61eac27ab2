"""The command that lays out what validation found for the data team: docs."""

from __future__ import annotations

from typing import Annotated

import typer

from vpn_registry import settings
from vpn_registry.cli.options import Isp, known_isp

commands = typer.Typer()


@commands.command()
def docs(
    isp: Isp = None,
    last: Annotated[int, typer.Option(min=1, max=1_000, help="How many of the newest verdicts.")] = 50,
) -> None:
    """Great Expectations' pages on the newest verdicts, in the home's `data_docs/`; they hold counts, no identifier."""
    from vpn_registry.registry import home, judgements
    from vpn_registry.validation import data_docs

    known_isp(isp)
    here = settings.load()
    registry = home.open_home(here)
    with registry.reading() as db:
        judged = [data_docs.Judged(*found) for found in judgements.stored_results(db, isp=isp, limit=last)]
    if not judged:
        typer.echo("Nothing has been judged yet.", err=True)
        raise typer.Exit(1)
    try:
        page = data_docs.write(here.home / "data_docs", judged)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    typer.echo(f"{len(judged)} verdicts: {page}")
