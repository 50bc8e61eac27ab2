"""The stored result of a file without Great Expectations: what its suite would return, computed from the hits.

For whoever judges a file offline and stores nothing: the import of Great Expectations costs more seconds than the
judging. A test compares the two results over every case, so that neither can drift from the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from vpn_registry.model import Feed, Mode
from vpn_registry.rulebook import RULEBOOK_VERSION, rules_of
from vpn_registry.rulebook.rule import BoolArray
from vpn_registry.validation.outcome import REFUSED, as_ranges, meta_of, rejected_in, stored_result

IN_SET: Final = "expect_column_values_to_be_in_set"
MAXIMUM: Final = "expect_column_max_to_be_between"
SHAPE: Final = ("expect_table_columns_to_match_set", "expect_table_row_count_to_equal")
"""The stock expectations of the suite, as Great Expectations names them in its results."""


def foresee(
    count: int,
    hits: Mapping[str, BoolArray],
    feed: Feed,
    mode: Mode,
    allowed: int,
    version: str = RULEBOOK_VERSION,
) -> dict[str, Any]:
    """What `expectations.validate` returns for a file of `count` rows on which the rules of `hits` fire."""
    rules = rules_of(feed, version)
    shape = [{"expectation": name, "success": True} for name in SHAPE]
    results: list[dict[str, Any]] = []
    if count:
        for rule in rules:
            is_raw = rule.stock is not None and rule.stock.suite
            positions = np.flatnonzero(hits[rule.code]) if rule.code in hits else np.array([], dtype=np.int64)
            column = rule.stock.column if rule.stock is not None and is_raw else rule.code
            kept = _kept(IN_SET if is_raw else MAXIMUM, column, len(positions), allowed)
            results.append({**meta_of(rule), **kept, "positions": as_ranges(positions)})
        rejected = int(rejected_in(hits, rules, count).sum())
        results.append({**REFUSED, **_kept(MAXIMUM, "rejected", rejected, allowed), "positions": []})
    is_success = all(entry["success"] for entry in results)
    return stored_result(results, shape, feed, mode, count, version, is_success=is_success)


def _kept(expectation: str, column: str, count: int, allowed: int) -> dict[str, Any]:
    return {"expectation": expectation, "success": count <= allowed, "column": column, "unexpected_count": count}
