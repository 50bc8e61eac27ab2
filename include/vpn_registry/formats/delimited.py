"""CSV: RFC 4180 text, split by one of two readers that give the same frame.

Files without a quote character (nearly all) go through pyarrow, the rest through the standard library's strict
reader, five times slower. Everything that can be refused on the bytes is refused before parsing, because a parser that
guesses loses columns without saying so.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from vpn_registry.formats.frame import (
    SPACES,
    Decoded,
    Records,
    Source,
    UnreadableError,
    cleaned,
    decoded,
    header_of,
    limit_records,
)
from vpn_registry.model import Limits

_PART_BYTES: Final = 1 << 21
_SEARCHED_BYTES: Final = 1 << 18  # fits into a core's own cache


def decode_csv(source: Source) -> Decoded:
    """RFC 4180 with comma, UTF-8 and a header line; lines may end in CRLF, LF or CR."""
    body = _checked_bytes(source.data)
    records = _with_quotes(body, source.limits) if b'"' in body else _without_quotes(body, source.limits)
    return decoded(records, source)


def _checked_bytes(data: bytes) -> bytes:
    """The bytes without BOM, known to be UTF-8 without NUL and not empty."""
    body = data.removeprefix(b"\xef\xbb\xbf")
    if not body or body.isspace():
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
    """Records are lines, split by pyarrow, which tells those of another width than the header's."""
    body, lines = _with_counted_lines(body)
    limit_records(lines, limits)
    start = body.index(b"\n") + 1
    heading = body[:start].decode().rstrip("\r\n")
    if _has_too_long(heading, limits.characters):
        raise UnreadableError("F208", line=1, limit=limits.characters)
    header = header_of(heading.split(","), limits)
    columns, others = _split_lines(body, start, len(header), limits.characters)
    count = len(columns[0]) + len(others)
    if count != lines - 1:  # a line lost would shift the numbers of all behind it
        raise RuntimeError(f"pyarrow found {count} lines where the bytes hold {lines - 1}")
    fields, is_blank = np.full(count, len(header), dtype=np.int64), np.zeros(count, dtype=np.bool_)
    for one in others:
        fields[one.row], is_blank[one.row] = one.fields, one.is_blank
    if others:
        kept = fields == len(header)
        place = pa.array(np.cumsum(kept) - 1, mask=~kept)
        columns = [column.take(place).fill_null("") for column in columns]
    return Records(header, columns, np.arange(2, count + 2), fields, is_blank)


def _with_counted_lines(body: bytes) -> tuple[bytes, int]:
    """The bytes with lines that end in LF or CRLF, the last one too, and how many there are."""
    if not body.endswith((b"\n", b"\r")):
        body += b"\n"
    lines, has_lone_return = _line_ends(body)
    if has_lone_return:
        body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines, _ = _line_ends(body)
    return body, lines


def _line_ends(body: bytes) -> tuple[int, bool]:
    """How many LF there are, and whether a CR has none behind it; block by block."""
    octets = np.frombuffer(body, dtype=np.uint8)
    lines, has_lone_return = int(body.endswith(b"\n")), body.endswith(b"\r")
    for start in range(0, len(body), _SEARCHED_BYTES):
        block = octets[start : start + _SEARCHED_BYTES + 1]  # and the first byte of the next one
        is_feed = block == ord("\n")
        lines += int(np.count_nonzero(is_feed[:-1]))
        has_lone_return |= bool(((block == ord("\r"))[:-1] & ~is_feed[1:]).any())
    return lines, has_lone_return


@dataclass(frozen=True, slots=True)
class _OtherWidth:
    """A line with more or fewer fields than the header; `row` counts the lines below the header from 0."""

    row: int
    fields: int
    is_blank: bool
    is_too_long: bool


