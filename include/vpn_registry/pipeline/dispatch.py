"""Sending approved notices: each message to one recipient, once, with every outcome recorded (contract section 8)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from datetime import time as time_of_day
from typing import Final

from vpn_registry import campaign
from vpn_registry.model import PAKISTAN, NoticeState, pakistani_day
from vpn_registry.notices import Purpose
from vpn_registry.notices.mail import MailParts, compose_mail
from vpn_registry.notices.outcomes import outcome_of
from vpn_registry.pipeline import collect, letter, mutes
from vpn_registry.pipeline.exchange import Exchange, MailRelay, Post
from vpn_registry.registry import audit, locks, messages
from vpn_registry.registry.messages import FrozenLetter, Message
from vpn_registry.registry.outbox import Notice
from vpn_registry.roster import Isp

log = logging.getLogger(__name__)


OFFICE_CLOSES: Final = time_of_day(17)
"""Nothing is sent after it (the schedule of send_notices)."""
LEASE_LOOKS: Final = 60
LEASE_PAUSE: Final = 5.0


class NeedsAPersonError(Exception):
    """A message failed for good or is uncertain: somebody has to look, and nothing is sent again by itself."""


class ZoneBusyError(Exception):
    """Another run was at work on the ISP's zone for longer than sending waits; its messages stay approved."""


def send(
    exchange: Exchange,
    slug: str,
    relay: MailRelay,
    *,
    holder: str,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, int]:
    """Send one ISP's approved messages and put the notices into its zone; messages by state.

    The relay is dialled for each message before its row moves to `sending`: when it can't be reached the error goes
    up, and the messages wait. No transaction is open while the relay talks.

    Collecting holds the ISP's lease for some seconds of each minute, and the next working day is too late for a
    notice: waits for it, at most LEASE_LOOKS times LEASE_PAUSE seconds, and raises ZoneBusyError then.
    """
    isp = exchange.isps[slug]
    for _ in range(LEASE_LOOKS):
        with exchange.leased(isp, holder) as is_ours:
            if is_ours:
                return _send_due(exchange, isp, relay)
        sleep(LEASE_PAUSE)
    raise ZoneBusyError(f"{slug}: another run has been at work on this zone all the time; nothing was sent.")


def summarise(exchange: Exchange) -> dict[str, int]:
    """Messages by state over all ISPs.

    Raises NeedsAPersonError when one failed for good or became uncertain today: said once a day is heard, every day
    for ever is not. `vpnreg status` goes on naming them.
    """
    today = pakistani_day(exchange.now())
    with exchange.registry.reading() as db:
        counts = messages.counts(db)
        needy = [trouble for trouble in messages.troubles(db) if pakistani_day(trouble.settled_at) == today]
    if needy:
        told = ", ".join(f"{trouble.notice_no} {trouble.state}" for trouble in needy)
        raise NeedsAPersonError(f"Messages that need a person: {told}; `vpnreg status` tells the relay's words.")
    return counts


def _send_due(exchange: Exchange, isp: Isp, relay: MailRelay) -> dict[str, int]:
    counts: dict[str, int] = {}
    with exchange.registry.writing() as db:
        for message_id in messages.strand(db, isp.slug, exchange.now()):
            log.error("%s: message %s is uncertain: its sender stopped half-way.", isp.slug, message_id)
    tried: set[int] = set()
    # Looked up anew for each: what became of one copy may settle its notice, and with it the other copies.
    while found := _next_due(exchange, isp, tried):
        notice, message = found
        tried.add(message.id)
        with relay() as post:
            state = _send_one(exchange, isp, post, notice, message)
        counts[state.value] = counts.get(state.value, 0) + 1
    if tried:
        collect.write_answers(exchange, isp)
    return counts


def _next_due(exchange: Exchange, isp: Isp, tried: set[int]) -> tuple[Notice, Message] | None:
    with exchange.registry.reading() as db:
        due = messages.due(db, isp.slug, exchange.now())
    return next((found for found in due if found[1].id not in tried), None)


def _send_one(exchange: Exchange, isp: Isp, post: Post, notice: Notice, message: Message) -> NoticeState:
    if not post.from_email:
        raise ValueError("The mail connection has no from_email; set it in the connection's extra.")
    at = exchange.now()
    with exchange.registry.writing() as db:
        locks.hold_isp(db, isp.slug)  # a mute is entered before this transaction, or after it
        if why := mutes.cause(exchange, db, isp.slug):
            log.warning("%s: %s waits. %s", isp.slug, notice.notice_no, why)
            return NoticeState.APPROVED
        text = messages.told_letter(db, notice.notice_no) or letter.compose(exchange, db, isp, notice)
        if text is None:
            messages.cancel_unsent(db, notice, reason=Purpose.NOTHING_TO_TELL, at=at)
            return NoticeState.CANCELLED
        # Before the commit: a sender's address that no letter can be made with must leave the message unsent.
        frozen = compose_mail(_parts(post.from_email, notice, message, text, message.frozen_at or at))
        messages.start_sending(db, notice, message, text, at)
        _note_sending(exchange, notice, message, at)
    try:
        post.post(message.email, frozen)
    except Exception as error:  # every class a mail server can cause; what it means is decided in one place
        outcome = outcome_of(error)
        log.error("%s: message %s of %s: %s", isp.slug, message.id, notice.notice_no, outcome.state)
    else:
        outcome = outcome_of(None)
    with exchange.registry.writing() as db:
        state = messages.settle(
            db,
            notice,
            message,
            outcome.state,
            reply=outcome.reply,
            at=exchange.now(),
            give_up_at=_give_up_at(exchange, notice),
        )
        detail = {"isp": isp.slug, "notice": notice.notice_no, "attempt": message.attempts + 1}
        audit.record(
            db,
            actor="send_notices",
            action=f"message_{state}",
            object_type="message",
            object_id=str(message.id),
            detail=detail,
            at=exchange.now(),
        )
    return state


def _note_sending(exchange: Exchange, notice: Notice, message: Message, at: datetime) -> None:
    """Outside the database, before the message leaves: an older database that is restored must not send it again."""
    exchange.journal.note(
        "sending",
        at,
        message_id=message.header_message_id,
        attempt=message.attempts + 1,
        email=message.email,
        contact_name=message.contact_name,
        role=message.role.value,
        notice_no=notice.notice_no,
        isp=notice.isp,
        campaign=notice.campaign,
        deadline_version=notice.deadline_version,
        ends_on=notice.ends_on.isoformat(),
        stage=notice.stage,
        stage_on=notice.stage_on.isoformat(),
        form=notice.form,
        counts=notice.counts,
    )


def _give_up_at(exchange: Exchange, notice: Notice) -> datetime:
    """When a temporary refusal has lasted too long: at the end of office hours of the last day of the stage."""
    last_on = campaign.last_day(notice.stage_on, notice.ends_on, exchange.holidays)
    return datetime.combine(last_on, OFFICE_CLOSES, PAKISTAN)


def _parts(sender: str, notice: Notice, message: Message, text: FrozenLetter, dated_at: datetime) -> MailParts:
    return MailParts(
        sender=sender,
        recipient=message.email,
        message_id=message.header_message_id,
        notice_no=notice.notice_no,
        dated_at=dated_at,
        subject=text.subject,
        text=text.text,
        html=text.html,
        csv_name=text.csv_name,
        csv_bytes=text.csv_bytes,
    )
