"""One slip, one finding: of a cell that one rule says all about, what other rules only repeat is not told.

A cell that is a date where an identifier belongs is also no identifier; told twice, with two remedies, it reads as two
errors. What a rule finds on the cells it `spoils` is told, and with it the value that another rule would suggest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BoolArray, Rule


def without_echoes(rows: Rows, hits: Mapping[str, BoolArray], rules: Sequence[Rule]) -> dict[str, BoolArray]:
    """The hits that are told; every row keeps the finding that rejects it, so no verdict on a row changes."""
    spoilers = [rule for rule in rules if rule.spoils is not None and rule.code in hits]
    told = dict(hits)
    for rule in rules:
        if not spoilers or rule.code not in hits or rule.spoils is not None or rule.across:
            continue
        own = hits[rule.code].copy()
        for spoiler in spoilers:
            own &= ~_repeated(rows, rule, own, spoiler)
        if own.any():
            told[rule.code] = own
        else:
            del told[rule.code]
    return told


def suggestion(rule: Rule, rules: Iterable[Rule], column: str, value: str) -> str:
    """The likely right value: a rule that spoils cells of any column asks the rules of that column for it."""
    asked = [rule] if rule.spoils is None else [one for one in rules if one.columns[:1] == (column,)]
    return next((likely for one in asked if one.suggest and value and (likely := one.suggest(value))), "")


def _repeated(rows: Rows, rule: Rule, hit: BoolArray, spoiler: Rule) -> BoolArray:
    """Where a rule that fires only repeats what the spoiler says."""
    repeated = np.zeros(len(rows), dtype=np.bool_)
    if spoiler.spoils is None or not hit.any():
        return repeated
    known = {column.name for column in rows.columns}
    for column in known.intersection(rule.columns):
        cells = hit & spoiler.spoils(rows, column)
        if len(rule.columns) > 1:  # between columns a rule repeats it only because the cell says nothing
            cells &= ~rows.is_filled(column)
        elif rule.suggest is not None and cells.any():
            cells &= ~_suggests_more(rows, rule, cells, spoiler)
        repeated |= cells
    return repeated


def _suggests_more(rows: Rows, rule: Rule, cells: BoolArray, spoiler: Rule) -> BoolArray:
    """Cells for which the rule has a likely right value, while the spoiler's finding points at another column."""
    at = np.flatnonzero(cells)
    pointed = spoiler.offender(rows, at) if spoiler.offender is not None else []
    column = rule.columns[0]
    values = rows.frame[column].iloc[at]
    found = np.zeros(len(cells), dtype=np.bool_)
    found[at] = [
        name != column and rule.suggest is not None and bool(value) and bool(rule.suggest(str(value)))
        for name, value in zip(pointed, values, strict=True)
    ]
    return found
