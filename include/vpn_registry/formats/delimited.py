"""CSV: RFC 4180 text, split by one of two readers that give the same frame.

Files without a quote character (nearly all) go through pyarrow, the rest through the standard library's strict
reader, five times slower. Everything that can be refused on the bytes is refused before parsing, because a parser that
guesses loses columns without saying so.
"""

from __future__ import annotations

import csv
import io
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from vpn_registry.formats.frame import (
    SPACES,
    Decoded,
    Records,
    Source,
    UnreadableError,
    decoded,
    header_of,
    limit_records,
)
from vpn_registry.model import Limits

_BLOCK_BYTES: Final = 1 << 20
_PART_BYTES: Final = 1 << 25
_SEARCHED_BYTES: Final = 1 << 18  # fits into a core's own cache
_SEARCHED_FIELDS: Final = 1 << 20


def decode_csv(source: Source) -> Decoded:
    """RFC 4180 with comma, UTF-8 and a header line; lines may end in CRLF, LF or CR."""
    body = _checked_bytes(source.data)
    records = _with_quotes(body, source.limits) if b'"' in body else _without_quotes(body, source.limits)
    return decoded(records, source, is_ascii=body.isascii())


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


def _without_quotes(body: bytes, limits: Limits) -> Records:
    """Records are lines: counted and measured on the bytes, then split by pyarrow."""
    if b"\r" in body:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not body.endswith(b"\n"):
        body += b"\n"
    limit_records(body.count(b"\n"), limits)
    octets = np.frombuffer(body, dtype=np.uint8)
    separators = _separators(octets)
    ends = np.flatnonzero(octets[separators] == ord("\n"))  # which separators end a line
    _limit_fields(body, separators, ends, limits.characters)
    fields = np.diff(ends, prepend=-1)
    stop = separators[ends]
    start = np.concatenate(([0], stop[:-1] + 1))

    header = header_of(body[: stop[0]].decode().split(","), limits)
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
    return Records(header, columns, np.arange(2, len(kept) + 2), fields[1:].astype(np.int64), is_blank)


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


def _with_quotes(body: bytes, limits: Limits) -> Records:
    """Records as the standard library's strict reader sees them; a broken quote refuses the file with its line."""
    reader = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
    header: tuple[str, ...] | None = None
    rows: list[list[str]] = []
    lines: list[int] = []
    line = 1
    try:
        for record in reader:
            if any(len(field) > limits.characters for field in record):
                raise UnreadableError("F208", line=line, limit=limits.characters)
            if header is None:
                header = header_of(record or [""], limits)
            else:
                rows.append(record or [""])
                lines.append(line)
                limit_records(len(rows), limits)
            line = reader.line_num + 1
    except csv.Error as error:
        code = "F208" if "field limit" in str(error) else "F210"
        raise UnreadableError(code, line=line, limit=limits.characters) from None
    width = len(header or ())
    empty = [""] * width
    whole = [record if len(record) == width else empty for record in rows]
    columns = [pa.array(values, pa.large_string()) for values in zip(*whole, strict=True)]
    return Records(
        header or (),
        columns or [pa.array([], pa.large_string()) for _ in range(width)],
        np.array(lines, dtype=np.int64),
        np.array([len(record) for record in rows], dtype=np.int64),
        np.array([len(r) != width and not "".join(r).strip(SPACES) for r in rows], dtype=np.bool_),
    )


def _limit_fields(body: bytes, separators: NDArray[np.int64], ends: NDArray[np.int64], most: int) -> None:
    wide = [
        begin + np.flatnonzero(np.diff(separators[begin : begin + _SEARCHED_FIELDS + 1]) > most + 1) + 1
        for begin in range(0, len(separators), _SEARCHED_FIELDS)
    ]
    first = [np.zeros(1, dtype=np.int64)]  # has no separator before it
    for index in np.concatenate(first + wide):
        stop = int(separators[index])
        start = int(separators[index - 1]) + 1 if index else 0
        if len(body[start:stop].decode()) > most:
            line = int(np.searchsorted(ends, index)) + 1
            raise UnreadableError("F208", line=line, limit=most)


def _one_chunk(column: pa.ChunkedArray) -> pa.LargeStringArray:
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
