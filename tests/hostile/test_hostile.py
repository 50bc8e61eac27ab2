"""Hostile and odd inputs, each with what must come back for it; none of them may end in an exception."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import pytest

from tests.hostile.hostile_archives import ARCHIVES
from tests.hostile.hostile_building import NAME, PREFIXES, TODAY, OddCell, OddFile, OddName, row, table
from tests.hostile.hostile_cells import ACCEPTED, REFUSED
from tests.hostile.hostile_files import FILES
from tests.hostile.hostile_names import NAMES
from tests.hostile.hostile_workbooks import WORKBOOKS
from vpn_registry import validation
from vpn_registry.model import Feed, Mode, Outcome
from vpn_registry.rulebook import Context
from vpn_registry.rulebook.file_names import name_findings, parse_name
from vpn_registry.validation import Verdict

CELLS = (*REFUSED, *ACCEPTED)


def judged(data: bytes, name: str = NAME, feed: Feed = Feed.REGISTRATIONS) -> Verdict:
    """The verdict on a file under a good name, without the loading of Great Expectations."""
    parts = parse_name(name)
    assert parts is not None
    decoded, found = validation.read(data, parts.ext, feed, stem=parts.stem)
    mode = Mode.FULL if feed is Feed.CLIENTS else Mode.DELTA
    context = Context(isp="indus", today=TODAY, mode=mode, seq=1, prefixes=PREFIXES)
    verdict = validation.judge(
        decoded, found, feed=feed, mode=mode, context=context, tolerance=(1.0, 20), with_suite=False
    )
    counts = verdict.rows
    assert counts.accepted + counts.rejected + counts.duplicate == counts.total
    return verdict


def _codes(verdict: Verdict, position: int) -> set[str]:
    return {code for code, hit in verdict.hits.items() if hit[position]}


def _name(one: OddCell | OddFile | OddName) -> str:
    return f"{one.family}-{one.name}"


@pytest.mark.parametrize("odd", CELLS, ids=_name)
def test_an_odd_cell_gets_its_codes_and_its_neighbours_none(odd: OddCell) -> None:
    changed = row("R-2", odd.feed, **(odd.others or {})) | {odd.column: odd.value}
    verdict = judged(table([row("R-1", odd.feed), changed, row("R-3", odd.feed)], odd.feed), feed=odd.feed)
    assert [_codes(verdict, position) for position in range(3)] == [set(), set(odd.codes.split()), set()]
    assert verdict.rejected.tolist() == [False, odd in REFUSED, False]
    findings = validation.row_findings(verdict)
    assert findings["row"].tolist() == [2] * len(findings)
    if odd in REFUSED:
        assert odd.column in findings["column"].tolist() or odd.family == "across" or not odd.value


_SOME: Final = 5
"""Each workbook costs a process: every fifth is read in the ordinary suite, all of them by `make soak`."""


@pytest.mark.parametrize(
    "odd",
    [
        *FILES,
        *ARCHIVES,
        *(pytest.param(one, marks=pytest.mark.soak if at % _SOME else ()) for at, one in enumerate(WORKBOOKS)),
    ],
    ids=_name,
)
def test_an_odd_file_gets_its_findings_and_loses_no_row(odd: OddFile) -> None:
    verdict = judged(odd.build(), odd.file)
    counts = verdict.rows
    assert {finding.code for finding in verdict.findings} == set(odd.codes.split())
    assert (counts.total, counts.accepted, counts.rejected, counts.duplicate) == odd.rows
    is_refused = any(finding.severity == "error" for finding in verdict.findings)
    assert (verdict.outcome is Outcome.REJECTED) == (is_refused or (counts.rejected > 0 and not counts.accepted))


@pytest.mark.parametrize("odd", NAMES, ids=_name)
def test_an_odd_name_gets_its_findings(odd: OddName) -> None:
    findings = name_findings(parse_name(odd.file), zone="indus", received_on=TODAY)
    assert [finding.code for finding in findings] == odd.codes.split()


def test_findings_repeat_no_invisible_character_and_no_identity_number() -> None:
    for odd in REFUSED:
        changed = row("R-2", odd.feed, **(odd.others or {})) | {odd.column: odd.value}
        findings = validation.row_findings(judged(table([changed], odd.feed), feed=odd.feed))
        for text in findings.drop(columns=["row", "line"]).to_numpy().ravel():
            assert str(text).isprintable() or not text
        if odd.column in {"cnic", "other_id"}:
            assert odd.value not in findings["value"].tolist()
            assert not any(findings["suggestion"])


def test_there_are_enough_of_them_and_no_name_is_used_twice() -> None:
    names = Counter(
        [*map(_name, CELLS), *map(_name, FILES), *map(_name, ARCHIVES), *map(_name, WORKBOOKS), *map(_name, NAMES)]
    )
    assert max(names.values()) == 1
    legal = sum(name.startswith("legal-") for name in names)
    assert legal >= 30
    assert len(names) - legal >= 120


def test_hostile_rows_together_are_judged_as_they_are_alone() -> None:
    odd = [one for one in REFUSED if one.feed is Feed.REGISTRATIONS and one.column != "registration_ref"]
    rows = [row(f"R-{number}", **(one.others or {})) | {one.column: one.value} for number, one in enumerate(odd)]
    verdict = judged(table(rows))
    assert [_codes(verdict, position) for position in range(len(odd))] == [set(one.codes.split()) for one in odd]
    assert np.count_nonzero(verdict.rejected) == len(odd)
