"""Where everything stands: one line an ISP, for the terminal, for JSON, and for whoever asks on the telephone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from vpn_registry import campaign
from vpn_registry.forecast import WINDOW_DAYS, Forecast, forecast
from vpn_registry.model import COMPARABLE, COVERED, TO_REGISTER, NoticeState, Outcome, Status, iso_utc, pakistani_day
from vpn_registry.pipeline import silence
from vpn_registry.pipeline.approval import held_text
from vpn_registry.pipeline.decisions import Waiting, waiting
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import glance, messages, mutes, outbox, status_runs
from vpn_registry.registry.lying import left_alone, sentences

_LOOK_BACK_DAYS: Final = 4 * WINDOW_DAYS
"""A count that is older than this tells nothing of the days on which a forecast rests."""


@dataclass(frozen=True, slots=True)
class IspOverview:
    """One ISP: its clients by status, deliveries by outcome (or state, before there is one), notices by state.

    `comparable` and `coverage` (from 0 to 1) are None when no client is comparable; `failing_since` tells since when
    its zone can't be listed, `error` why. `held` maps notice numbers to the reason why they wait for a person;
    `troubles` are messages that failed or are uncertain, with the relay's words. `left_alone` is what lies in its zone
    and is not taken, with the reason. `forecast` is of clients to register at the deadline, None when unknown.
    `orphans` are registrations in force without a client; `last_run` tells what the last comparison found new,
    resolved, changed and gone. `overdue_since` is the first day on which its client list was late, `reminded_on` the
    day of the last reminder. `deadline` is the ISP's own where it was given a later one, `client_deadlines` are those
    of its clients who were. `mutes` are the letters that a person keeps back: client ('' = all), until, reason, actor
    and case.
    """

    isp: str
    name: str
    clients: int
    statuses: dict[str, int]
    to_register: int
    covered: int
    comparable: int | None
    coverage: float | None
    deliveries: dict[str, int]
    notices: dict[str, int]
    held: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    failing_since: str | None = None
    error: str = ""
    forecast: Forecast | None = None
    orphans: list[str] = field(default_factory=list)
    last_run: dict[str, Any] | None = None
    overdue_since: str | None = None
    reminded_on: str | None = None
    deadline: str | None = None
    client_deadlines: dict[str, str] = field(default_factory=dict)
    mutes: list[dict[str, str | int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class National:
    """The clients of all ISPs together, by the same fields as those of one ISP."""

    clients: int
    statuses: dict[str, int]
    to_register: int
    covered: int
    comparable: int | None
    coverage: float | None


@dataclass(frozen=True, slots=True)
class Overview:
    as_of: str
    is_simulated: bool
    deadline: date
    days_left: int
    open_cases: int
    messages: dict[str, int]
    cases: list[Waiting]
    national: National
    isps: list[IspOverview]

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values."""
        return {**asdict(self), "deadline": self.deadline.isoformat()}


def overview(exchange: Exchange) -> Overview:
    """The present state, every ISP of the roster included, also those that never filed."""
    now = exchange.now()
    today = pakistani_day(now)
    deadline = campaign.deadline_in_force(exchange.campaign, today)
    with exchange.registry.reading() as db:
        zones, deliveries, notices = glance.watches(db), glance.deliveries_by_isp(db), glance.notices_by_isp(db)
        held = outbox.notices(db, NoticeState.HELD)
        by_state = messages.counts(db)
        troubles = messages.troubles(db)
        lying = left_alone(db, now)
        runs = status_runs.last(db)
        orphans = status_runs.orphans(db)
        late = {one.isp: one for one in silence.silent(exchange, db)}
        muted = mutes.in_force(db, now)
        histories = glance.to_register_by_day(db, since=today - timedelta(days=_LOOK_BACK_DAYS))
    cases = waiting(exchange)
    isps = []
    for slug, isp in exchange.isps.items():
        zone, run = zones.get(slug), runs.get(slug)
        usual = campaign.deadline_in_force(exchange.campaign, today, slug)
        own = campaign.own_deadlines(exchange.campaign, today, slug)
        isps.append(
            IspOverview(
                isp=slug,
                name=isp.name,
                **_counted(run.counts if run else {}),
                deliveries=_ordered(deliveries.get(slug, {})),
                notices=notices.get(slug, {}),
                held={notice.notice_no: held_text(notice) for notice in held if notice.isp == slug},
                troubles=[f"{one.notice_no} {one.state}: {one.reply}" for one in troubles if one.isp == slug],
                left_alone=sentences(one for one in lying if one.isp == slug),
                failing_since=iso_utc(zone.failing_since_at) if zone and zone.failing_since_at else None,
                error=zone.error or "" if zone else "",
                forecast=forecast(histories.get(slug, ()), usual.ends_on),
                orphans=orphans.get(slug, []),
                last_run=_run(run),
                overdue_since=_iso(late[slug].overdue_since) if slug in late else None,
                reminded_on=_iso(late[slug].reminded_on) if slug in late else None,
                deadline=_iso(usual.ends_on) if usual.ends_on != deadline.ends_on else None,
                client_deadlines={who: one.ends_on.isoformat() for who, one in own.items()},
                mutes=[_mute(one) for one in muted if one.isp == slug],
            )
        )
    return Overview(
        as_of=iso_utc(now),
        is_simulated=exchange.registry.is_simulated,
        deadline=deadline.ends_on,
        days_left=campaign.days_left(deadline, today),
        open_cases=len(cases),
        messages=by_state,
        cases=cases,
        national=National(**_counted(sum((Counter(isp.statuses) for isp in isps), Counter()))),
        isps=isps,
    )


def _counted(counts: Mapping[str, int]) -> dict[str, Any]:
    """Clients by status, in the order of statuses, and what follows from these."""
    statuses = {status.value: counts[status] for status in Status if counts.get(status)}
    to_register, covered, comparable = (
        sum(statuses.get(status, 0) for status in some) for some in (TO_REGISTER, COVERED, COMPARABLE)
    )
    return {
        "clients": sum(statuses.values()),
        "statuses": statuses,
        "to_register": to_register,
        "covered": covered,
        "comparable": comparable or None,
        "coverage": covered / comparable if comparable else None,
    }


def _run(run: status_runs.Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {"run_at": iso_utc(run.run_at), "rule_version": run.rule_version, **asdict(run.moves)}


def _mute(one: mutes.Mute) -> dict[str, str | int]:
    return {
        "client": one.subscriber_id,
        "until": str(one.until_on),
        "reason": one.reason,
        "actor": one.actor,
        "case": one.case_id,
    }


def _ordered(counts: dict[str, int]) -> dict[str, int]:
    """Deliveries by outcome, those without one by their state at the end."""
    order = [outcome.value for outcome in Outcome]
    return dict(sorted(counts.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order)))


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
