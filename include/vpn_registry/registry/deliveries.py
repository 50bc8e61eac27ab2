"""Rows of the ledger as `model.Delivery`, and the one conditional update that moves them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, CursorResult, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import Delivery, DeliveryName, DeliveryState, Feed
from vpn_registry.registry.tables import DeliveryRow


class Fenced(Exception):  # noqa: N818 - reads as what happened: `except Fenced`; until 2027-12-31
    """Somebody else has claimed this delivery since: the late worker must stop and leave it alone."""


_NAMED: Final = 500
_COLUMNS: Final = (
    DeliveryRow.id,
    DeliveryRow.isp,
    DeliveryRow.folder,
    DeliveryRow.file_name,
    DeliveryRow.state,
    DeliveryRow.size_bytes,
    DeliveryRow.mtime,
    DeliveryRow.first_listed_at,
    DeliveryRow.claim_no,
    DeliveryRow.sha256,
    DeliveryRow.declared_sha256,
    DeliveryRow.received_at,
    DeliveryRow.feed,
    DeliveryRow.mode,
    DeliveryRow.name_isp,
    DeliveryRow.content_on,
    DeliveryRow.seq,
    DeliveryRow.ext,
    DeliveryRow.owns_number,
    DeliveryRow.outcome,
    DeliveryRow.revision,
)

# Only for the order before the name is read; what a readable name is, the rulebook says.
_ORDER: Final = re.compile(r"_(registrations|clients|responses)_(?:full|delta)_[0-9]{8}_([0-9]{4,6})\.")


def find(db: Session, *conditions: ColumnElement[bool]) -> list[Delivery]:
    """The deliveries that meet all conditions, in the order in which they are worked on: feed, number, name."""
    rows = db.execute(select(*_COLUMNS).where(*conditions)).all()
    return sorted((_delivery(row) for row in rows), key=work_order)


def stored(db: Session) -> list[Delivery]:
    """Every delivery whose bytes were stored."""
    return find(db, DeliveryRow.sha256.is_not(None))


def get(db: Session, delivery_id: int) -> Delivery:
    """One delivery; LookupError when there is none of this id."""
    found = find(db, DeliveryRow.id == delivery_id)
    if not found:
        raise LookupError(f"there is no delivery {delivery_id}")
    return found[0]


def work_order(delivery: Delivery) -> tuple[str, int, str, int]:
    """Sort key: feed, sequence number, file name, id; unreadable names come last."""
    match = _ORDER.search(delivery.file_name)
    if match is None:
        return "~", 0, delivery.file_name, delivery.id
    return match[1], int(match[2]), delivery.file_name, delivery.id


def advance(db: Session, delivery_id: int, claim_no: int, expected: DeliveryState, **values: Any) -> None:
    """Change a delivery that is in state `expected` under the caller's claim; raises Fenced when it no longer is."""
    result = db.execute(
        update(DeliveryRow)
        .where(DeliveryRow.id == delivery_id, DeliveryRow.claim_no == claim_no, DeliveryRow.state == expected)
        .values(**values)
    )
    if changed_rows(result) != 1:
        raise Fenced(f"delivery {delivery_id} is no longer {expected.value} under claim {claim_no}")


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """So few at a time that a statement can name them one by one."""
    for start in range(0, len(ids), _NAMED):
        yield ids[start : start + _NAMED]


def changed_rows(result: Any) -> int:
    """How many rows a statement changed."""
    return result.rowcount if isinstance(result, CursorResult) else 0


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row.id,
        isp=row.isp,
        folder=row.folder,
        file_name=row.file_name,
        state=row.state,
        size_bytes=row.size_bytes,
        mtime=row.mtime,
        first_listed_at=row.first_listed_at,
        claim_no=row.claim_no,
        sha256=row.sha256,
        declared_sha256=row.declared_sha256,
        received_at=row.received_at,
        name=_name(row),
        owns_number=row.owns_number,
        outcome=row.outcome,
        revision=row.revision,
    )


def _name(row: Any) -> DeliveryName | None:
    if row.feed is None:
        return None
    return DeliveryName(
        text=row.file_name,
        isp=row.name_isp,
        feed=Feed(row.feed),
        mode=row.mode,
        content_on=row.content_on,
        seq=row.seq,
        ext=row.ext,
    )
