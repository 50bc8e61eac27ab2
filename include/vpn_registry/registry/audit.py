"""The audit trail: events in the transaction of what they tell, sealed into a hash chain afterwards.

Sealing comes after the commit and by one sealer, so that no writer waits for another. A detail holds ids and counts
only, never a person's data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import String, Text, cast, exists, func, insert, select, type_coerce
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from vpn_registry.model import iso_utc
from vpn_registry.registry.behind import run_of, told
from vpn_registry.registry.home import Registry
from vpn_registry.registry.locks import hold_audit_chain
from vpn_registry.registry.tables import AuditEventRow, AuditSealRow
from vpn_registry.registry.times import STORED_MOMENT

START: Final = "0" * 64
"""What the first link of the chain stands on."""

SCHEME: Final = 2
"""How new links are made: over the stored text of every column, to the last byte. Links of scheme 1 stand on seconds
and on the detail's meaning; they are still proved as they were made."""

LONGEST: Final = timedelta(days=7)
"""No transaction lasts so long. Sealing looks no further back, so that it takes no longer as the trail grows."""

_EVENT: Final = (
    AuditEventRow.id,
    type_coerce(AuditEventRow.happened_at, String).label("happened_at"),
    AuditEventRow.actor,
    AuditEventRow.action,
    AuditEventRow.object_type,
    AuditEventRow.object_id,
    cast(AuditEventRow.detail, Text).label("detail"),
)
"""An event as it is stored: SQLite gives a moment as its text, PostgreSQL as a moment."""


_UNSEALED: Final = ~exists().where(AuditSealRow.event_id == AuditEventRow.id).correlate(AuditEventRow)
"""An event without a link. By NOT EXISTS: of NOT IN PostgreSQL walks through all links again for each event, as soon as
these don't fit into its memory."""


@dataclass(frozen=True, slots=True)
class Chain:
    """What a walk along the chain found: how many links hold, its head, and the tail that is not sealed yet.

    `broken_at` is the first event that is changed, missing or swapped; None when all hold. `is_cut_off`: the chain ends
    before a head that was published.
    """

    sealed: int
    head: str
    unsealed: int
    oldest_unsealed_at: datetime | None
    broken_at: int | None
    is_cut_off: bool = False


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
    """Insert one event; it exists if and only if the transaction of `db` commits. It names the DAG run behind it."""
    db.execute(
        insert(AuditEventRow).values(
            happened_at=at,
            actor=actor,
            action=action,
            object_type=object_type,
            object_id=object_id,
            detail={**detail, **told(run_of(db))},
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
        waiting = select(*_EVENT).where(AuditEventRow.id > _settled(db, at), _UNSEALED)
        events = db.execute(waiting.order_by(AuditEventRow.id)).all()
        made = []
        for event in events:
            position += 1
            link = make_link(previous, event, SCHEME, at)
            made.append(
                {
                    "id": position,
                    "event_id": event.id,
                    "previous_sha256": previous,
                    "sha256": link,
                    "scheme": SCHEME,
                    "sealed_at": at,
                }
            )
            previous = link
        if made:
            db.execute(insert(AuditSealRow), made)
    return len(made)


def _settled(db: Session, at: datetime) -> int:
    """An id up to which no event can come to be any more that has no link yet: whoever got a lower one got it earlier,
    and has ended since."""
    long_ago = select(AuditSealRow.event_id).where(AuditSealRow.sealed_at < at - LONGEST)
    return db.scalar(long_ago.order_by(AuditSealRow.id.desc()).limit(1)) or 0


def head(db: Session) -> tuple[int, str]:
    """How many events are sealed, and the last link of the chain: whoever keeps it can prove a later change."""
    last = select(AuditSealRow.id, AuditSealRow.sha256).order_by(AuditSealRow.id.desc()).limit(1)
    row = db.execute(last).one_or_none()
    return (0, START) if row is None else (row.id, row.sha256)


def tail(db: Session) -> tuple[int, datetime | None]:
    """How many events are not sealed yet, and when the oldest of them happened."""
    count, oldest_at = db.execute(
        select(func.count(), func.min(AuditEventRow.happened_at)).select_from(AuditEventRow).where(_UNSEALED)
    ).one()
    return count, oldest_at


def last_at(db: Session) -> datetime | None:
    """When the newest event happened."""
    return db.scalar(select(AuditEventRow.happened_at).order_by(AuditEventRow.id.desc()).limit(1))


def verify(db: Session, published: tuple[int, str] | None = None) -> Chain:
    """Walk the chain from its start; `published` is a head that was told before: its position, and its link.

    Without one, nothing tells that the last links were cut off with their events: the daily report publishes a head.
    """
    count, oldest = tail(db)
    previous, position = START, 0
    try:
        for link in links(db):
            if not _holds(link, previous, position + 1):
                return Chain(position, previous, count, oldest, link.sealed_event_id)
            position, previous = position + 1, link.sha256
            if published is not None and published[0] == position and published[1] != previous:
                return Chain(position - 1, previous, count, oldest, link.sealed_event_id)
    except DBAPIError:  # what is stored there is no text any more
        broken_at = db.scalar(select(AuditSealRow.event_id).where(AuditSealRow.id == position + 1))
        return Chain(position, previous, count, oldest, broken_at or position + 1)
    if published is not None and published[0] > position:
        return Chain(position, previous, count, oldest, None, is_cut_off=True)
    return Chain(position, previous, count, oldest, None)


def links(db: Session) -> Any:
    """The links in order, each with its event as it is stored, nothing where that is missing."""
    query = select(
        AuditSealRow.id.label("position"),
        AuditSealRow.event_id.label("sealed_event_id"),
        AuditSealRow.previous_sha256,
        AuditSealRow.sha256,
        AuditSealRow.scheme,
        type_coerce(AuditSealRow.sealed_at, String).label("sealed_at"),
        *_EVENT,
    )
    joined = query.outerjoin(AuditEventRow, AuditEventRow.id == AuditSealRow.event_id)
    return db.execute(joined.order_by(AuditSealRow.id))


def _holds(link: Any, previous: str, position: int) -> bool:
    if link.id is None or link.position != position or link.previous_sha256 != previous:
        return False
    try:
        return bool(link.sha256 == make_link(previous, link, link.scheme, link.sealed_at))
    except (ValueError, TypeError, AttributeError):  # a moment or a detail that is none any more
        return False


def make_link(previous: str, event: Any, scheme: int, sealed_at: Any = None) -> str:
    """SHA-256 over the link before, the event, and when it was sealed, by one of the two schemes."""
    told = [event.id, _moment(event.happened_at), event.actor, event.action, event.object_type, event.object_id]
    if scheme == SCHEME:
        text = json.dumps([*told, event.detail, _moment(sealed_at)], separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(f"{previous}{text}".encode()).hexdigest()
    names = ("id", "happened_at", "actor", "action", "object_type", "object_id")
    happened_at = iso_utc(datetime.fromisoformat(f"{told[1]}+00:00"))
    meant = dict(zip(names, told, strict=True)) | {"happened_at": happened_at, "detail": json.loads(event.detail)}
    text = json.dumps(meant, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{previous}{text}".encode()).hexdigest()


def _moment(stored: Any) -> str:
    """A moment as SQLite stores it, so that both databases seal the same."""
    return stored if isinstance(stored, str) else stored.astimezone(UTC).strftime(STORED_MOMENT)
