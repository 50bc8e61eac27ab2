"""The pages of figures: overview, one ISP, open cases, the rule catalogue, and the tab on a DAG's own page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from vpn_registry.forecast import Forecast, forecast
from vpn_registry.model import Outcome, percentage
from vpn_registry.page import urgency
from vpn_registry.page.desk import Desk, Sitting
from vpn_registry.page.filers import of_roster
from vpn_registry.page.lists import chosen, paging, sheet, window
from vpn_registry.page.room import Room, known_isp
from vpn_registry.pipeline.silence import Filer
from vpn_registry.registry import browse, deadlines, glance, mutes, office_mails
from vpn_registry.registry.glance import Coverage, Standing
from vpn_registry.registry.lying import left_alone
from vpn_registry.rulebook import FILE_RULES, ROW_RULES, RULEBOOK_VERSION, rule
from vpn_registry.rulebook.languages import texts

TREND_DAYS: Final = 60
FINDINGS_DAYS: Final = 30
WEEKS: Final = 8
NEEDS: Final = 50
"""So many cases and notices at most stand on the overview; their own pages have all."""
_OUTCOMES: Final = tuple(outcome.value for outcome in Outcome)
_CASES: Final = {
    "id": "case", "isp": "isp", "kind": "kind", "subject": "about", "reason": "reason", "opened_at": "opened",
    "due_on": "due", "closed_at": "closed", "outcome": "outcome", "actor": "decided by", "why": "why",
}  # fmt: skip
_ISPS: Final = {
    "isp": "isp", "name": "name", "clients": "clients", "to_register": "to register", "covered": "covered",
    "comparable": "comparable", "coverage": "coverage", "list_on": "newest client list", "deliveries": "deliveries",
    "refused": "refused", "cases": "open cases",
}  # fmt: skip
_DAG_PAGES: Final = {
    "collect_deliveries": "/deliveries",
    "chase_filers": "/filers",
    "approve_notices": "/notices?state=held",
    "send_notices": "/notices",
    "decide_case": "/cases",
    "extend_deadline": "/cases?kind=extension",
    "mute_notices": "/cases?kind=mute&show=all",
}
"""What of the page belongs to a DAG; the others show the overview."""


def router(room: Room, _clients: Callable[..., Any]) -> APIRouter:
    routes = APIRouter()

    @routes.get("/")
    def overview(request: Request, form: str = "") -> Response:
        with room.sit_down() as (desk, sitting):
            every = of_roster(desk, sitting)
            rows = _isps(desk, sitting, every)
            if form == "csv":
                told = ({**row, "coverage": row["coverage"].removesuffix("-")} for row in rows)
                return sheet("isps", _ISPS, told, len(rows))
            needs, waiting = _needs(desk, sitting, every)
            return room.page(
                request, "overview.html", desk, sitting, rows=rows, needs=urgency.folded(needs), waiting=waiting,
                unseen=waiting - len(needs), national=_national(rows), silent=sum(one.is_silent for one in every),
                reported_on=office_mails.reported_on(sitting.db), **_figures(sitting),
            )  # fmt: skip

    @routes.get("/isps/{slug}")
    def isp(request: Request, slug: str) -> Response:
        with room.sit_down() as (desk, sitting):
            one = known_isp(desk, slug)
            db = sitting.db
            return room.page(
                request, "isp.html", desk, sitting, isp=one,
                standing=glance.standings(db, slug).get(slug),
                filer=of_roster(desk, sitting, {slug: one})[0],
                lying=left_alone(db, sitting.now, slug),
                watch=glance.watches(db).get(slug),
                deliveries=browse.deliveries(db, browse.DeliveryFilter(isp=slug), offset=0, limit=12),
                notices=browse.notices(db, isp=slug, offset=0, limit=12),
                cases=_with_due(desk, browse.cases(db, isp=slug, offset=0, limit=12).rows),
                extensions=deadlines.given_to(db, slug), mutes=mutes.in_force(db, sitting.now, slug),
                **_figures(sitting, slug),
            )  # fmt: skip

    @routes.get("/cases")
    def cases(
        request: Request,
        isp: str = "",
        kind: str = "",
        show: str = "open",
        page: int = 1,
        form: str = "",
    ) -> Response:
        with room.sit_down() as (desk, sitting):
            kinds, asked = browse.case_kinds(sitting.db), window(page, form)
            isp, kind = chosen(isp, list(desk.isps)), chosen(kind, kinds)
            is_open = {"open": True, "closed": False}.get(show)
            found = browse.cases(
                sitting.db, isp=isp, kind=kind, is_open=is_open, offset=asked.offset, limit=asked.limit
            )  # fmt: skip
            rows = _with_due(desk, found.rows)
            if asked.is_sheet:
                return sheet("cases", _CASES, rows, found.total)
            return room.page(
                request, "cases.html", desk, sitting, rows=rows, kinds=kinds, isp_filter=isp, kind=kind, show=show,
                paging=paging(asked, len(rows), found.total),
            )  # fmt: skip

    @routes.get("/rules")
    def rules(request: Request) -> Response:
        with room.sit_down() as (desk, sitting):
            found = glance.findings_by_code(sitting.db, since=sitting.today - timedelta(days=FINDINGS_DAYS))
            every: list[Any] = sorted([*FILE_RULES.values(), *ROW_RULES], key=lambda rule: rule.code)
            return room.page(
                request, "rules.html", desk, sitting, rules=every, found=found, version=RULEBOOK_VERSION,
                urdu=lambda rule: texts(rule, "ur").title,
                days=FINDINGS_DAYS,
            )  # fmt: skip

    @routes.get("/dags/{dag_id}")
    def dag(request: Request, dag_id: str) -> Response:
        return RedirectResponse(request.scope.get("root_path", "") + _DAG_PAGES.get(dag_id, "/"))

    return routes


def _isps(desk: Desk, sitting: Sitting, every: Iterable[Filer]) -> list[dict[str, Any]]:
    """One row an ISP of the roster: those with the most clients to register first."""
    db = sitting.db
    standings, cases = glance.standings(db), glance.open_cases_by_isp(db)
    outcomes = glance.outcomes_by_isp(db, since=sitting.today - timedelta(days=FINDINGS_DAYS))
    rows = []
    for filer in every:
        slug, isp = filer.isp, desk.isps[filer.isp]
        standing, told = standings.get(slug), outcomes.get(slug, {})
        rows.append(
            {
                "isp": slug,
                "name": isp.name,
                "name_ur": isp.name_ur,
                "standing": standing,
                "clients": standing.clients if standing else None,
                "to_register": standing.to_register if standing else None,
                "covered": standing.covered if standing else None,
                "comparable": standing.comparable if standing else None,
                "coverage": percentage(standing.covered, standing.comparable) if standing else "-",
                "filer": filer,
                "list_on": filer.list_on,
                "deliveries": sum(told.values()),
                "refused": told.get("rejected", 0),
                "cases": cases.get(slug, 0),
            }
        )
    return sorted(rows, key=lambda row: (-(row["to_register"] or 0), row["isp"]))


def _national(rows: list[dict[str, Any]]) -> dict[str, int]:
    standings: list[Standing] = [row["standing"] for row in rows if row["standing"] is not None]
    return {
        "clients": sum(one.clients for one in standings),
        "to_register": sum(one.to_register for one in standings),
        "covered": sum(one.covered for one in standings),
        "comparable": sum(one.comparable for one in standings),
    }


def _needs(desk: Desk, sitting: Sitting, every: Iterable[Filer]) -> tuple[list[urgency.Need], int]:
    """What waits for a person, the most urgent first, and how much that is in all: of many cases the oldest stand
    here."""
    db = sitting.db
    mails = browse.notices(db, offset=0, limit=NEEDS).rows  # what waits comes first
    opened = browse.cases(db, offset=0, limit=NEEDS)
    needs = [
        *urgency.failing_zones(glance.watches(db), desk.isps.keys()),
        *urgency.notices(mails, desk.holidays),
        *urgency.cases(opened.rows, desk.holidays),
        *urgency.stuck(glance.stuck(db, sitting.now - urgency.STUCK)),
        *urgency.silent(desk.isps, every),
    ]
    return urgency.sort_needs(needs), len(needs) + opened.total - len(opened.rows)


def _figures(sitting: Sitting, isp: str | None = None) -> dict[str, Any]:
    """What the charts show, national or of one ISP."""
    db, today = sitting.db, sitting.today
    trend = glance.coverage_by_day(db, since=today - timedelta(days=TREND_DAYS), until=today, isp=isp)
    found = glance.findings_by_code(db, since=today - timedelta(days=FINDINGS_DAYS), isp=isp)
    by_week = _by_week(glance.outcomes_by_day(db, since=today - timedelta(weeks=WEEKS), isp=isp))
    codes = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    ends_on = sitting.deadline_of(isp or "").ends_on
    foreseen = forecast([(day.on, day.to_register) for day in trend], ends_on)
    return {
        "trend": trend,
        "forecast": foreseen,
        "outlook": _outlook(trend, foreseen, ends_on),
        "ends_on": ends_on,
        "weeks": by_week,
        "outcomes": [told for told in _OUTCOMES if any(told in counts for counts in by_week.values())],
        "codes": [(code, rule(code), count) for code, count in codes],
        "findings_days": FINDINGS_DAYS,
        "findings_since": today - timedelta(days=FINDINGS_DAYS),
    }


def _outlook(trend: list[Coverage], foreseen: Forecast | None, deadline: date) -> list[dict[str, Any]]:
    """Clients to register by day, and from today on what is expected: rows of on, count, expected, low, high."""
    rows: list[dict[str, Any]] = [
        {"on": day.on, "count": day.to_register, "expected": None, "low": None, "high": None} for day in trend
    ]
    if rows and foreseen is not None and rows[-1]["on"] < deadline:
        last = rows[-1]["count"]
        rows[-1] |= {"expected": last, "low": last, "high": last}
        rows.append(
            {"on": deadline, "count": None, "expected": foreseen.expected, "low": foreseen.low, "high": foreseen.high}
        )
    return rows


def _by_week(days: list[tuple[date, str, int]]) -> dict[date, dict[str, int]]:
    """Monday -> outcome -> deliveries; weeks without any are left out."""
    weeks: dict[date, dict[str, int]] = {}
    for day, told, count in sorted(days):
        week = weeks.setdefault(day - timedelta(days=day.weekday()), {})
        week[told] = week.get(told, 0) + count
    return weeks


def _with_due(desk: Desk, rows: Any) -> list[Mapping[str, Any]]:
    return [
        {**row, "due_on": urgency.due_on(row["kind"], row["opened_at"], desk.holidays)
         if row["closed_at"] is None else None}
        for row in rows
    ]  # fmt: skip
