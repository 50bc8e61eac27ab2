"""What needs a person, the most urgent first. Pure: records in, sentences out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from vpn_registry.campaign import LAPSE_WORKING_DAYS, working_day_after
from vpn_registry.model import pakistani_day
from vpn_registry.page.rendering import address
from vpn_registry.pipeline.silence import Filer
from vpn_registry.registry.cases import ABOUT_CLIENTS, HELD_DELIVERY, UNCERTAIN_MESSAGE
from vpn_registry.roster import Isp

HELD_WORKING_DAYS: Final = 2
"""After so many a held delivery stops holding up a notice, which is then itself held (contract section 8)."""
DECISION_WORKING_DAYS: Final = 10
OPEN: Final = 8
"""So many of a kind stand open on the overview."""
STUCK: Final = timedelta(minutes=30)
"""How long a taken delivery may be on its way to its answer (design.md section 6)."""


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to do: who it is about, what in a sentence, since when, by when, where to look, and which DAG does it.

    `form` are the values to put into the form of `dag`.
    """

    kind: str
    isp: str
    what: str
    link: str
    since: datetime | None = None
    due_on: date | None = None
    dag: str = ""
    form: Mapping[str, str | int] = field(default_factory=dict)


_ORDER: Final = ("zone fails", "mail uncertain", "mail failed", "notice held", "case", "stuck", "silent")


def sort_needs(needs: Iterable[Need]) -> list[Need]:
    """By kind, within it what is due first."""
    return sorted(needs, key=lambda need: (_ORDER.index(need.kind), need.due_on or date.max, need.isp))


def folded(needs: Iterable[Need]) -> list[tuple[str, list[Need], list[Need]]]:
    """By kind, of sorted needs: those that stand open on the page, and the others, so that no kind hides the next."""
    kinds = [(kind, list(some)) for kind, some in groupby(needs, key=lambda need: need.kind)]
    return [(kind, some[:OPEN], some[OPEN:]) for kind, some in kinds]


def failing_zones(watches: Mapping[str, Any], isps: Collection[str]) -> list[Need]:
    """Zones that can't be listed: nothing those ISPs file is seen."""
    failing = (watch for isp, watch in watches.items() if isp in isps and watch.failing_since_at is not None)
    return [
        Need("zone fails", watch.isp, f"The zone can't be listed: {watch.error}", address("isps", watch.isp),
             since=watch.failing_since_at, dag="collect_deliveries")
        for watch in failing
    ]  # fmt: skip


def notices(rows: Iterable[Mapping[str, Any]], holidays: Collection[date]) -> list[Need]:
    """Held notices with the day they lapse, and those whose mail failed or may have arrived."""
    needs = []
    for row in rows:
        link, state = address("notices", row["notice_no"]), str(row["state"])
        named = f"{row['notice_no']} ({row['stage']})"
        if state == "held":
            told = tuple(row["counts"].get(name, 0) for name in ("to_register", "comparable"))
            what = (
                f"{named} waits for approval: {told[0]:,} of {told[1]:,} clients to register. {row['reason']}".rstrip()
            )
            due = working_day_after(row["stage_on"], LAPSE_WORKING_DAYS, holidays)
            form = {"isp": row["isp"], "stage": row["stage"], "reason": ""}
            needs.append(Need("notice held", row["isp"], what, link, row["planned_at"], due, "approve_notices", form))
        elif state in ("failed", "uncertain"):
            what = f"{named}: " + (
                "no compliance contact got it." if state == "failed" else "the relay may or may not have taken it."
            )
            needs.append(Need(f"mail {state}", row["isp"], what, link, row["settled_at"], dag="send_notices"))
    return needs


def cases(rows: Iterable[Mapping[str, Any]], holidays: Collection[date]) -> list[Need]:
    """Open cases with the day by which they should be decided."""
    return [
        Need("case", row["isp"], f"Case {row['id']}, {str(row['kind']).replace('_', ' ')}: {row['reason']}",
             _place(row), row["opened_at"], due_on(row["kind"], row["opened_at"], holidays), "decide_case",
             {"case": row["id"], "outcome": "", "reason": ""})
        for row in rows
    ]  # fmt: skip


def _place(row: Mapping[str, Any]) -> str:
    """Where to look before deciding a case."""
    if row["delivery_id"]:
        return address("deliveries", row["delivery_id"])
    if row["kind"] in ABOUT_CLIENTS:
        return address("isps", row["isp"], "clients", row["subject"])
    if row["kind"] == UNCERTAIN_MESSAGE:
        return address("messages", row["subject"])
    return address("cases", isp=row["isp"], kind=row["kind"])


def due_on(kind: str, opened_at: datetime, holidays: Collection[date]) -> date:
    """The day by which a case should be decided: held files hold up notices, so they come first."""
    days = HELD_WORKING_DAYS if kind == HELD_DELIVERY else DECISION_WORKING_DAYS
    return working_day_after(pakistani_day(opened_at), days, holidays)


def stuck(rows: Iterable[Any]) -> list[Need]:
    """Deliveries that were taken long ago and are not answered."""
    return [
        Need("stuck", row.isp, f"Delivery {row.id} ({row.file_name}) is {row.state} and not answered.",
             address("deliveries", row.id), row.since_at, dag="collect_deliveries")
        for row in rows
    ]  # fmt: skip


def silent(isps: Mapping[str, Isp], every: Iterable[Filer]) -> list[Need]:
    """ISPs without a client list within their cadence, and what is done about it."""
    needs = []
    for one in every:
        if one.overdue_since is None:
            continue
        what = (
            f"The newest client list is of {one.list_on:%-d %b %Y}, older than its {isps[one.isp].list_days} days."
            if one.list_on is not None
            else "No client list was ever accepted" + ("." if one.last else ": nothing was ever filed.")
        )
        told = f" Reminded on {one.reminded_on:%-d %b %Y}." if one.reminded_on is not None else ""
        then = f" Not reminded now: {one.hindrance}" if one.hindrance else ""
        link = f"{address('filers')}#{one.isp}"
        needs.append(Need("silent", one.isp, what + told + then, link, due_on=one.due_on, dag="chase_filers"))
    return needs
