"""Who filed what, and when it last came: one query each, whatever the number of ISPs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, String, and_, column, literal_column, select, type_coerce, union_all, values
from sqlalchemy.orm import Session

from vpn_registry.model import TAKEN, DeliveryState, Feed, ZoneFolder
from vpn_registry.registry.tables import DeliveryRow

_HELD: Final[ColumnElement[str]] = literal_column("'held'", String)  # as it is written in the index of held files
_OURS: Final = (DeliveryState.SEEN, DeliveryState.CLAIMED, DeliveryState.STORED)


@dataclass(frozen=True, slots=True)
class Filed:
    """One delivery: a client list with the day in its name (`content_on`), or the newest of a feed."""

    delivery_id: int
    content_on: date | None
    received_at: datetime | None


def newest_lists(db: Session, isps: Collection[str]) -> dict[str, Filed]:
    """ISP -> its newest accepted client list: the one with the highest number."""
    found = _highest(db, isps, (Feed.CLIENTS,), DeliveryRow.outcome.in_(TAKEN))
    return {isp: filed for (isp, _), filed in found.items()}


def last_of_feeds(db: Session, isps: Collection[str]) -> dict[tuple[str, Feed], Filed]:
    """(ISP, feed) -> its stored delivery into `incoming/` with the highest number, whatever became of it."""
    return _highest(db, isps, tuple(Feed), DeliveryRow.received_at.is_not(None))


def lists_in_work(db: Session, isps: Collection[str]) -> dict[str, int]:
    """ISP -> the delivery that may be a client list and waits for us: it lies in the zone, or is unjudged, or held for
    a person."""
    delivery = DeliveryRow
    may_be_a_list = delivery.feed.is_(None) | (delivery.feed == Feed.CLIENTS)  # no feed before it is stored
    of_isps = and_(delivery.isp.in_(isps), delivery.folder == ZoneFolder.INCOMING, may_be_a_list)
    # Each half has an index of its own; joined by OR they would be looked for in the whole ledger.
    waiting = [select(delivery.isp, delivery.id).where(of_isps, one)
               for one in (delivery.state.in_(_OURS), delivery.outcome == _HELD)]  # fmt: skip
    found: dict[str, int] = {}
    for isp, delivery_id in db.execute(union_all(*waiting)):
        found[isp] = min(delivery_id, found.get(isp, delivery_id))
    return found


def _highest(
    db: Session, isps: Collection[str], feeds: Sequence[Feed], condition: ColumnElement[bool]
) -> dict[tuple[str, Feed], Filed]:
    """One search in the index of numbers for each ISP and feed: the ledger's length doesn't matter."""
    if not isps:
        return {}
    pairs = [(isp, feed.value) for isp in isps for feed in feeds]
    asked = values(column("isp", String), column("feed", String)).data(pairs).cte("asked")
    delivery = DeliveryRow
    newest = (
        select(delivery.id)
        .where(delivery.isp == asked.c.isp, type_coerce(delivery.feed, String) == asked.c.feed)
        .where(delivery.folder == ZoneFolder.INCOMING, condition)
        .order_by(delivery.seq.desc())
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    # In two steps: a few ids, then their rows. In one, PostgreSQL reads the whole ledger to join it.
    ids = [one for one in db.scalars(select(newest).select_from(asked)) if one is not None]
    query = select(delivery.isp, delivery.feed, delivery.id, delivery.content_on, delivery.received_at)
    rows: Any = db.execute(query.where(delivery.id.in_(ids))) if ids else ()
    return {(one.isp, one.feed): Filed(one.id, one.content_on, one.received_at) for one in rows}
