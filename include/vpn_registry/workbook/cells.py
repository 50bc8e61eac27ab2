"""The cells of a block of rows: every one read as what it is, and in its own place."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpn_registry.workbook.markup import BoolArray, IntArray, Tags, replaced, unescaped_characters
from vpn_registry.workbook.oddities import BOOLEAN, DATE, ERROR, FORMULA, NUMBER
from vpn_registry.workbook.plain import NotPlainError
from vpn_registry.workbook.refusal import damaged
from vpn_registry.workbook.styles import Style, day_text, number_text


@dataclass(frozen=True, slots=True)
class Workbook:
    """What the cells of all sheets refer to."""

    strings: pa.LargeStringArray
    styles: list[Style]
    is_1904: bool


@dataclass(frozen=True, slots=True)
class Cells:
    """The filled cells of a block of rows, in order: `row` and `column` (from 0), text, and marks of what is odd."""

    row: IntArray
    column: IntArray
    text: pa.LargeStringArray
    odd: IntArray
    hidden: IntArray  # numbers of the hidden rows
    last: int  # number of the block's last row, filled or not


def phonetic(tags: Tags) -> BoolArray:
    """Tags inside of phonetic hints."""
    opened = tags.opens(b"rPh") & (tags.octets[tags.end - 1] != ord("/"))
    if not opened.any():
        return np.zeros(len(opened), dtype=np.bool_)
    result: BoolArray = (np.cumsum(opened) - np.cumsum(tags.closes(b"rPh"))) > 0
    return result


def cells_of(tags: Tags, workbook: Workbook, last: int) -> Cells:
    """The filled cells of a block whose rows follow row `last`."""
    is_row, is_cell = tags.opens(b"row"), tags.opens(b"c")
    row_no = tags.numbers(tags.attribute(b"r", is_row))
    if (row_no <= 0).any():
        raise NotPlainError
    if (np.diff(row_no, prepend=last) <= 0).any():
        raise damaged("its rows are not in order")
    row_of_cell = (np.cumsum(is_row) - 1)[is_cell]
    if (row_of_cell < 0).any():
        raise damaged("a cell stands outside of its row")
    column, own_row = _places(tags, tags.attribute(b"r", is_cell))
    row = row_no[row_of_cell]
    if (own_row != row).any():
        raise damaged("a cell stands outside of its row")
    if ((np.diff(column) <= 0) & (np.diff(row) == 0)).any():
        raise damaged("the cells of a row are not in order")
    hidden = tags.attribute(b"hidden", is_row)
    is_hidden = (hidden >= 0) & np.isin(tags.octets[np.where(hidden >= 0, hidden, 0)], tuple(b"1t"))
    text, odd = _meanings(tags, is_cell, workbook)
    filled = np.flatnonzero(pc.not_equal(text, "").to_numpy(zero_copy_only=False) | (odd & FORMULA > 0))
    return Cells(
        row[filled],
        column[filled],
        text.take(pa.array(filled)),
        odd[filled],
        row_no[is_hidden],
        int(row_no[-1]) if len(row_no) else last,
    )


def _places(tags: Tags, reference: IntArray) -> tuple[IntArray, IntArray]:
    """Column (from 0) and row of each cell's reference, such as AB12."""
    if (reference < 0).any():
        raise NotPlainError
    column = np.zeros(len(reference), dtype=np.int64)
    at, running = reference.copy(), np.ones(len(reference), dtype=np.bool_)
    for _ in range(3):
        letter = tags.octets[at].astype(np.int64) - ord("A") + 1
        running &= (letter >= 1) & (letter <= 26)
        column = np.where(running, column * 26 + letter, column)
        at += running
    return column - 1, tags.numbers(at)


