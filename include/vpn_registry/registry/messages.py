"""The messages of a notice, one a recipient: what waits, what is being sent, what became of it (contract section 8).

A message's row exists before its first try, its bytes are frozen in the transaction that moves it to `sending`, and
no state is left but along registry.moves. Whoever sends holds the ISP's lease.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import PENDING, TOLD, Contact, ContactRole, NoticeState
from vpn_registry.registry import cases
from vpn_registry.registry.deliveries import Fenced, changed_rows
from vpn_registry.registry.outbox import NOTICE, Notice
from vpn_registry.registry.tables import MessageRow, NoticeRow

PAUSES: Final = tuple(timedelta(minutes=minutes) for minutes in (5, 15, 30, 60, 120))
"""How long a message waits after its first, second .. temporary refusal; the last pause recurs."""


@dataclass(frozen=True, slots=True)
class Message:
    """One copy of a notice to one recipient."""

    id: int
    notice_id: int
    contact_name: str
    email: str
    role: ContactRole
    header_message_id: str
    state: NoticeState
    attempts: int
    frozen_at: datetime | None


@dataclass(frozen=True, slots=True)
class FrozenLetter:
    """What a message consists of once it may leave."""

    subject: str
    text: str
    html: str
    csv_name: str
    csv_bytes: bytes


@dataclass(frozen=True, slots=True)
class Trouble:
    """A message that needs a person: `reply` holds the relay's words."""

    notice_no: str
    isp: str
    state: NoticeState
    reply: str
    settled_at: datetime


_MESSAGE: Final = tuple(getattr(MessageRow, name) for name in Message.__slots__)


def add(db: Session, notice: Notice, copies: Iterable[tuple[Contact, str]]) -> None:
    """One message a recipient: (contact, Message-ID)."""
    rows = [
        {
            "notice_id": notice.id,
            "contact_name": contact.name,
            "email": contact.email,
            "role": contact.role,
            "header_message_id": message_id,
            "state": NoticeState.PLANNED,
            "attempts": 0,
            "reply": "",
        }
        for contact, message_id in copies
    ]
    db.execute(insert(MessageRow), rows)


def due(db: Session, isp: str, at: datetime) -> list[tuple[Notice, Message]]:
    """The ISP's approved messages whose pause is over, in order."""
    query = (
        select(NoticeRow.notice_no, MessageRow.id)
        .join(NoticeRow, NoticeRow.id == MessageRow.notice_id)
        .where(
            NoticeRow.isp == isp,
            MessageRow.state == NoticeState.APPROVED,
            MessageRow.next_try_at.is_(None) | (MessageRow.next_try_at <= at),
        )
        .order_by(NoticeRow.notice_no, MessageRow.id)
    )
    ids = [row.id for row in db.execute(query)]
    found = {row.id: Message(*row) for row in db.execute(select(*_MESSAGE).where(MessageRow.id.in_(ids)))}
    owners = {message.notice_id for message in found.values()}
    by_id = {row.id: Notice(*row) for row in db.execute(select(*NOTICE).where(NoticeRow.id.in_(owners)))}
    return [(by_id[found[message_id].notice_id], found[message_id]) for message_id in ids]


def isps_with_approved(db: Session, forms: Collection[str] | None = None) -> list[str]:
    """The ISPs with a message (of one of the forms) that may go out, now or after its pause, or whose sender died."""
    waiting = MessageRow.state.in_((NoticeState.APPROVED, NoticeState.SENDING))
    query = select(NoticeRow.isp).join(MessageRow, MessageRow.notice_id == NoticeRow.id).where(waiting)
    if forms is not None:
        query = query.where(NoticeRow.form.in_(forms))
    return sorted(set(db.scalars(query)))


def told_letter(db: Session, notice_no: str) -> FrozenLetter | None:
    """What a recipient of the notice was sent: every copy is the same letter; None when none has left."""
    row = db.execute(
        select(
            MessageRow.subject,
            MessageRow.body_text,
            MessageRow.body_html,
            MessageRow.attachment_name,
            MessageRow.attachment,
        )
        .join(NoticeRow, NoticeRow.id == MessageRow.notice_id)
        .where(NoticeRow.notice_no == notice_no, MessageRow.state.in_(TOLD), MessageRow.frozen_at.is_not(None))
        .limit(1)
    ).one_or_none()
    letter: Any = row  # every column is filled once a message was told
    return None if letter is None else FrozenLetter(*letter)


def start_sending(db: Session, notice: Notice, message: Message, letter: FrozenLetter, at: datetime) -> None:
    """Freeze the message's bytes and move it to `sending`; Fenced when it may no longer go out."""
    started = (
        update(MessageRow)
        .where(MessageRow.id == message.id, MessageRow.state == NoticeState.APPROVED)
        .values(
            state=NoticeState.SENDING,
            attempts=MessageRow.attempts + 1,
            subject=letter.subject,
            body_text=letter.text,
            body_html=letter.html,
            attachment_name=letter.csv_name,
            attachment=letter.csv_bytes,
            frozen_at=message.frozen_at or at,
        )
    )
    if changed_rows(db.execute(started)) != 1:
        raise Fenced(f"a message of notice {notice.notice_no} is no longer approved")
    db.execute(
        update(NoticeRow)
        .where(NoticeRow.id == notice.id, NoticeRow.state == NoticeState.APPROVED)
        .values(state=NoticeState.SENDING)
    )


