"""`vpnreg doctor`: what is wrong with this installation, one sentence a problem."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from vpn_registry import roster, settings
from vpn_registry.cli.onboarding import LISTED_WITHIN, problems_of
from vpn_registry.cli.options import AsJson
from vpn_registry.model import ConfigurationError, iso_utc
from vpn_registry.one_pass import MAIL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from vpn_registry.registry.home import Registry
    from vpn_registry.roster import Isp
    from vpn_registry.settings import Settings

commands = typer.Typer()

MAILED_WITHIN: Final = timedelta(hours=2)
"""The report of the day is tried each hour."""
SMTP_PORT: Final = 25
CONNECTED_WITHIN: Final = 5.0
FREE_BYTES: Final = 2**30
"""What the home's disk must have left: a large delivery, its answers and a database that grows by them."""
SEALED_WITHIN: Final = timedelta(minutes=30)
ANSWERED_WITHIN: Final = timedelta(minutes=30)
"""How long a taken delivery may be on its way (design.md section 6)."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One problem in a sentence; `about` is settings, registry, disk, clock, connections, zones, mail, audit or
    deliveries."""

    about: str
    sentence: str


@commands.command()
def doctor(as_json: AsJson = False) -> None:
    """What is wrong with this installation, one sentence a problem; exit 1 when there is one. Changes nothing."""
    found = list(troubles())
    if as_json:
        typer.echo(json.dumps([asdict(trouble) for trouble in found], indent=2, ensure_ascii=False))
    elif not found:
        typer.echo("Nothing is wrong.")
    for trouble in () if as_json else found:
        typer.echo(f"{trouble.about}: {trouble.sentence}")
    if found:
        raise typer.Exit(1)


def troubles() -> Iterator[Trouble]:
    """Every problem there is; what needs a registry is left out when it can't be opened."""
    try:
        here = settings.load()
    except ConfigurationError as error:
        yield Trouble("settings", str(error))
        return
    yield from _disk(here.home)
    isps, problems = _roster(here)
    yield from problems
    from vpn_registry.registry import home

    try:
        registry = home.open_home(here)
    except ConfigurationError as error:
        yield Trouble("registry", str(error))
        return
    with registry.reading() as db:
        yield from _deliveries(db, registry.now())
        yield from _zones(db, registry, isps)
        yield from _audit(db, registry)
        if not registry.is_simulated:
            yield from _clock(db, registry.real_now())
            yield from _mail(db, registry.now())


def _mail(db: Session, now: datetime) -> Iterator[Trouble]:
    """A relay that nothing names or that does not answer; mails to the data team that wait for it.

    One that has taken a letter is known to Airflow, wherever it is written down.
    """
    from vpn_registry.registry import glance, office_mails

    waiting = [mail for mail in office_mails.waiting(db) if mail.queued_at < now - MAILED_WITHIN]
    if waiting:
        since = iso_utc(waiting[0].queued_at)
        yield Trouble("mail", f"{len(waiting)} mails to the data team wait since {since}; does the relay take them?")
    named = settings.environment(MAIL)
    if named:
        yield from _relay(named[MAIL])
    elif not glance.has_sent(db):
        yield Trouble(
            "mail",
            f"the environment has no {MAIL}, and no relay has taken a letter yet; Airflow's own database was not looked"
            " at: `airflow connections get smtp_default` on its api-server does that.",
        )


def _relay(connection: str) -> Iterator[Trouble]:
    """Whether anybody listens where the connection says; nothing is said to whoever does."""
    try:
        named = json.loads(connection)
        address = (str(named.get("host") or ""), int(named.get("port") or SMTP_PORT))
    except (ValueError, AttributeError):
        yield Trouble("mail", f"{MAIL} is no JSON object; write the connection in its JSON form.")
        return
    if not address[0]:
        return  # nothing says where to try
    try:
        socket.create_connection(address, CONNECTED_WITHIN).close()
    except OSError as error:
        yield Trouble("mail", f"the relay at {address[0]}, port {address[1]}, does not answer: {error}.")


def _disk(home: Path) -> Iterator[Trouble]:
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        yield Trouble("disk", f"{home} is not a folder that this user can write to.")
        return
    free = shutil.disk_usage(home).free
    if free < FREE_BYTES:
        yield Trouble("disk", f"{home} has {free // 2**20} MiB left; below {FREE_BYTES // 2**20} no file is safe.")


def _roster(here: Settings) -> tuple[Mapping[str, Isp], list[Trouble]]:
    """The ISPs, and what is wrong with the files that people edit."""
    found, isps = [], {}
    try:
        isps = roster.load_isps(here.isps, here.home)
    except ConfigurationError as error:
        found.append(Trouble("settings", str(error)))
    for load in (roster.load_campaign, roster.load_holidays):
        try:
            load()
        except ConfigurationError as error:
            found.append(Trouble("settings", str(error)))
    return isps, found


def _deliveries(db: Session, now: datetime) -> Iterator[Trouble]:
    from vpn_registry.registry import glance

    for row in glance.stuck(db, now - ANSWERED_WITHIN):
        yield Trouble("deliveries", f"{row.isp}: delivery {row.id} is {row.state} since {iso_utc(row.since_at)}.")


def _zones(db: Session, registry: Registry, isps: Mapping[str, Isp]) -> Iterator[Trouble]:
    """Zones whose listing fails; on the real clock also those that nobody lists."""
    from vpn_registry.registry import glance

    watches = glance.watches(db)
    for slug in isps:
        watch = watches.get(slug)
        if watch is not None and watch.failing_since_at is not None:
            yield Trouble("zones", f"{slug}: listing fails since {iso_utc(watch.failing_since_at)}: {watch.error}")
        elif registry.is_simulated:
            continue
        elif watch is None or watch.listed_at is None:
            yield from (Trouble("connections", f"{slug}: {lack}") for lack in problems_of(isps[slug]))
            yield Trouble("zones", f"{slug}: the zone has never been listed; is collect_deliveries paused?")
        elif watch.listed_at < registry.now() - LISTED_WITHIN:
            yield Trouble("zones", f"{slug}: last listed {iso_utc(watch.listed_at)}; is collect_deliveries paused?")


def _audit(db: Session, registry: Registry) -> Iterator[Trouble]:
    from vpn_registry.registry import audit

    count, oldest_at = audit.tail(db)
    if oldest_at is not None and oldest_at < registry.now() - SEALED_WITHIN:
        yield Trouble("audit", f"{count} events are not sealed, the oldest of {iso_utc(oldest_at)}; does a pass run?")


def _clock(db: Session, now: datetime) -> Iterator[Trouble]:
    from vpn_registry.registry import audit

    last_at = audit.last_at(db)
    if last_at is not None and last_at > now + timedelta(minutes=1):
        yield Trouble("clock", f"it is {iso_utc(now)} here, but the registry holds an event of {iso_utc(last_at)}.")
