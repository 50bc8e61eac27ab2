"""The guarded reader of workbooks: what the file is to blame for is a refusal, what is ours is an error."""

from __future__ import annotations

import gzip
import sys

import pandas as pd
import pytest

from tests.hostile.hostile_archives import zipped
from tests.hostile.hostile_building import HEADER, row, table
from tests.workbooks import package, sheet
from vpn_registry import validation
from vpn_registry.model import Feed
from vpn_registry.workbook import guard
from vpn_registry.workbook.refusal import RefusedError

BOOK = package(sheet([["a"], ["1"]]))
BOUNDS = guard.Bounds(2**30, 100, 64, 4_000)


def test_a_workbook_that_needs_too_much_memory_is_refused() -> None:
    small = guard.Bounds(2**30, 100, 64, 4_000, memory_bytes=2**20)
    with pytest.raises(RefusedError) as refused:
        guard.read(BOOK, small)
    assert refused.value.code == "F230"


def test_a_workbook_that_needs_too_much_computing_time_is_refused() -> None:
    slow = sheet([["a"]] * 150_000, head="<!-- not plain: each tag is looked at by itself -->")
    short = guard.Bounds(2**30, 200_000, 64, 4_000, cpu_seconds=1)
    with pytest.raises(RefusedError) as refused:
        guard.read(package(slow), short)
    assert refused.value.code == "F230"
    assert guard.read(BOOK, BOUNDS).header == ("a",)


def test_a_machine_that_gives_no_process_or_no_time_is_our_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(guard.ReaderError, match="did not end within"):
        guard.read(BOOK, BOUNDS, wall_seconds=0.001)
    monkeypatch.setattr(guard, "_CHILD", "vpn_registry.workbook.nothing")
    with pytest.raises(guard.ReaderError, match="could not be started"):
        guard.read(BOOK, BOUNDS)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(guard.ReaderError, match="could not be started"):
        guard.read(BOOK, BOUNDS)


def test_the_same_rows_read_the_same_in_every_format() -> None:
    rows = [row("R-1", client_name="سندھ & <Sons>"), row("R-2", ntn="822910"), row("R-3", city='The "Mall", Lahore')]
    text = table(rows)
    book = package(sheet([HEADER, *([one[name] for name in HEADER] for one in rows)]))
    files = {
        "csv": text,
        "csv.gz": gzip.compress(text),
        "csv.zip": zipped(("x.csv", text)),
        "xlsx": book,
        "xlsx.zip": zipped(("x.xlsx", book)),
    }
    frames = {}
    for ext, data in files.items():
        decoded, found = validation.read(data, ext, Feed.REGISTRATIONS, stem="x")
        assert not found
        assert decoded is not None
        frames[ext] = decoded.frame
    for frame in frames.values():
        pd.testing.assert_frame_equal(frame, frames["csv"])
