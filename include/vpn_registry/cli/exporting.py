"""A view written out as csv, json or parquet, piece by piece: a registry of any size takes little memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from vpn_registry.model import iso_utc
from vpn_registry.spreadsheet import safe_cell

if TYPE_CHECKING:
    from vpn_registry.registry.queries import Streamed


def write_csv(view: Streamed, sink: BinaryIO) -> None:
    """RFC 4180 with a header line; cells are safe to open in a spreadsheet."""
    text = io.TextIOWrapper(sink, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(view.columns)
    for rows in view.pieces:
        writer.writerows([safe_cell(_told(value)) for value in row] for row in rows)
    text.detach()  # the sink stays open, it may be the screen


def write_json(view: Streamed, sink: BinaryIO) -> None:
    """One array of objects; null where there is no number or moment."""
    separator = "\n"
    sink.write(b"[")
    for rows in view.pieces:
        for row in rows:
            values = dict(zip(view.columns, map(_told, row), strict=True))
            told = json.dumps(values, indent=2, ensure_ascii=False).replace("\n", "\n  ")
            sink.write(f"{separator}  {told}".encode())
            separator = ",\n"
    sink.write(b"\n]\n" if view.count else b"]\n")


def write_parquet(view: Streamed, sink: BinaryIO) -> None:
    """Text as string, numbers as int64, moments as microseconds in UTC."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"text": pa.string(), "number": pa.int64(), "moment": pa.timestamp("us", "UTC")}
    schema = pa.schema([(name, kinds[kind]) for name, kind in view.columns.items()])
    with pq.ParquetWriter(sink, schema) as writer:
        for rows in view.pieces:
            columns = (pa.array(values, of.type) for values, of in zip(zip(*rows, strict=True), schema, strict=True))
            writer.write_batch(pa.record_batch(list(columns), schema=schema))


WRITERS: Final[Mapping[str, Callable[[Streamed, BinaryIO], None]]] = {
    "csv": write_csv,
    "json": write_json,
    "parquet": write_parquet,
}


def _told(value: Any) -> Any:
    return iso_utc(value) if isinstance(value, datetime) else value
