"""Planning and braking of notices (contract section 8). A person's word is in `approval`, sending in `dispatch`."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from vpn_registry import campaign, notices
from vpn_registry.campaign import EXTENDED, Deadline, StageDay
from vpn_registry.model import Contact, NoticeState, pakistani_day
from vpn_registry.notices import Letters, Purpose, Tally
from vpn_registry.pipeline import backlog, missed, mutes, reconcile
from vpn_registry.pipeline.approval import approve, held, held_text, refuse
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.scopes import Scope, scope_of, scopes
from vpn_registry.pipeline.trail import audit_notice
from vpn_registry.registry import deadlines, messages, outbox, statuses
from vpn_registry.registry.outbox import Notice
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

__all__ = ["PLANNER", "approve", "brake", "held", "held_text", "plan", "refuse"]

log = logging.getLogger(__name__)

PLANNER: Final = "send_notices"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One notice that is due, as the statuses stand now; `form` names the letter, `ends_on` the date it tells."""

    isp: Isp
    scope: Scope
    stage: StageDay
    ends_on: date
    purpose: Purpose
    form: str
    tally: Tally
    named: int


def plan(exchange: Exchange, *, is_dry: bool = False, actor: str = PLANNER) -> list[str]:
    """Record the notices that are due today; their numbers, or in a dry run what they would be, unrecorded.

    First brings the statuses up to date, which a dry run does too: they are no notice's business alone. An ISP whose
    deliveries we have not judged yet is left for tomorrow: our own backlog never makes a client look unregistered.
    Neither is a muted ISP written to.
    Then settles the stages that do not go any more. `actor` is kept as who planned.
    """
    for isp in reconcile.outdated(exchange):
        reconcile.compare(exchange, isp)
    letters = notices.load_letters()
    if not is_dry:
        with exchange.registry.writing() as db:
            deadlines.record(db, exchange.campaign)
        missed.settle(exchange, letters)
    proposals = [found for isp in exchange.isps.values() for found in _proposals(exchange, letters, isp, is_dry=is_dry)]
    if is_dry:
        for proposal in proposals:
            log.info("%s: would plan %s (%s clients).", proposal.isp.slug, proposal.stage.stage, proposal.named)
        return [f"{proposal.isp.slug} {proposal.stage.stage}" for proposal in proposals]
    return [_record(exchange, letters, proposal, actor) for proposal in proposals]


def brake(exchange: Exchange) -> list[str]:
    """Hold each planned notice that a person has to see first, approve the others.

    Returns the slugs of the ISPs that have something to send, also from earlier runs.
    """
    with exchange.registry.writing() as db:
        planned = outbox.notices(db, NoticeState.PLANNED)
        whole_stage = {day: _stage_brake(db, exchange, day) for day in {notice.stage_on for notice in planned}}
        own = {one.version for one in exchange.campaign.deadlines if one.isp}
        for notice in planned:
            nation = None if notice.deadline_version in own else whole_stage[notice.stage_on]
            reason = " ".join(filter(None, [_brake(db, exchange, notice), nation]))
            state = NoticeState.HELD if reason else NoticeState.APPROVED
            at = exchange.now()
            outbox.decide(db, notice, state, reason=reason, actor=PLANNER if not reason else "", at=at)
            audit_notice(db, PLANNER, state, notice, at=at, why=reason)
        return messages.isps_with_approved(db)


def _proposals(exchange: Exchange, letters: Letters, isp: Isp, *, is_dry: bool) -> Iterator[Proposal]:
    """The letters about extensions where they are owed, then the stages that are due."""
    with exchange.registry.reading() as db:
        due = [
            (scope, stage)
            for scope in scopes(exchange, db, isp.slug)
            for stage in (_extension(exchange, scope.deadline, scope.told_on(db)), _stage(exchange, db, letters, scope))
            if stage is not None
            and not outbox.has_notice(db, scope.deadline.campaign, scope.deadline.version, stage.stage, isp.slug)
        ]
        why = (backlog.cause(exchange, db, isp) or mutes.cause(exchange, db, isp.slug)) if due else None
        proposals = [] if why else [_proposal(exchange, db, isp, scope, stage) for scope, stage in due]
    for scope, stage in due if why else []:
        log.warning("%s: %s waits. %s", isp.slug, stage.stage, why)
        if not is_dry:
            backlog.record_suppressed(exchange, isp, scope.deadline, stage, str(why))
    yield from proposals