def _meanings(tags: Tags, is_cell: BoolArray, workbook: Workbook) -> tuple[pa.LargeStringArray, IntArray]:
    """Each cell's text, and the marks of what it is instead of plain text."""
    count = int(is_cell.sum())
    owner = np.cumsum(is_cell) - 1
    at = tags.attribute(b"t", is_cell)
    first, second = (np.where(at >= 0, tags.octets[np.where(at >= 0, at + step, 0)], 0) for step in (0, 1))
    is_shared = (first == ord("s")) & (second == ord('"'))
    is_inline = first == ord("i")
    is_number = (first == 0) | (first == ord("n"))
    in_inline = np.concatenate((is_inline, [False]))[owner]
    is_text = np.where(in_inline, tags.opens(b"t") & ~phonetic(tags), tags.opens(b"v"))
    raw = tags.texts(is_text & (owner >= 0), owner, count)
    formulas = np.zeros(count, dtype=np.bool_)
    formulas[owner[tags.opens(b"f") & (owner >= 0)]] = True

    style = tags.numbers(tags.attribute(b"s", is_cell))
    days, digits = _of_styles(workbook.styles, style)
    filled = pc.not_equal(raw, "").to_numpy(zero_copy_only=False)
    is_day = filled & ((is_number & days) | (first == ord("d")))
    number = filled & is_number & ~days
    odd = np.where(formulas, FORMULA, 0).astype(np.int64)
    text = _with(raw, is_shared & filled, partial(_shared, strings=workbook.strings))
    text = _with(text, (is_inline | (first == ord("s")) & ~is_shared) & filled, _unescaped)
    text = _with(text, is_day, partial(_mapped, change=partial(day_or_iso, is_1904=workbook.is_1904)))
    for width in np.unique(digits[number]):
        chosen = number & (digits == width)
        text = _with(text, chosen, partial(_mapped, change=partial(number_text, digits=int(width))))
    text = _with(text, filled & (first == ord("b")), partial(_mapped, change=lambda value: str(value == "1").upper()))
    odd = odd | np.where(number, NUMBER, 0) | np.where(is_day, DATE, 0)
    odd |= np.where(filled & (first == ord("b")), BOOLEAN, 0) | np.where(filled & (first == ord("e")), ERROR, 0)
    return text, odd


def day_or_iso(text: str, *, is_1904: bool) -> str:
    """The day of a date cell: a serial number, or (strict workbooks) ISO 8601 already."""
    return text[:10] if re.match("[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else day_text(text, is_1904=is_1904)


def _of_styles(styles: list[Style], style: IntArray) -> tuple[BoolArray, IntArray]:
    """For each cell whether its number is a day, and to how many digits it is filled up."""
    known = [*styles, Style()]
    at = np.minimum(style, len(known) - 1)
    return np.array([one.is_day for one in known])[at], np.array([one.digits for one in known], dtype=np.int64)[at]


def _with(
    text: pa.LargeStringArray, mask: BoolArray, change: Callable[[pa.LargeStringArray], pa.LargeStringArray]
) -> pa.LargeStringArray:
    """The texts with those of the mask changed."""
    if not mask.any():
        return text
    if mask.all():
        return change(text)
    chosen = pa.array(mask)
    return pc.replace_with_mask(text, chosen, change(text.filter(chosen)))


def _shared(values: pa.LargeStringArray, strings: pa.LargeStringArray) -> pa.LargeStringArray:
    try:
        at = pc.cast(values, pa.int64())
    except pa.ArrowInvalid:
        raise damaged("a cell points to no shared string") from None
    if pc.min(at).as_py() < 0 or pc.max(at).as_py() >= len(strings):
        raise damaged("a cell points to no shared string")
    return strings.take(at)


def _unescaped(values: pa.LargeStringArray) -> pa.LargeStringArray:
    return replaced(values, "_x", unescaped_characters)


def _mapped(values: pa.LargeStringArray, change: Callable[[str], str]) -> pa.LargeStringArray:
    encoded = pc.dictionary_encode(values)
    return pa.array([change(value) for value in encoded.dictionary.to_pylist()], pa.large_string()).take(
        encoded.indices
    )
