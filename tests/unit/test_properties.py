"""What holds for any file: counts add up, findings point to the very cell, order of arrival decides nothing."""

from __future__ import annotations

import csv
import io
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.generated_files import GeneratedFile, generated_files
from tests.hostile.hostile_building import row, table
from tests.installation import Installation, foreseen_verdicts
from vpn_registry import validation
from vpn_registry.model import Feed
from vpn_registry.rulebook import columns_of, identifiers
from vpn_registry.spreadsheet import safe_cell
from vpn_registry.validation import Verdict

_QUICK: Final = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
_WHOLE: Final = settings(
    max_examples=4, phases=(Phase.generate,), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
_MASKED: Final = {column.name for feed in Feed for column in columns_of(feed) if column.is_masked}

_AWKWARD_TEXT: Final = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from('",;=+-@\t\r\n\0\u200b\u202e\ufeff۱')), max_size=20
)


def judged(file: GeneratedFile) -> Verdict:
    decoded, found = file.read()
    assert decoded is not None
    return validation.judge(
        decoded,
        found,
        feed=file.feed,
        mode=file.context.mode,
        context=file.context,
        tolerance=file.tolerance,
        with_suite=False,
    )


@_QUICK
@given(file=generated_files())
def test_each_row_is_accepted_rejected_or_a_duplicate(file: GeneratedFile) -> None:
    verdict = judged(file)
    counts = asdict(verdict.rows)
    assert counts["accepted"] + counts["rejected"] + counts["duplicate"] == counts["total"] == len(verdict.frame)
    assert not (verdict.rejected & verdict.duplicate).any()
    assert {code: int(hit.sum()) for code, hit in verdict.hits.items()} == verdict.counts_by_code


@_QUICK
@given(file=generated_files())
def test_a_finding_points_to_the_very_cell(file: GeneratedFile) -> None:
    records = list(csv.DictReader(io.StringIO(file.data.decode(), newline="")))
    for finding in validation.row_findings(judged(file)).to_dict("records"):
        assert finding["line"] == finding["row"] + 1  # no line break inside of a field here
        record = records[finding["row"] - 1]
        if not finding["column"]:
            assert finding["code"] == "H101"
            continue
        value = (record[finding["column"]] or "").strip(" ")
        is_masked = finding["column"] in _MASKED or (finding["column"] == "ntn" and identifiers.may_be_cnic(value))
        shown = identifiers.mask(value) if is_masked else value.replace("\u202e", "\ufffd")
        assert finding["value"] == shown


@_QUICK
@given(values=st.lists(_AWKWARD_TEXT, min_size=1, max_size=4), column=st.sampled_from(sorted(row())))
def test_any_text_in_any_column_ends_in_a_verdict_of_its_own_row(values: list[str], column: str) -> None:
    rows = [row(f"R-{number}") for number in range(len(values) + 1)]
    for one, value in zip(rows, values, strict=False):
        one[column] = value
    decoded, found = validation.read(table(rows), "csv", Feed.REGISTRATIONS)
    if decoded is None:
        assert [finding.code for finding in found] == ["F206"]
        assert any("\0" in value for value in values)
        return
    assert len(decoded.frame) == len(rows)
    untouched = decoded.frame.iloc[-1]
    assert {name: untouched[name] for name in rows[-1]} == rows[-1]


@_QUICK
@given(text=_AWKWARD_TEXT)
def test_no_text_becomes_a_formula_or_a_line_of_its_own(text: str) -> None:
    shown = safe_cell(text)
    assert not re.match(r"\s*[=+\-@＝＋－＠]", shown)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", shown)


_ACTIONS: Final = st.sampled_from(["add", "add", "update", "withdraw"])
_CHANGES: Final = st.lists(
    st.lists(st.tuples(_ACTIONS, st.integers(1, 4), st.sampled_from(["Lahore", "Multan"])), max_size=5),
    min_size=2,
    max_size=4,
)


def _files(isp: str, changes: list[list[tuple[str, int, str]]]) -> list[tuple[str, bytes]]:
    files = []
    for seq, rows in enumerate(changes, start=1):
        made = [row(f"R-{ref}", action=action, city=city, local_ip="192.0.2.8") for action, ref, city in rows]
        files.append((f"{isp}_registrations_delta_20260615_{seq:04}.csv", table(made)))
    return files


def _registry(here: Installation) -> list[tuple[Any, ...]]:
    """Every registration with the number that decided it and what it says now."""
    return here.rows(
        "SELECT r.isp, r.registration_ref, r.is_in_force, r.decided_seq, v.city FROM registrations r "
        "LEFT JOIN registration_versions v ON v.id = r.version_id ORDER BY r.isp, r.registration_ref"
    )


@_WHOLE
@given(changes=_CHANGES, data=st.data())
def test_the_order_of_isps_and_of_arrival_in_one_pass_changes_nothing(
    changes: list[list[tuple[str, int, str]]], data: st.DataObject
) -> None:
    files = [*_files("indus", changes), *_files("kirana", changes[::-1])]
    told = []
    for order in (files, data.draw(st.permutations(files))):
        with tempfile.TemporaryDirectory() as folder:
            here = Installation(Path(folder))
            for named in order:
                here.drop(named)
            with foreseen_verdicts():
                here.run()
            results = [here.result(name.partition("_")[0], name) for name, _ in files]
            for result in results:
                rows = result["rows"]
                assert rows["accepted"] + rows["rejected"] + rows["duplicate"] == rows["total"]
            verdicts = [(result["outcome"], result["rows"], result["counts_by_code"]) for result in results]
            told.append((verdicts, _registry(here)))
    assert told[0] == told[1]
