"""The daily report to the data team: what came, what was refused and why, who is silent, what waits for a person.

Ids and counts only. It goes out once a working day, and asks again for whatever a person has not decided.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from vpn_registry import campaign
from vpn_registry.campaign import ENDING
from vpn_registry.forecast import Forecast, forecast
from vpn_registry.model import Outcome, Severity, pakistani_day, percentage
from vpn_registry.pipeline import office, silence
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.overview import Overview, overview
from vpn_registry.registry import audit, glance, office_mails, reports
from vpn_registry.registry import reminders as told
from vpn_registry.registry.reports import Judged
from vpn_registry.rulebook import rule

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

FIRST: Final = timedelta(days=1)
"""How far back the first report looks."""
TREND: Final = timedelta(days=60)
ANSWERED_WITHIN: Final = timedelta(minutes=30)
TOP_REASONS: Final = 3
_WITH_REASONS: Final = (Outcome.REJECTED, Outcome.PARTIAL, Outcome.HELD)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A delivery that was not taken whole, and the rules most often broken."""

    delivery: str
    outcome: str
    rows: str
    reasons: tuple[str, ...]


def queue(exchange: Exchange, *, page: str = "") -> bool:
    """Put today's report into the outbox of the office; False on a day off and when it is there already.

    `page` is the address of the data team's page, '' when nobody knows it.
    """
    today = pakistani_day(exchange.now())
    if not campaign.is_working_day(today, exchange.holidays):
        return False
    facts = _facts(exchange, today) | {"page": page}
    with exchange.registry.writing() as db:
        if office_mails.has(db, office_mails.REPORT, today.isoformat()):
            return False
        office.queue(exchange, db, office_mails.REPORT, today.isoformat(), "report", facts)
    return True


def _facts(exchange: Exchange, today: date) -> dict[str, object]:
    now, everything = exchange.now(), overview(exchange)
    with exchange.registry.reading() as db:
        since = office_mails.last_report(db, today) or now - FIRST
        judged = reports.judged_since(db, since)
        sealed, head = audit.head(db)
        return {
            "day": today,
            "now": now,
            "since": since,
            "deadline": everything.deadline,
            "days_left": everything.days_left,
            "standing": _standing(everything),
            "forecast": _forecast(db, today, everything.deadline),
            "came": _came(judged),
            "refused": [_refusal(one) for one in judged if one.outcome in _WITH_REASONS],
            "silent": silence.silent(exchange, db),
            "ending": sum(one.on == today for one in told.last(db, ENDING).values()),
            "overview": everything,
            "stuck": glance.stuck(db, now - ANSWERED_WITHIN),
            "alarms": office_mails.happened_since(db, office_mails.ALARMS, since),
            "doubtful": office_mails.doubtful(db),
            "sealed": sealed,
            "head": head,
            "unsealed": audit.tail(db)[0],
        }


def _standing(everything: Overview) -> dict[str, int | str]:
    national = everything.national
    comparable = national.comparable or 0
    return {
        "clients": national.clients,
        "to_register": national.to_register,
        "coverage": percentage(national.covered, comparable),
        "comparable": comparable,
    }


def _forecast(db: Session, today: date, deadline: date) -> Forecast | None:
    """Clients to register in the whole country at the deadline; None when too little is known."""
    trend = glance.coverage_by_day(db, since=today - TREND, until=today)
    return forecast([(day.on, day.to_register) for day in trend], deadline)


def _came(judged: Iterable[Judged]) -> dict[str, dict[str, int]]:
    """ISP -> outcome -> deliveries."""
    came: dict[str, Counter[str]] = {}
    for one in judged:
        came.setdefault(one.isp, Counter())[one.outcome.value] += 1
    return {isp: dict(sorted(counts.items())) for isp, counts in came.items()}


def _refusal(one: Judged) -> Refusal:
    is_named = one.feed is not None and one.seq is not None
    named = f"{one.feed} {one.mode} {one.seq:04}" if is_named else "of a name that can't be read"
    errors = [item for item in one.counts_by_code.items() if rule(item[0]).severity is Severity.ERROR]
    counted = sorted(errors, key=lambda item: (-int(item[1]), item[0]))
    reasons = tuple(f"{code} {rule(code).title}: {count}" for code, count in counted[:TOP_REASONS])
    rows = "" if not one.rows_total else f"{one.rows_rejected} of {one.rows_total} rows rejected"
    return Refusal(f"{one.isp} {named} (delivery {one.id})", one.outcome.value, rows, reasons)