def _extension(exchange: Exchange, deadline: Deadline, told: date | None) -> StageDay | None:
    """The one letter `extended`, for an ISP that had been told an earlier date; on working days."""
    today = pakistani_day(exchange.now())
    if told is None or told >= deadline.ends_on or not campaign.is_working_day(today, exchange.holidays):
        return None
    last_on = campaign.last_day(today, deadline.ends_on, exchange.holidays)
    return StageDay(EXTENDED, -campaign.days_left(deadline, today), today, last_on)


def _stage(exchange: Exchange, db: Session, letters: Letters, scope: Scope) -> StageDay | None:
    days = campaign.plan_stages(scope.deadline, letters.offsets, exchange.holidays)
    days = campaign.stages_of_isp(days, statuses.first_list_on(db, scope.isp))
    return campaign.due_stage(days, pakistani_day(exchange.now()), exchange.holidays)


def _proposal(exchange: Exchange, db: Session, isp: Isp, scope: Scope, stage: StageDay) -> Proposal:
    now = scope.of(statuses.latest(db, isp.slug))
    told = mutes.told(exchange, db, isp.slug, now)
    parts = notices.select_parts(
        told,
        offset=stage.offset,
        today=pakistani_day(exchange.now()),
        holidays=exchange.holidays,
        registering=reconcile.registering_since(exchange, db, isp.slug),
        review_since=reconcile.review_since(now),
    )
    purpose = notices.purpose_of(parts, told, scope.named_before(scope.last_sent(db)))
    form = notices.NOTHING_OUTSTANDING if purpose is Purpose.NOTHING_OUTSTANDING else stage.stage
    if stage.stage == EXTENDED:  # the new date is told in any case
        purpose, form = Purpose.NOTICE, EXTENDED
    ends_on = campaign.date_to_tell(scope.deadline, scope.told_on(db))
    return Proposal(isp, scope, stage, ends_on, purpose, form, notices.tally(now), len(parts.subscribers))


def _record(exchange: Exchange, letters: Letters, proposal: Proposal, actor: str) -> str:
    """The notice and its messages, or the record that there was nothing to tell."""
    isp, stage, deadline, at = proposal.isp, proposal.stage, proposal.scope.deadline, exchange.now()
    is_silent = proposal.purpose is Purpose.NOTHING_TO_TELL
    with exchange.registry.writing() as db:
        notice = outbox.add_notice(
            db,
            isp=isp.slug,
            campaign=deadline.campaign,
            deadline_version=deadline.version,
            ends_on=proposal.ends_on,
            stage=stage.stage,
            stage_on=stage.on,
            form=proposal.form,
            counts=asdict(proposal.tally),
            at=at,
            state=NoticeState.CANCELLED if is_silent else NoticeState.PLANNED,
            reason=Purpose.NOTHING_TO_TELL if is_silent else "",
        )
        if not is_silent:
            messages.add(db, notice, copies(isp, letters, notice))
        audit_notice(db, actor, notice.state, notice, at=at)
    return notice.notice_no


def copies(isp: Isp, letters: Letters, notice: Notice) -> list[tuple[Contact, str]]:
    """Who gets the notice, each with the Message-ID of his copy."""
    contacts = isp.recipients(letters.roles(notice.stage if notice.stage in letters.forms else notice.form))
    return [(contact, notices.message_id(notice.notice_no, contact.email)) for contact in contacts]


def _brake(db: Session, exchange: Exchange, notice: Notice) -> str | None:
    """Why this ISP's notice waits for a person (contract section 8, "Brake, per ISP")."""
    offset = notices.load_letters().offsets.get(notice.stage, 0)
    reasons = [
        notices.brake(Tally(**notice.counts), offset=offset, last_sent=_last_tally(db, exchange, notice)),
        *(f"Delivery {case.subject} has been held since {pakistani_day(case.opened_at)}: case {case.id}."
          for case in backlog.held_deliveries(db, notice.isp)),
    ]  # fmt: skip
    return " ".join(filter(None, reasons)) or None


def _last_tally(db: Session, exchange: Exchange, notice: Notice) -> Tally | None:
    """What the last sent notice about the same clients counted; None when the ISP never got one."""
    scope = scope_of(exchange, db, notice)
    last = scope.last_sent(db)
    if last is None and scope.only and outbox.last_sent(db, notice.isp, notice.campaign):
        return Tally(**notice.counts)  # he stood in the ISP's letters before: nothing jumps when he gets his own
    return Tally(**last.counts) if last else None


def _stage_brake(db: Session, exchange: Exchange, stage_on: date) -> str | None:
    """Why the whole stage waits: the national count jumped against the last stage's."""
    slug = exchange.campaign.slug
    return notices.stage_brake(outbox.stage_total(db, slug, stage_on), outbox.last_stage_total(db, slug, stage_on))
