"""Stages that do not go any more: merged, lapsed, or of a deadline that was extended (contract section 8)."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from vpn_registry import campaign, notices
from vpn_registry.campaign import EXTENDED, LAPSED, Deadline, StageDay, deadline_in_force
from vpn_registry.model import PENDING, NoticeState, pakistani_day
from vpn_registry.notices import Letters
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.trail import audit_notice
from vpn_registry.registry import messages, outbox, statuses
from vpn_registry.registry.outbox import Notice

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

ACTOR = "send_notices"


def settle(exchange: Exchange, letters: Letters) -> None:
    """Cancel what is not sending yet and will not go any more, approved or not; record the stages never planned.

    Of a notice that has gone to some recipients only, the copies still waiting are cancelled.
    """
    at = exchange.now()
    today = pakistani_day(at)
    deadline = deadline_in_force(exchange.campaign, today)
    days = campaign.plan_stages(deadline, letters.offsets, exchange.holidays)
    with exchange.registry.writing() as db:
        slugs = sorted({*exchange.isps, *(notice.isp for notice in outbox.notices(db, *PENDING))})
        for isp in slugs:
            of_isp = campaign.stages_of_isp(days, statuses.first_list_on(db, isp))
            missed = campaign.missed_stages(of_isp, today)
            reasons = {stage.stage: reason for stage, reason in missed}
            for notice in outbox.notices(db, *PENDING, isp=isp):
                reason = _reason(exchange, notice, deadline, reasons)
                if reason is not None:
                    _cancel(db, notice, reason, at)
            for stage, reason in missed:
                if not outbox.has_notice(db, deadline.campaign, deadline.version, stage.stage, isp):
                    _record(db, isp, deadline, stage, reason, at)


def _reason(exchange: Exchange, notice: Notice, deadline: Deadline, missed: dict[str, str]) -> str | None:
    if (notice.campaign, notice.deadline_version) != (deadline.campaign, deadline.version):
        return EXTENDED
    last_on = campaign.last_day(notice.stage_on, notice.ends_on, exchange.holidays)
    return missed.get(notice.stage) or (LAPSED if pakistani_day(exchange.now()) > last_on else None)


def _cancel(db: Session, notice: Notice, reason: str, at: datetime) -> None:
    if notice.state is NoticeState.SENDING:
        messages.cancel_unsent(db, notice, reason=reason, at=at)
    else:
        outbox.decide(db, notice, NoticeState.CANCELLED, reason=reason, actor=ACTOR, at=at)
        audit_notice(db, ACTOR, NoticeState.CANCELLED, notice, at=at)


def _record(db: Session, isp: str, deadline: Deadline, stage: StageDay, reason: str, at: datetime) -> None:
    notice = outbox.add_notice(
        db,
        isp=isp,
        campaign=deadline.campaign,
        deadline_version=deadline.version,
        ends_on=deadline.ends_on,
        stage=stage.stage,
        stage_on=stage.on,
        form=stage.stage,
        counts=asdict(notices.tally(statuses.latest(db, isp))),
        at=at,
        state=NoticeState.CANCELLED,
        reason=reason,
    )
    audit_notice(db, ACTOR, NoticeState.CANCELLED, notice, at=at)
