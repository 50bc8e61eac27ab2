"""The door to Great Expectations: one suite a feed, run on verdict columns.

The only module that imports great_expectations, and only when the first file is judged: the import costs seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vpn_registry import settings
from vpn_registry.model import Feed, Mode, Severity
from vpn_registry.rulebook import RULEBOOK_VERSION, RULEBOOKS, rules_of
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BoolArray, Rule
from vpn_registry.validation.outcome import REFUSED, as_ranges, meta_of, rejected_in, stored_result

_ONCE_MADE: Final = "OnceMade"
"""What our types of expectation are called behind the name of the stock one, by which their results are stored."""


def validate(
    rows: Rows,
    hits: Mapping[str, BoolArray],
    feed: Feed,
    mode: Mode,
    allowed: int,
    version: str = RULEBOOK_VERSION,
) -> dict[str, Any]:
    """Run the feed's suite of a rulebook on the verdict frame; the result as it is stored."""
    count, rules = len(rows), rules_of(feed, version)
    frame = verdict_frame(rows, hits, rules)
    outcome = _validator(frame).validate_expectation_suite(
        _suite(feed, version, has_rows=count > 0),
        {"allowed": allowed, "row_count": count, **_shares(frame, rules, allowed)},
    )
    results: list[dict[str, Any]] = []
    shape: list[dict[str, Any]] = []
    for entry in outcome.results:
        config = entry.expectation_config
        if entry.exception_info and _has_raised(entry.exception_info):
            raise RuntimeError(f"Great Expectations could not judge {config.type} of {config.meta.get('code', feed)}")
        kept = {"expectation": config.type.removesuffix("_once_made"), "success": bool(entry.success)}
        if "code" in config.meta:
            results.append({**config.meta, **kept, **_kept(entry, hits)})
        else:
            shape.append(kept)
    return stored_result(results, shape, feed, mode, count, version, is_success=bool(outcome.success))


def _shares(frame: pd.DataFrame, rules: Sequence[Rule], allowed: int) -> dict[str, float]:
    """For each code list the share of its cells that must be in it, so that `allowed` of them need not.

    Great Expectations takes the share of the cells looked at, the tolerance is a number of rows.
    """
    looked_at = {column: int(frame[column].notna().sum()) for column in _code_lists(rules)}
    return {f"mostly_{name}": max(count - allowed, 0) / count if count else 1.0 for name, count in looked_at.items()}


def _code_lists(rules: Sequence[Rule]) -> list[str]:
    return [rule.stock.column for rule in rules if rule.stock is not None and rule.stock.suite]


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
    return {"column": column, "unexpected_count": count, "positions": as_ranges(positions)}


def verdict_frame(rows: Rows, hits: Mapping[str, BoolArray], rules: Sequence[Rule]) -> pd.DataFrame:
    """What Great Expectations sees: code lists as they are, and one verdict column for every other rule.

    A verdict column numbers the rows on which the rule fires from 1 and is 0 elsewhere: its maximum is their count,
    which a stock expectation on the maximum reads four times faster than one on each value. Cells of code lists
    that the rule doesn't look at are null, which expectations on columns pass over.
    """
    columns: dict[str, Any] = {}
    nothing = pa.array(np.zeros(len(rows), dtype=np.int32))  # one for all the rules that found nothing
    for rule in rules:
        if rule.stock is not None and rule.stock.suite:
            looked_at = pa.array(rows.scope(rule.scope))
            values = rows.text(rule.stock.column)
            nulled = pc.if_else(looked_at, values, pa.scalar(None, pa.large_string()))
            columns[rule.stock.column] = pc.dictionary_encode(nulled)
        else:
            columns[rule.code] = _numbered(hits[rule.code]) if rule.code in hits else nothing
    columns["rejected"] = _numbered(rejected_in(hits, rules, len(rows)))
    frame: pd.DataFrame = pa.table(columns).to_pandas(split_blocks=True)  # without a copy of each column
    return frame


def _numbered(hit: BoolArray) -> pa.Int32Array:
    return pa.array(np.cumsum(hit, dtype=np.int32) * hit)


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


def _validator(frame: pd.DataFrame) -> Any:  # a v1_validator.Validator, whose class is behind the slow import
    """What `batch.validate()` makes, without the batch: its fingerprint takes a tenth of judging, once is enough."""
    batches = _batches()
    from great_expectations.validator.v1_validator import Validator

    positions = {"result_format": "COMPLETE", "include_unexpected_rows": False}
    return Validator(batches, result_format=positions, batch_parameters={"dataframe": frame})


@lru_cache(maxsize=2 * len(Feed) * len(RULEBOOKS))
def _suite(feed: Feed, version: str, *, has_rows: bool) -> Any:  # an ExpectationSuite
    """One expectation a rule, and those on the shape of the frame; tolerances are given when it runs.

    A file without rows is judged by its shape alone: the maximum of no rows is no number.
    """
    _batches()
    import great_expectations as gx
    from great_expectations import expectations as gxe

    rules = rules_of(feed, version)
    names = [rule.stock.column if rule.stock and rule.stock.suite else rule.code for rule in rules]
    expectations: list[Any] = [
        gxe.ExpectTableColumnsToMatchSet(column_set=[*names, "rejected"], exact_match=True),
        gxe.ExpectTableRowCountToEqual(value={"$PARAMETER": "row_count"}),
    ]
    if not has_rows:
        return gx.ExpectationSuite(f"{feed}-{version}-shape", expectations=expectations)
    in_set, maximum = (
        _once_made(gxe.ExpectColumnValuesToBeInSet, "mostly"),
        _once_made(gxe.ExpectColumnMaxToBeBetween, "max_value"),
    )
    allowed = {"$PARAMETER": "allowed"}
    for rule, name in zip(rules, names, strict=True):
        common: dict[str, Any] = {
            "column": name,
            "meta": meta_of(rule),
            "severity": "critical" if rule.severity is Severity.ERROR else "warning",
        }
        if rule.stock and rule.stock.suite:
            values, mostly = list(rule.stock.values), {"$PARAMETER": f"mostly_{name}"}
            expectations.append(in_set(value_set=values, mostly=mostly, **common))
        else:
            expectations.append(maximum(max_value=allowed, **common))
    expectations.append(maximum(column="rejected", max_value=allowed, meta=dict(REFUSED)))
    return gx.ExpectationSuite(f"{feed}-{version}", expectations=expectations)


@lru_cache(maxsize=2)
def _once_made(stock: Any, parameter: str) -> Any:
    """A stock expectation that makes its configuration once a validation; the suite fills in its `parameter`.

    The stock one dumps its whole model again for each of the 60 reads of a validation: half of what a small file costs.
    Great Expectations makes an expectation anew for each validation, with the parameter filled in; those of the suite
    are what it makes them from, and must not keep the configuration that it fills.
    """
    from great_expectations.compatibility.pydantic import PrivateAttr

    def configuration(self: Any) -> Any:
        if isinstance(getattr(self, parameter), Mapping):  # not filled in: this one is the suite's
            return stock.configuration.fget(self)
        self._made = self._made or stock.configuration.fget(self)
        return self._made

    # Great Expectations knows a type by the name with which its class is made.
    own = {"__module__": __name__, "_made": PrivateAttr(None), "configuration": property(configuration)}
    return type(stock)(f"{stock.__name__}{_ONCE_MADE}", (stock,), own)
