"""A workbook from its bytes to the frame that is judged, against pandas' usual way of reading one.

Goal: 100,000 rows at least 8 times faster than pandas with openpyxl, the guarding child process included. The workbook
is written as Excel writes one, with shared strings. CPU seconds of this process and its children; run by `make bench`,
which fetches openpyxl and XlsxWriter. The rows can be given as an argument.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tests.benchmarks import judge as sample
from vpn_registry import validation
from vpn_registry.model import Limits

sys.path.append(str(Path(__file__).resolve().parents[2] / ".venv/bench"))

GOAL = 8.0


def workbook(count: int) -> bytes:
    """The rows of the CSV benchmark as a workbook of text cells."""
    rows = [line.split(",") for line in sample.rows(count).decode().splitlines()]
    written = io.BytesIO()
    with pd.ExcelWriter(written, engine="xlsxwriter") as book:
        pd.DataFrame(rows[1:], columns=rows[0]).to_excel(book, index=False)
    return written.getvalue()


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one run, that of child processes included."""
    before = os.times()[:4]
    work()
    return sum(os.times()[:4]) - sum(before)


def ours(data: bytes) -> int:
    decoded, found = validation.read(data, "xlsx", sample.FEED, limits=Limits(rows=1_000_000))
    assert decoded is not None, found
    return len(decoded.frame)


def usual(data: bytes) -> int:
    return len(pd.read_excel(io.BytesIO(data), engine="openpyxl", dtype=str, keep_default_na=False))


def main(count: int = 100_000) -> int:
    """Print both times and their ratio; 1 when the goal is missed."""
    data = workbook(count)
    assert ours(data) == count
    mine, theirs = seconds(lambda: ours(data)), seconds(lambda: usual(data))
    ratio = theirs / mine
    print(f"{count:,} rows, {len(data) / 2**20:.1f} MiB: pandas with openpyxl {theirs:.1f} s, ours {mine:.2f} s")
    print(f"{ratio:.1f} times faster, goal {GOAL:.0f}: {'met' if ratio >= GOAL else 'MISSED'}")
    return int(ratio < GOAL)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
