"""The audit trail: events in the transaction of what they tell, sealed into a hash chain afterwards.

Sealing comes after the commit and by one sealer, so that no writer waits for another. A detail holds ids and counts
only, never a person's data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from vpn_registry.model import iso_utc
from vpn_registry.registry.home import Registry
from vpn_registry.registry.locks import hold_audit_chain
from vpn_registry.registry.tables import AuditEventRow, AuditSealRow

START: Final = "0" * 64
"""What the first link of the chain stands on."""

_EVENT: Final = (
    AuditEventRow.id,
    AuditEventRow.happened_at,
    AuditEventRow.actor,
    AuditEventRow.action,
    AuditEventRow.object_type,
    AuditEventRow.object_id,
    AuditEventRow.detail,
)


@dataclass(frozen=True, slots=True)
class Chain:
    """What a walk along the chain found: how many links hold, its head, and the tail that is not sealed yet.

    `broken_at` is the first event that is changed, missing or swapped; None when all hold.
    """

    sealed: int
    head: str
    unsealed: int
    oldest_unsealed_at: datetime | None
    broken_at: int | None


def record(
    db: Session,
    *,
    actor: str,
    action: str,
    object_type: str,
    object_id: str,
    detail: Mapping[str, Any],
    at: datetime,
) -> None:
    """Insert one event; it exists if and only if the transaction of `db` commits."""
    db.execute(
        insert(AuditEventRow).values(
            happened_at=at,
            actor=actor,
            action=action,
            object_type=object_type,
            object_id=object_id,
            detail=dict(detail),
        )
    )


def happened_since(db: Session, action: str, object_id: str, since: datetime) -> bool:
    """Whether the action happened to the object at or after an instant."""
    found = (
        select(AuditEventRow.id)
        .where(AuditEventRow.action == action, AuditEventRow.object_id == object_id, AuditEventRow.happened_at >= since)
        .limit(1)
    )
    return db.scalar(found) is not None


def actors(db: Session, action: str, object_ids: Collection[str]) -> dict[str, str]:
    """Object -> who did the action to it first, of those objects to which it happened."""
    events = select(AuditEventRow.object_id, AuditEventRow.actor).where(
        AuditEventRow.action == action, AuditEventRow.object_id.in_(object_ids)
    )
    return {row.object_id: row.actor for row in db.execute(events.order_by(AuditEventRow.id.desc()))}


def seal(registry: Registry, at: datetime) -> int:
    """Link every committed event that has no link yet, in the order of ids; how many."""
    with registry.writing() as db:
        hold_audit_chain(db)
        last = db.execute(
            select(AuditSealRow.id, AuditSealRow.sha256).order_by(AuditSealRow.id.desc()).limit(1)
        ).one_or_none()
        position, previous = (last.id, last.sha256) if last else (0, START)
        sealed = select(AuditSealRow.event_id)
        events = db.execute(select(*_EVENT).where(AuditEventRow.id.not_in(sealed)).order_by(AuditEventRow.id)).all()
        links = []
        for event in events:
            position += 1
            link = _link(previous, event)
            links.append(
                {"id": position, "event_id": event.id, "previous_sha256": previous, "sha256": link, "sealed_at": at}
            )
            previous = link
        if links:
            db.execute(insert(AuditSealRow), links)
    return len(links)


def head(db: Session) -> tuple[int, str]:
    """How many events are sealed, and the last link of the chain: whoever keeps it can prove a later change."""
    last = select(AuditSealRow.id, AuditSealRow.sha256).order_by(AuditSealRow.id.desc()).limit(1)
    row = db.execute(last).one_or_none()
    return (0, START) if row is None else (row.id, row.sha256)


def tail(db: Session) -> tuple[int, datetime | None]:
    """How many events are not sealed yet, and when the oldest of them happened."""
    count, oldest_at = db.execute(
        select(func.count(), func.min(AuditEventRow.happened_at)).where(
            AuditEventRow.id.not_in(select(AuditSealRow.event_id))
        )
    ).one()
    return count, oldest_at


def last_at(db: Session) -> datetime | None:
    """When the newest event happened."""
    return db.scalar(select(AuditEventRow.happened_at).order_by(AuditEventRow.id.desc()).limit(1))


def verify(db: Session) -> Chain:
    """Walk the chain from its start."""
    count, oldest = tail(db)
    seals = select(
        AuditSealRow.id.label("position"),
        AuditSealRow.event_id.label("sealed_event_id"),
        AuditSealRow.previous_sha256,
        AuditSealRow.sha256,
        *_EVENT,
    )
    joined = seals.outerjoin(AuditEventRow, AuditEventRow.id == AuditSealRow.event_id)
    previous, position = START, 0
    for seal_ in db.execute(joined.order_by(AuditSealRow.id)):
        position += 1
        is_whole = seal_.id is not None and seal_.position == position and seal_.previous_sha256 == previous
        if not is_whole or seal_.sha256 != _link(previous, seal_):
            return Chain(position - 1, previous, count, oldest, seal_.sealed_event_id)
        previous = seal_.sha256
    return Chain(position, previous, count, oldest, None)


def _link(previous: str, event: Any) -> str:
    """SHA-256 over the link before and the event in canonical JSON."""
    told = {
        "id": event.id,
        "happened_at": iso_utc(event.happened_at),
        "actor": event.actor,
        "action": event.action,
        "object_type": event.object_type,
        "object_id": event.object_id,
        "detail": event.detail,
    }
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}{text}".encode()).hexdigest()
