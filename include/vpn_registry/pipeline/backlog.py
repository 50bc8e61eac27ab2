"""Our own backlog: while it is not worked off, no client of the ISP is called unregistered (contract section 8)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Final

from vpn_registry import campaign
from vpn_registry.campaign import Deadline, StageDay
from vpn_registry.model import PAKISTAN, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import audit, cases, ledger
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WORKING_DAYS: Final = 2
"""A notice waits so long for a held delivery; after that it is itself held, and its reason names the case."""
SUPPRESSED: Final = "stage_suppressed"
"""The audit event of a stage that waits, once a day; its object is `stage_name`."""


def cause(exchange: Exchange, db: Session, isp: Isp) -> str | None:
    """Why a stage of the ISP waits: a delivery received before now is unjudged, or held for less than two working
    days."""
    return causes(db, [isp.slug], exchange.holidays, exchange.now()).get(isp.slug)


def causes(db: Session, isps: Collection[str], holidays: Collection[date], now: datetime) -> dict[str, str]:
    """The same for each of these ISPs that waits."""
    found: dict[str, str] = {}
    for isp, delivery_id in ledger.unjudged(db, isps):
        found.setdefault(isp, f"Delivery {delivery_id} has not been judged yet.")
    for case in cases.open_cases(db, kind=cases.HELD_DELIVERY):
        if case.isp in isps and pakistani_day(now) < _patience(case, holidays):
            found.setdefault(case.isp, f"Delivery {case.subject} is held: case {case.id}.")
    return found


def held_deliveries(db: Session, isp: str) -> list[cases.Case]:
    """The open cases about held deliveries of the ISP."""
    return cases.open_cases(db, isp, cases.HELD_DELIVERY)


def record_suppressed(exchange: Exchange, isp: Isp, deadline: Deadline, stage: StageDay, why: str) -> None:
    """Put into the audit trail that a stage waits today, and why; once a day."""
    at = exchange.now()
    name = stage_name(deadline, stage.stage, isp.slug)
    midnight = datetime.combine(pakistani_day(at), time(), PAKISTAN)
    with exchange.registry.writing() as db:
        if audit.happened_since(db, SUPPRESSED, name, midnight):
            return
        audit.record(
            db,
            actor="send_notices",
            action=SUPPRESSED,
            object_type="stage",
            object_id=name,
            detail={"isp": isp.slug, "stage": stage.stage, "why": why},
            at=at,
        )


def stage_name(deadline: Deadline, stage: str, isp: str) -> str:
    """What the audit trail calls a stage of an ISP: `2026/1/T-14/indus`."""
    return f"{deadline.campaign}/{deadline.version}/{stage}/{isp}"


def _patience(case: cases.Case, holidays: Collection[date]) -> date:
    return campaign.working_day_after(pakistani_day(case.opened_at), WORKING_DAYS, holidays)
