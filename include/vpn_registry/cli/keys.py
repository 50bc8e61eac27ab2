"""Commands about the key file: rotate and reencrypt."""

from __future__ import annotations

import typer

from vpn_registry import settings
from vpn_registry.model import counted

commands = typer.Typer(help="The key file.", no_args_is_help=True)


@commands.command()
def rotate() -> None:
    """Add a key that encrypts from now on; keep a copy of the key file right after. `reencrypt` does the rest."""
    from vpn_registry.registry import home, rotation

    here = settings.load()
    keys = rotation.rotate(home.open_home(here))
    typer.echo(f"{here.key_file}: {keys.active} encrypts from now on; copy the file to where its backup lies.")
    typer.echo("What was encrypted before stays readable; `vpnreg keys reencrypt` brings it under the new key.")


@commands.command()
def reencrypt() -> None:
    """Bring identity numbers and stored deliveries under the newest key; may be stopped and repeated at any time."""
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline import rotation
    from vpn_registry.pipeline.exchange import open_exchange

    exchange = open_exchange(settings.load(), open_sftp=no_sftp)
    done = rotation.reencrypt(exchange)
    versions, files = counted(done.versions, "version"), counted(done.files, "stored file")
    typer.echo(f"{versions} and {files} brought under {exchange.registry.keys.active}; everything is now.")
    typer.echo("Earlier keys stay in the file as long as a backup needs them.")
