"""Stages that do not go any more: merged, lapsed, or of a deadline that was extended (contract section 8)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from vpn_registry import campaign, notices
from vpn_registry.campaign import EXTENDED, LAPSED, StageDay
from vpn_registry.model import PENDING, NoticeState, pakistani_day
from vpn_registry.notices import Letters
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.scopes import Scope, scopes
from vpn_registry.pipeline.trail import audit_notice
from vpn_registry.registry import messages, outbox, statuses, successions
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
    with exchange.registry.writing() as db:
        slugs = sorted({*exchange.isps, *(notice.isp for notice in outbox.notices(db, *PENDING))})
        for isp in slugs:
            first_list_on = statuses.first_list_on(db, isp)
            missed: list[tuple[Scope, StageDay, str]] = []
            found = scopes(exchange, db, isp)
            for scope in found:
                days = campaign.plan_stages(scope.deadline, letters.offsets, exchange.holidays)
                of_isp = campaign.stages_of_isp(days, first_list_on)
                missed += [(scope, stage, reason) for stage, reason in campaign.missed_stages(of_isp, today)]
            reasons = {(scope.deadline.version, stage.stage): reason for scope, stage, reason in missed}
            in_force = {scope.deadline.version for scope in found}
            for notice in outbox.notices(db, *PENDING, isp=isp):
                why = _reason(exchange, notice, in_force, reasons)
                if why is not None:
                    _cancel(db, notice, why, at)
            missed += [(scope, stage, EXTENDED) for scope, stage in _overtaken(exchange, db, letters, isp)]
            for scope, stage, reason in missed:
                deadline = scope.deadline
                if not outbox.has_notice(db, deadline.campaign, deadline.version, stage.stage, isp):
                    _record(db, scope, stage, reason, at)


def _overtaken(exchange: Exchange, db: Session, letters: Letters, isp: str) -> Iterator[tuple[Scope, StageDay]]:
    """The stages that had come before a later deadline was entered: what nothing had planned until then never goes."""
    first_list_on, newest = statuses.first_list_on(db, isp), successions.newest_ids(db, isp)
    for deadline, until in campaign.overtaken(exchange.campaign, isp):
        days = campaign.plan_stages(deadline, letters.offsets, exchange.holidays)
        who = deadline.subscriber_id
        for stage in campaign.stages_of_isp(days, first_list_on):
            if stage.on < until:
                yield Scope(isp, deadline, only=newest.get(who, who)), stage


def _reason(
    exchange: Exchange, notice: Notice, in_force: Collection[int], missed: Mapping[tuple[int, str], str]
) -> str | None:
    if notice.campaign != exchange.campaign.slug or notice.deadline_version not in in_force:
        return EXTENDED
    last_on = campaign.last_day(notice.stage_on, notice.ends_on, exchange.holidays)
    is_too_late = pakistani_day(exchange.now()) > last_on
    return missed.get((notice.deadline_version, notice.stage)) or (LAPSED if is_too_late else None)


def _cancel(db: Session, notice: Notice, reason: str, at: datetime) -> None:
    if notice.state is NoticeState.SENDING:
        messages.cancel_unsent(db, notice, reason=reason, at=at)
    else:
        outbox.decide(db, notice, NoticeState.CANCELLED, reason=reason, actor=ACTOR, at=at)
        audit_notice(db, ACTOR, NoticeState.CANCELLED, notice, at=at)


def _record(db: Session, scope: Scope, stage: StageDay, reason: str, at: datetime) -> None:
    deadline = scope.deadline
    notice = outbox.add_notice(
        db,
        isp=scope.isp,
        campaign=deadline.campaign,
        deadline_version=deadline.version,
        ends_on=deadline.ends_on,
        stage=stage.stage,
        stage_on=stage.on,
        form=stage.stage,
        counts=asdict(notices.tally(scope.of(statuses.latest(db, scope.isp)))),
        at=at,
        state=NoticeState.CANCELLED,
        reason=reason,
    )
    audit_notice(db, ACTOR, NoticeState.CANCELLED, notice, at=at)
