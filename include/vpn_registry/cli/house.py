"""Commands about the installation: db upgrade, isp list and check, audit verify, retention."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from vpn_registry import roster, settings, terminal
from vpn_registry.cli.options import AsJson
from vpn_registry.model import ContactRole, iso_utc

if TYPE_CHECKING:
    from vpn_registry.registry.audit import Chain

commands = typer.Typer()
db = typer.Typer(help="The registry's database.", no_args_is_help=True)
isp = typer.Typer(help="The ISPs as the product reads them.", no_args_is_help=True)
audit = typer.Typer(help="The audit trail.", no_args_is_help=True)


@db.command()
def upgrade() -> None:
    """Bring the database to this version's schema; sets an empty one up, with its key file."""
    from vpn_registry.registry import home

    here = settings.load()
    typer.echo(f"The registry is at schema {home.upgrade(here)}.")


@isp.command("list")
def list_isps(as_json: AsJson = False) -> None:
    """The roster: slug, name, zone, contacts."""
    here = settings.load()
    isps = roster.load_isps(here.isps, here.home)
    if as_json:
        told = [
            {
                "isp": one.slug,
                "name": one.name,
                "sftp": one.sftp,
                "folder": str(one.folder) if one.folder else None,
                "sample": one.sample,
                "contacts": [{"email": contact.email, "role": contact.role} for contact in one.contacts],
                "prefixes": list(one.prefixes),
            }
            for one in isps.values()
        ]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    table = Table("ISP", "name", "zone", "compliance", "escalation", box=None, padding=(0, 2, 0, 0))
    for one in isps.values():
        zone = f"sftp {one.sftp}" if one.sftp else f"folder {one.folder}"
        addresses = [
            ", ".join(contact.email for contact in one.contacts if contact.role is role) for role in ContactRole
        ]
        table.add_row(one.slug, one.name, zone, *addresses)
    terminal.console().print(table)


@isp.command()
def check(as_json: AsJson = False) -> None:
    """What is wrong or missing, one sentence a problem: files, connections, host keys, folders, prefixes, key file."""
    from vpn_registry.cli.onboarding import problems

    isps, found = problems(settings.load())
    if as_json:
        told = [{"isp": problem.isp, "problem": problem.sentence} for problem in found]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
    elif not found:
        typer.echo(f"{len(isps)} ISPs, nothing missing.")
    for problem in () if as_json else found:
        typer.echo(f"{problem.isp}: {problem.sentence}" if problem.isp else problem.sentence)
    if found:
        raise typer.Exit(1)


def _head(text: str) -> tuple[int, str]:
    """A head as the daily report tells it: its position and its link. Raises BadParameter."""
    position, _, link = text.partition(":")
    if not (position.isascii() and position.isdigit() and re.fullmatch(r"[0-9a-f]{64}", link)):
        raise typer.BadParameter(f"{text!r} is no head; the daily report tells it as 1234:9f86d081...")
    return int(position), link


@audit.command()
def verify(
    head: Annotated[
        str | None, typer.Option("--head", metavar="HEAD", help="A published head: nothing up to it may be gone.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the audit chain; exit 1 and the first bad event when it doesn't hold."""
    from vpn_registry.registry import audit as trail
    from vpn_registry.registry import home

    published = None if head is None else _head(head)
    registry = home.open_home(settings.load())
    with registry.reading() as session:
        chain = trail.verify(session, published)
    if as_json:
        typer.echo(json.dumps(_told(chain), indent=2))
    elif chain.broken_at is not None:
        typer.echo(f"The chain breaks at event {chain.broken_at}; {chain.sealed} events before it hold.")
    elif chain.is_cut_off and published is not None:
        typer.echo(f"The chain ends after {chain.sealed} events; the published head stands on {published[0]}.")
    else:
        typer.echo(f"{chain.sealed} events hold; head {chain.head}.")
        since = f", the oldest of {iso_utc(chain.oldest_unsealed_at)}" if chain.oldest_unsealed_at else ""
        typer.echo(f"{chain.unsealed} events are not sealed yet{since}.")
    if chain.broken_at is not None or chain.is_cut_off:
        raise typer.Exit(1)


def _told(chain: Chain) -> dict[str, object]:
    since = chain.oldest_unsealed_at
    return {
        "holds": chain.broken_at is None and not chain.is_cut_off,
        "broken_at": chain.broken_at,
        "is_cut_off": chain.is_cut_off,
        "sealed": chain.sealed,
        "head": chain.head,
        "unsealed": chain.unsealed,
        "oldest_unsealed_at": iso_utc(since) if since else None,
    }


@commands.command()
def retention(as_json: AsJson = False) -> None:
    """How long what is kept, what happens then, and how much is due now; erases nothing (keep_house does)."""
    from vpn_registry.one_pass import no_sftp
    from vpn_registry.pipeline import house
    from vpn_registry.pipeline.exchange import open_exchange

    due = house.due(open_exchange(settings.load(), open_sftp=no_sftp))
    if as_json:
        told = [
            {"class": rule.kept, "days": rule.days, "since": rule.since, "then": rule.then, "why": rule.why, "due": n}
            for rule, n in due.items()
        ]
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    table = Table("class", "days since", "due now", "what happens", box=None, padding=(0, 2, 0, 0))
    for rule, count in due.items():
        table.add_row(rule.kept, f"{rule.days} days since {rule.since}", str(count), rule.then)
    terminal.console().print(table)
