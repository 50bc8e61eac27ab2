"""What every format is read into: the canonical frame of text, and the checks that all formats share."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from vpn_registry.model import Limits

SPACES: Final = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
"""What trimming takes away. Tabs and line breaks are control characters: a rule refuses them, nothing hides them."""

_SEPARATORS: Final = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


class NamedColumn(Protocol):
    """What reading needs to know of a column of the feed's table."""

    @property
    def name(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def is_identifier(self) -> bool: ...
    @property
    def is_day(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read: its bytes, its name without the extension (None when nobody knows it), and what it may be.

    `delivered_bytes` is the size of what came over the wire: for what was inside of an archive that of the archive.
    """

    data: bytes = field(repr=False)
    ext: str
    columns: Sequence[NamedColumn]
    limits: Limits
    stem: str | None
    delivered_bytes: int

    @property
    def most_bytes(self) -> int:
        """How many bytes the file may have once unpacked."""
        return min(self.limits.inflated_bytes, self.limits.inflation * self.delivered_bytes)


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
    line where the record starts, or row of the sheet; header = 1) and `fields` (number of fields found), all int64.
    A row of the wrong width keeps its place with '' in every column. `header` is the file's own, `blank_rows` were
    skipped.

    `oddities` tells of cells of a workbook that were not plain text: (kind, column) -> positions in the frame
    (0-based, ascending). Kinds are those of `workbook.oddities`; a text format has none.
    """

    frame: pd.DataFrame
    header: tuple[str, ...]
    blank_rows: int
    remarks: tuple[Remark, ...]
    oddities: Mapping[tuple[str, str], IntArray] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Records:
    """Records below a header: columns are `cleaned`, and hold '' where the record's width differs from the header's.

    `is_blank` counts for records of the wrong width only, the others are blank without a value; a record that
    `is_odd` is never blank, and `skipped` blank ones are left out already. `oddities` are those of `Decoded`, with
    positions among all records.
    """

    header: tuple[str, ...]
    columns: list[pa.LargeStringArray]
    line: IntArray
    fields: IntArray
    is_blank: BoolArray
    is_odd: BoolArray | None = None
    skipped: int = 0
    oddities: Mapping[tuple[str, str], IntArray] = field(default_factory=dict)


def header_of(fields: Sequence[str], limits: Limits) -> tuple[str, ...]:
    """The header's names, trimmed. Raises UnreadableError when there are more than the limit."""
    if len(fields) > limits.columns:
        raise UnreadableError("F207", count=len(fields), limit=limits.columns)
    return tuple(unicodedata.normalize("NFC", field.strip(SPACES)) for field in fields)


def limit_records(count: int, limits: Limits) -> None:
    """Blank rows don't count towards the limit, but a file of nothing else must not fill the memory either."""
    if count > 2 * limits.rows + 1_000:
        raise UnreadableError("F209", limit=limits.rows)


def decoded(records: Records, source: Source, remarks: Sequence[Remark] = ()) -> Decoded:
    """The records as the canonical frame; raises UnreadableError for a header or a number of rows that is refused."""
    found = [*check_header(records.header, source.columns), *remarks]
    header, oddities, skipped = records.header, records.oddities, records.skipped
    frame, is_blank = canonical(records, source.columns)
    if len(frame) > source.limits.rows:
        raise UnreadableError("F209", limit=source.limits.rows)
    blank_rows = int(is_blank.sum()) + skipped
    if blank_rows:
        found.append(Remark("F216", {"count": blank_rows}))
        place = np.cumsum(~is_blank) - 1
        oddities = {name: place[at] for name, at in oddities.items()}
    return Decoded(frame, header, blank_rows, tuple(found), oddities)


def check_header(header: tuple[str, ...], columns: Sequence[NamedColumn]) -> list[Remark]:
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
        case = " Names are lower case." if lowered.intersection(missing) else _almost(header, missing)
        raise UnreadableError("F203", columns=", ".join(missing), case=case)
    unknown = [_shown(name, header, known) for name in header if name not in known]
    return [Remark("F205", {"columns": ", ".join(unknown)})] if unknown else []


def _almost(header: Sequence[str], missing: Sequence[str]) -> str:
    """A sentence on header cells that differ from a missing name only in marks, blanks or what can't be seen."""
    places = [place for place, name in enumerate(header, start=1) if _letters(name) in map(_letters, missing)]
    columns = ", ".join(map(str, places))
    return f" Type the names of these columns anew, with _ and nothing invisible: {columns}." if places else ""


def _letters(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isascii() and character.isalnum())


def _shown(name: str, header: Sequence[str], known: Collection[str]) -> str:
    """A header cell for a message: its position unless it is surely a name, for it may be data about a person."""
    if not name:
        return "(no name)"
    return name if name in known or is_plain_name(name) else f"column {header.index(name) + 1}"


def is_plain_name(name: str) -> bool:
    """Whether a file's own name of a column or sheet may be shown: it is surely no data about a person."""
    is_plain = len(name) <= 40 and all(character.isalnum() or character in " _-" for character in name)
    return is_plain and sum(character.isdigit() for character in name) < 5


def canonical(records: Records, columns: Sequence[NamedColumn]) -> tuple[pd.DataFrame, BoolArray]:
    """The canonical frame, and which records are blank and left out of it."""
    is_empty = np.ones(len(records.line), dtype=np.bool_)
    for column in records.columns:
        if not is_empty.any():
            break
        is_empty &= pc.equal(column, "").to_numpy(zero_copy_only=False)
    is_blank = np.where(records.fields == len(records.header), is_empty, records.is_blank)
    if records.is_odd is not None:
        is_blank &= ~records.is_odd
    keep = ~is_blank
    count = int(keep.sum())
    place = {name: position for position, name in enumerate(records.header)}
    mask = None if keep.all() else pa.array(keep)
    arrays: dict[str, Any] = {}
    for column in columns:
        if column.name in place:
            values = records.columns[place[column.name]]
            arrays[column.name] = values if mask is None else values.filter(mask)
        else:
            arrays[column.name] = pa.array([""], pa.large_string()).take(pa.array(np.zeros(count, dtype=np.int64)))
    frame = pa.table(arrays).to_pandas()
    frame["row"] = np.arange(1, count + 1, dtype=np.int64)
    frame["line"] = records.line[keep]
    frame["fields"] = records.fields[keep]
    return frame, is_blank


def cleaned(column: pa.LargeStringArray, *, is_ascii: bool) -> pa.LargeStringArray:
    """Text as it is judged: trimmed, and in Unicode's form C."""
    if is_ascii:
        return pc.ascii_trim(column, characters=" ")
    trimmed = pc.utf8_trim(column, characters=SPACES)
    return pc.utf8_trim(pc.utf8_normalize(trimmed, form="NFC"), characters=SPACES)
