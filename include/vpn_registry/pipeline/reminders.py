"""What the reminders say, by the registry of the very transaction that lets them go (contract section 8)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from vpn_registry import notices
from vpn_registry.campaign import ENDING, SILENT
from vpn_registry.model import LIST_AGE_DAYS, PAKISTAN, Status, pakistani_day
from vpn_registry.notices import NoticeData, Parts
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import outages, reminders, statuses
from vpn_registry.registry.outbox import Notice
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

ENDS_WITHIN: Final = timedelta(days=30)
"""How long before its end a registration is told, and how long a client once told is left alone."""


@dataclass(frozen=True, slots=True)
class Silent:
    """An ISP whose client list is overdue, or too old to compare; None where there is no list or no reminder."""

    isp: str
    list_on: date | None
    overdue_since: date | None
    is_too_old: bool
    reminded_on: date | None


def overdue_on(exchange: Exchange, db: Session, isp: Isp) -> date | None:
    """Since when the ISP's client list is overdue: the day after the last day in time; None when it isn't.

    The days on which we did not list its zone are the ISP's. An ISP that only tries files out owes none, and one
    whose list waits for us has filed.
    """
    if isp.check_only or reminders.has_list_in_work(db, isp.slug):
        return None
    list_on = statuses.list_on(db, isp.slug)
    counted_from = list_on or exchange.campaign.deadlines[0].entered_on
    since = datetime.combine(counted_from, time(), PAKISTAN)
    stood_still = outages.stood_still(db, isp.slug, since, exchange.now())
    ours = timedelta(days=stood_still.days + bool(stood_still.seconds))
    overdue = isp.list_due_on(list_on, counted_from) + ours + timedelta(days=1)
    return overdue if overdue <= pakistani_day(exchange.now()) else None


def silent(exchange: Exchange, db: Session) -> list[Silent]:
    """Whose client list is overdue or too old to compare, in the order of slugs."""
    today, reminded = pakistani_day(exchange.now()), reminders.last_on(db, SILENT)
    found = []
    for slug, isp in exchange.isps.items():
        list_on, overdue = statuses.list_on(db, slug), overdue_on(exchange, db, isp)
        is_too_old = list_on is not None and (today - list_on).days > LIST_AGE_DAYS
        if overdue is not None or is_too_old:
            found.append(Silent(slug, list_on, overdue, is_too_old, reminded.get(slug)))
    return found


def ending(exchange: Exchange, db: Session, isp: Isp, but: str = "") -> pd.DataFrame:
    """The clients whose registration in force ends soon and whom no letter but `but` told lately, as notices name
    them."""
    today = pakistani_day(exchange.now())
    soon = reminders.ending(db, isp.slug, today, today + ENDS_WITHIN)
    told = reminders.named_since(db, isp.slug, exchange.now() - ENDS_WITHIN, but=but)
    soon = soon[~soon["subscriber_id"].isin(told)].reset_index(drop=True)
    reason = "Registration " + soon["registration_ref"] + " (" + soon["national_no"] + ") ends on " + soon["valid_to"]
    return soon.assign(status=Status.EXPIRING.value, reason=reason + ".")[list(notices.COLUMNS)]


def data(exchange: Exchange, db: Session, isp: Isp, notice: Notice) -> NoticeData | None:
    """What a reminder says; None when its reason has gone meanwhile."""
    parts = notices.no_parts()
    if notice.form == ENDING:
        parts = Parts(parts.to_register, ending(exchange, db, isp, but=notice.notice_no))
    if not parts.subscribers and (notice.form != SILENT or overdue_on(exchange, db, isp) is None):
        return None
    return NoticeData(
        notice_no=notice.notice_no,
        form=notice.form,
        dated_on=pakistani_day(exchange.now()),
        deadline_on=notice.ends_on,
        isp=replace(isp, cadence_days=isp.list_days),
        campaign=exchange.campaign,
        tally=notices.tally(statuses.latest(db, isp.slug)),
        parts=parts,
        list_on=statuses.list_on(db, isp.slug),
        is_simulated=exchange.registry.is_simulated,
    )
