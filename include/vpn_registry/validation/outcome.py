"""The stored validation result, and what follows from it alone: rows, counts, outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vpn_registry.model import Feed, Mode, Outcome, RowCounts, Severity
from vpn_registry.rulebook import FILE_RULES
from vpn_registry.rulebook.rule import BoolArray, Consequence, Rule

REFUSED: Final = {"code": "F301", "severity": "error", "consequence": "reject", "remedy": FILE_RULES["F301"].remedy}
"""What the expectation on the number of rejected rows says of itself."""


def outcome_of(result: Mapping[str, Any]) -> Outcome:
    """What becomes of a delivery, from its stored validation result alone (contract section 4)."""
    if any(finding["code"] == "F108" for finding in result["file_findings"]):
        return Outcome.DUPLICATE
    if _is_refused(result):
        return Outcome.REJECTED
    counts = counts_of(result)
    if not counts.rejected:
        return Outcome.ACCEPTED
    return Outcome.PARTIAL if counts.accepted else Outcome.REJECTED


def counts_of(result: Mapping[str, Any]) -> RowCounts:
    """Row counts, from the stored validation result alone."""
    rejected, duplicate, warned = row_verdicts(result)
    total = len(rejected)
    refused, repeated = int(rejected.sum()), int(duplicate.sum())
    return RowCounts(total, total - refused - repeated, refused, repeated, int(warned.sum()))


def row_verdicts(result: Mapping[str, Any]) -> tuple[BoolArray, BoolArray, BoolArray]:
    """(rejected, duplicate, warned), one bool a row and disjoint, from the stored validation result alone."""
    total = result["row_count"]
    found = {consequence: np.zeros(total, dtype=np.bool_) for consequence in Consequence}
    for entry in result["results"]:
        found[Consequence(entry["consequence"])][_positions(entry.get("positions", []))] = True
    nothing, everything = np.zeros(total, dtype=np.bool_), np.ones(total, dtype=np.bool_)
    if any(finding["code"] == "F108" for finding in result["file_findings"]):
        return nothing, everything, nothing
    if _is_refused(result):
        return everything, nothing, nothing
    rejected = found[Consequence.REJECT]
    duplicate = found[Consequence.DUPLICATE] & ~rejected
    return rejected, duplicate, found[Consequence.WARN] & ~rejected & ~duplicate


def is_over_tolerance(result: Mapping[str, Any]) -> bool:
    """Whether an expectation of severity error failed: more rows rejected than the filer's tolerance allows."""
    return any(not entry["success"] and entry["severity"] == Severity.ERROR for entry in result["results"])


def _is_refused(result: Mapping[str, Any]) -> bool:
    by_file = any(finding["severity"] == Severity.ERROR for finding in result["file_findings"])
    return by_file or is_over_tolerance(result)


def stored_result(
    results: list[dict[str, Any]],
    shape: list[dict[str, Any]],
    feed: Feed,
    mode: Mode,
    count: int,
    version: str,
    *,
    is_success: bool,
) -> dict[str, Any]:
    """The result as it is stored; `version` is the rulebook that judged."""
    return {
        "suite": f"{feed}-{version}",
        "rulebook_version": version,
        "feed": str(feed),
        "mode": str(mode),
        "row_count": count,
        "success": is_success,
        "file_findings": [],
        "shape": shape,
        "results": results,
    }


def meta_of(rule: Rule) -> dict[str, str]:
    """What is stored of a rule beside its result."""
    return {
        "code": rule.code,
        "severity": str(rule.severity),
        "consequence": str(rule.effect),
        "remedy": rule.remedy,
    }


def as_ranges(positions: NDArray[np.int64]) -> list[list[int]]:
    """Sorted positions as inclusive ranges: a file that is bad throughout is one range."""
    if not len(positions):
        return []
    positions = np.sort(positions)
    breaks = np.flatnonzero(np.diff(positions) != 1)
    first = positions[np.concatenate(([0], breaks + 1))]
    last = positions[np.concatenate((breaks, [len(positions) - 1]))]
    ranges: list[list[int]] = np.column_stack((first, last)).tolist()
    return ranges


def _positions(ranges: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """The positions that `as_ranges` told."""
    ends = np.array(ranges, dtype=np.int64).reshape(-1, 2)
    lengths = ends[:, 1] - ends[:, 0] + 1
    before = np.cumsum(lengths) - lengths
    return np.repeat(ends[:, 0] - before, lengths) + np.arange(lengths.sum())


def rejected_in(hits: Mapping[str, BoolArray], rules: Sequence[Rule], count: int) -> BoolArray:
    """The rows that some rule rejects."""
    rejected = np.zeros(count, dtype=np.bool_)
    for rule in rules:
        if rule.effect is Consequence.REJECT and rule.code in hits:
            rejected |= hits[rule.code]
    return rejected
