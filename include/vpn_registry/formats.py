"""Bytes of a delivery -> canonical frame of text, or the one reason why the file can't be read.

`decode` looks the format up in `DECODERS`; a new format is one function there. Everything that can be refused on
the bytes is refused before parsing, because a parser that guesses loses columns without saying so.

Both CSV readers below give the same frame: files without a quote character (nearly all) go through pyarrow, the
rest through the standard library's strict reader, five times slower.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

MAX_COLUMNS: Final = 64
MAX_FIELD_CHARACTERS: Final = 4_000
SPACES: Final = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""What trimming takes away. Tabs and line breaks are control characters: a rule refuses them, nothing hides them."""

ODD_CELLS: Final = ("number", "formula", "merged", "date", "boolean", "error")
"""What a cell of a workbook may be instead of plain text."""

_BLOCK_BYTES: Final = 1 << 20
_PART_BYTES: Final = 1 << 25
_SEARCHED_BYTES: Final = 1 << 24
_SEARCHED_FIELDS: Final = 1 << 20


class NamedColumn(Protocol):
    """What reading needs to know of a column of the feed's table."""

    @property
    def name(self) -> str: ...
    @property
    def required(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Remark:
    """A file-level rule that fired while reading: its code and the facts its texts take."""

    code: str
    facts: dict[str, object]


class UnreadableError(Exception):
    """The file is refused as a whole; `code` is the rule, `facts` fill its texts (never a cell's value)."""

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Decoded:
    """One file as text.

    `frame` has one row per data row: every column of the feed's table in table order as pandas `str` (Arrow
    backed), '' for empty or absent, trimmed and NFC; then `row` (1-based, blank rows skipped), `line` (physical
    line where the record starts, header = 1) and `fields` (number of fields found), all int64. A row of the wrong
    width keeps its place with '' in every column. `header` is the file's own, `blank_rows` were skipped.

    `oddities` tells of cells of a workbook that were not plain text: (kind, column) -> positions in the frame
    (0-based, ascending). Kinds are ODD_CELLS; a text format has none.
    """

    frame: pd.DataFrame
    header: tuple[str, ...]
    blank_rows: int
    remarks: tuple[Remark, ...]
    oddities: Mapping[tuple[str, str], NDArray[np.int64]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Records:
    """Raw records of a CSV body: columns hold '' where the record's width differs from the header's."""

    header: tuple[str, ...]
    columns: list[pa.LargeStringArray]
    line: NDArray[np.int64]
    fields: NDArray[np.int64]
    is_blank: NDArray[np.bool_]  # only for records of the wrong width; the others are judged after trimming


def decode(data: bytes, ext: str, columns: Sequence[NamedColumn], *, max_rows: int = 200_000) -> Decoded:
    """Read `data`, a file with extension `ext`, against the feed's column table.

    Raises UnreadableError for everything that refuses the file as a whole.
    """
    decoder = DECODERS.get(ext)
    if decoder is None:
        raise UnreadableError("F213" if ext in LATER else "F214", ext=ext)
    return decoder(data, columns, max_rows)


def decode_csv(data: bytes, columns: Sequence[NamedColumn], max_rows: int) -> Decoded:
    """RFC 4180 with comma, UTF-8 and a header line; lines may end in CRLF, LF or CR."""
    body = _checked_bytes(data)
    records = _with_quotes(body, max_rows) if b'"' in body else _without_quotes(body, max_rows)
    remarks = _check_header(records.header, columns)
    frame, blank_rows = _canonical(records, columns, is_ascii=body.isascii())
    if len(frame) > max_rows:
        raise UnreadableError("F209", limit=max_rows)
    if blank_rows:
        remarks.append(Remark("F216", {"count": blank_rows}))
    return Decoded(frame, records.header, blank_rows, tuple(remarks))


DECODERS: Final[dict[str, Callable[[bytes, Sequence[NamedColumn], int], Decoded]]] = {"csv": decode_csv}
LATER: Final = frozenset({"xlsx", "csv.gz", "csv.zip", "xlsx.zip"})
"""Extensions of the contract that can't be read yet."""


def _checked_bytes(data: bytes) -> bytes:
    """The bytes without BOM, known to be UTF-8 without NUL and not empty."""
    body = data.removeprefix(b"\xef\xbb\xbf")
    if not body.strip():
        raise UnreadableError("F201")
    if not body.isascii():
        try:
            body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableError("F202", line=body.count(b"\n", 0, error.start) + 1) from None
    at = body.find(b"\0")
    if at >= 0:
        raise UnreadableError("F206", line=body.count(b"\n", 0, at) + 1)
    return body


def _without_quotes(body: bytes, max_rows: int) -> _Records:
    """Records are lines: counted and measured on the bytes, then split by pyarrow."""
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not body.endswith(b"\n"):
        body += b"\n"
    _limit_records(body.count(b"\n"), max_rows)
    octets = np.frombuffer(body, dtype=np.uint8)
    separators = _separators(octets)
    ends = np.flatnonzero(octets[separators] == ord("\n"))  # which separators end a line
    _limit_fields(body, separators, ends)
    fields = np.diff(ends, prepend=-1)
    stop = separators[ends]
    start = np.concatenate(([0], stop[:-1] + 1))

    header = _header(body[: stop[0]].decode().split(","))
    width = len(header)
    del separators  # as large as the body, and the columns come on top of it
    kept = ((fields == width) | (stop == start))[1:]
    columns = _split_lines(body, int(stop[0]) + 1, width, int(kept.sum()))
    is_blank = (stop == start)[1:].copy()
    for index in np.flatnonzero(~kept):
        text = body[start[index + 1] : stop[index + 1]]
        is_blank[index] = not text.replace(b",", b"").decode().strip(SPACES)
    if not kept.all():
        place = pa.array(np.cumsum(kept) - 1, mask=~kept)
        columns = [column.take(place).fill_null("") for column in columns]
    return _Records(header, columns, np.arange(2, len(kept) + 2), fields[1:].astype(np.int64), is_blank)


def _separators(octets: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where the commas and line ends are, looked for block by block: one pass would need several times the file."""
    found = []
    for begin in range(0, len(octets), _SEARCHED_BYTES):
        block = octets[begin : begin + _SEARCHED_BYTES]
        found.append(np.flatnonzero((block == ord(",")) | (block == ord("\n"))) + begin)
    return np.concatenate(found)


def _split_lines(body: bytes, offset: int, width: int, expected: int) -> list[pa.LargeStringArray]:
    """The fields of all lines of the right width (and of empty lines, as '') behind `offset`."""
    names = [str(position) for position in range(width)]
    if not expected:
        return [pa.array([], pa.large_string()) for _ in names]
    parts = []
    while offset < len(body):  # part by part, since a parser reserves more than it needs until its chunks are joined
        end = body.find(b"\n", min(offset + _PART_BYTES, len(body) - 1)) + 1
        part = arrow_csv.read_csv(
            pa.py_buffer(body).slice(offset, end - offset),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(
                quote_char=False, ignore_empty_lines=False, invalid_row_handler=lambda _row: "skip"
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        parts.append(part.combine_chunks())
        offset = end
    table = pa.concat_tables(parts)
    parts.clear()
    if table.num_rows != expected:  # our own count of fields decides which rows are whole, so it must be the same
        raise RuntimeError(f"pyarrow found {table.num_rows} whole rows where the bytes hold {expected}")
    columns = []
    while table.num_columns:  # a column's chunks are let go as soon as they are joined
        columns.append(_one_chunk(table.column(0)))
        table = table.remove_column(0)
    return columns


def _with_quotes(body: bytes, max_rows: int) -> _Records:
    """Records as the standard library's strict reader sees them; a broken quote refuses the file with its line."""
    reader = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
    header: tuple[str, ...] | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for record in reader:
            if any(len(field) > MAX_FIELD_CHARACTERS for field in record):
                raise UnreadableError("F208", line=line, limit=MAX_FIELD_CHARACTERS)
            if header is None:
                header = _header(record or [""])
            else:
                rows.append(record or [""])
                lines.append(line)
                _limit_records(len(rows), max_rows)
            line = reader.line_num + 1
    except csv.Error as error:
        code = "F208" if "field limit" in str(error) else "F210"
        raise UnreadableError(code, line=line, limit=MAX_FIELD_CHARACTERS) from None
    width = len(header or ())
    empty = [""] * width
    whole = [record if len(record) == width else empty for record in rows]
    columns = [pa.array(values, pa.large_string()) for values in zip(*whole, strict=True)]
    return _Records(
        header or (),
        columns or [pa.array([], pa.large_string()) for _ in range(width)],
        np.array(lines, dtype=np.int64),
        np.array([len(record) for record in rows], dtype=np.int64),
        np.array([len(r) != width and not "".join(r).strip(SPACES) for r in rows], dtype=np.bool_),
    )


def _header(fields: Sequence[str]) -> tuple[str, ...]:
    if len(fields) > MAX_COLUMNS:
        raise UnreadableError("F207", count=len(fields), limit=MAX_COLUMNS)
    return tuple(unicodedata.normalize("NFC", field.strip(SPACES)) for field in fields)


def _limit_records(count: int, max_rows: int) -> None:
    """Blank rows don't count towards the limit, but a file of nothing else must not fill the memory either."""
    if count > 2 * max_rows + 1_000:
        raise UnreadableError("F209", limit=max_rows)


def _limit_fields(body: bytes, separators: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
    wide = [
        begin + np.flatnonzero(np.diff(separators[begin : begin + _SEARCHED_FIELDS + 1]) > MAX_FIELD_CHARACTERS + 1) + 1
        for begin in range(0, len(separators), _SEARCHED_FIELDS)
    ]
    first = [np.zeros(1, dtype=np.int64)]  # has no separator before it
    for index in np.concatenate(first + wide):
        stop = int(separators[index])
        start = int(separators[index - 1]) + 1 if index else 0
        if len(body[start:stop].decode()) > MAX_FIELD_CHARACTERS:
            line = int(np.searchsorted(ends, index)) + 1
            raise UnreadableError("F208", line=line, limit=MAX_FIELD_CHARACTERS)


def _check_header(header: tuple[str, ...], columns: Sequence[NamedColumn]) -> list[Remark]:
    """Refuses a header that would leave a column's meaning open; returns the remark on unknown columns."""
    known = {column.name for column in columns}
    lowered = {name.lower() for name in header}
    separator = next((name for mark, name in _SEPARATORS.items() if len(header) == 1 and mark in header[0]), None)
    if separator is not None:
        raise UnreadableError("F217", separator=separator)
    if not known & lowered:
        raise UnreadableError("F218")
    repeated = [name for name in dict.fromkeys(header) if name and header.count(name) > 1]
    if repeated:
        raise UnreadableError("F204", columns=", ".join(_shown(name, header, known) for name in repeated))
    missing = [column.name for column in columns if column.required and column.name not in header]
    if missing:
        case = " Names are lower case." if lowered.intersection(missing) else ""
        raise UnreadableError("F203", columns=", ".join(missing), case=case)
    unknown = [_shown(name, header, known) for name in header if name not in known]
    return [Remark("F205", {"columns": ", ".join(unknown)})] if unknown else []


_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}


def _shown(name: str, header: Sequence[str], known: Collection[str]) -> str:
    """A header cell for a message: its position unless it is surely a name, for it may be data about a person."""
    if not name:
        return "(no name)"
    is_plain = len(name) <= 40 and all(character.isalnum() or character in " _-" for character in name)
    is_name = name in known or (is_plain and sum(character.isdigit() for character in name) < 5)
    return name if is_name else f"column {header.index(name) + 1}"


def _canonical(records: _Records, columns: Sequence[NamedColumn], *, is_ascii: bool) -> tuple[pd.DataFrame, int]:
    """The canonical frame and the number of blank rows left out of it."""
    cleaned = []
    while records.columns:  # each raw column is let go as soon as it is cleaned
        cleaned.append(_cleaned(records.columns.pop(0), is_ascii=is_ascii))
    is_empty = np.ones(len(records.line), dtype=np.bool_)
    for column in cleaned:
        is_empty &= pc.equal(column, "").to_numpy(zero_copy_only=False)
    is_blank = np.where(records.fields == len(records.header), is_empty, records.is_blank)
    keep = ~is_blank
    count = int(keep.sum())
    place = {name: position for position, name in enumerate(records.header)}
    mask = None if keep.all() else pa.array(keep)
    arrays: dict[str, Any] = {}
    for column in columns:
        if column.name in place:
            values = cleaned[place[column.name]]
            arrays[column.name] = values if mask is None else values.filter(mask)
        else:
            arrays[column.name] = pa.array([""], pa.large_string()).take(pa.array(np.zeros(count, dtype=np.int64)))
    frame = pa.table(arrays).to_pandas()
    frame["row"] = np.arange(1, count + 1, dtype=np.int64)
    frame["line"] = records.line[keep]
    frame["fields"] = records.fields[keep]
    return frame, int(is_blank.sum())


def _cleaned(column: pa.LargeStringArray, *, is_ascii: bool) -> pa.LargeStringArray:
    trimmed = pc.utf8_trim(column, characters=" " if is_ascii else SPACES)
    return trimmed if is_ascii else pc.utf8_trim(pc.utf8_normalize(trimmed, form="NFC"), characters=SPACES)


def _one_chunk(column: pa.ChunkedArray) -> pa.LargeStringArray:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
