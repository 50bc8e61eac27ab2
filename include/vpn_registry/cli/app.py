"""The commands and what they share: how an instant is read, how errors of configuration end a command."""

from __future__ import annotations

import sys

import typer

from vpn_registry import terminal
from vpn_registry.cli import (
    backups,
    checkup,
    deciding,
    documenting,
    extraction,
    files,
    house,
    keys,
    look,
    privacy,
    rebuilding,
    rehearsing,
    work,
)
from vpn_registry.model import ConfigurationError

app = typer.Typer(
    help="National VPN registry: collects ISPs' registrations, compares them with their client lists, sends notices.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for group in (
    work.commands,
    rehearsing.commands,
    deciding.commands,
    look.commands,
    privacy.commands,
    extraction.commands,
    files.commands,
    house.commands,
    checkup.commands,
    documenting.commands,
    backups.commands,
    rebuilding.commands,
):
    app.add_typer(group)
app.add_typer(house.db, name="db")
app.add_typer(house.isp, name="isp")
app.add_typer(house.audit, name="audit")
app.add_typer(keys.commands, name="keys")


def main() -> None:
    """Entry point of the `vpnreg` script."""
    try:
        app()
    except ConfigurationError as error:
        terminal.console(stderr=True).print(f"vpnreg: {error}", style="red", markup=False, highlight=False)
        sys.exit(2)
