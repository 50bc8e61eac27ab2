"""What a rebuild starts from: an empty scratch registry, and what the ledger recorded of every merge, in order."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import String, and_, cast, func, insert, select
from sqlalchemy.orm import Session

from vpn_registry.model import TAKEN, Delivery, DeliveryState, ZoneFolder
from vpn_registry.registry import deliveries, home
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import AuditEventRow, DeliveryRow, ValidationResultRow

_MERGING: Final = ("judge", "release")
"""Audit actions of the transactions that merge; the order of their events is the order of the merges of an ISP."""
_CHUNK: Final = 5_000


@dataclass(frozen=True, slots=True)
class Taken:
    """One merge as the ledger recorded it: the delivery in the revision that was merged, and its stored verdict."""

    delivery: Delivery
    judged_at: datetime
    result: dict[str, Any]
    rulebook_version: str

    @property
    def file_codes(self) -> frozenset[str]:
        """Codes of the findings on the file as a whole."""
        return frozenset(str(finding["code"]) for finding in self.result.get("file_findings", ()))


@contextmanager
def scratch(registry: Registry) -> Iterator[Registry]:
    """An empty SQLite registry with the same keys, for the time of the block; it lies in the home, as private."""
    with tempfile.TemporaryDirectory(prefix="rebuild-", dir=registry.settings.home) as folder:
        aside = replace(registry.settings, database_url=f"sqlite:///{folder}/registry.sqlite")
        home.upgrade(aside)
        try:
            yield home.open_home(aside)
        finally:
            engine_for(aside.database_url).dispose()


def taken(db: Session) -> list[Taken]:
    """Every merge, in the order in which they were made."""
    event = (
        select(func.max(AuditEventRow.id))
        .where(
            AuditEventRow.object_type == "delivery",
            AuditEventRow.object_id == cast(DeliveryRow.id, String),
            AuditEventRow.action.in_(_MERGING),
        )
        .correlate(DeliveryRow)
        .scalar_subquery()
    )
    verdict = ValidationResultRow
    recorded = db.execute(
        select(verdict.delivery_id, verdict.judged_at, verdict.result, verdict.rulebook_version)
        .join(DeliveryRow, and_(DeliveryRow.id == verdict.delivery_id, DeliveryRow.revision == verdict.revision))
        .where(DeliveryRow.outcome.in_(TAKEN), DeliveryRow.folder == ZoneFolder.INCOMING)
        .order_by(func.coalesce(event, 0), verdict.judged_at, verdict.delivery_id)
    ).all()
    by_id = {delivery.id: delivery for delivery in deliveries.find(db, DeliveryRow.outcome.in_(TAKEN))}
    return [Taken(by_id[row.delivery_id], row.judged_at, row.result, row.rulebook_version) for row in recorded]


def copy_ledger(db: Session, scratch_db: Session) -> None:
    """Every delivery under its own id, as if each had just been judged and nothing merged."""
    columns = DeliveryRow.__table__.columns
    as_judged = {"state": DeliveryState.JUDGED, "is_closing": False}
    for rows in db.execute(select(*columns).execution_options(yield_per=_CHUNK)).mappings().partitions():
        scratch_db.execute(insert(DeliveryRow), [{**row, **as_judged} for row in rows])
