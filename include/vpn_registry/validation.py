"""Judging a delivery: rules give verdict columns, Great Expectations decides whether and how far it is accepted.

The only module that imports great_expectations, and only when the first file is judged: the import costs seconds.
Great Expectations never sees an identifying value: it gets one verdict column a rule, and the columns that are code
lists. From its result we keep success, counts and row positions. The outcome of a delivery is `outcome_of` that
stored result and of nothing else.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry import formats, settings
from vpn_registry.model import Feed, Finding, Mode, Outcome, RowCounts, Severity
from vpn_registry.rulebook import FILE_RULES, RULEBOOK_VERSION, columns_of, file_finding, identifiers, rules_of
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BoolArray, Consequence, Context, Rule

FINDING_COLUMNS: Final = (
    "row",
    "line",
    "key",
    "column",
    "code",
    "severity",
    "value",
    "message",
    "remedy",
    "suggestion",
)
_KEY_CODES: Final = {Feed.REGISTRATIONS: {"H101", "H103"}, Feed.CLIENTS: {"H101", "H105"}}
"""Rules that leave a rejected row without a readable key."""
_LONGEST_VALUE: Final = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one delivery is worth.

    `frame` is the canonical frame with ntn_key (7 digits), cnic_key (13 digits), other_id_key (upper case, no
    spaces) and row_sha256, '' where absent. `rejected`, `duplicate` and `warned` are bools, one a row, disjoint;
    rows to merge are neither rejected nor duplicate. `hits` holds the rules that fired. When the file is refused as
    a whole every row counts as rejected. `may_close` is False when absent keys of a full file must stay.
    """

    feed: Feed
    rows: RowCounts
    outcome: Outcome
    frame: pd.DataFrame
    rejected: BoolArray
    duplicate: BoolArray
    warned: BoolArray
    hits: dict[str, BoolArray]
    findings: tuple[Finding, ...]
    counts_by_code: dict[str, int]
    result: dict[str, Any]
    may_close: bool
    context: Context = field(repr=False)
    width: int = 0
    rulebook_version: str = RULEBOOK_VERSION


def read(
    data: bytes, ext: str, feed: Feed, *, max_rows: int = 200_000
) -> tuple[formats.Decoded | None, tuple[Finding, ...]]:
    """The decoded file, or None, and what reading found; refusals come back as findings, not as exceptions."""
    try:
        decoded = formats.decode(data, ext, columns_of(feed), max_rows=max_rows)
    except formats.UnreadableError as refusal:
        return None, (file_finding(refusal.code, **refusal.facts),)
    return decoded, tuple(file_finding(remark.code, **remark.facts) for remark in decoded.remarks)


def judge(
    decoded: formats.Decoded | None,
    file_findings: Sequence[Finding],
    *,
    feed: Feed,
    mode: Mode,
    context: Context,
    tolerance: tuple[float, int] = (0.10, 20),
) -> Verdict:
    """Judge a file by every rule of its feed.

    `file_findings` are those of name, number and reading; `tolerance` is (share, number): a file with more rejected
    rows than both allow is refused as a whole. Without `decoded` only the file findings decide.
    """
    frame = _empty_frame(feed) if decoded is None else decoded.frame
    width = 0 if decoded is None else len(decoded.header)
    rows = Rows(frame, feed, width)
    hits = fired(rows, context) if len(rows) else {}
    share, number = tolerance
    allowed = max(math.floor(share * len(rows) + 1e-9), number)
    if decoded is None:
        result = _stored_result([], [], feed, mode, 0, is_success=False)
    else:
        result = _validate(rows, hits, feed, mode, allowed)
    closing = mode is Mode.FULL and _is_key_lost(hits, feed)
    findings = [*file_findings, *([file_finding("F303")] if closing else [])]
    result["file_findings"] = [{"code": finding.code, "severity": str(finding.severity)} for finding in findings]
    if is_over_tolerance(result):
        rejected_rows = int(_union(hits, feed, Consequence.REJECT, len(rows)).sum())
        findings.append(file_finding("F301", rejected=rejected_rows, total=len(rows), allowed=allowed))
    rejected, duplicate, warned = row_verdicts(result)
    return Verdict(
        feed=feed,
        rows=counts_of(result),
        outcome=outcome_of(result),
        frame=_with_keys(rows),
        rejected=rejected,
        duplicate=duplicate,
        warned=warned,
        hits=hits,
        findings=tuple(findings),
        counts_by_code={code: int(hit.sum()) for code, hit in hits.items()},
        result=result,
        may_close=mode is Mode.FULL and not closing,
        context=context,
        width=width,
    )


