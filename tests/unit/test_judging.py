"""Judging as a property: counts add up, and neither order nor pieces nor the process change a verdict."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.generated_files import GeneratedFile, generated_files
from tests.hostile.hostile_archives import zipped
from tests.unit.test_validation import CONTEXT, GOOD, csv_of
from tests.workbooks import package, sheet
from vpn_registry import rulebook, validation
from vpn_registry.formats import Decoded
from vpn_registry.model import Feed, Finding, Mode, Severity
from vpn_registry.rulebook import Rule, file_finding
from vpn_registry.validation import Verdict, expectations, judging, row_findings

PROPERTY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

DIGEST = """
import hashlib, sys, datetime
from vpn_registry import validation
from vpn_registry.model import Feed, Mode
from vpn_registry.rulebook import Context
decoded, found = validation.read(sys.stdin.buffer.read(), "csv", Feed.REGISTRATIONS)
context = Context(isp="indus", today=datetime.date(2026, 6, 15), mode=Mode.DELTA, seq=7)
verdict = validation.judge(
    decoded, found, feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=context, with_suite=False
)
told = [verdict.result, verdict.counts_by_code, validation.row_findings(verdict).to_csv(), verdict.frame.to_csv()]
print(hashlib.sha256(repr(told).encode()).hexdigest())
"""


def judged(decoded: Decoded | None, file: GeneratedFile, **named: Any) -> Verdict:
    return validation.judge(
        decoded,
        (),
        feed=file.feed,
        mode=file.context.mode,
        context=file.context,
        tolerance=file.tolerance,
        with_suite=False,
        **named,
    )


def by_line(verdict: Verdict) -> list[tuple[Any, ...]]:
    """Each row's line in the file as it was read, what became of the row and which rules fired on it."""
    # Of equal rows the first is taken and the later ones are duplicates: which of them that is, order decides.
    codes = sorted(set(verdict.hits) - {"H301"})
    fired = zip(*(verdict.hits[code] for code in codes), strict=True) if codes else [()] * len(verdict.frame)
    return sorted(zip(verdict.frame["line"], verdict.rejected, fired, strict=True))


@PROPERTY
@given(file=generated_files())
def test_accepted_rejected_and_duplicate_rows_are_all_rows(file: GeneratedFile) -> None:
    decoded, _ = file.read()
    verdict = judged(decoded, file)
    rows = verdict.rows
    assert rows.accepted + rows.rejected + rows.duplicate == rows.total == len(verdict.frame)
    assert not (verdict.rejected & verdict.duplicate).any()
    assert (int(verdict.rejected.sum()), int(verdict.duplicate.sum())) == (rows.rejected, rows.duplicate)


def _packed(file: GeneratedFile) -> dict[str, bytes]:
    """The same rows in every format but the plain one."""
    book = package(sheet(list(csv.reader(io.StringIO(file.data.decode(), newline="")))))
    return {
        "csv.gz": gzip.compress(file.data),
        "csv.zip": zipped(("x.csv", file.data)),
        "xlsx": book,
        "xlsx.zip": zipped(("x.xlsx", book)),
    }


def _judged_in_every_format(file: GeneratedFile) -> None:
    plain = judged(file.read()[0], file)
    for ext, data in _packed(file).items():
        decoded, found = validation.read(data, ext, file.feed, stem="x")
        assert not found
        verdict = judged(decoded, file)
        assert (verdict.result, verdict.rows, verdict.counts_by_code) == (
            plain.result,
            plain.rows,
            plain.counts_by_code,
        )
        assert verdict.frame.equals(plain.frame)
        assert row_findings(verdict).equals(row_findings(plain))


_FEW = settings(PROPERTY, max_examples=1, derandomize=True, phases=(Phase.generate,))


@_FEW
@given(file=generated_files(least=20))
def test_the_same_rows_get_the_same_verdicts_in_every_format(file: GeneratedFile) -> None:
    _judged_in_every_format(file)


@pytest.mark.soak
@settings(PROPERTY, max_examples=100)
@given(file=generated_files())
def test_many_rows_get_the_same_verdicts_in_every_format(file: GeneratedFile) -> None:
    _judged_in_every_format(file)


@PROPERTY
@given(file=generated_files(), piece=st.integers(1, 12))
def test_pieces_change_nothing(file: GeneratedFile, piece: int) -> None:
    decoded, _ = file.read()
    whole, pieced = judged(decoded, file), judged(decoded, file, piece=piece)
    assert pieced.result == whole.result
    assert list(pieced.hits) == list(whole.hits)
    assert pieced.frame.equals(whole.frame)
    assert row_findings(pieced).equals(row_findings(whole))


