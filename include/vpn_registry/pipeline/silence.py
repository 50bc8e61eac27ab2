"""Whose client list is overdue or too old to compare, what is done about it, and what is in the way (contract section
8)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from vpn_registry.campaign import SILENT, Campaign, working_day_on_or_after
from vpn_registry.model import LIST_AGE_DAYS, PAKISTAN, Feed, pakistani_day
from vpn_registry.pipeline import backlog
from vpn_registry.registry import filings, glance, mutes, outages, reminders
from vpn_registry.registry.filings import Filed
from vpn_registry.roster import Isp

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from vpn_registry.pipeline.exchange import Exchange

PAUSE: Final = timedelta(days=7)
"""An ISP gets a reminder of one form at most once in so many days."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Filer:
    """How one ISP files.

    `list_on` is the day in the name of its newest accepted client list, `due_on` the last day on which the next one is
    in time (the days on which we did not list its zone are the ISP's), None for one that owes none. `overdue_since` is
    the first day after it, None while the list is in time or waits for us (`waiting`, a delivery). `next_on` is the
    working day of the next reminder, None when none is due; `hindrance` says why none would go now, '' when nothing is
    in the way. `last` are the deliveries that came last, by feed.
    """

    isp: str
    list_on: date | None
    due_on: date | None
    overdue_since: date | None
    is_too_old: bool
    waiting: int | None = None
    reminded_on: date | None = None
    reminder_no: str = ""
    next_on: date | None = None
    hindrance: str = ""
    last: Mapping[Feed, Filed] = field(default_factory=dict)

    @property
    def is_silent(self) -> bool:
        """Whether its list is overdue, or too old to compare."""
        return self.overdue_since is not None or self.is_too_old


def filers(
    db: Session, isps: Mapping[str, Isp], campaign: Campaign, holidays: Collection[date], now: datetime
) -> list[Filer]:
    """How these ISPs file, in their order; the same number of queries however many they are."""
    today, slugs = pakistani_day(now), list(isps)
    lists, waiting = filings.newest_lists(db, slugs), filings.lists_in_work(db, slugs)
    opened_on = campaign.deadlines[0].entered_on
    counted_from = {slug: (lists[slug].content_on if slug in lists else None) or opened_on for slug in slugs}
    began = {slug: datetime.combine(day, time(), PAKISTAN) for slug, day in counted_from.items()}
    stood_still = outages.stood_still_each(db, began, now)
    reminded = reminders.last(db, SILENT)
    hindrances = _hindrances(db, slugs, holidays, now)
    last = filings.last_of_feeds(db, slugs)
    found = []
    for slug, isp in isps.items():
        list_on = lists[slug].content_on if slug in lists else None
        still = stood_still[slug]
        ours = timedelta(days=still.days + bool(still.seconds))
        due_on = None if isp.check_only else isp.list_due_on(list_on, opened_on) + ours
        is_overdue = due_on is not None and due_on < today and slug not in waiting
        reminder = reminded.get(slug)
        earliest = max(today, reminder.on + PAUSE) if reminder else today
        found.append(
            Filer(
                isp=slug,
                list_on=list_on,
                due_on=due_on,
                overdue_since=due_on + _DAY if due_on is not None and is_overdue else None,
                is_too_old=list_on is not None and (today - list_on).days > LIST_AGE_DAYS,
                waiting=waiting.get(slug),
                reminded_on=reminder.on if reminder else None,
                reminder_no=reminder.notice_no if reminder else "",
                next_on=working_day_on_or_after(earliest, holidays) if is_overdue else None,
                hindrance=hindrances.get(slug, ""),
                last={feed: last[slug, feed] for feed in Feed if (slug, feed) in last},
            )
        )
    return found


def _hindrances(db: Session, slugs: list[str], holidays: Collection[date], now: datetime) -> dict[str, str]:
    """ISP -> why it gets no reminder now: it may have filed and we don't know it, because nobody listed its zone today
    or its files wait for us; or a person muted it."""
    watches, causes = glance.watches(db), backlog.causes(db, slugs, holidays, now)
    muted = {one.isp: one.told for one in mutes.in_force(db, now) if not one.subscriber_id}
    told = {slug: _unlisted(watches.get(slug), now) or causes.get(slug) or muted.get(slug, "") for slug in slugs}
    return {slug: why for slug, why in told.items() if why}


def _unlisted(watch: Any, now: datetime) -> str:
    if watch is not None and watch.failing_since_at is not None:
        return f"Its zone can't be listed since {pakistani_day(watch.failing_since_at):%-d %b %Y}."
    listed_at = None if watch is None else watch.listed_at
    if listed_at is not None and pakistani_day(listed_at) >= pakistani_day(now):
        return ""
    return "Its zone has not been listed today."


def overdue_on(exchange: Exchange, db: Session, isp: Isp) -> date | None:
    """Since when the ISP's client list is overdue; None when it isn't."""
    return of(exchange, db, {isp.slug: isp})[0].overdue_since


def silent(exchange: Exchange, db: Session) -> list[Filer]:
    """Whose client list is overdue or too old to compare, in the order of slugs."""
    return [one for one in of(exchange, db, exchange.isps) if one.is_silent]


def of(exchange: Exchange, db: Session, isps: Mapping[str, Isp]) -> list[Filer]:
    """How these ISPs file, by the campaign and the clock of the installation."""
    return filers(db, isps, exchange.campaign, exchange.holidays, exchange.now())
