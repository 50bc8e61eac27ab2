"""Who filed what, and when it last came: one query each, whatever the number of ISPs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import and_, func, select, tuple_
from sqlalchemy.orm import Session

from vpn_registry.model import TAKEN, DeliveryState, Feed, Outcome, ZoneFolder
from vpn_registry.registry.tables import DeliveryRow

_OURS: Final = (DeliveryState.SEEN, DeliveryState.CLAIMED, DeliveryState.STORED)


@dataclass(frozen=True, slots=True)
class Filed:
    """One delivery: a client list with the day in its name (`content_on`), or the last of a feed."""

    delivery_id: int
    content_on: date | None
    received_at: datetime | None


def newest_lists(db: Session, isps: Collection[str]) -> dict[str, Filed]:
    """ISP -> its newest accepted client list: the one with the highest number."""
    delivery = DeliveryRow
    is_list = and_(
        delivery.isp.in_(isps), delivery.feed == Feed.CLIENTS, delivery.folder == ZoneFolder.INCOMING,
        delivery.outcome.in_(TAKEN),
    )  # fmt: skip
    newest = select(delivery.isp, func.max(delivery.seq)).where(is_list).group_by(delivery.isp)
    query = select(delivery.isp, delivery.id, delivery.content_on, delivery.received_at)
    found = db.execute(query.where(is_list, tuple_(delivery.isp, delivery.seq).in_(newest)))
    return {one.isp: Filed(one.id, one.content_on, one.received_at) for one in found}


def last_of_feeds(db: Session, isps: Collection[str]) -> dict[tuple[str, Feed], Filed]:
    """(ISP, feed) -> the delivery into `incoming/` that was stored last, whatever became of it."""
    delivery = DeliveryRow
    last = (
        select(func.max(delivery.id))
        .where(delivery.isp.in_(isps), delivery.folder == ZoneFolder.INCOMING, delivery.feed.is_not(None))
        .where(delivery.received_at.is_not(None))
        .group_by(delivery.isp, delivery.feed)
    )
    query = select(delivery.isp, delivery.feed, delivery.id, delivery.content_on, delivery.received_at)
    rows: Any = db.execute(query.where(delivery.id.in_(last)))
    return {(one.isp, one.feed): Filed(one.id, one.content_on, one.received_at) for one in rows}


def lists_in_work(db: Session, isps: Collection[str]) -> dict[str, int]:
    """ISP -> the delivery that may be a client list and waits for us: it lies in the zone, or is unjudged, or held for
    a person."""
    delivery = DeliveryRow
    waits = delivery.state.in_(_OURS) | (delivery.outcome == Outcome.HELD)
    may_be_a_list = delivery.feed.is_(None) | (delivery.feed == Feed.CLIENTS)  # no feed before it is stored
    of_isps = (delivery.isp.in_(isps), delivery.folder == ZoneFolder.INCOMING)
    query = select(delivery.isp, func.min(delivery.id).label("first")).where(*of_isps, waits, may_be_a_list)
    return {one.isp: one.first for one in db.execute(query.group_by(delivery.isp))}
