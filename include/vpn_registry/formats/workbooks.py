"""xlsx: the one worksheet with data, read by a guarded child process (`vpn_registry.workbook`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from vpn_registry.formats.contents import OLD_WORKBOOK, kind_of
from vpn_registry.formats.frame import (
    Decoded,
    IntArray,
    NamedColumn,
    Records,
    Remark,
    Source,
    UnreadableError,
    cleaned,
    decoded,
    header_of,
    is_plain_name,
)
from vpn_registry.workbook import guard
from vpn_registry.workbook.oddities import ODD_CELLS
from vpn_registry.workbook.refusal import RefusedError

_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")


def decode_xlsx(source: Source) -> Decoded:
    """Header in row 1 of the only worksheet with data; raises guard.ReaderError for what is no fault of the file's."""
    if kind_of(source.data) == OLD_WORKBOOK:
        if _ENCRYPTED in source.data:
            raise UnreadableError("F225")
        raise UnreadableError("F219", ext=source.ext, found=OLD_WORKBOOK)
    limits = source.limits
    bounds = guard.Bounds(source.most_bytes, limits.rows, limits.columns, limits.characters)
    try:
        table = guard.read(source.data, bounds)
    except RefusedError as refusal:
        raise UnreadableError(refusal.code, **_facts(refusal)) from None
    header = header_of(table.header, limits)
    remarks = []
    if table.hidden_rows or table.hidden_columns:
        names = [
            header[place] if is_plain_name(header[place]) else f"column {place + 1}" for place in table.hidden_columns
        ]
        remarks.append(Remark("F229", {"rows": table.hidden_rows, "columns": ", ".join(names) or "none"}))
    return decoded(_records(header, table.columns, source.columns), source, remarks)


def _facts(refusal: RefusedError) -> dict[str, object]:
    """The facts for the rule's texts; the name of a sheet is shown only when it is surely just a name."""
    sheets = refusal.facts.get("sheets")
    if not isinstance(sheets, list):
        return refusal.facts
    shown = [name if is_plain_name(name) else "(a name of its own)" for name in sheets]
    return {"count": len(sheets), "sheets": ", ".join(shown[:10])}


def _records(header: tuple[str, ...], table: pa.Table, columns: Sequence[NamedColumn]) -> Records:
    line, fields = (table.column(name).to_numpy() for name in ("line", "fields"))
    is_odd = np.zeros(len(line), dtype=np.bool_)
    oddities: dict[tuple[str, str], IntArray] = {}
    for column in columns:
        name = f"odd{header.index(column.name)}" if column.name in header else ""
        if name not in table.column_names:
            continue
        marks = table.column(name).to_numpy()
        for bit, kind in enumerate(ODD_CELLS):
            at = np.flatnonzero(marks >> bit & 1)
            if len(at) and not _is_in_order(kind, column):
                oddities[kind, column.name] = at
                is_odd[at] |= kind != "merged"  # a row that is merged over and holds nothing is blank
    texts = [table.column(str(place)).combine_chunks() for place in range(len(header))]
    texts = [cleaned(text.chunk(0) if isinstance(text, pa.ChunkedArray) else text, is_ascii=False) for text in texts]
    skipped = int(line[-1]) - 1 - len(line) if len(line) else 0
    return Records(header, texts, line, fields, np.zeros(len(line), dtype=np.bool_), is_odd, skipped, oddities)


def _is_in_order(kind: str, column: NamedColumn) -> bool:
    """Whether a cell of this kind is as good as text in this column."""
    return (kind == "number" and not column.is_identifier) or (kind == "date" and column.is_day)
