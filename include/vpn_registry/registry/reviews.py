"""Clients under review: a case for each, what was decided on it, and for which evidence that holds (section 7).

A decision that nothing pairs speaks of one kind of evidence (an address, a name, a tax number filed elsewhere): when
the review comes to rest on another, it is a question that nobody has answered.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import Status
from vpn_registry.registry.behind import run_of
from vpn_registry.registry.cases import REVIEW
from vpn_registry.registry.deliveries import batches
from vpn_registry.registry.tables import CaseRow, DecisionRow

if TYPE_CHECKING:
    import pandas as pd

UNPAIRED: Final = "unpaired"
"""The decision that what is similar is not this client's."""
_WORDS: Final = {
    "address": "One of its addresses",
    "msisdn": "Its mobile number",
    "name": "Only a similar name",
    "ntn elsewhere": "Its tax number",
    "cnic elsewhere": "Its identity card",
    "other_id elsewhere": "Its document",
}


def follow(
    db: Session,
    isp: str,
    found: pd.DataFrame,
    newest: Mapping[str, str],
    at: datetime,
    *,
    contested: Collection[str] = (),
) -> None:
    """Open a case for each client that a comparison leaves under review, and close those it no longer does.

    `found` has reconciliation.STATUS_COLUMNS, `newest` maps ids that were given up to the present ones. Whoever shares
    an address with one of the `contested` registrations waits for the case about that: it is one question, not two.
    """
    is_asked = (found["key"] == "address") & found["candidate"].isin(list(contested))
    under_review = found[(found["status"] == Status.REVIEW.value) & ~is_asked]
    wanted = {str(row.subscriber_id): (str(row.key), str(row.candidate)) for row in under_review.itertuples()}
    is_open = (CaseRow.isp == isp, CaseRow.kind == REVIEW, CaseRow.closed_at.is_(None))
    open_now = db.execute(select(CaseRow.id, CaseRow.subject, CaseRow.evidence).where(*is_open)).all()
    # Another key is another question: whoever decides has to know which one he answers.
    known = {(newest.get(row.subject, row.subject), row.evidence): row.id for row in open_now}
    asked = {(who, key): _reason(key, candidate) for who, (key, candidate) in wanted.items()}
    over = [case_id for question, case_id in known.items() if question not in asked]
    for some in batches(over):
        db.execute(update(CaseRow).where(CaseRow.id.in_(some)).values(closed_at=at))
    opened = [
        {"isp": isp, "kind": REVIEW, "subject": who, "evidence": key, "reason": reason, "opened_at": at,
         "opened_in": run_of(db)}
        for (who, key), reason in sorted(asked.items())
        if (who, key) not in known
    ]  # fmt: skip
    if opened:
        db.execute(insert(CaseRow), opened)


def unpaired(db: Session, isp: str) -> dict[str, str]:
    """Clients, by the id of the case -> the kind of evidence of which the last decision says that it is not theirs."""
    place: Any = func.row_number().over(partition_by=CaseRow.subject, order_by=DecisionRow.id.desc())
    decided = (
        select(CaseRow.subject, DecisionRow.outcome, CaseRow.evidence, place.label("place"))
        .join(CaseRow, CaseRow.id == DecisionRow.case_id)
        .where(CaseRow.isp == isp, CaseRow.kind == REVIEW)
        .subquery()
    )
    last = select(decided.c.subject, decided.c.evidence).where(decided.c.place == 1, decided.c.outcome == UNPAIRED)
    return {row.subject: row.evidence for row in db.execute(last)}


def _reason(key: str, candidate: str) -> str:
    if key.endswith(" elsewhere"):
        return f"{_WORDS[key]} stands in a registration in force that was filed elsewhere."
    if key == "name":
        return f"{_WORDS[key]} pairs it with registration {candidate}."
    return f"{_WORDS[key]} is in registration {candidate}, which other keys or clients contest."
