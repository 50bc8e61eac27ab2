"""What people in a hurry read of where everything stands."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

from rich.console import Console

from vpn_registry.pipeline.decisions import Waiting
from vpn_registry.pipeline.overview import IspOverview, National, Overview
from vpn_registry.terminal import CASES, show_overview

INDUS = IspOverview(
    isp="indus", name="Indus", clients=61_200, statuses={"unregistered": 1_200, "registered": 60_000},
    to_register=1_200, covered=60_000, comparable=61_200, coverage=60_000 / 61_200, deliveries={"accepted": 1_420},
    notices={"sent": 3},
)  # fmt: skip
SILENT = IspOverview("ravi", "Ravi", 0, {}, 0, 0, None, None, {}, {})
CASE = Waiting(1, "dispute", "indus", "I-1", "why", "2026-06-01T04:00:00Z", None, "2026-06-15", True, {"uphold": ""})


def shown(*isps: IspOverview, cases: int = 0) -> list[str]:
    of = INDUS
    national = National(of.clients, of.statuses, of.to_register, of.covered, of.comparable, of.coverage)
    waiting = [replace(CASE, case=number) for number in range(1, cases + 1)]
    told = Overview("2026-06-16T04:00:00Z", False, date(2026, 6, 30), 14, cases, {}, waiting, national, list(isps))
    console = Console(file=io.StringIO(), width=120)
    show_overview(console, told)
    assert isinstance(console.file, io.StringIO)
    return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]


def test_all_isps_together_stand_below_the_single_ones() -> None:
    lines = shown(INDUS, SILENT)
    assert lines[2:5] == [
        "indus 1,420 accepted 61,200 1,200 98.0 % of 61,200 3 sent",
        "ravi - - - - -",
        "all 61,200 1,200 98.0 % of 61,200",
    ]
    assert not [line for line in shown(INDUS) if line.startswith("all")]


def test_of_many_cases_those_that_wait_longest_are_shown() -> None:
    lines = [line for line in shown(INDUS, cases=1_030) if "case" in line]
    assert lines[0].startswith("case 1: indus dispute I-1, overdue since 2026-06-15")
    assert lines[-1] == "1,010 more cases wait; `vpnreg cases` lists all"
    assert len(lines) == CASES + 1
    assert "more" not in shown(INDUS, cases=CASES)[-1]
