"""The outbox of mails to the office itself. One mail about one thing: what happens again only counts up.

Its states: `queued` -> `sending` -> `sent`, back to `queued` when the relay surely refused it, `uncertain` when nobody
knows, `withheld` when so many went out lately that one more would not be read; the daily report names those.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import pakistani_day
from vpn_registry.registry.deliveries import changed_rows
from vpn_registry.registry.tables import OfficeMailRow

REPORT: Final = "report"
FAILURE: Final = "failure"
LATE: Final = "late"
ALARMS: Final = (FAILURE, LATE)

QUEUED: Final = "queued"
WITHHELD: Final = "withheld"
SENDING: Final = "sending"
SENT: Final = "sent"
UNCERTAIN: Final = "uncertain"


@dataclass(frozen=True, slots=True)
class OfficeMail:
    """One mail; `about` tells it from others of its kind, `occurrences` how often it happened."""

    id: int
    kind: str
    about: str
    state: str
    occurrences: int
    queued_at: datetime
    last_at: datetime
    recipient: str
    subject: str
    body_text: str
    body_html: str
    reply: str


_MAIL: Final = tuple(getattr(OfficeMailRow, name) for name in OfficeMail.__slots__)


def recur(db: Session, kind: str, about: str, at: datetime) -> bool:
    """Count one more occurrence of what a mail exists about; False when there is none yet."""
    known = update(OfficeMailRow).where(OfficeMailRow.kind == kind, OfficeMailRow.about == about)
    counted = known.values(occurrences=OfficeMailRow.occurrences + 1, last_at=at)
    return changed_rows(db.execute(counted)) == 1


def queue(
    db: Session, kind: str, about: str, *, recipient: str, subject: str, text: str, html: str, at: datetime,
    state: str = QUEUED,
) -> None:  # fmt: skip
    """Put a mail into the outbox; IntegrityError when there is one about it already."""
    db.execute(
        insert(OfficeMailRow).values(
            kind=kind,
            about=about,
            state=state,
            occurrences=1,
            queued_at=at,
            last_at=at,
            recipient=recipient,
            subject=subject,
            body_text=text,
            body_html=html,
            reply="",
        )
    )


def has(db: Session, kind: str, about: str) -> bool:
    """Whether there is a mail about it, in whatever state."""
    query = select(OfficeMailRow.id).where(OfficeMailRow.kind == kind, OfficeMailRow.about == about)
    return db.scalar(query) is not None


def queued_since(db: Session, kinds: Collection[str], since: datetime) -> int:
    """How many mails of these kinds were let out (not withheld) since a moment."""
    let_out = (OfficeMailRow.kind.in_(kinds), OfficeMailRow.state != WITHHELD, OfficeMailRow.queued_at >= since)
    return db.scalar(select(func.count()).select_from(OfficeMailRow).where(*let_out)) or 0


def happened_since(db: Session, kinds: Collection[str], since: datetime) -> list[OfficeMail]:
    """What of these kinds happened since a moment, mailed or withheld, oldest first."""
    query = select(*_MAIL).where(OfficeMailRow.kind.in_(kinds), OfficeMailRow.last_at >= since)
    return [OfficeMail(*row) for row in db.execute(query.order_by(OfficeMailRow.id))]


def waiting(db: Session) -> list[OfficeMail]:
    """The mails to send, oldest first."""
    query = select(*_MAIL).where(OfficeMailRow.state == QUEUED).order_by(OfficeMailRow.id)
    return [OfficeMail(*row) for row in db.execute(query)]


def doubtful(db: Session) -> list[OfficeMail]:
    """The mails of which nobody knows whether they arrived, or whose sender died."""
    query = select(*_MAIL).where(OfficeMailRow.state.in_((SENDING, UNCERTAIN))).order_by(OfficeMailRow.id)
    return [OfficeMail(*row) for row in db.execute(query)]


def start(db: Session, mail: OfficeMail) -> bool:
    """Claim a mail for sending; False when another process was faster."""
    claimed = update(OfficeMailRow).where(OfficeMailRow.id == mail.id, OfficeMailRow.state == QUEUED)
    return changed_rows(db.execute(claimed.values(state=SENDING))) == 1


def settle(db: Session, mail: OfficeMail, state: str, *, reply: str, at: datetime) -> None:
    """What became of the try."""
    tried = update(OfficeMailRow).where(OfficeMailRow.id == mail.id, OfficeMailRow.state == SENDING)
    db.execute(tried.values(state=state, reply=reply, settled_at=None if state == QUEUED else at))


def last_report(db: Session, before: date) -> datetime | None:
    """When the last daily report of an earlier day was put together; None when there was none."""
    query = select(func.max(OfficeMailRow.queued_at)).where(
        OfficeMailRow.kind == REPORT, OfficeMailRow.about < before.isoformat()
    )
    return db.scalar(query)


def reported_on(db: Session) -> date | None:
    """The day of the last daily report that was sent."""
    last = select(func.max(OfficeMailRow.queued_at)).where(OfficeMailRow.kind == REPORT, OfficeMailRow.state == SENT)
    moment = db.scalar(last)
    return None if moment is None else pakistani_day(moment)
