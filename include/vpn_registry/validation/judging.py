"""Reading and judging one file by every rule of its feed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from vpn_registry import formats
from vpn_registry.model import USUAL_LIMITS, Feed, Finding, Limits, Mode
from vpn_registry.rulebook import FILE_RULES, RULEBOOK_VERSION, columns_of, file_finding, is_in_force, rules_of
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BoolArray, Context, Rule
from vpn_registry.validation.echoes import without_echoes
from vpn_registry.validation.expectations import validate
from vpn_registry.validation.findings import Verdict
from vpn_registry.validation.foreseen import foresee
from vpn_registry.validation.outcome import (
    counts_of,
    is_over_tolerance,
    outcome_of,
    rejected_in,
    row_verdicts,
    stored_result,
)

_KEY_CODES: Final = {Feed.REGISTRATIONS: {"H101", "H103"}, Feed.CLIENTS: {"H101", "H105"}}
"""Rules that leave a rejected row without a readable key."""
PIECE: Final = 100_000
"""Rows that a thread judges at a time, so that a large file is judged in bounded memory."""
THREADS: Final = 2
"""Arrow lets others run while it works: two apply the rules to a large file in 0.6 of the time of one, with the same
CPU."""


def read(
    data: bytes, ext: str, feed: Feed, *, stem: str | None = None, limits: Limits = USUAL_LIMITS
) -> tuple[formats.Decoded | None, tuple[Finding, ...]]:
    """The decoded file, or None, and what reading found; refusals come back as findings, not as exceptions.

    `stem` is the file's name without its extension, which an archive's member must have. Our own failure to read
    (no process to be had for a workbook) is an exception, and no finding.
    """
    try:
        decoded = formats.decode(data, ext, columns_of(feed), stem=stem, limits=limits)
    except formats.UnreadableError as refusal:
        return None, (file_finding(refusal.code, **refusal.facts),)
    pa.default_memory_pool().release_unused()  # what reading needed beside the frame is as large as the frame
    return decoded, tuple(file_finding(remark.code, **remark.facts) for remark in decoded.remarks)


def judge(
    decoded: formats.Decoded | None,
    file_findings: Sequence[Finding],
    *,
    feed: Feed,
    mode: Mode,
    context: Context,
    tolerance: tuple[float, int] = (0.10, 20),
    rulebook_version: str = RULEBOOK_VERSION,
    with_suite: bool = True,
    piece: int = PIECE,
) -> Verdict:
    """Judge a file by every rule of its feed that a rulebook holds. Raises UnknownRulebookError.

    `file_findings` are those of name, number and reading; `tolerance` is (share, number): a file with more rejected
    rows than both allow is refused as a whole. Without `decoded` only the file findings decide. A file received
    before (F108) is ignored: no rule is judged, and that finding is the only one. Without `with_suite` the same stored
    result is foreseen from the hits, in a process that needn't load Great Expectations. `piece` rows are judged at a
    time; it changes how much memory is needed, and no verdict. By an earlier rulebook also the findings on the file
    are those of its day; but a file that can't be read has no rows to judge by any.
    """
    rows, rules = rows_of(decoded, feed, context), rules_of(feed, rulebook_version)
    if decoded is not None:
        file_findings = [one for one in file_findings if is_in_force(FILE_RULES[one.code], rulebook_version)]
    repeats = [finding for finding in file_findings if finding.code == "F108"]
    hits, hashes = ({}, None) if repeats else in_pieces(rows, context, rules, piece)
    share, number = tolerance
    allowed = max(math.floor(share * len(rows) + 1e-9), number)
    if decoded is None or repeats:
        result = stored_result([], [], feed, mode, len(rows), rulebook_version, is_success=False)
    elif with_suite:
        result = validate(rows, hits, feed, mode, allowed, rulebook_version)
    else:
        result = foresee(len(rows), hits, feed, mode, allowed, rulebook_version)
    closing = mode is Mode.FULL and _is_key_lost(hits, feed)
    findings = repeats or [*file_findings, *([file_finding("F303")] if closing else [])]
    result["file_findings"] = [{"code": finding.code, "severity": str(finding.severity)} for finding in findings]
    if is_over_tolerance(result):
        rejected_rows = int(rejected_in(hits, rules, len(rows)).sum())
        findings.append(file_finding("F301", rejected=rejected_rows, total=len(rows), allowed=allowed))
    rejected, duplicate, warned = row_verdicts(result)
    told = without_echoes(rows, hits, rules)
    return Verdict(
        feed=feed,
        rows=counts_of(result),
        outcome=outcome_of(result),
        frame=rows.frame,
        rejected=rejected,
        duplicate=duplicate,
        warned=warned,
        hits=told,
        findings=tuple(findings),
        counts_by_code={code: int(hit.sum()) for code, hit in told.items()},
        result=result,
        may_close=mode is Mode.FULL and not closing and not repeats,
        context=context,
        width=rows.width,
        oddities=decoded.oddities if decoded else {},
        hashes=hashes,
    )


def rows_of(decoded: formats.Decoded | None, feed: Feed, context: Context) -> Rows:
    """The rows of a file as rules see them; none of a file that couldn't be read."""
    if decoded is None:
        return Rows(_empty_frame(feed), feed, 0, context.row_key)
    return Rows(decoded.frame, feed, len(decoded.header), context.row_key, decoded.oddities)


