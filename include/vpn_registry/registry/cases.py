"""Cases: what a person has to decide. At most one open case of a kind about one subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from vpn_registry.registry.tables import CaseRow

HELD_DELIVERY: Final = "held_delivery"
DISPUTE: Final = "dispute"  # subject: the subscriber id, as for the next
REGISTERED_ELSEWHERE: Final = "registered_elsewhere"


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `subject` is an id of ours or of the ISP's."""

    id: int
    isp: str
    kind: str
    subject: str
    delivery_id: int | None
    reason: str
    opened_at: datetime


_CASE: Final = tuple(getattr(CaseRow, name) for name in Case.__slots__)


def open_case(
    db: Session,
    isp: str,
    kind: str,
    subject: str,
    *,
    reason: str,
    at: datetime,
    delivery_id: int | None = None,
) -> int:
    """Open a case, unless one of the kind is open about the subject; its id. `subject` and `reason` hold ids only."""
    is_open = (CaseRow.isp == isp, CaseRow.kind == kind, CaseRow.subject == subject, CaseRow.closed_at.is_(None))
    found = db.scalar(select(CaseRow.id).where(*is_open))
    if found is not None:
        return found
    opened = insert(CaseRow).values(
        isp=isp, kind=kind, subject=subject, delivery_id=delivery_id, reason=reason, opened_at=at
    )
    return db.scalars(opened.returning(CaseRow.id)).one()


def close_case(db: Session, isp: str, kind: str, subject: str, *, at: datetime) -> None:
    """Close the open case of the kind about the subject, if there is one."""
    is_open = (CaseRow.isp == isp, CaseRow.kind == kind, CaseRow.subject == subject, CaseRow.closed_at.is_(None))
    db.execute(update(CaseRow).where(*is_open).values(closed_at=at))


def open_cases(db: Session, isp: str | None = None) -> list[Case]:
    """Open cases, oldest first."""
    query = select(*_CASE).where(CaseRow.closed_at.is_(None)).order_by(CaseRow.opened_at, CaseRow.id)
    if isp is not None:
        query = query.where(CaseRow.isp == isp)
    return [Case(*row) for row in db.execute(query)]
