"""What the season came to, read back from the registry: the calendar, each stage of each ISP, and the equality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from vpn_registry.campaign import REMINDERS
from vpn_registry.model import NoticeState, counted, pakistani_day
from vpn_registry.pipeline import client_days, diary, dossier
from vpn_registry.pipeline.client_days import MEANS, ClientDay, Why
from vpn_registry.pipeline.diary import Page
from vpn_registry.pipeline.dossier import Dossier
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import cases, chronicle
from vpn_registry.registry.chronicle import Fate

_SHOWN_HOLES: Final = 20


@dataclass(frozen=True, slots=True)
class Told:
    """The season when it is over. `dossiers` are those that people were asked to hand over, `sent` the Message-IDs that
    the registry calls sent, `received` those of the mails to ISPs in the sink, both sorted; `failed` are DAG runs that
    did not succeed.
    """

    isps: tuple[str, ...]
    pages: tuple[Page, ...]
    fates: tuple[Fate, ...]
    client_days: tuple[ClientDay, ...]
    dossiers: tuple[Dossier, ...]
    sent: list[str]
    received: list[str]
    failed: tuple[str, ...]

    @property
    def holes(self) -> list[ClientDay]:
        """The client-days that nothing explains."""
        return [one for one in self.client_days if one.why is Why.UNEXPLAINED]

    @property
    def is_whole(self) -> bool:
        return not self.holes and not self.failed and self.sent == self.received


def read(exchange: Exchange, first: date, *, received: Iterable[str], failed: Iterable[str] = ()) -> Told:
    """The season from `first` to the day on which the home's clock stands."""
    today = pakistani_day(exchange.now())
    with exchange.registry.reading() as db:
        fates = tuple(chronicle.fates(db, exchange.campaign.slug))
        sent = chronicle.sent_ids(db)
        asked = {case.isp for case in chronicle.opened_cases(db) if case.kind == cases.DOSSIER}
    return Told(
        isps=tuple(exchange.isps),
        pages=tuple(diary.diary(exchange, first, today)),
        fates=fates,
        client_days=tuple(client_days.explain(client_days.read_record(exchange), first, today)),
        dossiers=tuple(dossier.assemble(exchange, isp) for slug, isp in exchange.isps.items() if slug in asked),
        sent=sorted(sent),
        received=sorted(received),
        failed=tuple(failed),
    )


def show_days(console: Console, exchange: Exchange, first: date, last: date) -> None:
    """The calendar of these days; quiet ones have one line."""
    for page in diary.diary(exchange, first, last):
        _show_page(console, page)


def show(console: Console, told: Told) -> None:
    """What each stage came to, ISP by ISP, where the ladder ends, and the equality."""
    _show_stages(console, told)
    _show_dossiers(console, told)
    _show_equality(console, told)


def as_json(told: Told) -> dict[str, Any]:
    """The season as JSON values, the calendar included."""
    return {
        "first_day": told.pages[0].day.isoformat(),
        "last_day": told.pages[-1].day.isoformat(),
        "days": [page.as_json() for page in told.pages],
        "letters": [_letter_json(fate) for fate in told.fates],
        "dossiers": {one.isp: one.as_json() for one in told.dossiers},
        "messages": {"sent": len(told.sent), "received": len(told.received)},
        "client_days": {
            "total": len(told.client_days),
            "by_reason": {why.value: number for why, number in client_days.count(told.client_days).items()},
            "by_isp": {
                isp: {why.value: number for why, number in client_days.count(of_isp).items() if number}
                for isp in told.isps
                if (of_isp := [one for one in told.client_days if one.isp == isp])
            },
            "unexplained": [
                {"isp": one.isp, "subscriber_id": one.subscriber_id, "day": one.day.isoformat(), "about": one.detail}
                for one in told.holes
            ],
        },
        "failed": list(told.failed),
        "is_whole": told.is_whole,
    }


def _letter_json(fate: Fate) -> dict[str, Any]:
    return {
        "notice_no": fate.notice_no,
        "isp": fate.isp,
        "stage": fate.stage,
        "stage_on": fate.stage_on.isoformat(),
        "deadline": fate.ends_on.isoformat(),
        "state": fate.state.value,
        "reason": fate.reason,
        "left_on": None if fate.left_at is None else pakistani_day(fate.left_at).isoformat(),
        "to": [email for email, state, _ in fate.copies if state is NoticeState.SENT],
        "named": fate.named,
    }


