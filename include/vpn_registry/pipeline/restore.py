"""From a backup to a working registry, and what happened after the backup made good from the journal."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from vpn_registry.model import ConfigurationError
from vpn_registry.pipeline import backup as backups
from vpn_registry.pipeline import taking
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, copies, erasure, home, ledger, recovery
from vpn_registry.registry.keys import KeyRing
from vpn_registry.settings import Settings


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did and what is left for people.

    `again`: files taken after the backup that are judged anew from the landing store; `lost`: those whose bytes are
    gone, to be asked for again; `uncertain`: notices that were sent after the backup; `missing`: deliveries without
    stored bytes though their time is not over; `knows_after`: whether a journal outlived the database, so that all
    this is known; `broken_at`: the first bad event of the audit chain, None when it holds.
    """

    made_at: str
    again: list[str]
    lost: list[str]
    uncertain: list[str]
    missing: list[int]
    knows_after: bool
    broken_at: int | None


def restore(settings: Settings, folder: Path, open_it: Callable[[], Exchange], *, replace: bool) -> Restored:
    """Put the newest backup of `folder` (or the backup `folder`) in place and make good what it doesn't know.

    Nothing may work on the registry meanwhile. Without `replace` only an empty home is filled. Stored files and a
    journal that lie in the home stay: they are newer. Raises ConfigurationError when there is no backup, the key file
    is missing or another one, or the backup is of a newer schema.
    """
    backup = backups.newest(folder)
    if backup is None:
        raise ConfigurationError(f"{folder}: there is no backup in this folder.")
    manifest = backups.manifest_of(backup)
    KeyRing.load(settings.key_file)  # before anything is touched: without it the copy can't be read
    if manifest["schema"] > home.schema():
        raise ConfigurationError(
            f"{backup}: the backup is of schema {manifest['schema']}, this version knows {home.schema()};"
            " restore it with the version that made it."
        )
    if not replace and not copies.is_empty(settings):
        raise ConfigurationError("The registry's database is not empty; --replace puts the backup in its place.")
    copies.read_copy(settings, backup / manifest["database"])
    _bring_back(backup / backups.LANDING, settings.landing)
    journal = backup / backups.JOURNAL
    knows_after = settings.journal.exists()
    if journal.exists() and not knows_after:
        settings.journal.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(journal, settings.journal)
        settings.journal.chmod(0o600)
    home.upgrade(settings)
    return _make_good(open_it(), manifest, backup.name, knows_after=knows_after)


def _make_good(exchange: Exchange, manifest: dict[str, Any], name: str, *, knows_after: bool) -> Restored:
    registry, now = exchange.registry, exchange.now()
    again, lost = _take_again(exchange)
    with registry.writing() as db:
        for entry in exchange.journal.entries("numbers"):
            recovery.raise_counters(db, entry["issued"])
        sent = [entry for entry in exchange.journal.entries("sending") if recovery.sent_later(db, entry)]
        for entry in sent:
            recovery.mark_uncertain(db, entry, at=now)
        uncertain = sorted({entry["notice_no"] for entry in sent})
        detail = {"again": len(again), "lost": len(lost), "uncertain": uncertain, "knows_after": knows_after}
        audit.record(
            db, actor="restore", action="restore", object_type="registry", object_id=name, detail=detail, at=now
        )  # fmt: skip
    with registry.reading() as db:
        gone = erasure.discarded(db)
        missing = [
            one.id for one in ledger.stored(db) if one.id not in gone and str(one.sha256) not in exchange.landing
        ]
        broken_at = audit.verify(db).broken_at
    return Restored(manifest["made_at"], again, lost, uncertain, missing, knows_after, broken_at)


def _take_again(exchange: Exchange) -> tuple[list[str], list[str]]:
    """Enter deliveries that the journal knows and the ledger doesn't, as if they had just been copied."""
    again, lost = [], []
    for entry in exchange.journal.entries("received"):
        with exchange.registry.reading() as db:
            if recovery.is_known(db, entry):
                continue
        if entry["sha256"] not in exchange.landing:
            lost.append(f"{entry['isp']} {entry['folder']}/{entry['file_name']}")
            continue
        with exchange.registry.writing() as db:
            delivery = recovery.claim_again(db, entry)
        received_at = datetime.fromisoformat(entry["at"])
        taking.record_stored(
            exchange, delivery, delivery.claim_no, entry["sha256"], entry["declared_sha256"], received_at=received_at
        )
        with exchange.registry.writing() as db:
            ledger.source_removed(db, delivery.id)
        again.append(f"{entry['isp']} {entry['folder']}/{entry['file_name']}")
    return again, lost


def _bring_back(source: Path, target: Path) -> None:
    for path in sorted(source.glob("??/*.enc")):
        place = target / path.parent.name / path.name
        if not place.exists():
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copy2(path, place)
