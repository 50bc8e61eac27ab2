"""The table of docs/reliability.md: made from a soak's report, and true."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from tests.integration.faults.table import HEAD, PAGE, lines_in, lines_of, with_lines
from tests.integration.faults.tally import PROPERTY, Tally

REPORT = """<testsuites><testsuite timestamp="2026-11-26T06:30:00"><testcase><properties>{}</properties></testcase>
</testsuite></testsuites>"""


def report(folder: Path, *tallies: Tally) -> Path:
    told = "".join(f"<property name='{PROPERTY}' value='{json.dumps(asdict(tally))}'/>" for tally in tallies)
    path = folder / "soak.xml"
    path.write_text(REPORT.format(told))
    return path


def test_tests_of_one_kind_make_one_line(tmp_path: Path) -> None:
    found = lines_of(report(tmp_path, Tally("kill -9", "SQLite", 234, flagged=2), Tally("kill -9", "SQLite", 300)))
    assert found == {("kill -9", "SQLite"): "| kill -9 | SQLite | 534 | 0 | 0 | 2 | 2026-11-26 |\n"}


def test_a_new_line_takes_the_place_of_the_older_one(tmp_path: Path) -> None:
    older = "| disk full | SQLite | 1 | 9 | 9 | 9 | 2026-01-01 |\n| kill -9 | SQLite | 2 | 0 | 0 | 0 | 2026-01-01 |\n"
    page = f"# Title\n\n{HEAD}{older}"
    new = with_lines(
        page, lines_of(report(tmp_path, Tally("disk full", "SQLite", 12), Tally("disk full", "PostgreSQL", 7)))
    )
    assert new.removeprefix(f"# Title\n\n{HEAD}").splitlines() == [
        "| disk full | PostgreSQL | 7 | 0 | 0 | 0 | 2026-11-26 |",
        "| disk full | SQLite | 12 | 0 | 0 | 0 | 2026-11-26 |",
        "| kill -9 | SQLite | 2 | 0 | 0 | 0 | 2026-01-01 |",
    ]
    assert with_lines(new, {}) == new


def test_no_line_of_the_page_tells_of_a_loss_or_a_double() -> None:
    lines = [line.split(" | ") for line in lines_in(PAGE.read_text("utf-8")).values()]
    assert lines
    assert {tuple(cells[3:5]) for cells in lines} == {("0", "0")}
