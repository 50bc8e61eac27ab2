"""Every rule has a folder under tests/cases: a small file, and what must come back for it.

`expected.toml` says what the file is given (all of it optional) and what must come back:

    [given]      max_rows, max_inflated_bytes, tolerance, prefixes, missing (number ranges),
                 used_by ("same bytes" or "other bytes"),
                 known (registrations: same_as_row is the row whose content the registry holds, 0 for other content;
                 responses: subscriber_id, decided_seq, registering_on), asked (what notices have asked: notices,
                 named, listed),
                 facts (for rules that fire outside reading and judging: only their texts are made)
    outcome, rows, file_findings ([code, message]), findings ([row, column, code, value, suggestion])
"""

from __future__ import annotations

import tomllib
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vpn_registry import formats, validation
from vpn_registry.model import Feed, Finding, Limits, Mode, NumberUse
from vpn_registry.rulebook import FILE_RULES, ROW_RULES, RULEBOOK_VERSION
from vpn_registry.rulebook.file_names import name_findings, number_findings, parse_name
from vpn_registry.rulebook.files import file_finding
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import Asked, Context

CASES = Path(__file__).resolve().parent.parent / "cases"
TODAY = date(2026, 6, 15)
CODES = sorted([*FILE_RULES, *(rule.code for rule in ROW_RULES)])


def judged(folder: Path) -> dict[str, Any]:
    """What comes back for the one file in `folder`, in the shape of expected.toml.

    Judged without Great Expectations: that its suite says the same of every case, test_foreseen.py shows.
    """
    given = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8")).get("given", {})
    (path,) = (path for path in folder.iterdir() if path.name != "expected.toml")
    if "facts" in given:
        return {"file_findings": _texts([file_finding(folder.name, **given["facts"])])}
    name = parse_name(path.name)
    found = [*name_findings(name, zone="indus", received_on=TODAY), *number_findings(_use(given))]
    feed, mode = (name.feed, name.mode) if name else (Feed.REGISTRATIONS, Mode.DELTA)
    decoded = None
    if not any(finding.severity == "error" for finding in found):
        ext = name.ext if name else "csv"
        decoded, reading = validation.read(
            path.read_bytes(),
            ext,
            feed,
            stem=name.stem if name else None,
            limits=Limits(rows=given.get("max_rows", 1000), inflated_bytes=given.get("max_inflated_bytes", 2**20)),
        )
        found += reading
    context = Context(
        isp="indus",
        today=TODAY,
        mode=mode,
        seq=name.seq if name else None,
        prefixes=tuple(given.get("prefixes", ())),
        known=_known(given, decoded, feed),
        asked=_asked(given),
        has_gap="missing" in given,
    )
    share, number = given.get("tolerance", (0.10, 20))
    verdict = validation.judge(
        decoded, found, feed=feed, mode=mode, context=context, tolerance=(share, number), with_suite=False
    )
    columns = ["row", "column", "code", "value", "suggestion"]
    return {
        "outcome": str(verdict.outcome),
        "rows": asdict(verdict.rows),
        "file_findings": _texts(verdict.findings),
        "findings": validation.row_findings(verdict)[columns].to_numpy().tolist(),
    }


def _use(given: dict[str, Any]) -> NumberUse:
    if "used_by" in given:
        return NumberUse(first_use=1, first_use_same_bytes=given["used_by"] == "same bytes")
    return NumberUse(missing=tuple((first, last) for first, last in given.get("missing", ())))


def _texts(findings: tuple[Finding, ...] | list[Finding]) -> list[list[str]]:
    return [[finding.code, finding.message] for finding in findings]


def _known(given: dict[str, Any], decoded: formats.Decoded | None, feed: Feed) -> pd.DataFrame | None:
    if "known" not in given or decoded is None:
        return None
    if feed is Feed.RESPONSES:
        return pd.DataFrame(given["known"], columns=["subscriber_id", "decided_seq", "registering_on"])
    hashes = Rows(decoded.frame, feed, len(decoded.header)).row_sha256
    columns = ["registration_ref", "is_in_force", "decided_seq", "same_as_row"]
    known = pd.DataFrame(given["known"], columns=columns)
    known["row_sha256"] = [hashes[row - 1] if row else "other" for row in known["same_as_row"]]
    return known


def _asked(given: dict[str, Any]) -> Asked | None:
    if "asked" not in given:
        return None
    asked = given["asked"]
    named = pd.DataFrame(asked["named"], columns=["notice_no", "subscriber_id"])
    return Asked(asked["notices"], named, frozenset(asked["listed"]))


@pytest.mark.parametrize("code", CODES)
def test_a_rule_gives_back_what_its_case_says(code: str) -> None:
    folder = CASES / code
    assert folder.is_dir(), f"Add tests/cases/{code} with a small file on which the rule fires, and expected.toml."
    expected = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8"))
    expected.pop("given", None)
    assert judged(folder) == expected
    fired = [finding[0] for finding in expected["file_findings"]] + [line[2] for line in expected.get("findings", ())]
    assert code in fired, f"The file in tests/cases/{code} does not make the rule fire."


def test_no_case_is_without_its_rule() -> None:
    assert {folder.name for folder in CASES.iterdir()} == set(CODES)


def test_codes_are_unique_and_the_version_is_set() -> None:
    assert len(CODES) == len(set(CODES))
    assert RULEBOOK_VERSION


def test_no_case_shows_an_identity_number_in_full() -> None:
    for code in CODES:
        expected = tomllib.loads((CASES / code / "expected.toml").read_text(encoding="utf-8"))
        for _row, column, _code, value, suggestion in expected.get("findings", ()):
            if column in {"cnic", "other_id"}:
                assert sum(character.isdigit() for character in value) <= 4
                assert not suggestion
