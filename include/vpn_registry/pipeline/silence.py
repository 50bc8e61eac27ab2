"""Whose client list is overdue or too old to compare (contract section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from vpn_registry.campaign import SILENT
from vpn_registry.model import LIST_AGE_DAYS, PAKISTAN, pakistani_day
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import outages, reminders, statuses
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


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
