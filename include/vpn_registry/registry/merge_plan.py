"""What a merge is about to do: the rows of one delivery in a temporary table, and the plan made from them.

The effects and the order of sequence numbers are explained in books.py, which carries the plan out.
"""

from __future__ import annotations

from collections.abc import Collection
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
PLAN: Final = Table(
    "merge_plan",
    _TEMPORARY,
    sa.Column("row", Integer, primary_key=True, autoincrement=False),
    sa.Column("key", Text),
    sa.Column("current_id", BIG, index=True),  # without it SQLite looks the plan through for every current row
    sa.Column("is_new", Boolean),
    sa.Column("is_closing", Boolean),
    sa.Column("is_decisive", Boolean),  # its number is above the one that decided last
    sa.Column("closed_by_id", BIG),  # a later closing full file that left an unknown key out
    sa.Column("effect", Text),
    sa.Column("adds_version", Boolean),
    sa.Column("shows_content", Boolean),
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
        """The temporary table of a delivery's rows."""
        name = f"staged_{self.feed.value}"
        if name in _TEMPORARY.tables:
            return _TEMPORARY.tables[name]
        columns = [sa.Column(column, Text) for column in ("key", "action", "content_sha256", *self.content)]
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


def stage(task: Merge, rows: pd.DataFrame) -> None:
    """Load the rows and empty the plan."""
    connection = task.db.connection()
    for table in (task.book.staged, PLAN):
        # Made once a connection: temporary tables are no part of the schema, and live as long as it.
        table.create(connection, checkfirst=True)
        connection.execute(sa.delete(table))
    insert_frame(task.db, task.book.staged, rows)


def plan(task: Merge) -> None:
    """What each staged row does, from one join with the current rows."""
    staged, current = task.book.staged, task.book.current
    closed_by = _closed_by(task)
    is_new, is_closing = current.c.id.is_(None), staged.c.action == "withdraw"
    effect = _effect(task, closed_by)
    is_decisive = or_(is_new & closed_by.is_(None), func.coalesce(current.c.decided_seq < task.seq, False))
    says_something = effect.in_([e.value for e in Effect if e not in (Effect.UNCHANGED, Effect.OVERTAKEN)])
    facts = {
        "row": staged.c.row,
        "key": staged.c.key,
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
    joined = staged.outerjoin(current, and_(task.is_own, current.c[task.book.key] == staged.c.key))
    task.db.execute(insert(PLAN).from_select(list(facts), select(*facts.values()).select_from(joined)))
    _plan_overtaken(task)
    if task.db.get_bind().dialect.name == "postgresql":
        # A table made a moment ago has no statistics, and none makes the joins quadratic.
        for table in (PLAN, staged):
            task.db.execute(sa.text(f"ANALYZE {table.name}"))


def _effect(task: Merge, closed_by: Any) -> Any:
    staged, current = task.book.staged, task.book.current
    is_new, is_closing = current.c.id.is_(None), staged.c.action == "withdraw"
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
        (current.c.content_sha256 == staged.c.content_sha256, Effect.UNCHANGED.value),
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
            ~exists(
                select(KeptKeyRow.key).where(KeptKeyRow.delivery_id == i, KeptKeyRow.key == task.book.staged.c.key)
            ),
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
    connection = task.db.connection()
    table.create(connection, checkfirst=True)
    connection.execute(sa.delete(table))
    insert_frame(task.db, table, pd.DataFrame({"key": sorted(set(keys))}))
    return select(table.c.key)
