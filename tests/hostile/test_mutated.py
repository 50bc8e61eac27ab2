"""Damaged files end in a finding or a right verdict: no exception, no lost row, no row counted twice."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter
from typing import Final
from xml.parsers import expat

import pytest

from tests.hostile.hostile_archives import zipped
from tests.hostile.hostile_building import HEADER, NAME, row, table
from tests.hostile.mutation import mutated
from tests.hostile.test_hostile import judged
from tests.workbooks import package, sheet
from vpn_registry import validation
from vpn_registry.formats import SPACES
from vpn_registry.model import Outcome
from vpn_registry.validation import Verdict

_URDU: Final = "سندھ ٹیکسٹائل"
PLAIN: Final = table([row(f"R-{number}") for number in range(12)], newline="\n")
QUOTED: Final = table([row(f"R-{number}", client_name='Khan, "Sons" & Co') for number in range(12)])
URDU: Final = b"\xef\xbb\xbf" + table([row(f"R-{number}", client_name=_URDU, city="لاہور") for number in range(12)])
BASES: Final = {"plain": PLAIN, "quoted": QUOTED, "urdu": URDU}
STEM: Final = NAME.removesuffix(".csv")
_ROWS: Final = [row(f"R-{number}", client_name=_URDU) for number in range(12)]
MARKUP: Final = sheet([HEADER, *([one[name] for name in HEADER] for one in _ROWS)]).encode()
OTHER_MARKUP: Final = sheet([["a", "b"], *([f"Q-{number}", "Lahore"] for number in range(40))]).encode()
BOOK: Final = package(MARKUP)
PACKED: Final = {
    "csv.gz": gzip.compress(PLAIN, mtime=0),
    "csv.zip": zipped((NAME, PLAIN)),
    "xlsx": BOOK,
    "xlsx.zip": zipped((f"{STEM}.xlsx", BOOK)),
}
"""Format -> a good file of it, with the same twelve keys."""


def records(data: bytes) -> list[list[str]]:
    """What the standard library's strict reader sees behind the header, blank records left out."""
    text = data.removeprefix(b"\xef\xbb\xbf").decode()
    if '"' not in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = list(csv.reader(io.StringIO(text, newline=""), strict=True))[1:]
    return [record for record in found if any(field.strip(SPACES) for field in record)]


def assert_conserved(data: bytes, verdict: Verdict) -> None:
    """Every record of the file is one row of the verdict, in its place, with the key it has in the file."""
    if any(finding.code.startswith("F2") and finding.severity == "error" for finding in verdict.findings):
        assert verdict.outcome is Outcome.REJECTED
        assert not verdict.rows.total
        return
    seen = records(data)
    assert verdict.rows.total == len(seen)
    assert verdict.frame["row"].tolist() == list(range(1, len(seen) + 1))
    assert verdict.frame["line"].is_monotonic_increasing
    assert verdict.frame["line"].is_unique
    width = verdict.width
    header = next(csv.reader(io.StringIO(data.removeprefix(b"\xef\xbb\xbf").decode(), newline="")))
    place = [name.strip(SPACES) for name in header].index("registration_ref")
    keys = Counter(record[place].strip(SPACES) for record in seen if len(record) == width)
    assert Counter(verdict.frame["registration_ref"][verdict.frame["fields"] == width].tolist()) == keys


def _judge_mutants(base: str, seeds: range) -> None:
    others = [data for name, data in BASES.items() if name != base]
    for seed in seeds:
        data = mutated(BASES[base], others[seed % len(others)], seed)
        verdict = judged(data)
        assert_conserved(data, verdict)
        validation.row_findings(verdict)


@pytest.mark.parametrize("base", BASES)
def test_damaged_text_loses_no_row_and_doubles_none(base: str) -> None:
    _judge_mutants(base, range(60))


@pytest.mark.soak
@pytest.mark.parametrize("base", BASES)
def test_much_damaged_text_loses_no_row_and_doubles_none(base: str) -> None:
    _judge_mutants(base, range(60, 5_000))


def test_the_header_of_the_good_files_is_whole() -> None:
    for data in BASES.values():
        verdict = judged(data)
        assert (verdict.rows.total, verdict.rows.accepted) == (12, 12)
        assert verdict.width == len(HEADER)


def _judge_packed(ext: str, seeds: range) -> int:
    """How many damaged files were taken all the same: with every row, once, for a checksum keeps each byte of them."""
    taken = 0
    others = [data for name, data in PACKED.items() if name != ext]
    for seed in seeds:
        verdict = judged(mutated(PACKED[ext], others[seed % len(others)], seed), f"{STEM}.{ext}")
        validation.row_findings(verdict)
        if any(finding.severity == "error" for finding in verdict.findings):
            assert verdict.rows.total == 0
            continue
        assert verdict.frame["registration_ref"].tolist() == [f"R-{number}" for number in range(12)]
        taken += 1
    return taken


def cells_of(markup: bytes) -> list[list[str]]:
    """The texts of the filled rows of a sheet below its header, by an XML parser alone."""
    rows: list[list[str]] = []
    inside: list[str] = []

    def start(name: str, _attributes: object) -> None:
        inside.append(name)
        if name == "row":
            rows.append([])
        elif name == "c" and rows:
            rows[-1].append("")

    def text(found: str) -> None:
        if rows and rows[-1] and "c" in inside:
            rows[-1][-1] += found

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _: inside.pop()
    parser.Parse(markup, True)
    return [cells for cells in rows if any(cell.strip(SPACES) for cell in cells)][1:]


def _judge_markup(seeds: range) -> None:
    for seed in seeds:
        markup = mutated(MARKUP, OTHER_MARKUP, seed)
        verdict = judged(package(markup), f"{STEM}.xlsx")
        validation.row_findings(verdict)
        if any(finding.severity == "error" for finding in verdict.findings):
            assert verdict.rows.total == 0
            continue
        seen = cells_of(markup)
        assert verdict.rows.total == len(seen)
        assert verdict.frame["line"].is_monotonic_increasing
        assert verdict.frame["line"].is_unique
        keys = {key for key in verdict.frame["registration_ref"] if key}
        assert keys <= {cell.strip(SPACES) for cells in seen for cell in cells}


@pytest.mark.parametrize("ext", ["csv.gz", "csv.zip"])
def test_a_damaged_archive_is_refused_or_whole(ext: str) -> None:
    assert _judge_packed(ext, range(60)) < 60


def test_a_damaged_workbook_is_refused_or_whole() -> None:
    assert _judge_packed("xlsx", range(2)) < 2
    _judge_markup(range(37, 38))  # one that is damaged, and can be read


@pytest.mark.soak
@pytest.mark.parametrize(("ext", "count"), [("csv.gz", 500), ("csv.zip", 500), ("xlsx", 500), ("xlsx.zip", 500)])
def test_a_much_damaged_file_is_refused_or_whole(ext: str, count: int) -> None:
    assert _judge_packed(ext, range(60, 60 + count)) < count


@pytest.mark.soak
def test_a_workbook_of_much_damaged_markup_is_refused_or_loses_no_row() -> None:
    _judge_markup(range(500))


@pytest.mark.parametrize("ext", PACKED)
def test_the_good_file_of_each_format_is_whole(ext: str) -> None:
    assert judged(PACKED[ext], f"{STEM}.{ext}").rows.accepted == 12
