"""Cases: what a person has to decide. At most one open case of a kind about one subject."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.orm import Session

from vpn_registry.registry.behind import run_of
from vpn_registry.registry.tables import CaseRow, DecisionRow

HELD_DELIVERY: Final = "held_delivery"
DISPUTE: Final = "dispute"  # subject: the subscriber id, as for the next
REGISTERED_ELSEWHERE: Final = "registered_elsewhere"
CONTESTED_ADDRESS: Final = "contested_address"  # subject: the national number of the first who claimed it
UNCERTAIN_MESSAGE: Final = "uncertain_message"  # subject: the message's id
EXTENSION: Final = "extension"  # subject: the later last day, and the client if for one; `isp` is '' if for everybody
DOSSIER: Final = "dossier"  # subject: the deadline whose last notice is over, as `2026/2`
REVIEW: Final = "review"
MUTE: Final = "mute"  # subject: the subscriber id, '' for the whole ISP; decided as it is entered
ABOUT_CLIENTS: Final = (DISPUTE, REGISTERED_ELSEWHERE, REVIEW)
"""The kinds whose subject is a subscriber id."""


class DecisionRefusedError(Exception):
    """This may not be decided; the message is one sentence that says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case; `subject` is an id of ours or of the ISP's, `opened_by` who entered it, '' when no person did."""

    id: int
    isp: str
    kind: str
    subject: str
    delivery_id: int | None
    reason: str
    opened_at: datetime
    opened_by: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, why, and until which day it holds; None = until another decision."""

    outcome: str
    reason: str
    actor: str
    decided_at: datetime
    until_on: date | None


_CASE: Final = tuple(getattr(CaseRow, name) for name in Case.__slots__)
_DECISION: Final = tuple(getattr(DecisionRow, name) for name in Decision.__slots__)


def open_case(
    db: Session,
    isp: str,
    kind: str,
    subject: str,
    *,
    reason: str,
    at: datetime,
    delivery_id: int | None = None,
    opened_by: str = "",
) -> int:
    """Open a case, unless one of the kind is open about the subject; its id. `subject` and `reason` hold ids only."""
    is_open = (CaseRow.isp == isp, CaseRow.kind == kind, CaseRow.subject == subject, CaseRow.closed_at.is_(None))
    found = db.scalar(select(CaseRow.id).where(*is_open))
    if found is not None:
        return found
    opened = insert(CaseRow).values(
        isp=isp, kind=kind, subject=subject, delivery_id=delivery_id, reason=reason, opened_at=at, opened_by=opened_by,
        opened_in=run_of(db),
    )  # fmt: skip
    return db.scalars(opened.returning(CaseRow.id)).one()


def open_uncertain(db: Session, isp: str, notice_no: str, message_id: int, *, at: datetime) -> None:
    """Ask a person what became of a message of which nobody knows whether it arrived."""
    reason = f"Nobody knows whether the relay took a copy of {notice_no}; `vpnreg status` tells its last words."
    open_case(db, isp, UNCERTAIN_MESSAGE, str(message_id), reason=reason, at=at)


def close_case(db: Session, isp: str, kind: str, subject: str, *, at: datetime) -> None:
    """Close the open case of the kind about the subject, if there is one."""
    is_open = (CaseRow.isp == isp, CaseRow.kind == kind, CaseRow.subject == subject, CaseRow.closed_at.is_(None))
    db.execute(update(CaseRow).where(*is_open).values(closed_at=at))


def get_case(db: Session, case_id: int) -> Case | None:
    """One case, open or closed; None when there is none of this id."""
    row = db.execute(select(*_CASE).where(CaseRow.id == case_id)).one_or_none()
    return None if row is None else Case(*row)


def cases_about(db: Session, isp: str, subjects: Iterable[str], kinds: Iterable[str]) -> list[Case]:
    """The cases of these kinds about these subjects, open or closed, oldest first."""
    about = (CaseRow.isp == isp, CaseRow.subject.in_(subjects), CaseRow.kind.in_(kinds))
    return [Case(*row) for row in db.execute(select(*_CASE).where(*about).order_by(CaseRow.id))]


def get_cases(db: Session, case_ids: Iterable[int]) -> list[Case]:
    """These cases, open or closed, oldest first."""
    return [Case(*row) for row in db.execute(select(*_CASE).where(CaseRow.id.in_(case_ids)).order_by(CaseRow.id))]


def decisions_about(
    db: Session, isp: str, subjects: Iterable[str], kinds: Iterable[str], *, and_on: Iterable[int] = ()
) -> list[tuple[Case, Decision]]:
    """What was decided about these subjects and on the cases `and_on`, with the case of each decision, the last one
    first."""
    query = (
        select(*_CASE, *_DECISION)
        .join(DecisionRow, DecisionRow.case_id == CaseRow.id)
        .where(
            or_(
                and_(CaseRow.isp == isp, CaseRow.subject.in_(subjects), CaseRow.kind.in_(kinds)),
                CaseRow.id.in_(and_on),
            )
        )
        .order_by(DecisionRow.id.desc())
    )
    return [(Case(*row[: len(_CASE)]), Decision(*row[len(_CASE) :])) for row in db.execute(query)]


def decisions_on(db: Session, case_id: int) -> list[Decision]:
    """What was decided on a case, the decision in force last."""
    query = select(*_DECISION).where(DecisionRow.case_id == case_id).order_by(DecisionRow.id)
    return [Decision(*row) for row in db.execute(query)]


def record_decision(db: Session, case: Case, decision: Decision) -> None:
    """Add a decision to a case and close it, if it is open."""
    values = {name: getattr(decision, name) for name in Decision.__slots__}
    db.execute(insert(DecisionRow).values(case_id=case.id, **values))
    still_open = (CaseRow.id == case.id, CaseRow.closed_at.is_(None))
    db.execute(update(CaseRow).where(*still_open).values(closed_at=decision.decided_at))


def open_cases(db: Session, isp: str | None = None, kind: str | None = None) -> list[Case]:
    """Open cases, oldest first."""
    query = select(*_CASE).where(CaseRow.closed_at.is_(None)).order_by(CaseRow.opened_at, CaseRow.id)
    for value, column in ((isp, CaseRow.isp), (kind, CaseRow.kind)):
        if value is not None:
            query = query.where(column == value)
    return [Case(*row) for row in db.execute(query)]
