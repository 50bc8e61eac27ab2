"""A campaign day by day, from what was stored: what came in, what went to whom and why, what people decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from vpn_registry import campaign
from vpn_registry.campaign import ENDING, EXTENDED, LAPSED, MERGED, SILENT, deadline_in_force
from vpn_registry.model import TAKEN, TOLD, NoticeState, iso_utc, pakistani_day
from vpn_registry.notices import NOTHING_OUTSTANDING, Purpose
from vpn_registry.pipeline.backlog import SUPPRESSED
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.trail import notice_action
from vpn_registry.registry import cases, chronicle, deadlines, mutes

if TYPE_CHECKING:
    from datetime import datetime

    from vpn_registry.campaign import Deadline
    from vpn_registry.registry.chronicle import Event, Fate, Filed, Opened
    from vpn_registry.registry.mutes import Mute

EVERYBODY: Final = ""
"""Stands in place of an ISP in what concerns all of them."""

_WHY_NOT: Final = {
    MERGED: "a later stage was due already, and went in its stead (merged)",
    LAPSED: "it could not be sent within three working days (lapsed)",
    EXTENDED: "the deadline was extended before it went (extended)",
    Purpose.NOTHING_TO_TELL: "no client of this ISP had to be named (nothing to tell)",
}

_FORMS: Final = {
    SILENT: "the client list is overdue",
    ENDING: "registrations end soon",
    NOTHING_OUTSTANDING: "nothing outstanding",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened to one ISP (or to all, EVERYBODY): `what` is one word, `text` says it with its reason."""

    at: datetime
    isp: str
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """One day in Pakistan with the deadline in force at its end; `is_silent` when nothing at all ran on it."""

    day: date
    deadline: date
    days_left: int
    is_working_day: bool
    is_silent: bool
    entries: tuple[Entry, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "day": self.day.isoformat(),
            "deadline": self.deadline.isoformat(),
            "days_left": self.days_left,
            "is_working_day": self.is_working_day,
            "is_silent": self.is_silent,
            "entries": [
                {"at": iso_utc(entry.at), "isp": entry.isp, "what": entry.what, "text": entry.text}
                for entry in self.entries
            ],
        }


def diary(exchange: Exchange, first: date, last: date) -> list[Page]:
    """Every day from `first` to `last`."""
    slug = exchange.campaign.slug
    with exchange.registry.reading() as db:
        known = deadlines.history(db, slug)
        fates = chronicle.fates(db, slug)
        events = chronicle.events(
            db, [*(notice_action(state) for state in NoticeState), SUPPRESSED, "extend_deadline", "decide"]
        )
        told = [
            *_filed(chronicle.filed(db)),
            *_letters(fates, events, {one.version: one.subscriber_id for one in known}),
            *_waiting(events),
            *_extensions(events, {f"{one.campaign}/{one.version}": one for one in known}),
            *_cases(case for case in chronicle.opened_cases(db) if case.kind != cases.MUTE),
            *_mutes(mutes.history(db)),
        ]
        ran_on = {pakistani_day(moment) for moment in chronicle.runs_at(db)}
    by_day: dict[date, list[Entry]] = {}
    for entry in sorted(told, key=lambda entry: (entry.at, entry.isp)):
        by_day.setdefault(pakistani_day(entry.at), []).append(entry)
    return [_page(exchange, day, by_day.get(day, []), ran_on) for day in campaign.days(first, last)]


def _page(exchange: Exchange, day: date, entries: list[Entry], ran_on: set[date]) -> Page:
    deadline = deadline_in_force(exchange.campaign, day)
    return Page(
        day=day,
        deadline=deadline.ends_on,
        days_left=campaign.days_left(deadline, day),
        is_working_day=campaign.is_working_day(day, exchange.holidays),
        is_silent=not entries and day not in ran_on,
        entries=tuple(entries),
    )


