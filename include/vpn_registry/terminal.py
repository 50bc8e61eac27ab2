"""What a terminal shows of an overview: one table for people in a hurry, and the reasons of what is held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from vpn_registry.model import counted, percentage

if TYPE_CHECKING:
    from vpn_registry.pipeline.decisions import Waiting
    from vpn_registry.pipeline.overview import IspOverview, National, Overview

NO_TERMINAL_WIDTH: Final = 120
CASES: Final = 20
"""So many open cases stand below an overview, those that wait longest."""


def console(*, stderr: bool = False) -> Console:
    """This terminal; where there is none, wide enough for the tables."""
    here = Console(stderr=stderr, soft_wrap=True)
    return here if here.is_terminal else Console(stderr=stderr, soft_wrap=True, width=NO_TERMINAL_WIDTH)


def show_overview(console: Console, told: Overview) -> None:
    """The deadline, one line an ISP, its clients by status, and what waits for a person."""
    clock = "simulated " if told.is_simulated else ""
    days = counted(abs(told.days_left), "day")
    left = f"{days} to go" if told.days_left >= 0 else f"{days} ago"
    console.print(f"Deadline [bold]{told.deadline:%d %B %Y}[/], {left}; {clock}time {told.as_of}")
    heads = ("ISP", "deliveries", "clients", "to register", "coverage", "notices")
    table = Table(*heads, box=None, padding=(0, 2, 0, 0))
    for isp in told.isps:
        table.add_row(isp.isp, counts_text(isp.deliveries), *_figures(isp), counts_text(isp.notices))
    if len(told.isps) > 1:
        table.add_row("all", "", *_figures(told.national), "", style="bold")
    console.print(table)
    for isp in told.isps:
        if isp.statuses:
            console.print(f"  {isp.isp}: {counts_text(isp.statuses)}{_moved(isp)}", markup=False, highlight=False)
    for isp in told.isps:
        _show_troubles(console, isp)
    for case in told.cases[:CASES]:
        show_case(console, case)
    if len(told.cases) > CASES:
        console.print(f"  {len(told.cases) - CASES:,} more cases wait; `vpnreg cases` lists all", highlight=False)


def show_case(console: Console, case: Waiting) -> None:
    """One open case in a line: what it is about, by when it is to be decided, and how."""
    clock = f"overdue since {case.due}" if case.is_overdue else f"due {case.due}"
    named = f"{case.isp or 'every ISP'} {case.kind} {case.subject}"
    about = f"case {case.case}: {named}, {clock} ({' or '.join(case.outcomes)})"
    console.print(f"  {about}. {case.reason}", style="red" if case.is_overdue else None, markup=False, highlight=False)


def _show_troubles(console: Console, isp: IspOverview) -> None:
    """What is held, failed, left alone or late about one ISP, its own deadlines and mutes."""
    if isp.deadline:
        console.print(f"  {isp.isp}: its own deadline is {isp.deadline}", highlight=False)
    for client, day in isp.client_deadlines.items():
        console.print(f"  {isp.isp}: the deadline of client {client} is {day}", markup=False, highlight=False)
    for mute in isp.mutes:
        whom = f"its client {mute['client']}" if mute["client"] else "it"
        by = f"by {mute['actor']} (case {mute['case']}): {mute['reason']}"
        console.print(
            f"  {isp.isp}: no letter speaks of {whom} until {mute['until']}, {by}", markup=False, highlight=False
        )
    for number, reason in isp.held.items():
        console.print(f"  held: {number} to {isp.isp}, {reason}", markup=False, highlight=False)
    for trouble in isp.troubles:
        console.print(f"  {isp.isp}: {trouble}", style="red", markup=False, highlight=False)
    for lying in isp.left_alone:
        console.print(f"  {isp.isp}: not taken: {lying}", markup=False, highlight=False)
    if isp.overdue_since:
        reminded = f"reminded {isp.reminded_on}" if isp.reminded_on else "not reminded"
        console.print(f"  {isp.isp}: its client list is overdue since {isp.overdue_since}, {reminded}", highlight=False)
    if isp.failing_since:
        console.print(f"  {isp.isp}: its zone can't be listed since {isp.failing_since}: {isp.error}", style="red")


def counts_text(counts: Mapping[str, int]) -> str:
    """`3 accepted, 1 partial`; a dash when there is nothing."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "-"


def _moved(isp: IspOverview) -> str:
    """What the last comparison changed, and registrations without a client; nothing where there is nothing."""
    run = isp.last_run or {}
    moved = {name: run[name] for name in ("new", "resolved", "changed", "gone") if run.get(name)}
    told = f"; last run: {counts_text(moved)}" if moved else ""
    return told + (f"; {counted(len(isp.orphans), 'orphan')}" if isp.orphans else "")


def _figures(whose: IspOverview | National) -> Iterable[str]:
    """Clients, those to register, and coverage; dashes where nothing has been compared."""
    yield f"{whose.clients:,}" if whose.clients else "-"
    yield f"{whose.to_register:,}" if whose.clients else "-"
    yield f"{percentage(whose.covered, whose.comparable)} of {whose.comparable:,}" if whose.comparable else "-"
