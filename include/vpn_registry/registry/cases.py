"""Cases: what a person has to decide. At most one open case of a kind about one subject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from vpn_registry.registry.tables import CaseRow


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


def open_cases(db: Session, isp: str | None = None) -> Sequence[Any]:
    """Open cases, oldest first: id, isp, kind, subject, delivery_id, reason, opened_at."""
    query = select(
        CaseRow.id, CaseRow.isp, CaseRow.kind, CaseRow.subject, CaseRow.delivery_id, CaseRow.reason, CaseRow.opened_at
    ).where(CaseRow.closed_at.is_(None))
    if isp is not None:
        query = query.where(CaseRow.isp == isp)
    return db.execute(query.order_by(CaseRow.opened_at, CaseRow.id)).all()
