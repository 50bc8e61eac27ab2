"""A book as it held on a past day, and as that was known at a past instant (contract section 6).

The two senses are apart: a day is of the files' own dates (`content_on`), an instant of our clock (`learnt_at`). A
correction that arrives late changes what held on the day it describes, and nothing of what was known before it came.
What decides is told in books.py: of all that is known of a day, the highest sequence number.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, exists, false, func, literal, or_, select, union_all
from sqlalchemy.orm import aliased

from vpn_registry.model import PAKISTAN, TAKEN, Feed, ZoneFolder
from vpn_registry.registry.tables import (
    ClientRow,
    ClientVersionRow,
    DeliveryRow,
    DeliveryRowRow,
    KeptKeyRow,
    RegistrationRow,
    RegistrationVersionRow,
)

CLOSING: Final = ("withdraw", "absent")


@dataclass(frozen=True, slots=True)
class Then:
    """Which past is asked for: as it held at the end of the day `on`, as known at `as_of`; None: today, and now."""

    on: date | None = None
    as_of: datetime | None = None

    @property
    def is_past(self) -> bool:
        return self.on is not None or self.as_of is not None

    @property
    def told_by(self) -> datetime | None:
        """The instant of our own records (comparisons, decisions, letters) that answers for this past: the end of the
        day asked for, unless an earlier instant is; None = now."""
        ended = None if self.on is None else datetime.combine(self.on, time.max, PAKISTAN)
        return min((one for one in (ended, self.as_of) if one is not None), default=None)

    def known(self, content_on: Any, learnt_at: Any) -> list[ColumnElement[bool]]:
        """What a file that describes `content_on` and was learnt at `learnt_at` has to fulfil to be told of."""
        told = [] if self.on is None else [content_on <= self.on]
        return told if self.as_of is None else [*told, learnt_at <= self.as_of]


NOW: Final = Then()


def registrations_held(then: Then) -> Any:
    return _held(RegistrationRow, RegistrationVersionRow, RegistrationRow.registration_ref, Feed.REGISTRATIONS, then)


def clients_held(then: Then) -> Any:
    return _held(ClientRow, ClientVersionRow, ClientRow.subscriber_id, Feed.CLIENTS, then)


def _held(current: Any, version: Any, key: Any, feed: Feed, then: Then) -> Any:
    """Per key that was known: current_id, is_in_force, decided_seq, version_id (whose content held), closed_on."""
    told = _told(current, version, key, feed, then)
    place = func.row_number().over(partition_by=told.c.current_id, order_by=told.c.seq.desc())
    opens = ~told.c.is_closing
    opened, late = (
        func.max(case((which, told.c.seq))).over(partition_by=told.c.current_id)
        for which in (opens, and_(opens, told.c.is_overtaken))
    )
    ranked = select(*told.c, place.label("place"), opened.label("opened_seq"), late.label("opened_late_seq")).subquery()
    last = select(*ranked.c).where(ranked.c.place == 1).subquery()
    leaving = _left_out(current, key, feed, then, last)
    closed_on = _closed_on(version, then, last)
    first_on = case((closed_on.is_(None), leaving), (leaving < closed_on, leaving), else_=closed_on)
    is_in_force = and_(~last.c.is_closing, leaving.is_(None))
    return (
        select(
            last.c.current_id,
            is_in_force.label("is_in_force"),
            last.c.seq.label("decided_seq"),
            _content(version, then, last).label("version_id"),
            case((~is_in_force, first_on)).label("closed_on"),
        )
        .select_from(last)
        .join(current, current.id == last.c.current_id)
        .subquery()
    )


def _told(current: Any, version: Any, key: Any, feed: Feed, then: Then) -> Any:
    """Everything that was said of each key, by versions and by rows that only repeated what was in force.

    Repetitions leave no version; they matter where a lower number came after them, which are few keys and ISPs.
    """
    delivery, row, late, full = DeliveryRow, DeliveryRowRow, aliased(version), aliased(DeliveryRow)
    # A withdrawal of what is closed already changes nothing either, but leaves a version.
    has_version = exists().where(late.current_id == current.id, late.delivery_id == row.delivery_id)
    late_fulls = select(full.isp).where(full.feed == feed, full.is_closing, _came_late(full))
    said = (
        select(
            version.current_id,
            version.seq,
            version.action.in_(CLOSING).label("is_closing"),
            version.is_overtaken,
            false().label("is_repeated"),
        )
        .join(delivery, delivery.id == version.delivery_id)
        .where(*then.known(delivery.content_on, version.learnt_at))
    )
    repeated = (
        select(current.id, delivery.seq, false(), false(), literal(1) == 1)
        .select_from(row)
        .join(delivery, and_(delivery.id == row.delivery_id, delivery.revision == row.revision))
        .join(current, and_(current.isp == delivery.isp, key == row.key))
        .where(
            delivery.feed == feed,
            delivery.folder == ZoneFolder.INCOMING,
            delivery.outcome.in_(TAKEN),
            or_(row.effect == "unchanged", row.outcome == "duplicate"),
            ~has_version.correlate(current, row),
            or_(
                current.id.in_(select(late.current_id).where(late.is_overtaken)),
                current.isp.in_(late_fulls),
            ),
            *then.known(delivery.content_on, delivery.judged_at),
        )
    )
    return union_all(said, repeated).subquery()


def _content(version: Any, then: Then, last: Any) -> Any:
    """The version whose content held. A row that repeated what was in force meant no late content."""
    delivery = aliased(DeliveryRow)
    return (
        select(version.id)
        .join(delivery, delivery.id == version.delivery_id)
        .where(
            version.current_id == last.c.current_id,
            version.action.not_in(CLOSING),
            version.seq <= last.c.seq,
            or_(~last.c.is_repeated, ~version.is_overtaken),
            *then.known(delivery.content_on, version.learnt_at),
        )
        .order_by(version.seq.desc())
        .limit(1)
        .correlate(last)
        .scalar_subquery()
    )


def _closed_on(version: Any, then: Then, last: Any) -> Any:
    """The day described by the first file that said of a key in force that it is not."""
    closing, delivery = aliased(version), aliased(DeliveryRow)
    return (
        select(delivery.content_on)
        .join(closing, closing.delivery_id == delivery.id)
        .where(
            closing.current_id == last.c.current_id,
            closing.action.in_(CLOSING),
            closing.seq > func.coalesce(last.c.opened_seq, 0),
            *then.known(delivery.content_on, closing.learnt_at),
        )
        .order_by(closing.seq)
        .limit(1)
        .correlate(last)
        .scalar_subquery()
    )


def _left_out(current: Any, key: Any, feed: Feed, then: Then, last: Any) -> Any:
    """The day of the first closing full file that does not name a key, after the last file that said it is in force.

    Such a file leaves a version of each key that is in force when it comes. It leaves none where a higher number had
    decided by then, or where the key was told of only later: then, and only then, its rows have to be looked through.
    """
    full, row = aliased(DeliveryRow), DeliveryRowRow
    is_named = exists().where(row.delivery_id == full.id, row.revision == full.revision, row.key == key)
    is_kept = exists().where(KeptKeyRow.delivery_id == full.id, KeptKeyRow.key == key)
    return (
        select(full.content_on)
        .where(
            full.isp == current.isp,
            full.feed == feed,
            full.is_closing,
            full.seq > last.c.opened_seq,
            or_(last.c.opened_late_seq == last.c.opened_seq, _came_late(full)),
            ~is_named.correlate(full, current),
            ~is_kept.correlate(full, current),
            *then.known(full.content_on, full.judged_at),
        )
        .order_by(full.seq)
        .limit(1)
        .correlate(current, last)
        .scalar_subquery()
    )


def _came_late(full: Any) -> Any:
    """Whether a higher number of the same series had been taken when this file came."""
    higher = aliased(DeliveryRow)
    return (
        exists()
        .where(
            higher.isp == full.isp,
            higher.feed == full.feed,
            higher.seq > full.seq,
            higher.judged_at <= full.judged_at,
            higher.outcome.in_(TAKEN),
        )
        .correlate(full)
    )