def fired(rows: Rows, context: Context, *, piece: int = PIECE) -> dict[str, BoolArray]:
    """The rules that fire, with one bool a row; the rule on widths silences all others on its rows."""
    return in_pieces(rows, context, rules_of(rows.feed), piece)[0]


def in_pieces(
    rows: Rows, context: Context, rules: Sequence[Rule], piece: int = PIECE
) -> tuple[dict[str, BoolArray], NDArray[np.object_] | None]:
    """The rules that fire, and the hashes of all rows when a rule needed them.

    Judged `piece` rows at a time, because what the rules derive from the rows is larger than the rows themselves;
    the rules across rows look at the whole file's keys.
    """

    def judged(start: int) -> tuple[dict[str, BoolArray], NDArray[np.object_] | None]:
        part = rows.piece(start, min(start + piece, len(rows)))
        return _hits(part, context, [rule for rule in rules if not rule.across]), part.hashed

    found: dict[str, BoolArray] = {}
    hashes: list[NDArray[np.object_] | None] = []
    rows.places(context)  # looked up for all rows at once: the registry's keys may be many more than a piece's
    starts = range(0, len(rows), piece)
    with ThreadPoolExecutor(THREADS) as pool:
        for start, (hits, hashed) in zip(starts, pool.map(judged, starts), strict=True):
            for code, hit in hits.items():
                found.setdefault(code, np.zeros(len(rows), dtype=np.bool_))[start : start + len(hit)] = hit
            hashes.append(hashed)
    found |= _hits(rows, context, [rule for rule in rules if rule.across])
    kept = [one for one in hashes if one is not None]
    in_order = {rule.code: found[rule.code] for rule in rules if rule.code in found}
    return in_order, np.concatenate(kept) if kept and len(kept) == len(hashes) else None


def _hits(rows: Rows, context: Context, rules: Sequence[Rule]) -> dict[str, BoolArray]:
    """Of these rules those that fire, with one bool a row."""
    hits = {rule.code: rule.bad(rows, context) & rows.scope(rule.scope) for rule in rules}
    return {code: hit for code, hit in hits.items() if hit.any()}


def _empty_frame(feed: Feed) -> pd.DataFrame:
    names = [column.name for column in columns_of(feed)]
    frame = pd.DataFrame({name: pd.Series([], dtype="str") for name in names})
    for name in ("row", "line", "fields"):
        frame[name] = np.array([], dtype=np.int64)
    return frame


def _is_key_lost(hits: Mapping[str, BoolArray], feed: Feed) -> bool:
    return any(code in hits for code in _KEY_CODES.get(feed, ()))