def settle(
    db: Session,
    notice: Notice,
    message: Message,
    state: NoticeState,
    *,
    reply: str,
    at: datetime,
    give_up_at: datetime | None = None,
) -> NoticeState:
    """What became of a try: sent, failed, uncertain, or approved again (refused for now); the message's new state.

    `reply` holds the server's words. A temporary refusal has failed when its pause would end after `give_up_at`.
    """
    next_try_at = None
    if state is NoticeState.APPROVED:
        pause = PAUSES[min(message.attempts, len(PAUSES) - 1)]
        if give_up_at is not None and at + pause > give_up_at:
            state = NoticeState.FAILED
        else:
            next_try_at = at + pause
    db.execute(
        update(MessageRow)
        .where(MessageRow.id == message.id, MessageRow.state == NoticeState.SENDING)
        .values(
            state=state,
            reply=reply,
            next_try_at=next_try_at,
            settled_at=None if state is NoticeState.APPROVED else at,
        )
    )
    if state is NoticeState.UNCERTAIN:
        cases.open_uncertain(db, notice.isp, notice.notice_no, message.id, at=at)
    _settle_notice(db, notice, at)
    return state


def find_out(db: Session, message_id: int, state: NoticeState, *, at: datetime) -> bool:
    """A person found out what became of an uncertain message; whether it was uncertain still."""
    found = update(MessageRow).where(MessageRow.id == message_id, MessageRow.state == NoticeState.UNCERTAIN)
    if changed_rows(db.execute(found.values(state=state, settled_at=at))) != 1:
        return False
    owner = select(*NOTICE).join(MessageRow, MessageRow.notice_id == NoticeRow.id).where(MessageRow.id == message_id)
    _settle_notice(db, Notice(*db.execute(owner).one()), at)
    return True


def strand(db: Session, isp: str, at: datetime) -> list[int]:
    """Messages whose sender died between the data and its answer become `uncertain`; their ids.

    Only for the holder of the ISP's lease: nobody else can be sending.
    """
    query = (
        select(*_MESSAGE)
        .join(NoticeRow, NoticeRow.id == MessageRow.notice_id)
        .where(NoticeRow.isp == isp, MessageRow.state == NoticeState.SENDING)
    )
    stranded = [Message(*row) for row in db.execute(query)]
    for message in stranded:
        notice = Notice(*db.execute(select(*NOTICE).where(NoticeRow.id == message.notice_id)).one())
        reply = "The sender stopped before the relay's answer was recorded."
        settle(db, notice, message, NoticeState.UNCERTAIN, reply=reply, at=at)
    return [message.id for message in stranded]


def cancel_unsent(db: Session, notice: Notice, *, reason: str, at: datetime) -> None:
    """Cancel the copies of an approved notice that have not gone out, and say why; nothing when all have."""
    unsent = (MessageRow.notice_id == notice.id, MessageRow.state == NoticeState.APPROVED)
    cancelled = update(MessageRow).where(*unsent).values(state=NoticeState.CANCELLED, settled_at=at)
    if not changed_rows(db.execute(cancelled)):
        return
    db.execute(update(NoticeRow).where(NoticeRow.id == notice.id).values(reason=reason))
    _settle_notice(db, notice, at)


def troubles(db: Session) -> list[Trouble]:
    """Messages that failed for good or are uncertain, by notice number."""
    query = (
        select(NoticeRow.notice_no, NoticeRow.isp, MessageRow.state, MessageRow.reply, MessageRow.settled_at)
        .join(NoticeRow, NoticeRow.id == MessageRow.notice_id)
        .where(MessageRow.state.in_((NoticeState.FAILED, NoticeState.UNCERTAIN)))
        .order_by(NoticeRow.notice_no, MessageRow.id)
    )
    rows: Any = db.execute(query)
    return [Trouble(*row) for row in rows]


def counts(db: Session) -> dict[str, int]:
    """Messages by state."""
    counted = db.execute(select(MessageRow.state, func.count()).group_by(MessageRow.state).order_by(MessageRow.state))
    return {str(state): count for state, count in counted}


def _settle_notice(db: Session, notice: Notice, at: datetime) -> None:
    """Sent when a compliance copy is and nothing is pending; uncertain if any copy is; cancelled when all are; else
    failed."""
    copies: Sequence[Any] = db.execute(
        select(MessageRow.state, MessageRow.role).where(MessageRow.notice_id == notice.id)
    ).all()
    if any(copy.state in PENDING for copy in copies):
        return
    state = NoticeState.FAILED
    if any(copy.state is NoticeState.UNCERTAIN for copy in copies):
        state = NoticeState.UNCERTAIN
    elif any(copy.state is NoticeState.SENT and copy.role is ContactRole.COMPLIANCE for copy in copies):
        state = NoticeState.SENT
    elif all(copy.state is NoticeState.CANCELLED for copy in copies):
        state = NoticeState.CANCELLED
    db.execute(update(NoticeRow).where(NoticeRow.id == notice.id).values(state=state, settled_at=at))
