"""Mails to the office itself: queued with what they tell, sent once, whoever runs (design.md section 6).

The relay may be down while something fails; what is queued goes out with the next mail or with the daily report.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Final

from vpn_registry import notices
from vpn_registry.model import NoticeState
from vpn_registry.notices.mail import MailParts, compose_mail
from vpn_registry.notices.outcomes import outcome_of
from vpn_registry.pipeline.exchange import Exchange, MailRelay, Post
from vpn_registry.registry import office_mails
from vpn_registry.registry.office_mails import OfficeMail

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

STATES: Final = {
    NoticeState.SENT: office_mails.SENT,
    NoticeState.UNCERTAIN: office_mails.UNCERTAIN,
    NoticeState.APPROVED: office_mails.QUEUED,  # refused for now
    NoticeState.FAILED: office_mails.QUEUED,  # a wrong address is mended in campaign.toml; the mail is not lost
}


class ReportNotSentError(Exception):
    """The relay did not take a mail to the office; the message is one sentence with its words."""


def queue(
    exchange: Exchange, db: Session, kind: str, about: str, template: str, facts: dict[str, object], *,
    state: str = office_mails.QUEUED,
) -> None:  # fmt: skip
    """Put one mail to the office into its outbox, filled in from a template of include/office."""
    told = notices.render_office(template, facts, is_simulated=exchange.registry.is_simulated)
    office_mails.queue(
        db,
        kind,
        about,
        recipient=exchange.campaign.office.team_email,
        subject=told.subject,
        text=told.text,
        html=told.html,
        at=exchange.now(),
        state=state,
    )


def send(exchange: Exchange, relay: MailRelay) -> int:
    """Send what is queued, oldest first; how many the relay took.

    Raises what the relay's connection raises, and ReportNotSentError at the first mail it did not take: the others
    wait. A mail that may have arrived is not sent again.
    """
    with exchange.registry.reading() as db:
        waiting = office_mails.waiting(db)
    sent = 0
    for mail in waiting:
        with relay() as post:
            sent += _send_one(exchange, post, mail)
    return sent


def _send_one(exchange: Exchange, post: Post, mail: OfficeMail) -> bool:
    frozen = compose_mail(_parts(mail, post.from_email or ""))
    with exchange.registry.writing() as db:
        if not office_mails.start(db, mail):
            return False
    try:
        post.post(mail.recipient, frozen)
    except Exception as error:  # every class a mail server can cause; what it means is decided in one place
        outcome = outcome_of(error)
    else:
        outcome = outcome_of(None)
    with exchange.registry.writing() as db:
        office_mails.settle(db, mail, STATES[outcome.state], reply=outcome.reply, at=exchange.now())
    if outcome.state is not NoticeState.SENT:
        raise ReportNotSentError(f"The relay did not take the mail to the office ({mail.kind}): {outcome.reply}")
    return True


def _parts(mail: OfficeMail, sender: str) -> MailParts:
    digest = hashlib.sha256(f"{mail.kind} {mail.about}".encode()).hexdigest()
    return MailParts(
        sender=sender,
        recipient=mail.recipient,
        message_id=f"<{mail.kind}.{digest[:20]}@{notices.MAIL_DOMAIN}>",
        dated_at=mail.queued_at,
        subject=mail.subject,
        text=mail.body_text,
        html=mail.body_html,
    )
