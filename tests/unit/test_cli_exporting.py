"""Views written piece by piece: one whole file in each format, whatever the pieces."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer

from vpn_registry.cli.exporting import WRITERS
from vpn_registry.cli.look import show_or_write
from vpn_registry.registry.exports import Streamed
from vpn_registry.registry.views import Kind

AT = datetime(2026, 6, 16, 4, 0, tzinfo=UTC)
ROWS = [("a", "=1+1", None, None), ("b", 'say "x", y', 7, AT), ("پ", "line\x85break", 8, AT)]


def streamed(*pieces: list[tuple[Any, ...]]) -> Streamed:
    columns: dict[str, Kind] = {"ref": "text", "told": "text", "row": "number", "learnt_at": "moment"}
    return Streamed(columns, sum(map(len, pieces)), iter(pieces))


def written(fmt: str, *pieces: list[tuple[Any, ...]]) -> bytes:
    write: Callable[[Streamed, BinaryIO], None] = WRITERS[fmt]
    sink = io.BytesIO()
    write(streamed(*pieces), sink)
    return sink.getvalue()  # still open: the sink may be the screen


@pytest.mark.parametrize("fmt", ["csv", "json"])
def test_pieces_leave_no_trace(fmt: str) -> None:
    assert written(fmt, ROWS[:1], ROWS[1:]) == written(fmt, ROWS)


def test_cells_of_a_csv_are_safe_to_open() -> None:
    lines = written("csv", ROWS).decode().split("\r\n")
    assert lines[:3] == ["ref,told,row,learnt_at", "a,'=1+1,,", 'b,"say ""x"", y",7,2026-06-16T04:00:00Z']
    assert lines[3:] == ["پ,line break,8,2026-06-16T04:00:00Z", ""]


def test_json_keeps_numbers_texts_and_what_is_missing() -> None:
    told = json.loads(written("json", ROWS[:1], ROWS[1:]))
    assert told[0] == {"ref": "a", "told": "=1+1", "row": None, "learnt_at": None}
    assert told[2] == {"ref": "پ", "told": "line\x85break", "row": 8, "learnt_at": "2026-06-16T04:00:00Z"}


def test_parquet_has_one_type_a_column_whatever_its_first_piece_holds() -> None:
    table = pq.read_table(pa.BufferReader(written("parquet", ROWS[:1], ROWS[1:])))
    assert table.schema.types == [pa.string(), pa.string(), pa.int64(), pa.timestamp("us", "UTC")]
    assert [tuple(row.values()) for row in table.to_pylist()] == ROWS


def test_a_view_without_rows_still_has_its_columns() -> None:
    assert written("csv") == b"ref,told,row,learnt_at\r\n"
    assert json.loads(written("json")) == []
    assert pq.read_table(pa.BufferReader(written("parquet"))).column_names == ["ref", "told", "row", "learnt_at"]


def test_a_place_that_takes_no_file_is_wrong_usage(tmp_path: Path) -> None:
    for place, why in ((tmp_path, "Is a directory"), (tmp_path / "none" / "file", "No such file or directory")):
        with pytest.raises(typer.BadParameter, match=rf"{place} can't be written \({why}\)"):
            show_or_write(b"x", place)


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.touch(mode=0o644)
    show_or_write(b"x", file)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"x", 0o600)
