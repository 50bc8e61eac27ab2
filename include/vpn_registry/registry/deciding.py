"""Which number decided a key last (contract section 3): a current row's own, or a file that speaks for all rows.

A closing full file decides every key of its ISP but those it kept: it names them, or it leaves them out. Were that
written into each of them, a book that is sent again would rewrite every row to say that nothing happened. So
`decided_seq` of a current row is the number that last wrote it, and the newest closing full file decides what is below
it. `content_seq` is written when a key is closed; as long as it is in force, its content is what decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, select
from sqlalchemy.orm import Session, aliased

from vpn_registry.model import Feed
from vpn_registry.registry.tables import DeliveryRow, KeptKeyRow


@dataclass(frozen=True, slots=True)
class Closing:
    """The newest closing full file of one ISP's book; without one its number is below all others."""

    id: int = 0
    seq: int = 0


def newest_closing(db: Session, isp: str, feed: Feed) -> Closing:
    """The closing full file that speaks for all rows of an ISP's book."""
    found = db.execute(_newest(feed).where(DeliveryRow.isp == isp)).one_or_none()
    return Closing() if found is None else Closing(found.id, found.seq)


def closings(feed: Feed) -> Any:
    """Per ISP that has one its newest closing full file (`isp`, `id`, `seq`), to be joined with many ISPs' rows."""
    return _newest(feed).subquery()


def decided_seq(current: Any, key: Any, closing: Any) -> ColumnElement[int]:
    """The number that decided a key: of the columns `current`, and the `id` and `seq` of its ISP's newest `closing`."""
    spoken_for = and_(closing.seq > current.decided_seq, ~is_kept(closing.id, key))
    return case((spoken_for, closing.seq), else_=current.decided_seq)


def content_seq(current: Any, key: Any, closing: Any) -> ColumnElement[int | None]:
    """The number whose content a key shows; NULL when it was never in force."""
    return case((current.is_in_force, decided_seq(current, key, closing)), else_=current.content_seq)


def is_kept(delivery_id: Any, key: Any) -> ColumnElement[bool]:
    """Whether a closing full file named the key in a rejected row only, and so decided nothing about it."""
    kept = select(KeptKeyRow.key).where(KeptKeyRow.delivery_id == delivery_id, KeptKeyRow.key == key)
    return exists(kept.correlate_except(KeptKeyRow))


def _newest(feed: Feed) -> Any:
    delivery, newer = DeliveryRow, aliased(DeliveryRow)
    is_newer = exists().where(newer.isp == delivery.isp, newer.feed == feed, newer.is_closing, newer.seq > delivery.seq)
    return select(delivery.isp, delivery.id, delivery.seq).where(delivery.feed == feed, delivery.is_closing, ~is_newer)
