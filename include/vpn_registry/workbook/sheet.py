"""One worksheet as columns of text: header, rows, and what is hidden or merged."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from vpn_registry.workbook.cells import Cells, Workbook, cells_of, phonetic
from vpn_registry.workbook.grammar import ROWS, STRINGS, is_strict
from vpn_registry.workbook.markup import IntArray, replaced, tags_of, unescaped_characters
from vpn_registry.workbook.oddities import MERGED
from vpn_registry.workbook.plain import BOM, Check, column_number
from vpn_registry.workbook.refusal import RefusedError, damaged

_COLUMN: Final = re.compile(rb"<col ([^>]*)>")
_MERGED: Final = re.compile(rb'<mergeCell [^>]*?ref="([A-Z0-9:]+)"[^>]*>')
_ATTRIBUTE: Final = re.compile(rb'([a-z]+)="([^"]*)"')

Pieces = Callable[[], Iterator[bytes]]


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


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a document of whole items: "head", "items" (any number of times) or "tail".

    `is_strict` items match their grammar, so that nothing has to be looked for in them that it leaves out.
    """

    kind: str
    block: bytes
    is_strict: bool = False


def parts_of(pieces: Pieces, root: bytes, container: bytes, item: bytes, grammar: str) -> Iterator[Part]:
    """A document in pieces of whole items, each checked by expat unless it matches the grammar of the items.

    Raises NotPlainError when the markup is not plain; read the same part through `plain_pieces` then.
    """
    opening = re.compile(rb"<" + container + rb"(?: [^>]*)?>")
    closing, begin = b"</" + container, b"<" + item
    check, held, is_inside = Check(root), b"", False

    def items(block: bytes) -> Part:
        """Inside of the container, where content that is well-formed by itself can be taken as it is."""
        part = Part("items", block, is_strict(block, grammar))
        if not part.is_strict:
            check.feed(block)
        return part

    for piece in _without_mark(pieces()):
        held += piece
        if not is_inside and (found := opening.search(held)) and not found[0].endswith(b"/>"):
            check.feed(held[: found.end()])
            yield Part("head", held[: found.start()])
            held, is_inside = held[found.end() :], True
        if is_inside and closing not in held and (stop := held.rfind(begin)) > 0:
            yield items(held[:stop])
            held = held[stop:]
    content, _, tail = held.partition(closing) if is_inside else (b"", b"", held)
    if content:
        yield items(content)
    check.feed(held[len(content) :])
    check.close()
    yield Part("tail", tail)


def _without_mark(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for first in pieces:
        yield first.removeprefix(BOM)
        break
    yield from pieces


def read_strings(pieces: Pieces) -> pa.LargeStringArray:
    """The shared strings by position: runs of rich text joined, phonetic hints left out."""
    found = []
    for part in parts_of(pieces, b"sst", b"sst", b"si", STRINGS):
        if part.kind == "items":
            tags = tags_of(part.block, is_strict=part.is_strict)
            is_item = tags.opens(b"si")
            owner = np.cumsum(is_item) - 1
            found.append(tags.texts(tags.opens(b"t") & ~phonetic(tags), owner, int(is_item.sum())))
    strings = pa.concat_arrays(found) if found else pa.array([], pa.large_string())
    return replaced(strings, "_x", unescaped_characters)


def _parts_of_sheet(pieces: Pieces) -> Iterator[Part]:
    return parts_of(pieces, b"worksheet", b"sheetData", b"row", ROWS)


def has_data(pieces: Pieces, workbook: Workbook) -> bool:
    """Whether a worksheet has any filled cell."""
    return any(
        part.kind == "items" and len(cells_of(tags_of(part.block, is_strict=part.is_strict), workbook, 0).row)
        for part in _parts_of_sheet(pieces)
    )


def read_sheet(pieces: Pieces, workbook: Workbook, *, columns: int, characters: int, rows: int) -> Table:
    """The worksheet as a table. Raises RefusedError when it has no header in row 1 or breaks a limit."""
    table: Table | None = None
    hidden_columns: list[tuple[int, int]] = []
    last, count, hidden = 0, 0, 0
    for part in _parts_of_sheet(pieces):
        if part.kind == "head":
            hidden_columns = _hidden_columns(part.block)
        elif part.kind == "tail" and table is not None:
            _mark_merged(table, part.block)
        elif part.kind == "items":
            cells = cells_of(tags_of(part.block, is_strict=part.is_strict), workbook, last)
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
