"""Commands about copies of everything: backup and restore."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vpn_registry import settings
from vpn_registry.one_pass import no_sftp

if TYPE_CHECKING:
    from vpn_registry.pipeline.exchange import Exchange

commands = typer.Typer()

Folder = Annotated[Path, typer.Argument(metavar="DIR")]


@commands.command()
def backup(folder: Folder) -> None:
    """Copy database, stored deliveries and journal into a new folder of DIR; never the key file."""
    from vpn_registry.pipeline import backup as backups

    typer.echo(f"{backups.make(_exchange(), folder)}: a copy of everything but the key file.")


@commands.command()
def restore(
    folder: Folder,
    replace: Annotated[bool, typer.Option("--replace", help="Also where a database stands already.")] = False,
) -> None:
    """Put the newest backup of DIR in place, and tell what it does not know; exit 1 when people must act.

    Stop everything that works on the registry first.
    """
    from vpn_registry.pipeline.restore import Restored
    from vpn_registry.pipeline.restore import restore as put_back

    done: Restored = put_back(settings.load(), folder, _exchange, replace=replace)
    typer.echo(f"The registry stands as it did at {done.made_at}.")
    for name in done.again:
        typer.echo(f"{name}: taken after that; the next run of collect_deliveries judges it from the landing store.")
    for name in done.lost:
        typer.echo(f"{name}: taken after that, and its bytes are gone: ask for it again under the same number.")
    for number in done.uncertain:
        typer.echo(f"{number}: sent after that; it is uncertain now and is never sent again by itself.")
    for delivery in done.missing:
        typer.echo(f"delivery {delivery}: its stored bytes are missing; it can't be replayed.")
    if not done.knows_after:
        typer.echo("No journal outlived the database: compare the relay's log before you switch send_notices on.")
    if done.broken_at is not None:
        typer.echo(f"The audit chain breaks at event {done.broken_at}.")
    if done.lost or done.missing or not done.knows_after or done.broken_at is not None:
        raise typer.Exit(1)


def _exchange() -> Exchange:
    from vpn_registry.pipeline.exchange import open_exchange

    return open_exchange(settings.load(), open_sftp=no_sftp)
