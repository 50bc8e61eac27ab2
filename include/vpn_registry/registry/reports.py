"""What the daily report tells of deliveries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from vpn_registry.model import Feed, Mode, Outcome, ZoneFolder
from vpn_registry.registry.tables import DeliveryRow, ValidationResultRow


@dataclass(frozen=True, slots=True)
class Judged:
    """One delivery that was judged; `feed`, `mode` and `seq` are None when its name could not be read."""

    id: int
    isp: str
    feed: Feed | None
    mode: Mode | None
    seq: int | None
    outcome: Outcome
    rows_total: int | None
    rows_rejected: int | None
    counts_by_code: dict[str, Any]


def judged_since(db: Session, since: datetime) -> list[Judged]:
    """The deliveries to `incoming/` judged at or after a moment, in their last revision, by ISP and number."""
    names = [name for name in Judged.__slots__ if name != "counts_by_code"]
    query = (
        select(*(getattr(DeliveryRow, name) for name in names), ValidationResultRow.counts_by_code)
        .join(
            ValidationResultRow,
            and_(
                ValidationResultRow.delivery_id == DeliveryRow.id, ValidationResultRow.revision == DeliveryRow.revision
            ),
        )
        .where(DeliveryRow.judged_at >= since, DeliveryRow.folder == ZoneFolder.INCOMING)
        .order_by(DeliveryRow.isp, DeliveryRow.id)
    )
    rows: Any = db.execute(query)  # a select of so many columns is not typed
    return [Judged(*row) for row in rows]
