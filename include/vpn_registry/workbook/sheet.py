"""One worksheet as columns of text: every cell read as what it is, and in its own place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpn_registry.workbook.markup import (
    BoolArray,
    IntArray,
    NotPlainError,
    Tags,
    checked_pieces,
    column_number,
    replaced,
    tags_of,
    unescaped_characters,
)
from vpn_registry.workbook.refusal import RefusedError, damaged
from vpn_registry.workbook.styles import Style, day_text, number_text

ODD_CELLS: Final = ("number", "formula", "merged", "date", "boolean", "error")
"""What a cell may be instead of plain text; bit n of a cell's odd marks stands for the n-th."""
NUMBER, FORMULA, MERGED, DATE, BOOLEAN, ERROR = (1 << bit for bit in range(len(ODD_CELLS)))

_COLUMN: Final = re.compile(rb"<col ([^>]*)>")
_MERGED: Final = re.compile(rb'<mergeCell [^>]*?ref="([A-Z0-9:]+)"[^>]*>')
_ATTRIBUTE: Final = re.compile(rb'([a-z]+)="([^"]*)"')

Pieces = Callable[[], Iterator[bytes]]


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


@dataclass(slots=True)
class Table:
    """A worksheet below its header: `columns` of text, and for each row its number in the sheet and its width.

    A row that is wider than the header has '' in every column. `odd` has a byte a cell, a column a list.
    """

    header: list[str]
    columns: list[list[pa.LargeStringArray]]
    odd: list[list[np.ndarray[tuple[int], np.dtype[np.uint8]]]]
    line: list[IntArray] = field(default_factory=list)
    fields: list[IntArray] = field(default_factory=list)
    hidden_rows: int = 0
    hidden_columns: tuple[int, ...] = ()
    is_header_merged: bool = False


def parts_of(pieces: Pieces, root: bytes, container: bytes, item: bytes) -> Iterator[tuple[str, bytes]]:
    """A document in pieces of whole items: ("head", ..), then ("items", ..) any number of times, then ("tail", ..).

    Raises NotPlainError when the markup is not plain; read the same part through `plain_pieces` then.
    """
    opening = re.compile(rb"<" + container + rb"(?: [^>]*)?>")
    closing, begin = b"</" + container, b"<" + item
    held, is_inside = b"", False
    for piece in checked_pieces(pieces(), root):
        held += piece
        if not is_inside and (found := opening.search(held)):
            yield "head", held[: found.start()]
            held = (closing + b">" if found[0].endswith(b"/>") else b"") + held[found.end() :]
            is_inside = True
        if is_inside and closing not in held and (stop := held.rfind(begin)) > 0:
            yield "items", held[:stop]
            held = held[stop:]
    if is_inside:
        items, _, tail = held.partition(closing)
        yield "items", items
        yield "tail", tail
    else:
        yield "tail", held


def read_strings(pieces: Pieces) -> pa.LargeStringArray:
    """The shared strings by position: runs of rich text joined, phonetic hints left out."""
    found = []
    for kind, block in parts_of(pieces, b"sst", b"sst", b"si"):
        if kind == "items" and block:
            tags = tags_of(block)
            is_item = tags.opens(b"si")
            owner = np.cumsum(is_item) - 1
            found.append(tags.texts(tags.opens(b"t") & ~_phonetic(tags), owner, int(is_item.sum())))
    strings = pa.concat_arrays(found) if found else pa.array([], pa.large_string())
    return replaced(strings, "_x", unescaped_characters)


def _phonetic(tags: Tags) -> BoolArray:
    """Tags inside of phonetic hints."""
    opened = tags.opens(b"rPh") & (tags.octets[tags.end - 1] != ord("/"))
    result: BoolArray = (np.cumsum(opened) - np.cumsum(tags.closes(b"rPh"))) > 0
    return result


def has_data(pieces: Pieces, workbook: Workbook) -> bool:
    """Whether a worksheet has any filled cell."""
    for kind, block in parts_of(pieces, b"worksheet", b"sheetData", b"row"):
        if kind == "items" and block and len(_cells(tags_of(block), workbook, 0).row):
            return True
    return False