def _filed(deliveries: Iterable[Filed]) -> Iterator[Entry]:
    for one in deliveries:
        is_taken = one.outcome in TAKEN and one.rows_total
        rows = f", {one.rows_accepted} of {one.rows_total} rows taken" if is_taken else ""
        yield Entry(one.received_at, one.isp, "files", f"{one.file_name}: {one.outcome or 'not judged yet'}{rows}")


def _letters(fates: Iterable[Fate], events: Iterable[Event], clients: Mapping[int, str]) -> Iterator[Entry]:
    """What became of each notice, and each time it was held or approved on the way; `clients` are those of deadlines
    that one client has alone."""
    history: dict[str, list[Event]] = {}
    for event in events:
        history.setdefault(event.object_id, []).append(event)
    for fate in fates:
        moves = history.get(fate.notice_no, [])
        name = _name(fate, clients.get(fate.deadline_version, ""))
        held = [event for event in moves if event.action == notice_action(NoticeState.HELD)]
        for event in held:
            yield Entry(event.happened_at, fate.isp, "holds", f"{name}: {event.detail.get('why', '')}")
        approved = [event for event in moves if event.action == notice_action(NoticeState.APPROVED)] if held else []
        yield from _outcome(fate, name, approved)


def _outcome(fate: Fate, name: str, approved: list[Event]) -> Iterator[Entry]:
    if fate.left_at is not None:
        to = ", ".join(email for email, state, _ in fate.copies if state in TOLD)
        by = f"; approved by {approved[-1].actor}" if approved else "; no approval needed"
        about = f"{fate.named_in('A')} to register, {fate.named_in('B')} to check" if fate.named else "names no client"
        yield Entry(fate.left_at, fate.isp, "sends", f"{name} to {to}: {about}{by}")
    elif fate.state is NoticeState.CANCELLED and fate.settled_at is not None:
        why = _WHY_NOT.get(fate.reason, f"refused: {fate.reason}")
        yield Entry(fate.settled_at, fate.isp, "no letter", f"{name}: {why}")
    elif fate.state is NoticeState.FAILED and fate.settled_at is not None:
        words = "; ".join(f"{email}: {reply}" for email, _, reply in fate.copies)
        yield Entry(fate.settled_at, fate.isp, "fails", f"{name}: {words}")


def _waiting(events: Iterable[Event]) -> Iterator[Entry]:
    for event in events:
        if event.action == SUPPRESSED:
            text = f"{event.detail['stage']} waits: {event.detail['why']}"
            yield Entry(event.happened_at, event.detail["isp"], "suppresses", text)


def _extensions(events: Iterable[Event], entries: Mapping[str, Deadline]) -> Iterator[Entry]:
    for event in events:
        if event.action == "extend_deadline":
            one = entries[event.object_id]
            whose = f" of {one.only} alone" if one.only else ""
            text = f"the deadline{whose} to {one.ends_on:%d %B %Y} ({one.source}), entered by {event.actor}"
            yield Entry(event.happened_at, one.isp or EVERYBODY, "extends", text)


def _mutes(decided: Iterable[Mute]) -> Iterator[Entry]:
    for one in decided:
        whom = f"client {one.subscriber_id}" if one.subscriber_id else "the whole ISP"
        until = f" until {one.until_on:%d %B %Y}" if one.until_on else ""
        text = f"{whom}{until} (case {one.case_id}), by {one.actor}, because: {one.reason}"
        yield Entry(one.decided_at, one.isp, "mutes" if one.until_on else "unmutes", text)


def _cases(opened: Iterable[Opened]) -> Iterator[Entry]:
    for case in opened:
        about = f"case {case.case_id}, {case.kind} {case.subject}"
        what = "holds" if case.kind == cases.HELD_DELIVERY else "asks"
        yield Entry(case.opened_at, case.isp, what, f"{about}: {case.reason}")
        if case.decided_at is not None:
            text = f"{about}: {case.outcome} by {case.actor}, because: {case.decision}"
            yield Entry(case.decided_at, case.isp, "decides", text)


def _name(fate: Fate, client: str) -> str:
    about = f", client {client} alone" if client else ""
    return f"{fate.notice_no} ({_FORMS.get(fate.form, fate.stage)}{about})"
