"""W106: rows whose identifiers name nobody; the keys of `identifiers` leave such values out of all matching."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.model import Severity
from vpn_registry.rulebook import identifiers
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BOTH, BoolArray, Context, Rule

_PLACEHOLDERS: Final = {
    "ntn": (
        (identifiers.ntn_forms, identifiers.ntn_keys),
        (identifiers.cnic_forms, identifiers.cnic_keys),
    ),
    "cnic": ((identifiers.cnic_forms, identifiers.cnic_keys),),
    "other_id": ((identifiers.other_id_forms, identifiers.other_id_keys),),
}


def _holds_placeholder(rows: Rows, column: str) -> BoolArray:
    """Cells of an identifier column that have its form, or a CNIC's in ntn, and name nobody."""
    values = rows.text(column)
    found = np.zeros(len(rows), dtype=np.bool_)
    for form, key in _PLACEHOLDERS[column]:
        nobody = pc.and_(pc.not_equal(form(values), ""), pc.equal(key(values), ""))
        found |= nobody.to_numpy(zero_copy_only=False)
    return found


def _placeholders_only(rows: Rows, _context: Context) -> BoolArray:
    """Rows in which every identifier that is filled is a placeholder."""
    some, every = np.zeros(len(rows), dtype=np.bool_), np.ones(len(rows), dtype=np.bool_)
    for column in _PLACEHOLDERS:
        holds = _holds_placeholder(rows, column)
        some |= holds
        every &= holds | ~rows.is_filled(column)
    return some & every


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
        columns=("ntn", "cnic", "other_id"),
        offender=_first_filled_identifier,
        bad=_placeholders_only,
        title="Identifier is a placeholder",
        why="A placeholder names nobody, so it is not used for matching.",
        message="{column} is a placeholder, and the row has no other identifier.",
        remedy="Give the real number.",
        example="NIL in other_id, ntn and cnic empty",
    ),
)
