"""Rules on the cells of workbooks that are not plain text (contract section 3); text formats have none of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vpn_registry.model import Severity
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import EVERY, BoolArray, Context, Rule, Scope


def _odd_in(rows: Rows, column: str, kinds: tuple[str, ...]) -> BoolArray:
    """Rows whose cell in this column is odd; of a withdrawal only its ref and action count."""
    found = np.zeros(len(rows), dtype=np.bool_)
    for kind in kinds:
        found |= rows.odd(kind, column)
    if "formula" in kinds:  # writing the value itself in place of an error mends both
        found &= ~rows.odd("error", column)
    return found if column in {rows.key, "action"} else found & ~rows.is_withdrawal


def _spoilt_in(rows: Rows, column: str, *, kinds: tuple[str, ...]) -> BoolArray:
    """Cells that a finding on these kinds says all about: what a formula or merged cell shows is judged as well."""
    found = _odd_in(rows, column, kinds)
    return found & ~rows.is_filled(column) if set(kinds) & {"formula", "merged"} else found


def _odd(rows: Rows, _context: Context, *, kinds: tuple[str, ...]) -> BoolArray:
    found = np.zeros(len(rows), dtype=np.bool_)
    for column in rows.columns:
        found |= _odd_in(rows, column.name, kinds)
    return found


def _names(rows: Rows, at: NDArray[np.int64], *, kinds: tuple[str, ...]) -> list[list[str]]:
    """For each position the columns that are odd there, in table order."""
    names: list[list[str]] = [[] for _ in at]
    for column in rows.columns:
        for position in np.flatnonzero(_odd_in(rows, column.name, kinds)[at]):
            names[position].append(column.name)
    return names


def _facts(rows: Rows, _context: Context, at: NDArray[np.int64], *, kinds: tuple[str, ...]) -> Mapping[str, list[Any]]:
    return {"columns": [", ".join(names) for names in _names(rows, at, kinds=kinds)]}


def _first(rows: Rows, at: NDArray[np.int64], *, kinds: tuple[str, ...]) -> list[str]:
    return [names[0] for names in _names(rows, at, kinds=kinds)]


def _rule(code: str, kinds: tuple[str, ...], title: str, why: str, message: str, remedy: str, example: str) -> Rule:
    return Rule(
        code=code,
        severity=Severity.ERROR,
        feeds=EVERY,
        columns=("any column",),
        scope=Scope.KEY,
        bad=partial(_odd, kinds=kinds),
        facts=partial(_facts, kinds=kinds),
        offender=partial(_first, kinds=kinds),
        spoils=partial(_spoilt_in, kinds=kinds),
        title=title,
        why=why,
        message=message,
        remedy=remedy,
        example=example,
        since="1.1",
    )


RULES: Final[tuple[Rule, ...]] = (
    _rule(
        "H132",
        ("number",),
        "Number in place of an identifier",
        "A number has lost its leading zeros and what stands behind its fifteenth digit.",
        "A number stands in place of text in: {columns}.",
        "Give the column the format Text, then type or paste the identifiers anew with their leading zeros.",
        "the NTN 822910 as a number",
    ),
    _rule(
        "H133",
        ("formula",),
        "Formula",
        "What a formula shows depends on other cells and files, and may be out of date.",
        "A formula stands in: {columns}.",
        "Copy the column and paste it as values only.",
        "=A2",
    ),
    _rule(
        "H134",
        ("merged",),
        "Merged cell",
        "Of merged cells only one holds the value, and whether it is meant for all of them is unknown.",
        "Merged with other cells: {columns}.",
        "Undo the merging and write the value into every row it is meant for.",
        "one city over three rows",
    ),
    _rule(
        "H135",
        ("date",),
        "Date where none belongs",
        "Spreadsheets turn what looks like a date into one, and what was typed is lost.",
        "A date stands where none belongs: {columns}.",
        "Give the column the format Text, then type the value anew.",
        "a secp_no that became 1 January",
    ),
    _rule(
        "H136",
        ("boolean", "error"),
        "Truth value or error",
        "Such a cell comes from a formula or an import that went wrong.",
        "TRUE, FALSE or an error such as #REF! stands in: {columns}.",
        "Write the value itself as text.",
        "#REF!",
    ),
)
