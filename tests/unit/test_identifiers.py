"""Identifiers: forms without false refusals, keys, masks, spreadsheet damage."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pytest

from vpn_registry.rulebook import identifiers as ids


def fits(pattern: str, value: str) -> bool:
    (found,) = ids.whole(pa.array([value], pa.large_string()), pattern).to_pylist()
    assert found == bool(re.fullmatch(pattern, value))
    return bool(found)


@pytest.mark.parametrize("value", ["0822910-4", "0822910", "4174941-3", "3804142-9"])
def test_an_ntn_is_seven_digits_whatever_its_check_digit(value: str) -> None:
    assert fits(ids.NTN, value)


@pytest.mark.parametrize("value", ["822910", "08229104", "0822910-45", "۰۸۲۲۹۱۰", "0822910\n", "", "0822910-"])
def test_what_is_no_ntn(value: str) -> None:
    assert not fits(ids.NTN, value)


@pytest.mark.parametrize("value", ["3520200000013", "35202-0000001-3", "82202-0000001-3", "0000000000000"])
def test_a_cnic_is_thirteen_digits_whatever_they_are(value: str) -> None:
    assert fits(ids.CNIC, value)


@pytest.mark.parametrize("value", ["352020000001", "35202 0000001 3", "35202–0000001–3", "3520200000013\n"])
def test_what_is_no_cnic(value: str) -> None:
    assert not fits(ids.CNIC, value)


@pytest.mark.parametrize(
    "value",
    [
        "0300-1234567",
        "0092 51 9225325",
        "923001234567",
        "051-9225325",
        "021-111-225-111",
        "0800-55055",
        "+92 (42) 35761234 ext 12",
        "(042) 3576-1234",
    ],
)
def test_phones_people_write(value: str) -> None:
    assert fits(ids.PHONE, value)


@pytest.mark.parametrize("value", ["", "15", "4235761234", "+1 202 5550100", "042-3576123x"])
def test_what_is_no_phone(value: str) -> None:
    assert not fits(ids.PHONE, value)


def test_keys_are_canonical() -> None:
    def array(*values: str) -> pa.LargeStringArray:
        return pa.array(values, pa.large_string())

    assert ids.ntn_keys(array("0822910-4", "0822910", "822910", "")).to_pylist() == ["0822910", "0822910", "", ""]
    assert ids.cnic_keys(array("35202-0000001-3", "35202", "")).to_pylist() == ["3520200000013", "", ""]
    assert ids.other_id_keys(array("ab 123", "a", "")).to_pylist() == ["AB123", "", ""]


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (ids.ntn_keys, "0000000"),
        (ids.ntn_keys, "0000000-3"),
        *((ids.cnic_keys, str(digit) * 13) for digit in range(10)),
        (ids.cnic_keys, "11111-1111111-1"),
        *((ids.other_id_keys, text) for text in ("NIL", "nil", "Nill", "NA", "N/A", "n / a", "none", "NULL")),
        *((ids.other_id_keys, text) for text in ("XXX", "xxxxxx", "000", "0-0", "0 0 0", "---", "./-")),
    ],
)
def test_a_placeholder_pairs_with_nobody(
    keys: Callable[[pa.LargeStringArray], pa.LargeStringArray], value: str
) -> None:
    assert keys(pa.array([value], pa.large_string())).to_pylist() == [""]


@pytest.mark.parametrize("value", ["NA123", "NILE 7", "X12", "0001", "NONE1", "AXX"])
def test_a_document_number_that_looks_like_a_placeholder_is_kept(value: str) -> None:
    assert ids.other_id_keys(pa.array([value], pa.large_string())).to_pylist() == [value.replace(" ", "")]


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("352020000034", "12 digits, ..34"),
        ("35202-0000001-3", "13 digits, ..13"),
        ("AB 1234567", "9 letters and digits, ..67"),
        ("ABCDEF", "6 letters, ..EF"),
        ("AB#12345", "8 characters, ..45"),
        ("1234", "4 digits"),
        ("--", "2 characters"),
        ("", ""),
    ],
)
def test_a_mask_tells_length_kind_and_the_last_two(value: str, masked: str) -> None:
    assert ids.mask(value) == masked


@pytest.mark.parametrize("value", ["3.52E+12", "3.52e12", '="0012345"', "0012345.0", "02-Jan", "2026-01-02", "۱۲۳"])
def test_spreadsheet_damage_is_recognised(value: str) -> None:
    assert ids.damage(value)


@pytest.mark.parametrize("value", ["0822910-4", "R-0001", "C-1001", "", "AB1234567"])  # pragma: allowlist secret
def test_sound_values_are_not_called_damaged(value: str) -> None:
    assert not ids.damage(value)


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        ("822910", "0822910"),
        ("822910-4", "0822910-4"),
        ("08229104", "0822910-4"),
        ('="0822910"', "0822910"),
        ("0822910.0", "0822910"),
        ("3.52E+12", ""),
        ('="3520200000013"', ""),
        ("12", ""),
    ],
)
def test_a_suggested_ntn_is_the_likely_right_value(value: str, suggestion: str) -> None:
    assert ids.suggest_ntn(value) == suggestion


@pytest.mark.parametrize(
    "value",
    [
        "352020000001",
        "3520200000013",
        "35202000000131",
        "35202-0000001-3",
        "35202 0000001 3",
        "35202\N{EN DASH}0000001\N{EN DASH}3",
        "35202.0000001.3",
        "3520200000013.0",
        "CNIC 3520200000013",
        "35202-0000001-3 35202-0000002-1",
        "۳۵۲۰۲۰۰۰۰۰۰۱۳",
        "3.52E+11",
        "3.52E+12",
        "3.52e13",
        '="3520200000013"',
    ],
)
def test_a_value_that_may_be_a_cnic_is_known_as_one(value: str) -> None:
    assert ids.may_be_cnic(value)


@pytest.mark.parametrize(
    "value", ["", "0822910-4", "1234567-12", "1.23E+06", "3.5E+10", "12345678901", "123456789012345"]
)
def test_a_value_that_is_no_cnic_is_shown(value: str) -> None:
    assert not ids.may_be_cnic(value)
