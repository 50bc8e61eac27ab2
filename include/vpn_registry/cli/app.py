"""The commands and what they share: how an instant is read, how errors of configuration end a command."""

from __future__ import annotations

import gc
import sys
from typing import Final

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
    letters,
    look,
    privacy,
    rebuilding,
    rehearsing,
    work,
)
from vpn_registry.model import ConfigurationError

_RARELY: Final = 10_000
"""New objects between two collections: loading makes a million that stay, and the usual 700 cost a tenth of a look."""

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
    letters.commands,
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
    """Entry point of the `vpnreg` script; wrong usage and wrong settings end it with one sentence and exit code 2."""
    gc.set_threshold(_RARELY)
    try:
        _refuse_other_encodings(sys.argv)
        sys.exit(app(prog_name="vpnreg", standalone_mode=False))
    except typer.TyperException as error:
        _complain(_command(error), _sentence(error))
        sys.exit(error.exit_code)
    except ConfigurationError as error:
        _complain("vpnreg", str(error))
        sys.exit(2)


def _refuse_other_encodings(arguments: list[str]) -> None:
    """Raise ConfigurationError for an argument that no database, file or screen of ours could take."""
    try:
        "".join(arguments).encode()
    except UnicodeEncodeError:
        raise ConfigurationError("an argument is no text in UTF-8.") from None


def _command(error: typer.TyperException) -> str:
    """`vpnreg approve`: the command that was wrongly used, as far as it was understood."""
    context = getattr(error, "ctx", None)
    return "vpnreg" if context is None else str(context.command_path)


def _sentence(error: typer.TyperException) -> str:
    """What is wrong, without the parser's own words; '' where the help has been shown instead."""
    told = error.format_message().removeprefix("Invalid value: ").replace("Value error, ", "")
    return told if not told or told.endswith((".", "?")) else f"{told}."


def _complain(command: str, sentence: str) -> None:
    if sentence:
        terminal.console(stderr=True).print(f"{command}: {sentence}", style="red", markup=False, highlight=False)
