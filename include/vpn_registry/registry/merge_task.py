"""One merge under way: its book, its delivery, and the temporary tables it works in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Boolean, ColumnElement, Integer, Table, Text
from sqlalchemy.orm import Session

from vpn_registry.model import Delivery, Feed
from vpn_registry.registry import deciding
from vpn_registry.registry.deciding import Closing
from vpn_registry.registry.tables.base import BIG

_TEMPORARY: Final = sa.MetaData()
ROWS: Final = Table(
    "merge_rows",
    _TEMPORARY,
    sa.Column("row", Integer),
    sa.Column("key", Text),
    sa.Column("is_closing", Boolean),
    sa.Column("content_sha256", Text),
    prefixes=["TEMPORARY"],
)
PLAN: Final = Table(
    "merge_plan",
    _TEMPORARY,
    sa.Column("row", Integer, primary_key=True, autoincrement=False),
    sa.Column("key", Text),
    sa.Column("content_sha256", Text),
    sa.Column("current_id", BIG),
    sa.Column("is_new", Boolean),
    sa.Column("is_closing", Boolean),
    sa.Column("is_decisive", Boolean),  # its number is above the one that decided last
    sa.Column("closed_by_id", BIG),  # a later closing full file that left an unknown key out
    sa.Column("effect", Text),
    sa.Column("adds_version", Boolean),
    sa.Column("shows_content", Boolean),
    sa.Column("version_id", BIG),  # the version that the row became
    prefixes=["TEMPORARY"],
)
ABSENT: Final = Table(
    "merge_absent",
    _TEMPORARY,
    sa.Column("current_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("is_in_force", Boolean),
    sa.Column("content_seq", Integer),
    prefixes=["TEMPORARY"],
)
for _asked in (ROWS.c.key, PLAN.c.current_id):
    # Without it SQLite looks the whole table through for every current row; PostgreSQL joins by hashes.
    sa.Index(None, _asked).ddl_if(dialect="sqlite")
KEYS: Final = Table("merge_keys", _TEMPORARY, sa.Column("key", Text), prefixes=["TEMPORARY"])


@dataclass(frozen=True, slots=True)
class Book:
    """One book: its feed, tables, key column, and the content columns of its versions."""

    feed: Feed
    current: Table
    versions: Table
    key: str
    content: tuple[str, ...]

    @property
    def staged(self) -> Table:
        """The temporary table of the content that becomes a version."""
        name = f"staged_{self.feed.value}"
        if name in _TEMPORARY.tables:
            return _TEMPORARY.tables[name]
        columns = [sa.Column(column, Text) for column in ("action", *self.content)]
        return Table(name, _TEMPORARY, sa.Column("row", Integer, primary_key=True), *columns, prefixes=["TEMPORARY"])


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge under way; `closing` is the closing full file that spoke for all rows before it."""

    db: Session
    book: Book
    delivery: Delivery
    at: datetime
    closing: Closing
    closes_absent: bool

    @property
    def seq(self) -> int:
        name = self.delivery.name
        if name is None or name.feed is not self.book.feed:
            raise ValueError(f"delivery {self.delivery.id} is not of the feed {self.book.feed.value}")
        return name.seq

    @property
    def content_on(self) -> Any:
        return None if self.delivery.name is None else self.delivery.name.content_on

    @property
    def is_own(self) -> ColumnElement[bool]:
        return self.book.current.c.isp == self.delivery.isp

    @property
    def key(self) -> ColumnElement[str]:
        return self.book.current.c[self.book.key]

    @property
    def speaks_for_all(self) -> bool:
        """Whether this delivery decides every key that it doesn't keep, without a word in each."""
        return self.closes_absent and self.seq > self.closing.seq

    @property
    def decided_seq(self) -> ColumnElement[int]:
        """The number that decided a key, to be compared with that of this delivery."""
        if self.seq > self.closing.seq:
            # Whatever the closing file decided lies below too: a row's own number gives the same answer.
            return self.book.current.c.decided_seq
        return deciding.decided_seq(self.book.current.c, self.key, self.closing)

    @property
    def content_seq(self) -> ColumnElement[int | None]:
        """The number whose content a key shows before this delivery."""
        return deciding.content_seq(self.book.current.c, self.key, self.closing)
