"""Long lists: one page of them on the screen, or all of it (up to a limit) as a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import Response

from vpn_registry.model import iso_utc
from vpn_registry.spreadsheet import safe_cell

PAGE_ROWS: Final = 50
SHEET_ROWS: Final = 20_000
"""A sheet holds no more; `vpnreg export` gives everything."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of a list are asked for: page `number` (from 1), or a whole sheet."""

    number: int
    is_sheet: bool

    @property
    def limit(self) -> int:
        return SHEET_ROWS if self.is_sheet else PAGE_ROWS

    @property
    def offset(self) -> int:
        return 0 if self.is_sheet else (self.number - 1) * PAGE_ROWS


@dataclass(frozen=True, slots=True)
class Paging:
    """Where a page stands in its list."""

    number: int
    total: int
    first: int
    last: int
    pages: int


def window(page: int, form: str) -> Window:
    """The rows that `?page=` and `?form=` ask for; a page before the first is the first."""
    return Window(max(1, page), form == "csv")


def paging(asked: Window, shown: int, total: int) -> Paging:
    pages = max(1, -(-total // PAGE_ROWS))
    return Paging(asked.number, total, asked.offset + 1 if shown else 0, asked.offset + shown, pages)


def sheet(name: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]], total: int) -> Response:
    """Rows as a CSV file that is safe to open in a spreadsheet; `columns` maps their keys to the header's words.

    When there are more rows than a sheet holds the last line says so.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns.values())
    written = 0
    for row in rows:
        writer.writerow([_cell(row.get(key)) for key in columns])
        written += 1
    if total > written:
        writer.writerow([f"{total - written} more rows are left out; vpnreg export gives all."])
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store"}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: object) -> str:
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)  # a negative number is no formula
    return safe_cell(value)


def chosen(value: str, known: Sequence[str]) -> str:
    """The filter's value if it is one that exists, else none: a mistyped link shows the whole list."""
    return value if value in known else ""