def fired(rows: Rows, context: Context) -> dict[str, BoolArray]:
    """The rules that fire, with one bool a row; the rule on widths silences all others on its rows."""
    hits = {}
    for rule in rules_of(rows.feed):
        hit = rule.bad(rows, context) & rows.scope(rule.scope)
        if hit.any():
            hits[rule.code] = hit
    return hits


# --- the stored result, and what follows from it alone ---------------------------------------------------------


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
        for first, last in entry.get("positions", ()):
            found[Consequence(entry["consequence"])][first : last + 1] = True
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


def _stored_result(
    results: list[dict[str, Any]], shape: list[dict[str, Any]], feed: Feed, mode: Mode, count: int, *, is_success: bool
) -> dict[str, Any]:
    return {
        "suite": f"{feed}-{RULEBOOK_VERSION}",
        "rulebook_version": RULEBOOK_VERSION,
        "feed": str(feed),
        "mode": str(mode),
        "row_count": count,
        "success": is_success,
        "file_findings": [],
        "shape": shape,
        "results": results,
    }


# --- Great Expectations ----------------------------------------------------------------------------------------


def _validate(rows: Rows, hits: Mapping[str, BoolArray], feed: Feed, mode: Mode, allowed: int) -> dict[str, Any]:
    """Run the feed's suite on the verdict frame; the result as it is stored."""
    count = len(rows)
    batch = _batches().get_batch({"dataframe": verdict_frame(rows, hits)})
    outcome = batch.validate(
        _suite(feed, has_rows=count > 0),
        result_format={"result_format": "COMPLETE", "include_unexpected_rows": False},
        expectation_parameters={
            "allowed": allowed,
            "mostly": max(count - allowed, 0) / count if count else 1.0,
            "row_count": count,
        },
    )
    results: list[dict[str, Any]] = []
    shape: list[dict[str, Any]] = []
    for entry in outcome.results:
        config = entry.expectation_config
        if entry.exception_info and _has_raised(entry.exception_info):
            raise RuntimeError(f"Great Expectations could not judge {config.type} of {config.meta.get('code', feed)}")
        kept = {"expectation": config.type, "success": bool(entry.success)}
        if "code" in config.meta:
            results.append({**config.meta, **kept, **_kept(entry, hits)})
        else:
            shape.append(kept)
    return _stored_result(results, shape, feed, mode, count, is_success=bool(outcome.success))


def _has_raised(exception_info: Mapping[str, Any]) -> bool:
    details = [detail for detail in exception_info.values() if isinstance(detail, Mapping)]
    return any(detail.get("raised_exception") for detail in (exception_info, *details))


def _kept(entry: Any, hits: Mapping[str, BoolArray]) -> dict[str, Any]:
    """What is stored of one expectation's result: the count and the positions, never a value.

    `entry` is an ExpectationValidationResult, whose class is behind the slow import.
    """
    code, column = entry.expectation_config.meta["code"], entry.expectation_config.kwargs["column"]
    if "observed_value" in entry.result:  # a verdict column: its maximum is the number of rows that offend
        count = int(entry.result["observed_value"] or 0)
        positions = np.flatnonzero(hits[code]) if code in hits else np.array([], dtype=np.int64)
    else:
        count = int(entry.result["unexpected_count"])
        positions = np.array(entry.result["unexpected_index_list"] or [], dtype=np.int64)
    if len(positions) != count and code != "F301":
        raise RuntimeError(f"Great Expectations counted {count} rows for {code}, the rule {len(positions)}")
    return {"column": column, "unexpected_count": count, "positions": _as_ranges(positions)}