def _show_page(console: Console, page: Page) -> None:
    left = (
        f"{counted(page.days_left, 'day')} to go" if page.days_left >= 0 else f"{counted(-page.days_left, 'day')} ago"
    )
    head = f"{page.day:%a %d %b %Y}, deadline {page.deadline:%d %B}, {left}"
    if not page.entries:
        quiet = "a day off" if not page.is_working_day else "nothing came in, no letter was due"
        if page.is_silent:
            quiet = "OUTAGE: nothing of ours ran, nothing was taken or sent"
        console.print(f"{head}: {quiet}", style="red" if page.is_silent else "dim", markup=False, highlight=False)
        return
    console.print(head, style="bold", markup=False, highlight=False)
    for entry in page.entries:
        console.print(f"  {entry.isp or 'all':<9} {entry.what:<10} {entry.text}", markup=False, highlight=False)


def _show_stages(console: Console, told: Told) -> None:
    """One line a stage, one column an ISP."""
    console.print(
        "\nWhat became of each stage, ISP by ISP (the letter's day and number, and whom it named)", style="bold"
    )
    table = Table("stage", "due", *told.isps, box=None, padding=(0, 2, 0, 0))
    stages = sorted(
        {(fate.stage_on, fate.stage, fate.deadline_version) for fate in told.fates if fate.form not in REMINDERS}
    )
    for stage_on, stage, version in stages:
        cells = [
            "; ".join(
                _cell(fate)
                for fate in told.fates
                if (fate.isp, fate.stage_on, fate.stage, fate.deadline_version) == (isp, stage_on, stage, version)
            )
            for isp in told.isps
        ]
        table.add_row(stage, f"{stage_on:%d %b}", *(cell or "-" for cell in cells))
    console.print(table, highlight=False)
    console.print(
        "A dash: the ISP has no part in the stage, because it sent no client list before the stage's day.", style="dim"
    )


def _show_dossiers(console: Console, told: Told) -> None:
    """One line a dossier, and the longest story of them whole: `vpnreg dossier` prints each."""
    if not told.dossiers:
        return
    console.print("\nThe dossiers that people were asked to hand over; the ladder ends with them", style="bold")
    table = Table("ISP", "letters", "filings", "clients still to register or disputed", box=None, padding=(0, 2, 0, 0))
    for one in told.dossiers:
        clients = Counter(client.status for client in one.clients)
        outstanding = ", ".join(f"{number} {status}" for status, number in clients.items())
        table.add_row(one.isp, str(len(one.letters)), str(len(one.filings)), outstanding or "none that can be compared")
    console.print(table, highlight=False)
    shown = max(told.dossiers, key=lambda one: len([reply for client in one.clients for reply in client.answers]))
    console.print(f"\nOne of them, as `vpnreg dossier {shown.isp}` prints it", style="bold")
    for line in shown.lines():
        console.print(f"  {line}".replace("\n", "\n  "), markup=False, highlight=False)


def _cell(fate: Fate) -> str:
    if fate.left_at is not None:
        asked, checked = (sum(part == letter for part in fate.named.values()) for letter in "AB")
        return f"{fate.left_at:%d %b} {fate.notice_no[-4:]}: {asked}+{checked}"
    return fate.reason.replace("_", " ") if fate.state is NoticeState.CANCELLED else fate.state.value


def _show_equality(console: Console, told: Told) -> None:
    counts = client_days.count(told.client_days)
    console.print("\nEvery client-day to register lies in a stage's list, or has a reason", style="bold")
    table = Table("", "client-days", *told.isps, box=None, padding=(0, 2, 0, 0))
    for why, number in counts.items():
        by_isp = (sum(one.why is why and one.isp == isp for one in told.client_days) for isp in told.isps)
        table.add_row(why.value, str(number), *(str(one or "-") for one in by_isp))
    table.add_row("all", str(len(told.client_days)))
    console.print(table, highlight=False)
    for why, meaning in MEANS.items():
        console.print(f"  {why}: {meaning}", style="dim", highlight=False)
    terms = " + ".join(f"{number} {why}" for why, number in counts.items() if why is not Why.UNEXPLAINED)
    total = len(told.client_days) - len(told.holes)
    verdict = "holds" if not told.holes else f"DOES NOT HOLD: {counted(len(told.holes), 'client-day')} unexplained"
    console.print(
        f"{len(told.client_days)} client-days to register = {terms}, which is {total}: {verdict}.",
        style="green" if not told.holes else "red",
        highlight=False,
    )
    for hole in told.holes[:_SHOWN_HOLES]:
        about = f": {hole.detail} was due and does not name it" if hole.detail else ""
        console.print(f"  {hole.day} {hole.isp} {hole.subscriber_id}{about}", style="red", highlight=False)
    if len(told.holes) > _SHOWN_HOLES:
        console.print(f"  and {len(told.holes) - _SHOWN_HOLES} more", style="red")
    agree = "the very ones" if told.sent == told.received else "NOT the ones"
    console.print(
        f"The mail sink received {len(told.received)} letters, {agree} that the registry calls sent.",
        style="green" if told.sent == told.received else "red",
        highlight=False,
    )
    for failure in told.failed:
        console.print(f"A DAG run failed: {failure}", style="red", markup=False, highlight=False)
