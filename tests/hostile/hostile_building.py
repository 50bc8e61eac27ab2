"""What hostile and odd inputs are built from: one good row a feed, and files around it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from vpn_registry.model import Feed
from vpn_registry.rulebook import columns_of

TODAY: Final = date(2026, 6, 15)
PREFIXES: Final = ("39.32.0.0/11", "2400:adc0::/29")
NAME: Final = "indus_registrations_delta_20260615_0001.csv"
HEADER: Final = [column.name for column in columns_of(Feed.REGISTRATIONS)]
_EXAMPLES: Final = {feed: {column.name: column.example for column in columns_of(feed)} for feed in Feed}


@dataclass(frozen=True)
class OddCell:
    """One value in one column of an otherwise good row, and the codes that must come back for that row.

    `others` are further columns of the row. The row is rejected when a code is not one of W (or H301, H401, H405).
    """

    name: str
    family: str
    column: str
    value: str
    codes: str = ""
    others: Mapping[str, str] | None = None
    feed: Feed = Feed.REGISTRATIONS


@dataclass(frozen=True)
class OddFile:
    """Whole bytes under a good name: file-level codes, and the counts (total, accepted, rejected, duplicate)."""

    name: str
    family: str
    build: Callable[[], bytes]
    codes: str = ""
    rows: tuple[int, int, int, int] = (0, 0, 0, 0)
    file: str = NAME


@dataclass(frozen=True)
class OddName:
    """A file name in the zone of indus, and the file-level codes its name alone gets."""

    name: str
    family: str
    file: str
    codes: str = ""


def row(ref: str = "R-1", feed: Feed = Feed.REGISTRATIONS, /, **changes: str) -> dict[str, str]:
    """A good row, changed as told; public addresses of the filer's own."""
    base = dict(_EXAMPLES[feed])
    if feed is Feed.REGISTRATIONS:
        base |= {"registration_ref": ref, "local_ip": "39.32.0.8", "valid_to": ""}
    if feed is Feed.CLIENTS:
        base |= {"subscriber_id": ref, "service_ips": "39.32.0.8"}
    return base | changes


def table(
    rows: Iterable[Mapping[str, str]], feed: Feed = Feed.REGISTRATIONS, newline: str = "\r\n", end: bool = True
) -> bytes:
    """A CSV file of these rows, quoted where it must be."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline)
    names = [column.name for column in columns_of(feed)]
    writer.writerow(names)
    writer.writerows([one[name] for name in names] for one in rows)
    data = text.getvalue().encode("utf-8", "surrogatepass")
    return data if end else data.removesuffix(newline.encode())


def lines(*changes: Mapping[str, str]) -> list[str]:
    """The lines of a good file without their ends: the header, then one row a change."""
    rows = [row(f"R-{number}", **change) for number, change in enumerate(changes, start=1)]
    return table(rows, newline="\n").decode().removesuffix("\n").split("\n")


def joined(parts: Iterable[str], newline: str = "\n") -> bytes:
    return "".join(part + newline for part in parts).encode()
