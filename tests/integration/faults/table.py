"""Puts the lines that a soak collected into the table of docs/reliability.md: `table.py build/soak.xml...`.

A line takes the place of an older one of the same kind and database, so that a soak may be run in pieces; what failed
has its line too.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tests.integration.faults.tally import PROPERTY, Tally
from vpn_registry.settings import PROJECT

PAGE: Final = PROJECT / "docs" / "reliability.md"
HEAD: Final = (
    "| kind of fault | database | injected | lost | doubled | flagged | day |\n|---|---|---|---|---|---|---|\n"
)


def lines_of(report: Path) -> dict[tuple[str, str], str]:
    """(kind, database) -> the line of the table, from one report of pytest's."""
    tallies: dict[tuple[str, str], Tally] = {}
    root = ElementTree.parse(report).getroot()  # noqa: S314 - a file that pytest has just written; until 2027-12-31
    for found in root.iterfind(f".//property[@name='{PROPERTY}']"):
        tally = Tally(**json.loads(found.attrib["value"]))
        key = (tally.kind, tally.database)
        tallies[key] = tallies[key].and_also(tally) if key in tallies else tally
    day = next(suite.attrib["timestamp"][:10] for suite in root.iter("testsuite"))
    return {
        key: f"| {one.kind} | {one.database} | {one.injected} | {one.lost} | {one.doubled} | {one.flagged} | {day} |\n"
        for key, one in tallies.items()
    }


def lines_in(page: str) -> dict[tuple[str, str], str]:
    rows = (line.split(" | ") for line in page.partition(HEAD)[2].splitlines() if line.startswith("| "))
    return {(cells[0].removeprefix("| "), cells[1]): " | ".join(cells) + "\n" for cells in rows}


def with_lines(page: str, new: dict[tuple[str, str], str]) -> str:
    """The page with these lines in the table at its end, sorted."""
    lines = lines_in(page) | new
    return page.partition(HEAD)[0] + HEAD + "".join(lines[key] for key in sorted(lines))


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    for name in sys.argv[1:]:
        text = with_lines(text, lines_of(Path(name)))
    PAGE.write_text(text, "utf-8")
