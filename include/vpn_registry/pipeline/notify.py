"""Planning and braking of notices, and a person's approval (contract section 8). Sending is in `dispatch`."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from vpn_registry import campaign, notices
from vpn_registry.campaign import Deadline, StageDay, deadline_in_force
from vpn_registry.model import DeliveryState, NoticeState, pakistani_day
from vpn_registry.notices import Letters, Purpose, Tally
from vpn_registry.pipeline import reconcile
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, cases, ledger, outbox, statuses
from vpn_registry.registry.outbox import Notice
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from vpn_registry.registry.home import Registry

log = logging.getLogger(__name__)

BACKLOG_WORKING_DAYS: Final = 2
"""A notice waits so long for a held delivery; after that it is itself held, and its reason names the case."""
LAPSED: Final = "lapsed"
EXTENDED: Final = "extended"
UNJUDGED: Final = (DeliveryState.CLAIMED, DeliveryState.STORED)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One notice that is due, as the statuses stand now; `form` names the letter."""

    isp: Isp
    stage: StageDay
    deadline: Deadline
    purpose: Purpose
    form: str
    tally: Tally
    named: int


def plan(exchange: Exchange, *, is_dry: bool = False) -> list[str]:
    """Record the notices that are due today; their numbers, or in a dry run what they would be, unrecorded.

    First brings the statuses up to date, which a dry run does too: they are no notice's business alone. An ISP whose
    deliveries we have not judged yet is left for tomorrow: our own backlog never makes a client look unregistered.
    Then cancels the notices of lapsed stages of which nothing was sent.
    """
    for isp in reconcile.outdated(exchange):
        reconcile.compare(exchange, isp)
    letters = notices.load_letters()
    if not is_dry:
        _cancel_overtaken(exchange, letters)
    with exchange.registry.reading() as db:
        proposals = [found for isp in exchange.isps.values() if (found := _proposal(exchange, db, letters, isp))]
    if is_dry:
        for proposal in proposals:
            log.info("%s: would plan %s (%s clients).", proposal.isp.slug, proposal.stage.stage, proposal.named)
        return [f"{proposal.isp.slug} {proposal.stage.stage}" for proposal in proposals]
    return [_record(exchange, letters, proposal) for proposal in proposals]


def brake(exchange: Exchange) -> list[str]:
    """Hold each planned notice that a person has to see first, approve the others.

    Returns the slugs of the ISPs that have something to send, also from earlier runs.
    """
    with exchange.registry.writing() as db:
        planned = outbox.notices(db, NoticeState.PLANNED)
        whole_stage = _stage_brake(db, planned)
        for notice in planned:
            reason = " ".join(filter(None, [_brake(db, exchange, notice), whole_stage]))
            state = NoticeState.HELD if reason else NoticeState.APPROVED
            at = exchange.now()
            outbox.decide(db, notice, state, reason=reason, actor="send_notices" if not reason else "", at=at)
            _audit(db, "send_notices", state, notice, at=at)
        return outbox.isps_with_approved(db)


def held(registry: Registry) -> dict[str, str]:
    """Notice number -> ISP, stage, counts and why it waits, of every held notice."""
    with registry.reading() as db:
        waiting = outbox.notices(db, NoticeState.HELD)
    return {notice.notice_no: f"{notice.isp}, {held_text(notice)}" for notice in waiting}


def held_text(notice: Notice) -> str:
    """What a person has to know before approving: the stage, whom it is about, and why it waits."""
    counts = notice.counts
    return f"{notice.stage}, {counts['to_register']} of {counts['comparable']} clients to register. {notice.reason}"


def approve(
    registry: Registry, *, actor: str, reason: str, stage: str | None = None, isp: str | None = None
) -> list[str]:
    """A person's approval of held notices: their numbers. They go out with the next run of send_notices."""
    with registry.writing() as db:
        held = outbox.notices(db, NoticeState.HELD, isp=isp, stage=stage)
        for notice in held:
            outbox.decide(db, notice, NoticeState.APPROVED, reason=reason, actor=actor, at=registry.now())
            _audit(db, actor, NoticeState.APPROVED, notice, at=registry.now())
    return [notice.notice_no for notice in held]


def _proposal(exchange: Exchange, db: Session, letters: Letters, isp: Isp) -> Proposal | None:
    today = pakistani_day(exchange.now())
    deadline = deadline_in_force(exchange.campaign, today)
    days = campaign.plan_stages(deadline, letters.offsets, exchange.holidays)
    days = campaign.stages_of_isp(days, statuses.first_list_on(db, isp.slug))
    stage = campaign.due_stage(days, today, exchange.holidays)
    if stage is None or outbox.has_notice(db, deadline.campaign, deadline.version, stage.stage, isp.slug):
        return None
    if _has_backlog(exchange, db, isp):
        log.warning("%s: %s waits, because a delivery has not been judged yet.", isp.slug, stage.stage)
        return None
    now = statuses.latest(db, isp.slug)
    parts = notices.select_parts(
        now,
        offset=stage.offset,
        today=today,
        holidays=exchange.holidays,
        registering=reconcile.registering_since(exchange, db, isp.slug),
        review_since=reconcile.review_since(now),
    )
    last = outbox.last_sent(db, isp.slug, deadline.campaign)
    purpose = notices.purpose_of(parts, now, last.subscribers if last else ())
    form = notices.NOTHING_OUTSTANDING if purpose is Purpose.NOTHING_OUTSTANDING else stage.stage
    return Proposal(isp, stage, deadline, purpose, form, notices.tally(now), len(parts.subscribers))