@PROPERTY
@given(file=generated_files(), seed=st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_no_verdict(file: GeneratedFile, seed: int) -> None:
    decoded, _ = file.read()
    assert decoded is not None
    order = np.random.default_rng(seed).permutation(len(decoded.frame))
    whole = judged(decoded, file)
    mixed = judged(replace(decoded, frame=decoded.frame.iloc[order].reset_index(drop=True)), file)
    assert by_line(mixed) == by_line(whole)
    assert (mixed.outcome, mixed.counts_by_code) == (whole.outcome, whole.counts_by_code)
    assert (mixed.rows.rejected, mixed.rows.duplicate) == (whole.rows.rejected, whole.rows.duplicate)


@PROPERTY
@given(file=generated_files(), piece=st.integers(1, 12))
def test_cells_of_a_workbook_stay_odd_in_their_piece(file: GeneratedFile, piece: int) -> None:
    decoded, _ = file.read()
    assert decoded is not None
    at = np.arange(0, len(decoded.frame), 3)
    rows = judging.rows_of(replace(decoded, oddities={("number", "ntn"): at}), file.feed, file.context)
    parts = [rows.piece(start, min(start + piece, len(rows))) for start in range(0, len(rows), piece)]
    assert [bool(odd) for part in parts for odd in part.odd("number", "ntn")] == rows.odd("number", "ntn").tolist()


def test_a_verdict_is_the_same_in_every_process_and_locale() -> None:
    rows = [
        {},
        {"ntn": "822910"},
        {"registration_ref": "K-1"},
        {"city": "لاہور"},
        {"registration_ref": "K-1", "city": "X"},
    ]
    digests = Counter(
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            input=csv_of(rows, GOOD),
            env={
                "PYTHONPATH": "include",
                "PYTHONHASHSEED": seed,
                "LC_ALL": locale,
                "TZ": zone,
            },
            capture_output=True,
            check=True,
        ).stdout
        for seed, locale, zone in (
            ("0", "C", "UTC"),
            ("1", "tr_TR.UTF-8", "Pacific/Apia"),
            ("77", "C.UTF-8", "Asia/Karachi"),
        )
    )
    (digest,) = digests
    assert len(digest.strip()) == len(hashlib.sha256().hexdigest())


def city_is(city: str, **named: Any) -> Rule:
    """A rule of registrations that rejects one city."""
    return Rule(
        code="H199",
        severity=Severity.ERROR,
        feeds=frozenset({Feed.REGISTRATIONS}),
        columns=("city",),
        bad=lambda rows, _context: (rows.frame["city"] == city).to_numpy(),
        title="a city",
        why="Tests.",
        message="That city.",
        remedy="Another one.",
        example=city,
        **named,
    )


@pytest.mark.parametrize("with_suite", [True, False])
@pytest.mark.parametrize(
    ("period", "rejecting"), [({"since": "1.1"}, {"1.1"}), ({"until": "1.1"}, {"1.0"}), ({}, {"1.0", "1.1"})]
)
def test_a_rule_judges_by_the_rulebooks_it_belongs_to(
    period: dict[str, str], rejecting: set[str], with_suite: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = (*rulebook.rules_of(Feed.REGISTRATIONS), city_is("Gwadar", **period))
    monkeypatch.setitem(rulebook._BY_FEED, Feed.REGISTRATIONS, rules)
    monkeypatch.setattr(expectations, "_suite", expectations._suite.__wrapped__)  # the suite is kept once made
    decoded, _ = validation.read(csv_of([{}, {"registration_ref": "K-2", "city": "Gwadar"}]), "csv", Feed.REGISTRATIONS)
    for version in ("1.0", "1.1"):
        verdict = validation.judge(
            decoded, (), feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=CONTEXT, with_suite=with_suite,
            rulebook_version=version,
        )  # fmt: skip
        assert verdict.rejected.tolist() == [False, version in rejecting]
        assert verdict.counts_by_code.keys() == ({"H199"} if version in rejecting else set())
        assert verdict.result["rulebook_version"] == verdict.rulebook_version == version
        assert verdict.result["suite"] == f"registrations-{version}"
        is_told = any(entry["code"] == "H199" for entry in verdict.result["results"])
        assert is_told == (version in rejecting)


def test_findings_on_a_file_are_those_of_its_day_unless_it_cannot_be_read() -> None:
    decoded, _ = validation.read(csv_of([{}]), "csv", Feed.REGISTRATIONS)
    only_trials, unreadable = file_finding("F109"), file_finding("F219", ext="csv", found="a PDF")

    def by_first_rulebook(content: Decoded | None, finding: Finding) -> tuple[str, list[str]]:
        verdict = validation.judge(
            content, [finding], feed=Feed.REGISTRATIONS, mode=Mode.DELTA, context=CONTEXT, with_suite=False,
            rulebook_version="1.0",
        )  # fmt: skip
        return verdict.outcome.value, [told.code for told in verdict.findings]

    assert by_first_rulebook(decoded, only_trials) == ("accepted", [])
    assert by_first_rulebook(None, unreadable) == ("rejected", ["F219"])


def test_by_a_rulebook_that_is_not_kept_nothing_is_judged() -> None:
    with pytest.raises(rulebook.UnknownRulebookError, match=r"0\.9 is none of 1\.0"):
        validation.judge(
            None, (), feed=Feed.CLIENTS, mode=Mode.FULL, context=CONTEXT, with_suite=False, rulebook_version="0.9"
        )
