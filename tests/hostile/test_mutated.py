"""Damaged files end in a finding or a right verdict: no exception, no lost row, no row counted twice."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Final

import pytest

from tests.hostile.hostile_building import HEADER, row, table
from tests.hostile.mutation import mutated
from tests.hostile.test_hostile import judged
from vpn_registry import validation
from vpn_registry.formats import SPACES
from vpn_registry.model import Outcome
from vpn_registry.validation import Verdict

_URDU: Final = "سندھ ٹیکسٹائل"
PLAIN: Final = table([row(f"R-{number}") for number in range(12)], newline="\n")
QUOTED: Final = table([row(f"R-{number}", client_name='Khan, "Sons" & Co') for number in range(12)])
URDU: Final = b"\xef\xbb\xbf" + table([row(f"R-{number}", client_name=_URDU, city="لاہور") for number in range(12)])
BASES: Final = {"plain": PLAIN, "quoted": QUOTED, "urdu": URDU}


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
    _judge_mutants(base, range(120))


@pytest.mark.soak
@pytest.mark.parametrize("base", BASES)
def test_much_damaged_text_loses_no_row_and_doubles_none(base: str) -> None:
    _judge_mutants(base, range(120, 5_000))


def test_the_header_of_the_good_files_is_whole() -> None:
    for data in BASES.values():
        verdict = judged(data)
        assert (verdict.rows.total, verdict.rows.accepted) == (12, 12)
        assert verdict.width == len(HEADER)
