"""One slip is one finding: what another rule only repeats about the same cell is not told beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from tests.hostile.hostile_building import HEADER
from tests.unit.test_validation import CONTEXT, GOOD, csv_of
from tests.workbooks import Raw, number, package, sheet
from vpn_registry import validation
from vpn_registry.model import Feed

DATE: Final = 2


def formula(value: str = "", kind: str = "str") -> Raw:
    return Raw(f'<c r="{{}}" t="{kind}"><f>A1</f><v>{value}</v></c>')


def told(ext: str, data: bytes) -> list[tuple[int, str, str, str]]:
    """(row, column, code, suggestion) of every finding on a row."""
    decoded, found = validation.read(data, ext, Feed.REGISTRATIONS)
    assert decoded is not None, found
    verdict = validation.judge(
        decoded, found, feed=Feed.REGISTRATIONS, mode=CONTEXT.mode, context=CONTEXT, with_suite=False
    )
    findings = validation.row_findings(verdict)
    assert verdict.counts_by_code == findings["code"].value_counts().to_dict()
    return list(findings[["row", "column", "code", "suggestion"]].itertuples(index=False, name=None))


def workbook(*changes: Mapping[str, str], merged: str = "") -> bytes:
    rows = [GOOD | {"registration_ref": f"REG-{at}"} | dict(change) for at, change in enumerate(changes, start=1)]
    tail = f'<mergeCells count="1"><mergeCell ref="{merged}"/></mergeCells>' if merged else ""
    return package(sheet([HEADER, *([row[name] for name in HEADER] for row in rows)], tail=tail))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"ntn": number(822910)}, ("ntn", "H132", "0822910")),
        ({"ntn": number(46000, DATE)}, ("ntn", "H135", "")),
        ({"client_name": formula()}, ("client_name", "H133", "")),
        ({"local_ip": formula()}, ("local_ip", "H133", "")),
        ({"local_ip": formula("#REF!", "e")}, ("local_ip", "H136", "")),
        ({"valid_from": Raw('<c r="{}" t="b"><v>1</v></c>')}, ("valid_from", "H136", "")),
    ],
)
def test_a_cell_that_is_no_text_has_one_finding(change: Mapping[str, str], expected: tuple[str, str, str]) -> None:
    assert told("xlsx", workbook(change)) == [(1, *expected)]


def test_the_empty_half_of_a_merged_cell_is_not_said_to_be_missing() -> None:
    letter = chr(ord("A") + HEADER.index("city"))
    assert told("xlsx", workbook({}, {"city": ""}, merged=f"{letter}2:{letter}3")) == [
        (1, "city", "H134", ""),
        (2, "city", "H134", ""),
    ]


def test_what_a_formula_shows_is_judged_as_well() -> None:
    """Pasting it as a value leaves it as wrong as it is."""
    assert told("xlsx", workbook({"ntn": formula("822910")})) == [
        (1, "ntn", code, "0822910") for code in ("H108", "H133")
    ]


def test_each_of_several_numbers_has_its_own_suggestion() -> None:
    change = {"ntn": number(822910), "secp_no": number(54321), "contact_phone": number(4235761234)}
    assert told("xlsx", workbook(change)) == [
        (1, "secp_no", "H111", "0054321"),
        (1, "contact_phone", "H116", "04235761234"),
        (1, "ntn", "H132", "0822910"),
    ]


def test_a_number_does_not_hide_what_is_wrong_between_columns() -> None:
    change = {"ntn": number(3520112345671), "cnic": "3520112345689"}
    assert [code for _, _, code, _ in told("xlsx", workbook(change))] == ["H132", "H202"]


def test_an_invisible_character_in_an_identifier_is_one_finding_with_the_value_freed_from_it() -> None:
    data = csv_of([{"subscriber_id": "SUB\u200b-1"}, {"ntn": "08229\t10"}])
    assert told("csv", data) == [(1, "subscriber_id", "H102", "SUB-1"), (2, "ntn", "H102", "")]


def test_other_columns_of_the_row_are_told_as_ever() -> None:
    assert told("xlsx", workbook({"ntn": number(822910), "province": "Punjab"})) == [
        (1, "province", "H118", "PB"),
        (1, "ntn", "H132", "0822910"),
    ]
