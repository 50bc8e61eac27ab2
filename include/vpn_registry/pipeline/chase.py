"""Chasing what does not come: reminders to ISPs whose client list is overdue, and about registrations that end soon.

A reminder is a notice like any other to the outbox: one row, one message a recipient, frozen bytes. It belongs to no
stage, so that it is called by its form and day (`silent-20260616`), and no stage's brake looks at it. It never goes to
an ISP whose zone we can't list, whose files wait for us, or that is muted.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Final

from vpn_registry import campaign, notices
from vpn_registry.campaign import ENDING, REMINDERS, SILENT, deadline_in_force
from vpn_registry.model import NoticeState, pakistani_day
from vpn_registry.pipeline import notify, reminders, silence
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.silence import PAUSE
from vpn_registry.pipeline.trail import audit_notice
from vpn_registry.registry import deadlines, locks, messages, outbox, statuses
from vpn_registry.registry import reminders as told
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

log = logging.getLogger(__name__)

ACTOR: Final = "chase_filers"


def remind(exchange: Exchange, *, is_dry: bool = False, actor: str = ACTOR) -> list[str]:
    """Record the reminders that are due today, on working days only; the slugs of the ISPs that have one to send.

    A reminder of an overdue list may go at once: it names no client. One about registrations that end is a letter that
    names clients, and passes the brakes of `send_notices` first. In a dry run the slugs of those it would remind.
    """
    if not campaign.is_working_day(pakistani_day(exchange.now()), exchange.holidays):
        return []
    if not is_dry:
        with exchange.registry.writing() as db:
            deadlines.record(db, exchange.campaign)
    with exchange.registry.reading() as db:
        due = _due(exchange, db, exchange.isps)
    if is_dry:
        return sorted({isp.slug for isp, _ in due})
    for isp, form in due:
        _record(exchange, isp, form, actor)
    with exchange.registry.reading() as db:
        return messages.isps_with_approved(db, REMINDERS)


def _due(exchange: Exchange, db: Session, isps: Mapping[str, Isp]) -> list[tuple[Isp, str]]:
    """The reminders of these ISPs that go today, each with its form."""
    today = pakistani_day(exchange.now())
    last_ending = told.last(db, ENDING)
    found = []
    for filer in silence.of(exchange, db, isps):
        isp, last = isps[filer.isp], last_ending.get(filer.isp)
        forms = [SILENT] if filer.next_on == today else []
        if (last is None or today - last.on >= PAUSE) and _ends_untold(exchange, db, isp):
            forms.append(ENDING)
        if forms and filer.hindrance:
            log.warning("%s: is not reminded. %s", isp.slug, filer.hindrance)
        else:
            found += [(isp, form) for form in forms]
    return found


def _ends_untold(exchange: Exchange, db: Session, isp: Isp) -> bool:
    """Whether registrations end soon of which no letter of the last days told."""
    since = pakistani_day(exchange.now()) - PAUSE
    return not told.has_notice_since(db, isp.slug, since) and len(reminders.ending(exchange, db, isp)) > 0


def _record(exchange: Exchange, isp: Isp, form: str, actor: str) -> None:
    """The reminder and its messages, unless another run was faster."""
    at, today = exchange.now(), pakistani_day(exchange.now())
    deadline = deadline_in_force(exchange.campaign, today, isp.slug)
    with exchange.registry.writing() as db:
        locks.hold_isp(db, isp.slug)
        if (isp, form) not in _due(exchange, db, {isp.slug: isp}):
            return
        notice = outbox.add_notice(
            db,
            isp=isp.slug,
            campaign=deadline.campaign,
            deadline_version=deadline.version,
            ends_on=campaign.date_to_tell(deadline, outbox.told_on(db, isp.slug, deadline.campaign)),
            stage=stage_name(form, today),
            stage_on=today,
            form=form,
            counts=asdict(notices.tally(statuses.latest(db, isp.slug))),
            at=at,
        )
        messages.add(db, notice, notify.copies(isp, notices.load_letters(), notice))
        audit_notice(db, actor, NoticeState.PLANNED, notice, at=at)
        if form == SILENT:
            outbox.decide(db, notice, NoticeState.APPROVED, reason="", actor=ACTOR, at=at)
            audit_notice(db, ACTOR, NoticeState.APPROVED, notice, at=at)


def stage_name(form: str, day: date) -> str:
    """What stands in place of a stage: `silent-20260616`."""
    return f"{form}-{day:%Y%m%d}"