def _split_lines(
    body: bytes, offset: int, width: int, longest: int
) -> tuple[list[pa.LargeStringArray], list[_OtherWidth]]:
    """The cleaned fields of all lines of the right width (and of empty lines, as '') behind `offset`, and the other
    lines. Raises UnreadableError for a field of more than `longest` characters."""
    others: list[_OtherWidth] = []
    before = 0

    def put_aside(line: Any) -> str:  # a pyarrow.csv.InvalidRow, numbered from 1 in its part
        is_blank = not line.text.replace(",", "").strip(SPACES)
        is_too_long = _has_too_long(line.text, longest)
        others.append(_OtherWidth(before + line.number - 1, line.actual_columns, is_blank, is_too_long))
        return "skip"

    parts: list[list[pa.LargeStringArray]] = []
    # Part by part: a parser reserves more than it needs until its chunks are joined, and a part is cleaned while it is
    # in the cores' own memory.
    while offset < len(body):
        end = body.find(b"\n", min(offset + _PART_BYTES, len(body) - 1)) + 1
        part = body[offset:end]
        seen = len(others)
        columns = _split(part, width, put_aside)
        too_long = _first_too_long(columns, others[seen:], before, longest)
        if too_long is not None:
            raise UnreadableError("F208", line=too_long + 2, limit=longest)
        is_ascii = part.isascii()
        parts.append([cleaned(column, is_ascii=is_ascii) for column in columns])
        before += len(columns[0]) + len(others) - seen
        offset = end
    joined = []
    for place in range(width):  # a column's parts are let go as soon as they are joined
        joined.append(_joined([part[place] for part in parts]))
        for part_columns in parts:
            part_columns[place] = None
    return joined, others


def _split(part: bytes, width: int, put_aside: Callable[[Any], str]) -> list[pa.LargeStringArray]:
    """The fields of the lines of one part, a column each; `put_aside` is given lines of another width."""
    names = [str(position) for position in range(width)]
    table = arrow_csv.read_csv(
        pa.py_buffer(part),
        # One block, so that no line is cut; by one thread, which alone knows the numbers of lines.
        read_options=arrow_csv.ReadOptions(column_names=names, block_size=len(part), use_threads=False),
        parse_options=arrow_csv.ParseOptions(quote_char=False, ignore_empty_lines=False, invalid_row_handler=put_aside),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.large_string()), strings_can_be_null=False, check_utf8=False
        ),
    )
    return [_joined(column.chunks) for column in table.columns]


def _has_too_long(line: str, longest: int) -> bool:
    # By a pattern, tried once a field: a line of millions of commas must not become millions of fields.
    return len(line) > longest and re.search(f"(?:^|,)[^,]{{{longest + 1}}}", line) is not None


def _first_too_long(
    columns: Sequence[pa.LargeStringArray], others: Sequence[_OtherWidth], before: int, longest: int
) -> int | None:
    """The first row of a part that begins at `before` with a field of more than `longest` characters."""
    rows = [one.row for one in others if one.is_too_long]
    places: list[int] = []
    for column in columns:
        if len(column) and pc.max(pc.binary_length(column)).as_py() > longest:
            places += np.flatnonzero(pc.greater(pc.utf8_length(column), longest))[:1].tolist()
    if places:
        row = before + min(places)
        for one in others:  # in order of rows: each stands before what was counted without it
            row += one.row <= row
        rows.append(row)
    return min(rows, default=None)


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
    columns = [cleaned(pa.array(values, pa.large_string()), is_ascii=False) for values in zip(*whole, strict=True)]
    return Records(
        header or (),
        columns or [pa.array([], pa.large_string()) for _ in range(width)],
        np.array(lines, dtype=np.int64),
        np.array([len(record) for record in rows], dtype=np.int64),
        np.array([len(r) != width and not "".join(r).strip(SPACES) for r in rows], dtype=np.bool_),
    )


def _joined(chunks: Sequence[pa.LargeStringArray]) -> pa.LargeStringArray:
    return chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks or [pa.array([], pa.large_string())])
