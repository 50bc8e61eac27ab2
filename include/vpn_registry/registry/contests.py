"""Claims that several clients make to the same addresses: marked on each registration, one case for all of them.

The marks are history: one begins when a rival turns up and ends when the last one has gone. What a person decided on
the case says whether a claim counts; who joins a decided case reopens the question with a case of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, case, func, insert, or_, select, update
from sqlalchemy.orm import Session

from vpn_registry.registry import audit, cases
from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.claims import NEAR
from vpn_registry.registry.deliveries import batches
from vpn_registry.registry.tables import CaseRow, ContestedClaimRow, DecisionRow, RegistrationRow

if TYPE_CHECKING:
    import pandas as pd

SHARED: Final = "shared"
FIRST: Final = "first"
LAST: Final = "last"
NOBODY: Final = "nobody"
"""What may be decided on a case about contested addresses (CONTESTED_ADDRESS)."""
OPEN: Final = "open"
COUNTS: Final = "counts"
OVERRULED: Final = "overruled"
"""How a contested claim stands: undecided, or as a person decided."""
_NAMED: Final = 6
"""So many registrations are named in the reason of a case; the others are counted."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a survey changed: registrations that became contested, that are so no more, and cases opened and closed."""

    begun: int = 0
    ended: int = 0
    opened: int = 0
    closed: int = 0


def store(db: Session, found: Mapping[int, int], at: datetime) -> Changes:
    """Begin and end marks near the touched registrations (`claims.NEAR`), and open and close their cases.

    `found`: each registration there that is contested, with a number for the group to which its rivals belong.
    """

    import pandas as pd

    before = _marked(db)
    gone = before[before["is_judged"] & ~before["registration_id"].isin(list(found))]
    _end(db, gone["registration_id"].tolist(), at)
    now = pd.DataFrame({"registration_id": list(found), "group": list(found.values())}, dtype="int64")
    now = now.merge(before, on="registration_id", how="left")
    is_new = now["case_id"].isna()
    grown = now[now["group"].isin(now["group"][is_new])].sort_values("registration_id")
    concerned = set(gone["case_id"].tolist())
    opened = 0
    for _, members in grown.groupby("group"):
        case_id, is_opened = _join(db, members, at)
        concerned |= {case_id, *members["case_id"].dropna().astype("int64").tolist()}
        opened += is_opened
    closed = sum(_bring_up_to_date(db, case_id, at) for case_id in sorted(concerned))
    changes = Changes(int(is_new.sum()), len(gone), opened, closed)
    if changes != Changes():
        _record(db, changes, at)
    return changes


def standings(as_of: datetime | None = None) -> Any:
    """A select of contested registrations, now or as it was known at an instant: registration_id, case_id, standing
    (OPEN, COUNTS or OVERRULED)."""
    mark = ContestedClaimRow
    decided = select(DecisionRow.outcome).where(DecisionRow.case_id == mark.case_id)
    holds: ColumnElement[bool] = mark.ended_at.is_(None)
    if as_of is not None:
        holds = and_(mark.since_at <= as_of, or_(holds, mark.ended_at > as_of))
        decided = decided.where(DecisionRow.decided_at <= as_of)
    outcome = decided.order_by(DecisionRow.id.desc()).limit(1).correlate(mark).scalar_subquery()
    is_first = mark.registration_id == func.min(mark.registration_id).over(partition_by=mark.case_id)
    is_last = mark.registration_id == func.max(mark.registration_id).over(partition_by=mark.case_id)
    standing = case(
        (outcome.is_(None), OPEN),
        ((outcome == SHARED) | ((outcome == FIRST) & is_first) | ((outcome == LAST) & is_last), COUNTS),
        else_=OVERRULED,
    )
    return select(mark.registration_id, mark.case_id, standing.label("standing")).where(holds)


def standing_of(db: Session, isp: str) -> dict[str, str]:
    """The ISP's contested registrations by ref -> OPEN, COUNTS or OVERRULED."""
    contested = standings().subquery()
    query = select(RegistrationRow.registration_ref, contested.c.standing).join(
        contested, contested.c.registration_id == RegistrationRow.id
    )
    return {row.registration_ref: row.standing for row in db.execute(query.where(RegistrationRow.isp == isp))}


