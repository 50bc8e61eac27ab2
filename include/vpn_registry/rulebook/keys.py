"""The rules on a key that comes again: in one file, or after a later number has decided it (contract section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.model import Feed, Severity
from vpn_registry.rulebook.rows import Rows
from vpn_registry.rulebook.rule import EVERY, BoolArray, Consequence, Context, Rule, Scope


def _repeats(rows: Rows) -> tuple[BoolArray, BoolArray, NDArray[np.int64]]:
    """(later row equal to an earlier one, rows of a key whose rows differ, position of the key's first row)."""
    count = len(rows)
    codes = rows.key_codes
    keyed = np.flatnonzero((codes >= 0) & rows.is_whole)
    later, differing = np.zeros(count, dtype=np.bool_), np.zeros(count, dtype=np.bool_)
    first = np.arange(count, dtype=np.int64)
    if (np.bincount(codes[keyed]) < 2).all():
        return later, differing, first
    _, first_of, group = np.unique(codes[keyed], return_index=True, return_inverse=True)
    first[keyed] = keyed[first_of][group]
    several = keyed[np.bincount(group)[group] > 1]
    content = np.zeros(count, dtype=np.int64)  # looked at only where a key repeats: the hashes of a file are large
    content[several] = _content_codes(rows.chosen(several))
    unequal = content != content[first]
    has_unequal = np.zeros(len(first_of), dtype=np.bool_)
    np.logical_or.at(has_unequal, group, unequal[keyed])
    differing[keyed] = has_unequal[group]
    later[keyed] = (first[keyed] != keyed) & ~has_unequal[group]
    return later, differing, first


def _content_codes(rows: Rows) -> NDArray[np.int64]:
    """A number for each distinct action and content; what a withdrawal says beside its ref doesn't count."""
    content = pa.array(rows.row_sha256, pa.large_string())
    if rows.feed is Feed.REGISTRATIONS:
        content = pc.if_else(pa.array(rows.is_withdrawal), "", content)
        content = pc.binary_join_element_wise(rows.text("action"), content, pa.scalar(" ", pa.large_string()))
    codes: NDArray[np.int64] = pc.dictionary_encode(content).indices.to_numpy().astype(np.int64)
    return codes


def _repeat_facts(rows: Rows, _context: Context, at: NDArray[np.int64]) -> Mapping[str, list[Any]]:
    first = _repeats(rows)[2][at]
    return {"first": rows.frame["row"].to_numpy()[first].tolist()}


def decided_seq(rows: Rows, context: Context) -> NDArray[np.int64]:
    """The sequence number that last decided each row's key, -1 where the registry knows none."""
    places = rows.places(context)
    seqs = np.full(len(rows), -1, dtype=np.int64)
    if context.known is not None:
        seqs[places >= 0] = context.known["decided_seq"].to_numpy(dtype=np.int64)[places[places >= 0]]
    return seqs


def is_overtaken(rows: Rows, context: Context) -> BoolArray:
    """Rows whose key a later number has decided already."""
    if context.seq is None:
        return np.zeros(len(rows), dtype=np.bool_)
    result: BoolArray = decided_seq(rows, context) > context.seq
    return result


def _overtaken_facts(rows: Rows, context: Context, at: NDArray[np.int64]) -> Mapping[str, list[Any]]:
    return {"later": decided_seq(rows, context)[at].tolist()}


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        code="H301",
        severity=Severity.WARNING,
        consequence=Consequence.DUPLICATE,
        feeds=EVERY,
        columns=("key",),
        offender=lambda rows, at: [rows.key] * len(at),
        scope=Scope.KEY,
        across=True,
        bad=lambda rows, _context: _repeats(rows)[0],
        facts=_repeat_facts,
        title="Row repeated in the file",
        why="The same row twice says nothing new; it is taken once.",
        message="The row says the same as row {first}; it is taken once.",
        remedy="Send each row once.",
        example="one row twice",
    ),
    Rule(
        code="H302",
        severity=Severity.ERROR,
        feeds=EVERY,
        columns=("key",),
        offender=lambda rows, at: [rows.key] * len(at),
        scope=Scope.KEY,
        across=True,
        bad=lambda rows, _context: _repeats(rows)[1],
        facts=_repeat_facts,
        title="Different rows for one key in the file",
        why="Which of them is meant is unknown, so none is taken.",
        message="Rows with this {column} differ (the first is row {first}); none of them is taken.",
        remedy="Send one row a key; put a second change into the next file.",
        example="one registration_ref with two client names",
    ),
    Rule(
        code="W401",
        severity=Severity.WARNING,
        feeds=EVERY,
        columns=("key",),
        offender=lambda rows, at: [rows.key] * len(at),
        scope=Scope.KEY,
        bad=is_overtaken,
        facts=_overtaken_facts,
        title="Overtaken by a later number",
        why="Order is the sequence number, not arrival: the row is kept as history and changes nothing current.",
        message="overtaken by {later}: a file with a later number has decided this {column} already.",
        remedy="Nothing to do if the later file is right; otherwise send the row again under a new number.",
        example="file 3 arrives after file 4, both about one key",
    ),
)
