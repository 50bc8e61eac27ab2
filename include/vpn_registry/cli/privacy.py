"""The command that answers a person who asks what is held about him: subject."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from vpn_registry import settings
from vpn_registry.cli.look import audit_read, show_or_write
from vpn_registry.cli.options import known_isp, refuse_words
from vpn_registry.model import iso_utc

commands = typer.Typer()


@commands.command()
def subject(
    isp: Annotated[str, typer.Argument(metavar="ISP")],
    subscriber_id: Annotated[str, typer.Argument(metavar="SUBSCRIBER_ID")],
    reason: Annotated[str, typer.Option(help="Who asked, and by what right; kept in the audit trail.")],
    reveal: Annotated[bool, typer.Option("--reveal", help="Show cnic and other_id.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file (mode 0600) instead of the screen.")
    ] = None,
) -> None:
    """Everything that is held about one client, where it came from, and who has read it, as one JSON document."""
    from vpn_registry.registry import home
    from vpn_registry.registry import subject as held

    refuse_words("reason", reason, "say in --reason who asked; it is kept in the audit trail")
    known_isp(isp)
    registry = home.open_home(settings.load())
    # Before anything is read: this look stands in the trail, and so in the document itself.
    detail = {"isp": isp, "subscriber_id": subscriber_id, "reason": reason, "is_revealed": reveal}
    audit_read(registry, "subject", isp, detail)
    with registry.reading() as db:
        found = held.extract(db, isp, subscriber_id, reveal=registry.keys.decrypt_text if reveal else None)
    if found is None:
        typer.echo(f"Nothing is held about {subscriber_id} of {isp}.", err=True)
        raise typer.Exit(1)
    document = {"as_of": iso_utc(registry.now()), "simulated": registry.is_simulated, **found}
    show_or_write(f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode(), output)
