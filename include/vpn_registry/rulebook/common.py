"""The rules that hold in several feeds: shape, characters, the identifiers that both tables have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.model import Severity
from vpn_registry.rulebook import forms, identifiers
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BOTH, EVERY, BoolArray, Context, Rule, Scope, Stock

_REFUSED: Final = "[\x01-\x1f\x7f\u0080-\u009f\u00ad\u180e\u200b\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
"""Controls, overrides and isolates, and what shows nothing and only hides a difference: soft hyphen, zero-width space,
word joiner, tags. Urdu needs U+200C and U+200D, and its keyboards type the marks U+200E, U+200F and U+061C."""
_MATCHING: Final = "The identifier is what registrations and client lists are matched by."


def _wrong_width(rows: Rows, _context: Context) -> BoolArray:
    return ~rows.is_whole


def _width_facts(rows: Rows, _context: Context, at: NDArray[np.int64]) -> Mapping[str, list[Any]]:
    return {"found": rows.frame["fields"].to_numpy()[at].tolist(), "width": [rows.width] * len(at)}


def _refused_in(rows: Rows, column: str) -> BoolArray:
    """Cells of one column with a refused character. The pattern is tried only where a byte makes it possible."""
    values = rows.text(column)
    if not len(values):
        return np.zeros(0, dtype=np.bool_)
    bounds = np.frombuffer(values.buffers()[1], dtype=np.int64)[values.offset : values.offset + len(values) + 1]
    octets = np.frombuffer(values.buffers()[2] or b"", dtype=np.uint8)[bounds[0] : bounds[-1]]
    if not len(octets) or (octets.min() >= 0x20 and octets.max() < 0x7F):
        return np.zeros(len(rows), dtype=np.bool_)
    found: BoolArray = pc.match_substring_regex(values, _REFUSED).to_numpy(zero_copy_only=False)
    return found


def _refused_characters(rows: Rows, _context: Context) -> BoolArray:
    found = np.zeros(len(rows), dtype=np.bool_)
    for column in rows.columns:
        found |= _refused_where_it_counts(rows, column.name)
    return found


def _refused_where_it_counts(rows: Rows, column: str) -> BoolArray:
    found = _refused_in(rows, column)
    return found if column in {rows.key, "action"} else found & ~rows.is_withdrawal


def _first_refused(rows: Rows, at: NDArray[np.int64]) -> list[str]:
    names = [rows.key] * len(at)
    for column in reversed(rows.columns):
        for position in np.flatnonzero(_refused_in(rows, column.name)[at]):
            names[position] = column.name
    return names


def _is_header(rows: Rows) -> BoolArray:
    """Rows whose cells are the names of their columns; columns that the file lacks are empty."""
    found = rows.equals(rows.key, rows.key)
    for column in rows.columns if found.any() else ():
        found = found & (rows.equals(column.name, column.name) | ~rows.is_filled(column.name))
    return found


def _odd_first_digit(rows: Rows, _context: Context) -> BoolArray:
    odd = pc.or_(pc.starts_with(rows.cnic_form, "0"), pc.starts_with(rows.cnic_form, "9"))
    found: BoolArray = odd.to_numpy(zero_copy_only=False)
    return found


def _last_digit_zero(rows: Rows, _context: Context) -> BoolArray:
    found: BoolArray = pc.ends_with(rows.cnic_form, "0").to_numpy(zero_copy_only=False)
    return found


def _malformed_ntn(rows: Rows, _context: Context) -> BoolArray:
    return rows.is_filled("ntn") & ~rows.matches("ntn", identifiers.NTN) & ~rows.is_cnic_in_ntn


def _is_other_person(rows: Rows) -> BoolArray:
    """Of the rows with thirteen digits in ntn those whose cnic is another number."""
    if not rows.is_cnic_in_ntn.any():
        return np.zeros(len(rows), dtype=np.bool_)
    own = identifiers.cnic_forms(rows.text("cnic"))
    differs: BoolArray = pc.not_equal(own, identifiers.cnic_forms(rows.text("ntn"))).to_numpy(zero_copy_only=False)
    return rows.is_filled("cnic") & differs


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        code="H101",
        severity=Severity.ERROR,
        feeds=EVERY,
        columns=(),
        scope=Scope.SHAPE,
        bad=_wrong_width,
        facts=_width_facts,
        title="Row with too few or too many fields",
        why="Which value belongs to which column is unknown, and a shifted row would register the wrong client.",
        message="The row has {found} fields, the header has {width}.",
        remedy="Put values that hold a comma into double quotes, and give every column a field even when it is empty.",
        example="a client name with a comma and no quotes",
    ),
    Rule(
        code="H102",
        severity=Severity.ERROR,
        feeds=EVERY,
        columns=("any column",),
        scope=Scope.KEY,
        bad=_refused_characters,
        offender=_first_refused,
        spoils=_refused_where_it_counts,
        title="Control or bidirectional-override character",
        why="Such characters are invisible and make a value read as another one.",
        message="{column} holds a tab, a line break or another invisible control character.",
        remedy="Remove the invisible characters; type the value anew if you can't see them.",
        example="a client name with a line break in it",
    ),
    forms.pattern(
        "H105",
        EVERY,
        "subscriber_id",
        "an id of up to 40 of A-Z a-z 0-9 . _ / -",
        identifiers.REF,
        required=True,
        why="The id joins a client's registrations with the client list.",
        remedy="Give your own id of the client, the same in registrations and in the client list.",
        example="an id with a blank in it",
        suggest=identifiers.suggest_ref,
    ),
    forms.length("H107", BOTH, "client_name", 2, 200, required=True, why="Clients are known by name.", example="X"),
    Rule(
        code="H108",
        severity=Severity.ERROR,
        feeds=BOTH,
        columns=("ntn",),
        bad=_malformed_ntn,
        title="ntn malformed",
        why=_MATCHING,
        message="{column} is not 7 digits, optionally - and an eighth.",
        remedy="Give the NTN as text: 7 digits with their leading zeros, for example 0822910-4.",
        example="822910",
        suggest=identifiers.suggest_ntn,
        stock=Stock("ntn", pattern=f"{identifiers.NTN}|{identifiers.CNIC}", allows_empty=True),
    ),
    forms.pattern(
        "H109",
        BOTH,
        "cnic",
        "13 digits, dashes allowed",
        identifiers.CNIC,
        why=_MATCHING,
        remedy="Give all 13 digits as text, as on the card.",
        example="12 digits",
    ),
    forms.pattern(
        "H110",
        BOTH,
        "other_id",
        "a document number of 3 to 40 letters, digits, spaces or . / -",
        identifiers.OTHER_ID,
        why=_MATCHING,
        remedy="Give the number as printed on the document.",
        example="a number with # in it",
    ),
    forms.pattern(
        "H122",
        BOTH,
        "msisdn",
        "a mobile number such as 03001234567 or +923001234567",
        identifiers.MOBILE,
        why="The number is the end point of a connection by mobile.",
        remedy="Give the whole number as text, with its leading 0 or with +92.",
        example="3001234567",
        suggest=identifiers.suggest_mobile,
    ),
    Rule(
        code="H137",
        severity=Severity.ERROR,
        feeds=EVERY,
        columns=("key",),
        scope=Scope.KEY,
        bad=lambda rows, _context: _is_header(rows),
        offender=lambda rows, at: [rows.key] * len(at),
        spoils=lambda rows, _column: _is_header(rows),
        title="Header line repeated",
        why="The names of columns are no client; what was put together from several files is worth a second look.",
        message="The row repeats the header line.",
        remedy="Remove the line; of files that are put together only the first keeps its header.",
        example="two exports joined into one file",
        since="1.1",
    ),
    Rule(
        code="H202",
        severity=Severity.ERROR,
        feeds=BOTH,
        columns=("ntn", "cnic"),
        bad=lambda rows, _context: rows.is_cnic_in_ntn & _is_other_person(rows),
        title="13 digits in ntn that differ from cnic",
        why="A person's NTN is the CNIC, so the row names two persons.",
        message="{column} holds a 13-digit number that is not the one in cnic.",
        remedy="Leave ntn empty, or give the company's 7-digit NTN; give the person's number in cnic.",
        example="two different 13-digit numbers in ntn and cnic",
    ),
    Rule(
        code="W101",
        severity=Severity.WARNING,
        feeds=BOTH,
        columns=("cnic",),
        bad=_odd_first_digit,
        title="cnic begins with 0 or 9",
        why="No region is known to use these first digits.",
        message="{column} begins with a digit that is hardly ever issued.",
        remedy="Compare the number with the card.",
        example="a number that begins with 9",
    ),
    Rule(
        code="W102",
        severity=Severity.WARNING,
        feeds=BOTH,
        columns=("ntn",),
        bad=lambda rows, _context: rows.is_cnic_in_ntn & ~_is_other_person(rows),
        title="13 digits in ntn, taken as cnic",
        why="A person's NTN is the CNIC; it is compared as such.",
        message="{column} holds a 13-digit number; it is taken as cnic.",
        remedy="Give the number in cnic and leave ntn empty.",
        example="a 13-digit number in ntn, cnic empty",
    ),
    Rule(
        code="W103",
        severity=Severity.WARNING,
        feeds=BOTH,
        columns=("cnic",),
        bad=lambda rows, _context: rows.is_cnic_one_digit,
        title="cnic repeats one digit",
        why="Such numbers are usually typed to get past a form.",
        message="{column} repeats one digit thirteen times.",
        remedy="Compare the number with the card.",
        example="thirteen times 1",
    ),
    Rule(
        code="W104",
        severity=Severity.WARNING,
        feeds=BOTH,
        columns=("cnic",),
        bad=_last_digit_zero,
        title="cnic ends in 0",
        why="The last digit is hardly ever 0; a spreadsheet may have rounded the number.",
        message="{column} ends in 0.",
        remedy="Compare the number with the card.",
        example="a number whose last digit is 0",
    ),
)
