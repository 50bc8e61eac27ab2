"""What a merge is about to do: the keys of one delivery in a temporary table, and the plan made from them.

Of every row only its key and its hash are loaded. One join with the current rows finds those that do something: they
are the plan, and only their content is loaded then. A row that repeats what its key holds is in no plan.
The effects and the order of sequence numbers are explained in books.py, which carries the plan out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Table,
    Text,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from vpn_registry.model import Delivery, Effect, Feed
from vpn_registry.registry.bulk import insert_frame
from vpn_registry.registry.tables import DeliveryRow, KeptKeyRow
from vpn_registry.registry.tables.base import BIG

_TEMPORARY: Final = sa.MetaData()
_HASHED: Final = "128MB"
"""What one join of a merge may take of PostgreSQL's memory, instead of going over the disk: a million keys."""
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
    sa.Column("current_id", BIG, index=True),  # without it SQLite looks the plan through for every current row
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
    """One merge under way."""

    db: Session
    book: Book
    delivery: Delivery
    at: datetime

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


def make(task: Merge, rows: pd.DataFrame) -> None:
    """Load the keys (`row`, `key`, `is_closing`, `content_sha256`), and plan what each row does that does something."""
    if task.db.get_bind().dialect.name == "postgresql":
        task.db.execute(sa.text(f"SET LOCAL work_mem = '{_HASHED}'"))
    for table in (ROWS, PLAN, task.book.staged):
        _empty(task, table)
    insert_frame(task.db, ROWS, rows)
    _analyze(task, ROWS, "key")
    _plan(task)
    _plan_overtaken(task)
    _analyze(task, PLAN, "current_id, effect, is_new, adds_version")


def stage_content(task: Merge, content: Callable[[pd.Series[int]], pd.DataFrame]) -> None:
    """Load `action` and content of the rows that become a version; a closing row has none."""
    wanted = select(PLAN.c.row).where(PLAN.c.adds_version, ~PLAN.c.is_closing).order_by(PLAN.c.row)
    numbers = pd.Series(task.db.scalars(wanted).all(), dtype="int64")
    insert_frame(task.db, task.book.staged, content(numbers))
    _analyze(task, task.book.staged, '"row"')


def repeats(task: Merge) -> ColumnElement[bool]:
    """Which current rows a row of the delivery repeats, joined by key: in force with equal content."""
    current = task.book.current
    return and_(
        task.is_own,
        current.c[task.book.key] == ROWS.c.key,
        current.c.content_sha256 == ROWS.c.content_sha256,
        current.c.is_in_force,
        current.c.decided_seq < task.seq,
        ~ROWS.c.is_closing,
    )


def _empty(task: Merge, table: Table) -> None:
    connection = task.db.connection()
    # Made once a connection: temporary tables are no part of the schema, and live as long as it.
    table.create(connection, checkfirst=True)
    # Rows that are only deleted would stay in PostgreSQL's table for the merges to come.
    verb = "TRUNCATE" if connection.dialect.name == "postgresql" else "DELETE FROM"
    connection.execute(sa.text(f"{verb} {table.name}"))


def _analyze(task: Merge, table: Table, columns: str) -> None:
    if task.db.get_bind().dialect.name == "postgresql":
        # A table made a moment ago has no statistics, and none makes the joins quadratic.
        task.db.execute(sa.text(f"ANALYZE {table.name} ({columns})"))


