"""Files of the sample deliveries: rows to bytes, and what is expected of them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from vpn_registry.demo.sample_cast import Row
from vpn_registry.model import Feed, Mode, Outcome, ZoneFolder
from vpn_registry.rulebook.columns import COLUMNS

TABLE: Final = {feed: tuple(column.name for column in COLUMNS[feed]) for feed in Feed}


class Counts(NamedTuple):
    """accepted + rejected + duplicate = total."""

    total: int
    accepted: int
    rejected: int = 0
    duplicate: int = 0


class BadRow(NamedTuple):
    """A row that gets a finding: its number in the file (data rows from 1), the rule's code, and what is wrong."""

    row: int
    code: str
    what: str


@dataclass(frozen=True, slots=True)
class Drop:
    """One file an ISP drops. `outcome` is None for a sidecar; `rows` is None where the file is refused unread."""

    isp: str
    name: str
    content: bytes
    about: str
    outcome: Outcome | None = Outcome.ACCEPTED
    rows: Counts | None = None
    bad: tuple[BadRow, ...] = ()
    folder: ZoneFolder = ZoneFolder.INCOMING
    again: bool = False


def file_name(isp: str, feed: Feed, mode: Mode, day: date, age: int, seq: int) -> str:
    """The name of a CSV whose content describes the day `age` days before `day`."""
    return f"{isp}_{feed}_{mode}_{day - timedelta(days=age):%Y%m%d}_{seq:04d}.csv"


def to_csv(feed: Feed, rows: Sequence[Row], *, without: Iterable[str] = (), newline: str = "\n") -> str:
    """A header line and the rows, quoted where needed. `without` leaves columns out."""
    table = [column for column in TABLE[feed] if column not in set(without)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline)
    writer.writerow(table)
    writer.writerows([row[column] for column in table] for row in rows)
    return text.getvalue()