def _cancel_overtaken(exchange: Exchange, letters: Letters) -> None:
    """What is not sending yet is cancelled, approved or not, once its deadline was extended or its stage has lapsed."""
    at = exchange.now()
    today = pakistani_day(at)
    deadline = deadline_in_force(exchange.campaign, today)
    days = campaign.plan_stages(deadline, letters.offsets, exchange.holidays)
    lapsed = {day.stage for day in days if campaign.has_lapsed(day, today)}
    with exchange.registry.writing() as db:
        for notice in outbox.notices(db, NoticeState.PLANNED, NoticeState.HELD, NoticeState.APPROVED):
            is_extended = (notice.campaign, notice.deadline_version) != (deadline.campaign, deadline.version)
            if is_extended or notice.stage in lapsed:
                reason = EXTENDED if is_extended else LAPSED
                outbox.decide(db, notice, NoticeState.CANCELLED, reason=reason, actor="send_notices", at=at)
                _audit(db, "send_notices", NoticeState.CANCELLED, notice, at=at)


def _has_backlog(exchange: Exchange, db: Session, isp: Isp) -> bool:
    """Whether a delivery received before now is unjudged, or held for less than two working days."""
    if any(delivery.state in UNJUDGED for delivery in ledger.unfinished(db, isp.slug)):
        return True
    today = pakistani_day(exchange.now())
    return any(today < _patience(exchange, case) for case in _held_deliveries(db, isp.slug))


def _held_deliveries(db: Session, isp: str) -> list[cases.Case]:
    return [case for case in cases.open_cases(db, isp) if case.kind == cases.HELD_DELIVERY]


def _patience(exchange: Exchange, case: cases.Case) -> date:
    return campaign.working_day_after(pakistani_day(case.opened_at), BACKLOG_WORKING_DAYS, exchange.holidays)


def _record(exchange: Exchange, letters: Letters, proposal: Proposal) -> str:
    """The notice and its messages, or the record that there was nothing to tell."""
    isp, stage, deadline, at = proposal.isp, proposal.stage, proposal.deadline, exchange.now()
    is_silent = proposal.purpose is Purpose.NOTHING_TO_TELL
    with exchange.registry.writing() as db:
        notice = outbox.add_notice(
            db,
            isp=isp.slug,
            campaign=deadline.campaign,
            deadline_version=deadline.version,
            ends_on=deadline.ends_on,
            stage=stage.stage,
            stage_on=stage.on,
            form=proposal.form,
            counts=asdict(proposal.tally),
            at=at,
            state=NoticeState.CANCELLED if is_silent else NoticeState.PLANNED,
            reason=Purpose.NOTHING_TO_TELL if is_silent else "",
        )
        if not is_silent:
            contacts = isp.recipients(letters.roles(stage.stage))
            copies = [(contact, notices.message_id(notice.notice_no, contact.email)) for contact in contacts]
            outbox.add_messages(db, notice, copies)
        _audit(db, "send_notices", notice.state, notice, at=at)
    return notice.notice_no


def _brake(db: Session, exchange: Exchange, notice: Notice) -> str | None:
    """Why this ISP's notice waits for a person (contract section 8, "Brake, per ISP")."""
    last = outbox.last_sent(db, notice.isp, notice.campaign)
    offset = notices.load_letters().offsets[notice.stage]
    reasons = [
        notices.brake(Tally(**notice.counts), offset=offset, last_sent=Tally(**last.counts) if last else None),
        *(f"Delivery {case.subject} has been held since {pakistani_day(case.opened_at)}: case {case.id}."
          for case in _held_deliveries(db, notice.isp)),
    ]  # fmt: skip
    return " ".join(filter(None, reasons)) or None


def _stage_brake(db: Session, planned: list[Notice]) -> str | None:
    """Why the whole stage waits: the national count jumped against the last stage's."""
    if not planned:
        return None
    first = planned[0]
    total = sum(notice.counts["to_register"] for notice in planned)
    return notices.stage_brake(total, outbox.last_stage_total(db, first.campaign, first.stage_on))


def _audit(db: Session, actor: str, state: NoticeState, notice: Notice, *, at: datetime) -> None:
    audit.record(
        db,
        actor=actor,
        action=f"notice_{state}",
        object_type="notice",
        object_id=notice.notice_no,
        detail={"isp": notice.isp, "stage": notice.stage},
        at=at,
    )