def _plan(task: Merge) -> None:
    current = task.book.current
    closed_by = _closed_by(task)
    is_new, is_closing = current.c.id.is_(None), ROWS.c.is_closing
    effect = _effect(task, closed_by)
    is_decisive = or_(is_new & closed_by.is_(None), func.coalesce(current.c.decided_seq < task.seq, False))
    says_something = effect.in_([e.value for e in Effect if e not in (Effect.UNCHANGED, Effect.OVERTAKEN)])
    facts = {
        "row": ROWS.c.row,
        "key": ROWS.c.key,
        "content_sha256": ROWS.c.content_sha256,
        "current_id": current.c.id,
        "is_new": is_new,
        "is_closing": is_closing,
        "is_decisive": is_decisive,
        "closed_by_id": closed_by,
        "effect": effect,
        # A withdrawal of what is closed already is kept: an earlier content may still come in between.
        "adds_version": or_(is_new, says_something, and_(is_closing, is_decisive)),
        "shows_content": and_(~is_closing, or_(is_new, says_something)),
    }
    joined = ROWS.outerjoin(current, and_(task.is_own, current.c[task.book.key] == ROWS.c.key))
    does_something = or_(effect != Effect.UNCHANGED.value, is_closing)
    planned = select(*facts.values()).select_from(joined).where(does_something)
    task.db.execute(insert(PLAN).from_select(list(facts), planned))


def _effect(task: Merge, closed_by: Any) -> Any:
    current = task.book.current
    is_new, is_closing = current.c.id.is_(None), ROWS.c.is_closing
    return case(
        (is_new & closed_by.is_not(None), Effect.OVERTAKEN.value),
        (is_new & is_closing, Effect.CLOSED.value),
        (is_new, Effect.CREATED.value),
        (current.c.decided_seq == task.seq, Effect.UNCHANGED.value),
        (current.c.decided_seq > task.seq, Effect.OVERTAKEN.value),
        (is_closing & current.c.is_in_force, Effect.CLOSED.value),
        (is_closing, Effect.UNCHANGED.value),
        (~current.c.is_in_force & current.c.content_seq.is_(None), Effect.CREATED.value),
        (~current.c.is_in_force, Effect.REINSTATED.value),
        (current.c.content_sha256 == ROWS.c.content_sha256, Effect.UNCHANGED.value),
        else_=Effect.CHANGED.value,
    )


def _plan_overtaken(task: Merge) -> None:
    """An overtaken row of a known key is kept as history, once; a closed key shows it if nothing newer is shown."""
    current, versions = task.book.current, task.book.versions
    is_kept_already = exists(
        select(versions.c.id).where(
            versions.c.delivery_id == task.delivery.id,
            versions.c.row == PLAN.c.row,
            versions.c.current_id == PLAN.c.current_id,
        )
    )
    is_newest_content = exists(
        select(current.c.id).where(
            current.c.id == PLAN.c.current_id,
            ~current.c.is_in_force,
            func.coalesce(current.c.content_seq, 0) < task.seq,
        )
    )
    task.db.execute(
        update(PLAN)
        .where(PLAN.c.effect == Effect.OVERTAKEN.value, ~PLAN.c.is_new, ~is_kept_already)
        .values(adds_version=True, shows_content=and_(~PLAN.c.is_closing, is_newest_content))
    )


def _closed_by(task: Merge) -> Any:
    """For an unknown key: the newest closing full file above this number that left it out, else NULL."""
    later = task.db.scalars(
        select(DeliveryRow.id)
        .where(
            DeliveryRow.isp == task.delivery.isp,
            DeliveryRow.feed == task.book.feed,
            DeliveryRow.is_closing,
            DeliveryRow.seq > task.seq,
        )
        .order_by(DeliveryRow.seq.desc())
    ).all()
    if not later:
        return sa.cast(null(), BIG)
    kept = [
        (
            ~exists(select(KeptKeyRow.key).where(KeptKeyRow.delivery_id == i, KeptKeyRow.key == ROWS.c.key)),
            literal(i, BIG),
        )
        for i in later
    ]
    return case((task.book.current.c.id.is_not(None), sa.cast(null(), BIG)), *kept)


def keys(task: Merge, keys: Collection[str]) -> sa.Select[tuple[str]]:
    """Keys as a subquery over a temporary table: a list of parameters has a limit."""
    table = _TEMPORARY.tables.get("merge_keys")
    if table is None:
        table = Table("merge_keys", _TEMPORARY, sa.Column("key", Text), prefixes=["TEMPORARY"])
    _empty(task, table)
    insert_frame(task.db, table, pd.DataFrame({"key": sorted(set(keys))}))
    return select(table.c.key)