def read_sheet(pieces: Pieces, workbook: Workbook, *, columns: int, characters: int, rows: int) -> Table:
    """The worksheet as a table. Raises RefusedError when it has no header in row 1 or breaks a limit."""
    table: Table | None = None
    hidden_columns: list[tuple[int, int]] = []
    last, count, hidden = 0, 0, 0
    for kind, block in parts_of(pieces, b"worksheet", b"sheetData", b"row"):
        if kind == "head":
            hidden_columns = _hidden_columns(block)
        elif kind == "tail" and table is not None:
            _mark_merged(table, block)
        elif kind == "items" and block:
            cells = _cells(tags_of(block), workbook, last)
            last = cells.last
            _limit_text(cells, characters)
            if not len(cells.row):
                continue
            if table is None:
                table, cells = _with_header(cells, columns)
            hidden += len(np.intersect1d(cells.hidden, cells.row))
            count += _add(table, cells)
            if count > rows:
                raise RefusedError("F209", limit=rows)
    if table is None:
        raise RefusedError("F201")
    table.hidden_rows = hidden
    table.hidden_columns = tuple(
        place for place in range(len(table.header)) if any(first <= place + 1 <= stop for first, stop in hidden_columns)
    )
    return table


def _cells(tags: Tags, workbook: Workbook, last: int) -> Cells:
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
    is_text = np.where(in_inline, tags.opens(b"t") & ~_phonetic(tags), tags.opens(b"v"))
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


def _limit_text(cells: Cells, characters: int) -> None:
    long = np.flatnonzero(pc.greater(pc.utf8_length(cells.text), characters).to_numpy(zero_copy_only=False))
    if len(long):
        raise RefusedError("F208", line=int(cells.row[long[0]]), limit=characters)


def _with_header(cells: Cells, most: int) -> tuple[Table, Cells]:
    """The table that the first filled row begins, and the cells below it."""
    if cells.row[0] != 1:
        raise RefusedError("F218")
    count = int((cells.row == 1).sum())
    places = cells.column[:count]
    width = int(places[-1]) + 1
    if width > most:
        raise RefusedError("F207", count=width, limit=most)
    names = dict(zip(places.tolist(), cells.text.slice(0, count).to_pylist(), strict=True))
    table = Table(
        [names.get(place, "") for place in range(width)], [[] for _ in range(width)], [[] for _ in range(width)]
    )
    below = cells.row > 1
    rest = replace(
        cells, row=cells.row[below], column=cells.column[below], text=cells.text.slice(count), odd=cells.odd[below]
    )
    return table, rest


def _add(table: Table, cells: Cells) -> int:
    """Put cells into the table's columns; how many rows that were."""
    width = len(table.header)
    line, place = np.unique(cells.row, return_inverse=True)
    widest = np.zeros(len(line), dtype=np.int64)
    np.maximum.at(widest, place, cells.column + 1)
    fits = (widest <= width)[place]
    where = np.full(len(line) * width, -1, dtype=np.int64)
    where[place[fits] * width + cells.column[fits]] = np.flatnonzero(fits)
    odd = np.zeros(len(line) * width, dtype=np.uint8)
    odd[place[fits] * width + cells.column[fits]] = cells.odd[fits]
    for column in range(width):
        at = where[column::width]
        table.columns[column].append(pc.fill_null(cells.text.take(pa.array(at, mask=at < 0)), ""))
        table.odd[column].append(odd[column::width])
    table.line.append(line)
    table.fields.append(np.maximum(widest, width))
    return len(line)


def _hidden_columns(head: bytes) -> list[tuple[int, int]]:
    """(first, last) of each run of hidden columns, 1 = A."""
    found = []
    for match in _COLUMN.finditer(head):
        values = dict(_ATTRIBUTE.findall(match[1]))
        if values.get(b"hidden", b"0") in (b"1", b"true"):
            ends = [values.get(name, b"") for name in (b"min", b"max")]
            if not all(end.isdigit() and len(end) <= 7 for end in ends):
                raise damaged("a hidden column has no proper number")
            found.append((int(ends[0]), int(ends[1])))
    return found


def _mark_merged(table: Table, tail: bytes) -> None:
    lines = np.concatenate([*table.line, np.zeros(0, dtype=np.int64)])
    marks = [np.concatenate([*parts, np.zeros(0, dtype=np.uint8)]) for parts in table.odd]
    for match in _MERGED.finditer(tail):
        first, _, last = match[1].decode().partition(":")
        left, right = column_number(first) - 1, column_number(last or first)
        top, bottom = (int(re.sub("[A-Z]", "", reference)) for reference in (first, last or first))
        if top <= 1 and left < len(table.header):
            table.is_header_merged = True
        start, stop = np.searchsorted(lines, [top, bottom + 1])
        for column in range(left, min(right, len(marks))):
            marks[column][start:stop] |= MERGED
    table.odd = [[mark] for mark in marks]
