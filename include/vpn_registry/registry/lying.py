"""What lies in a zone and is not taken, and why: told to whoever looks, so that no ISP waits for an answer in vain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, literal, or_, select
from sqlalchemy.orm import Session

from vpn_registry.model import SIDECAR, TEMPORARY, DeliveryState, ZoneFolder
from vpn_registry.registry.listing import OPEN
from vpn_registry.registry.tables import DeliveryRow, IrregularFileRow

PATIENCE: Final = timedelta(days=1)
"""How long an upload may be in progress, a checksum ahead of its file, or a file unreadable, before it is told."""
OVERSIZE: Final = "oversize"
UNREAD: Final = "unread"
REASONS: Final[Mapping[str, str]] = {
    "link": "a link",
    "directory": "a folder",
    "fifo": "a FIFO",
    "socket": "a socket",
    "device": "a device",
    "unknown": "of no kind that the listing tells",
    "name": "a file whose name can't be stored",
    TEMPORARY: "an upload that was not renamed within a day",
    SIDECAR: "a checksum without its file",
    OVERSIZE: "larger than what is taken, as its result says",
    UNREAD: "a file that could not be read for a day",
}
"""Kind -> what comes behind "is"."""
_SLOW: Final = (TEMPORARY, SIDECAR)
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class LeftAlone:
    """One entry of a zone's folder that nobody takes; `delivery_id` where the ledger knows it."""

    isp: str
    folder: ZoneFolder
    file_name: str
    kind: str
    first_listed_at: datetime
    delivery_id: int | None

    @property
    def reason(self) -> str:
        return REASONS[self.kind]


def left_alone(db: Session, now: datetime, isp: str | None = None) -> list[LeftAlone]:
    """What lies in the zones, or in one ISP's, and is not taken, as the last listings saw it; in the order of names."""
    odd, delivery = IrregularFileRow, DeliveryRow
    long_ago = now - PATIENCE
    is_lying = and_(delivery.is_source_removed.is_(False), delivery.state == DeliveryState.ANSWERED)
    questions: tuple[Any, ...] = (
        select(odd.isp, odd.folder, odd.file_name, odd.kind, odd.first_listed_at, literal(None)).where(
            or_(odd.kind.not_in(_SLOW), odd.first_listed_at < long_ago)
        ),
        select(*_file(OVERSIZE)).where(is_lying, delivery.sha256.is_(None)),
        select(*_file(UNREAD)).where(delivery.state.in_(OPEN), delivery.first_listed_at < long_ago),
    )
    found: list[LeftAlone] = []
    for question in questions:
        rows: Any = db.execute(question if isp is None else question.where(question.selected_columns.isp == isp))
        found += [LeftAlone(*row) for row in rows]
    return sorted(found, key=lambda one: (one.isp, one.folder, one.file_name))


def sentences(found: Iterable[LeftAlone]) -> list[str]:
    """`incoming/a.csv is a link`, the first few of a kind by name and the others by their number."""
    by_reason: dict[tuple[ZoneFolder, str], list[LeftAlone]] = {}
    for one in found:
        by_reason.setdefault((one.folder, one.reason), []).append(one)
    told = []
    for (folder, reason), some in by_reason.items():
        told += [f"{folder}/{one.file_name} is {reason}" for one in some[:_NAMED]]
        if len(some) > _NAMED:
            told.append(f"{folder}/ has {len(some) - _NAMED} more of which each is {reason}")
    return sorted(told)


def _file(kind: str) -> tuple[Any, ...]:
    delivery = DeliveryRow
    return (
        delivery.isp, delivery.folder, delivery.file_name, literal(kind), delivery.first_listed_at, delivery.id
    )  # fmt: skip