def movements(db: Session, isp: str) -> int:
    """How often a claim of the ISP began or ceased to be contested, or a case about one was decided: it only grows."""
    mark = ContestedClaimRow
    own = select(mark.case_id, mark.ended_at).join(RegistrationRow, RegistrationRow.id == mark.registration_id)
    own = own.where(RegistrationRow.isp == isp)
    marks = own.subquery()
    begun, ended = db.execute(select(func.count(), func.count(marks.c.ended_at)).select_from(marks)).one()
    decided = select(func.count()).select_from(DecisionRow).where(DecisionRow.case_id.in_(select(marks.c.case_id)))
    return int(begun) + int(ended) + db.scalars(decided).one()


def cases_about(db: Session, registrations: Collection[int]) -> list[int]:
    """The cases in which one of these registrations is contested now, decided or not."""
    mark = ContestedClaimRow
    query = select(mark.case_id).where(mark.registration_id.in_(registrations), mark.ended_at.is_(None)).distinct()
    return list(db.scalars(query.order_by(mark.case_id)))


def _marked(db: Session) -> pd.DataFrame:
    """Registrations in NEAR that are contested so far: registration_id, case_id, is_settled (the case is closed),
    is_judged (near enough that all its rivals are in NEAR too)."""
    mark = ContestedClaimRow
    query = (
        select(
            mark.registration_id,
            mark.case_id,
            CaseRow.closed_at.is_not(None).label("is_settled"),
            NEAR.c.distance.in_((0, 1)).label("is_judged"),
        )
        .join(CaseRow, CaseRow.id == mark.case_id)
        .join(NEAR, NEAR.c.registration_id == mark.registration_id)
        .where(mark.ended_at.is_(None))
        .order_by(mark.registration_id)
    )
    return read_frame(db, query, whole=("registration_id", "case_id"), flags=("is_settled", "is_judged"))


def _join(db: Session, members: pd.DataFrame, at: datetime) -> tuple[int, bool]:
    """Gather a group in one case: an open one that one of them has, else a new one; whether it is new."""
    still_open = members["case_id"][members["is_settled"].eq(False)]
    ids = members["registration_id"].tolist()
    if len(still_open):
        case_id = int(still_open.min())
    else:
        first = db.execute(
            select(RegistrationRow.isp, RegistrationRow.national_no).where(RegistrationRow.id == ids[0])
        ).one()
        subject = str(first.national_no)
        case_id = cases.open_case(db, first.isp, cases.CONTESTED_ADDRESS, subject, reason="", at=at)
    moved = members["registration_id"][members["case_id"] != case_id].tolist()
    _end(db, moved, at)
    begun = [{"registration_id": one, "case_id": case_id, "since_at": at} for one in moved]
    db.execute(insert(ContestedClaimRow), begun)
    return case_id, not len(still_open)


def _end(db: Session, registrations: list[int], at: datetime) -> None:
    mark = ContestedClaimRow
    for some in batches(registrations):
        db.execute(update(mark).where(mark.registration_id.in_(some), mark.ended_at.is_(None)).values(ended_at=at))


def _bring_up_to_date(db: Session, case_id: int, at: datetime) -> bool:
    """Name in an open case who claims the addresses by now; whether nobody does any more, and it was closed."""
    mark, book = ContestedClaimRow, RegistrationRow
    rivals = (
        select(book.national_no, book.isp, book.registration_ref)
        .join(mark, mark.registration_id == book.id)
        .where(mark.case_id == case_id, mark.ended_at.is_(None))
        .order_by(book.id)
    )
    is_open = (CaseRow.id == case_id, CaseRow.closed_at.is_(None))
    total = db.scalar(select(func.count()).select_from(rivals.order_by(None).subquery())) or 0
    named = [f"{row.national_no} ({row.isp} {row.registration_ref})" for row in db.execute(rivals.limit(_NAMED))]
    if total > len(named):
        named.append(f"{total - len(named)} more")
    if total:
        told = f"{', '.join(named[:-1])} and {named[-1]} claim the same addresses for different clients."
        db.execute(update(CaseRow).where(*is_open).values(reason=told))
        return False
    return db.scalar(update(CaseRow).where(*is_open).values(closed_at=at).returning(CaseRow.id)) is not None


def _record(db: Session, changes: Changes, at: datetime) -> None:
    audit.record(
        db,
        actor="reconcile_clients",
        action="survey_addresses",
        object_type="registry",
        object_id="addresses",
        detail=asdict(changes),
        at=at,
    )
