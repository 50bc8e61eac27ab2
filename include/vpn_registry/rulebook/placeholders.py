"""W106: rows whose identifiers name nobody; the keys of `identifiers` leave such values out of all matching."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.model import Severity
from vpn_registry.rulebook import identifiers
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BOTH, BoolArray, Context, Rule

_COLUMNS: Final = ("ntn", "cnic", "other_id")


def _holds_placeholder(rows: Rows, column: str) -> BoolArray:
    """Cells of an identifier column that have its form, or a CNIC's in ntn, and name nobody."""
    if column == "cnic":
        return rows.matches("cnic", identifiers.CNIC) & rows.is_cnic_one_digit
    if column == "other_id":
        return rows.matches("other_id", identifiers.OTHER_ID) & _is_empty(rows.other_id_key)
    zeros = pc.starts_with(rows.text("ntn"), identifiers.NO_NTN).to_numpy(zero_copy_only=False)
    found: BoolArray = rows.matches("ntn", identifiers.NTN) & zeros
    if rows.is_cnic_in_ntn.any():
        found = found | (rows.is_cnic_in_ntn & _is_empty(identifiers.cnic_keys(rows.text("ntn"))))
    return found


def _is_empty(keys: pa.LargeStringArray) -> BoolArray:
    empty: BoolArray = pc.equal(keys, "").to_numpy(zero_copy_only=False)
    return empty


def _placeholders_only(rows: Rows, _context: Context) -> BoolArray:
    """Rows in which every identifier that is filled is a placeholder.

    Nearly every row has a real identifier and is passed over once it is seen: its others are not looked at.
    """
    at = np.arange(len(rows))  # rows whose identifiers looked at so far name nobody
    some = np.zeros(len(rows), dtype=np.bool_)
    left = rows
    for column in _COLUMNS:
        holds = _holds_placeholder(left, column)
        some[at[holds]] = True
        stays = np.flatnonzero(holds | ~left.is_filled(column))
        if len(stays) < len(at):
            at, left = at[stays], left.chosen(stays)
    found = np.zeros(len(rows), dtype=np.bool_)
    found[at] = some[at]
    return found


def _first_filled_identifier(rows: Rows, at: NDArray[np.int64]) -> list[str]:
    names = ["other_id"] * len(at)
    for column in ("cnic", "ntn"):
        for position in np.flatnonzero(rows.is_filled(column)[at]):
            names[position] = column
    return names


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        code="W106",
        severity=Severity.WARNING,
        feeds=BOTH,
        columns=_COLUMNS,
        offender=_first_filled_identifier,
        bad=_placeholders_only,
        title="Identifier is a placeholder",
        why="A placeholder names nobody, so it is not used for matching.",
        message="{column} is a placeholder, and the row has no other identifier.",
        remedy="Give the real number.",
        example="NIL in other_id, ntn and cnic empty",
    ),
)
