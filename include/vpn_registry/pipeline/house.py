"""Keeping the house: what is kept too long goes, and the audit trail is looked over (contract sections 4, 6)."""

from __future__ import annotations

import logging
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vpn_registry.model import ZoneFolder, iso_utc
from vpn_registry.pipeline import backup as backups
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, erasure, outgoing
from vpn_registry.registry.audit import Chain
from vpn_registry.retention import Kept, Rule, load_retention

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

ACTOR: Final = "keep_house"
_STORED: Final = {Kept.CHECKS: ZoneFolder.CHECK, Kept.DELIVERIES: ZoneFolder.INCOMING}
"""The classes of stored bytes, by the folder the deliveries came from."""
_GRACE_SECONDS: Final = 3600.0
"""Bytes that were stored so lately may belong to a delivery that another process has not committed yet."""


class BrokenChainError(Exception):
    """The audit chain does not hold: somebody changed, removed or swapped an event behind the registry's back."""


def verify_audit(exchange: Exchange) -> Chain:
    """Walk the audit chain. Raises BrokenChainError, which names the first bad event."""
    with exchange.registry.reading() as db:
        chain = audit.verify(db)
    if chain.broken_at is not None:
        raise BrokenChainError(
            f"The audit chain breaks at event {chain.broken_at}; {chain.sealed} events before it hold."
            " Nothing is erased until somebody has looked."
        )
    return chain


def due(exchange: Exchange) -> dict[Rule, int]:
    """Each class and how much of it has had its time now; changes nothing."""
    now, rules = exchange.now(), load_retention()
    with exchange.registry.reading() as db:
        counts = {kept: erasure.due(db, kept, rules[kept].before(now)) for kept in erasure.ERASED}
        counts |= {kept: len(_bytes_due(exchange, db, kept, now)) for kept in _STORED}
        counts[Kept.BACKUPS] = len(_backups_due(exchange))
        counts[Kept.ANSWERS] = sum(outgoing.isps_with_old_files(db, rules[Kept.ANSWERS].before(now)).values())
    return {rule: counts[kept] for kept, rule in rules.items()}


def erase(exchange: Exchange, *, is_dry: bool = False) -> dict[str, int]:
    """Erase what has had its time, one transaction and one audit event a class; how much by class.

    Stops with the class it fails at, and may be repeated. A dry run only counts. Answers leave the zones one ISP at a
    time (`outgoing.remove_old_answers`) and are only counted here.
    """
    counts = {}
    for rule, count in due(exchange).items():
        is_left = is_dry or not count or rule.kept is Kept.ANSWERS
        counts[rule.kept.value] = count if is_left else _erase_class(exchange, rule)
    return counts


def _erase_class(exchange: Exchange, rule: Rule) -> int:
    now = exchange.now()
    gone: dict[str, dict[int, ZoneFolder]] = {}
    with exchange.registry.writing() as db:
        if rule.kept is Kept.BACKUPS:
            count = _delete_backups(exchange)
        elif rule.kept in erasure.ERASED:
            count = erasure.erase(db, rule.kept, rule.before(now), at=now)
        else:
            gone = _bytes_due(exchange, db, rule.kept, now)
            erasure.record_discards(db, [one for deliveries in gone.values() for one in deliveries], at=now)
            count = len(gone)
        record_erasure(db, rule, count, now)
    # After the commit: bytes whose going is noted are deleted by the next night's run when this one dies here.
    for sha256 in gone:
        exchange.landing.discard(sha256, put_before=_put_before(exchange))
    log.info("%s: %d erased.", rule.kept, count)
    return count


def backup(exchange: Exchange) -> str:
    """Make the nightly backup; its name, or '' when no folder is set for them."""
    folder = exchange.registry.settings.backups
    return backups.make(exchange, folder).name if folder is not None else ""


def _backups_due(exchange: Exchange) -> list[Path]:
    """Backups bear the real time also on a simulated home, and so go by it."""
    before = load_retention()[Kept.BACKUPS].before(exchange.registry.real_now())
    return backups.over(exchange.registry.settings.backups, before)


def _delete_backups(exchange: Exchange) -> int:
    due = _backups_due(exchange)
    for path in due:
        shutil.rmtree(path)
    return len(due)


def _bytes_due(exchange: Exchange, db: Session, kept: Kept, now: datetime) -> dict[str, dict[int, ZoneFolder]]:
    """Bytes that lie in the landing store and had their time; those that ever came to `incoming/` count as such."""
    rules = load_retention()
    found = erasure.bytes_due(db, {folder: rules[one].before(now) for one, folder in _STORED.items()})
    return {
        sha256: deliveries
        for sha256, deliveries in found.items()
        if sha256 in exchange.landing and (ZoneFolder.INCOMING in deliveries.values()) == (kept is Kept.DELIVERIES)
    }


def _put_before(exchange: Exchange) -> float:
    """A simulated home is worked on by one process, and its days pass in seconds."""
    now = exchange.registry.real_now().timestamp()
    return now if exchange.registry.is_simulated else now - _GRACE_SECONDS


def record_erasure(db: Session, rule: Rule, count: int, at: datetime) -> None:
    """One audit event: how much of the class was erased by which rule."""
    audit.record(
        db,
        actor=ACTOR,
        action="erase",
        object_type="retention",
        object_id=rule.kept.value,
        detail={"count": count, "days": rule.days, "before": iso_utc(rule.before(at))},
        at=at,
    )
