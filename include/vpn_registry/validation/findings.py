"""A verdict, and its findings on rows as the filer gets them: masked, limited, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vpn_registry.model import ENGLISH, FINDING_COLUMNS, Feed, Finding, Outcome, RowCounts
from vpn_registry.rulebook import identifiers, rules_of
from vpn_registry.rulebook.languages import phrase, texts
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import BoolArray, Context, Rule
from vpn_registry.validation.echoes import suggestion

_LONGEST_VALUE: Final = 200


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one delivery is worth.

    `frame` is the canonical frame. `rejected`, `duplicate` and `warned` are bools, one a row, disjoint. `hits` holds
    the rules whose findings are told, without `echoes`; `result` those that fired. When the file is refused as a whole
    every row counts as rejected. `may_close` is False when absent keys of a full file must stay. `oddities` are those
    of `formats.Decoded`. `hashes` are the rows' when judging needed them.
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
    oddities: Mapping[tuple[str, str], NDArray[np.int64]] = field(default_factory=dict)
    hashes: NDArray[np.object_] | None = field(default=None, repr=False)

    @property
    def rulebook_version(self) -> str:
        """The rulebook that judged."""
        return str(self.result["rulebook_version"])

    @property
    def is_merged(self) -> BoolArray:
        """The rows to merge, one bool a row: those neither rejected nor duplicate."""
        merged: BoolArray = ~self.rejected & ~self.duplicate
        return merged


def row_findings(
    verdict: Verdict, language: str = ENGLISH, *, limit_per_code: int = 1_000, limit: int = 10_000
) -> pd.DataFrame:
    """The findings on rows, by row and code, with the columns of findings.csv; messages and remedies in `language`.

    At most `limit_per_code` of each code (the first ones) and `limit` in all; `verdict.counts_by_code` stays exact.
    Values of cnic and other_id, and of ntn where it may hold a CNIC, are masked.
    """
    chosen = [
        (position, code)
        for code, hit in verdict.hits.items()
        for position in np.flatnonzero(hit)[: min(limit_per_code, limit)].tolist()
    ]
    chosen = sorted(chosen)[:limit]
    of_rule: dict[str, list[int]] = {}
    for position, code in chosen:
        of_rule.setdefault(code, []).append(position)
    rows = Rows(verdict.frame, verdict.feed, verdict.width, oddities=verdict.oddities)
    lines: dict[tuple[int, str], tuple[object, ...]] = {}
    rules = rules_of(verdict.feed, verdict.rulebook_version)
    for rule in rules:
        at = np.array(of_rule.get(rule.code, []), dtype=np.int64)
        if len(at):
            # A rule across rows needs them all; of the others only the rows that are told need be looked at.
            seen, places = (rows, at) if rule.across else (rows.chosen(at), np.arange(len(at)))
            told = _lines(rule, rules, seen, verdict.context, places, language)
            lines.update(zip(((int(position), rule.code) for position in at), told, strict=True))
    return pd.DataFrame([lines[key] for key in chosen], columns=list(FINDING_COLUMNS))


def _lines(
    rule: Rule, rules: Sequence[Rule], rows: Rows, context: Context, at: NDArray[np.int64], language: str
) -> list[tuple[object, ...]]:
    """The lines of one rule at the given positions."""
    words = texts(rule, language)
    if rule.offender is not None:
        names = rule.offender(rows, at)
    else:
        names = [rule.columns[0] if rule.columns else ""] * len(at)
    facts = rule.facts(rows, context, at) if rule.facts is not None else {}
    masked = {column.name for column in rows.columns if column.is_masked}
    identifying = {column.name for column in rows.columns if column.is_identifier}
    place = rows.frame[["row", "line", rows.key]].iloc[at].itertuples(index=False, name=None)
    cells = {name: rows.frame[name].iloc[at].tolist() for name in set(names) if name}
    lines: list[tuple[object, ...]] = []
    for index, (row, line, key) in enumerate(place):
        name = names[index]
        value = cells[name][index] if name else ""
        is_secret = name in masked or (name == "ntn" and identifiers.may_be_cnic(value))
        own = {name: values[index] for name, values in facts.items()}
        message = (words.missing if words.missing and not value else words.message).format(column=name, **own)
        is_form = name in identifying and rule.code.startswith("H1") and rule.spoils is None
        if is_form and identifiers.damage(value):
            message = f"{message} {phrase(identifiers.damage(value), language)}"
        likely = "" if is_secret else suggestion(rule, rules, name, value)
        shown = identifiers.mask(value) if is_secret else _shown(value)
        remedy = words.remedy.format(column=name, **own)
        lines.append((row, line, _shown(key), name, rule.code, str(rule.severity), shown, message, remedy, likely))
    return lines


def _shown(value: str) -> str:
    """A value for a finding: invisible characters made visible, and not endless."""
    text = value[: _LONGEST_VALUE + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "\N{HORIZONTAL ELLIPSIS}"