def _as_ranges(positions: NDArray[np.int64]) -> list[list[int]]:
    """Sorted positions as inclusive ranges: a file that is bad throughout is one range."""
    if not len(positions):
        return []
    positions = np.sort(positions)
    breaks = np.flatnonzero(np.diff(positions) != 1)
    first = positions[np.concatenate(([0], breaks + 1))]
    last = positions[np.concatenate((breaks, [len(positions) - 1]))]
    return [[int(start), int(end)] for start, end in zip(first, last, strict=True)]


def verdict_frame(rows: Rows, hits: Mapping[str, BoolArray]) -> pd.DataFrame:
    """What Great Expectations sees: code lists as they are, and one verdict column for every other rule.

    A verdict column numbers the rows on which the rule fires from 1 and is 0 elsewhere: its maximum is their count,
    which a stock expectation on the maximum reads four times faster than one on each value. Cells of code lists
    that the rule doesn't look at are null, which expectations on columns pass over.
    """
    columns: dict[str, Any] = {}
    for rule in rules_of(rows.feed):
        if rule.stock is not None and rule.stock.suite:
            looked_at = pa.array(rows.scope(rule.scope))
            values = rows.text(rule.stock.column)
            nulled = pc.if_else(looked_at, values, pa.scalar(None, pa.large_string()))
            columns[rule.stock.column] = pc.dictionary_encode(nulled)
        else:
            columns[rule.code] = _numbered(hits.get(rule.code), len(rows))
    columns["rejected"] = _numbered(_union(hits, rows.feed, Consequence.REJECT, len(rows)), len(rows))
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    return frame


def _numbered(hit: BoolArray | None, count: int) -> pa.Int32Array:
    return pa.array(np.zeros(count, dtype=np.int32) if hit is None else (np.cumsum(hit) * hit).astype(np.int32))


def _union(hits: Mapping[str, BoolArray], feed: Feed, consequence: Consequence, count: int) -> BoolArray:
    union = np.zeros(count, dtype=np.bool_)
    for rule in rules_of(feed):
        if rule.effect is consequence and rule.code in hits:
            union |= hits[rule.code]
    return union


@lru_cache(maxsize=1)
def _batches() -> Any:  # a BatchDefinition, whose class is behind the slow import
    """The door to Great Expectations: an in-memory context that asks nothing of the network and logs no rows."""
    settings.provide({"GX_ANALYTICS_ENABLED": "false"})
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("deliveries")
    return source.add_dataframe_asset("verdicts").add_batch_definition_whole_dataframe("delivery")


@lru_cache(maxsize=2 * len(Feed))
def _suite(feed: Feed, *, has_rows: bool) -> Any:  # an ExpectationSuite
    """One expectation a rule, and those on the shape of the frame; tolerances are given when it runs.

    A file without rows is judged by its shape alone: the maximum of no rows is no number.
    """
    _batches()
    import great_expectations as gx
    from great_expectations import expectations as gxe

    names = [rule.stock.column if rule.stock and rule.stock.suite else rule.code for rule in rules_of(feed)]
    expectations: list[Any] = [
        gxe.ExpectTableColumnsToMatchSet(column_set=[*names, "rejected"], exact_match=True),
        gxe.ExpectTableRowCountToEqual(value={"$PARAMETER": "row_count"}),
    ]
    if not has_rows:
        return gx.ExpectationSuite(f"{feed}-{RULEBOOK_VERSION}-shape", expectations=expectations)
    mostly, allowed = {"$PARAMETER": "mostly"}, {"$PARAMETER": "allowed"}
    for rule, name in zip(rules_of(feed), names, strict=True):
        common: dict[str, Any] = {
            "column": name,
            "meta": _meta(rule),
            "severity": "critical" if rule.severity is Severity.ERROR else "warning",
        }
        if rule.stock and rule.stock.suite:
            values = list(rule.stock.values)
            expectations.append(gxe.ExpectColumnValuesToBeInSet(value_set=values, mostly=mostly, **common))
        else:
            expectations.append(gxe.ExpectColumnMaxToBeBetween(max_value=allowed, **common))
    meta = {"code": "F301", "severity": "error", "consequence": "reject", "remedy": FILE_RULES["F301"].remedy}
    expectations.append(gxe.ExpectColumnMaxToBeBetween(column="rejected", max_value=allowed, meta=meta))
    return gx.ExpectationSuite(f"{feed}-{RULEBOOK_VERSION}", expectations=expectations)


def _meta(rule: Rule) -> dict[str, str]:
    return {
        "code": rule.code,
        "severity": str(rule.severity),
        "consequence": str(rule.effect),
        "remedy": rule.remedy,
    }


# --- frames for the registry and the filer -----------------------------------------------------------------------


def _empty_frame(feed: Feed) -> pd.DataFrame:
    names = [column.name for column in columns_of(feed)]
    frame = pd.DataFrame({name: pd.Series([], dtype="str") for name in names})
    for name in ("row", "line", "fields"):
        frame[name] = np.array([], dtype=np.int64)
    return frame


def _with_keys(rows: Rows) -> pd.DataFrame:
    if rows.feed is Feed.RESPONSES:
        return rows.frame
    derived: pd.DataFrame = pa.table(
        {
            "ntn_key": rows.ntn_key,
            "cnic_key": rows.cnic_key,
            "other_id_key": rows.other_id_key,
            "row_sha256": pa.array(rows.row_sha256, pa.large_string()),
        }
    ).to_pandas()
    derived.index = rows.frame.index
    frame: pd.DataFrame = pd.concat([rows.frame, derived], axis=1)
    return frame


def _is_key_lost(hits: Mapping[str, BoolArray], feed: Feed) -> bool:
    return any(code in hits for code in _KEY_CODES.get(feed, ()))


def row_findings(verdict: Verdict, limit_per_code: int = 1_000, limit: int = 10_000) -> pd.DataFrame:
    """The findings on rows, by row and code, with the columns of findings.csv.

    At most `limit_per_code` of each code (the first ones) and `limit` in all; `verdict.counts_by_code` stays exact.
    Values of cnic and other_id, and of ntn where it may hold a CNIC, are masked.
    """
    chosen = [
        (position, code)
        for code, hit in verdict.hits.items()
        for position in np.flatnonzero(hit)[: min(limit_per_code, limit)].tolist()
    ]
    chosen = sorted(chosen)[:limit]
    rows = Rows(verdict.frame, verdict.feed, verdict.width)
    lines: dict[tuple[int, str], tuple[object, ...]] = {}
    for rule in rules_of(verdict.feed):
        at = np.array([position for position, code in chosen if code == rule.code], dtype=np.int64)
        if len(at):
            lines.update(zip(((int(p), rule.code) for p in at), _lines(rule, rows, verdict.context, at), strict=True))
    return pd.DataFrame([lines[key] for key in chosen], columns=list(FINDING_COLUMNS))


def _lines(rule: Rule, rows: Rows, context: Context, at: NDArray[np.int64]) -> list[tuple[object, ...]]:
    """The lines of one rule at the given positions."""
    if rule.offender is not None:
        names = rule.offender(rows, at)
    else:
        names = [rule.columns[0] if rule.columns else ""] * len(at)
    facts = rule.facts(rows, context, at) if rule.facts is not None else {}
    masked = {column.name for column in rows.columns if column.is_masked}
    identifying = {column.name for column in rows.columns if column.is_identifier}
    place = rows.frame[["row", "line", rows.key]].iloc[at].itertuples(index=False, name=None)
    lines: list[tuple[object, ...]] = []
    for index, (row, line, key) in enumerate(place):
        name = names[index]
        value = str(rows.frame[name].iloc[at[index]]) if name else ""
        is_secret = name in masked or (name == "ntn" and identifiers.may_be_cnic(value))
        own = {name: values[index] for name, values in facts.items()}
        message = (rule.missing if rule.missing and not value else rule.message).format(column=name, **own)
        if name in identifying and rule.code.startswith("H1") and identifiers.damage(value):
            message = f"{message} {identifiers.damage(value)}"
        suggestion = rule.suggest(value) if rule.suggest and value and not is_secret else ""
        shown = identifiers.mask(value) if is_secret else _shown(value)
        remedy = rule.remedy.format(column=name, **own)
        lines.append((row, line, _shown(key), name, rule.code, str(rule.severity), shown, message, remedy, suggestion))
    return lines


def _shown(value: str) -> str:
    """A value for a finding: invisible characters made visible, and not endless."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value[: _LONGEST_VALUE + 1])
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "\N{HORIZONTAL ELLIPSIS}"
