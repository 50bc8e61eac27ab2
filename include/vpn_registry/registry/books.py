"""The merge of one delivery into a book, with history, set-based (contract sections 3 and 6).

The rows are loaded into a temporary table, a plan is made from one join with the current rows, and every change
follows from the plan; nothing loops over rows. The order is the sequence number, not arrival:

- a row decides its key when its number is above the one that decided last; a lower one is overtaken: kept as history;
- an overtaken row still gives a closed key its content when it is newer than the content shown;
- a closing full file decides every key it leaves out, also the closed ones, and those it hasn't heard of yet: a late
  row below it about an unknown key leaves a record that is closed from the start.

So the same files in any order of arrival leave the same book.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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
_PLAN: Final = Table(
    "merge_plan",
    _TEMPORARY,
    sa.Column("row", Integer),
    sa.Column("key", Text),
    sa.Column("current_id", BIG),
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
class _Merge:
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


def merge(
    db: Session,
    book: Book,
    delivery: Delivery,
    rows: pd.DataFrame,
    *,
    at: datetime,
    closes_absent: bool,
    kept: Collection[str],
    confirmed: Collection[str],
) -> int:
    """Merge staged rows (`row`, `key`, `action`, `content_sha256` and the book's content) of one delivery.

    `closes_absent`: keys of the ISP that the file doesn't name are closed, except those in `kept` (named by a rejected
    row). `confirmed` keys are in force already as a duplicate row says again: only their deciding number moves.
    Leaves the plan behind for `plan_of`; returns how many keys were closed by absence.
    """
    task = _Merge(db, book, delivery, at)
    _lock(db, delivery.isp)
    _stage(task, rows)
    _plan(task)
    _add_unknown(task)
    _add_versions(task)
    _show_content(task)
    _decide(task)
    _confirm(task, confirmed)
    closed = _close_absent(task, kept) if closes_absent else 0
    _date_closings(task, closes_absent=closes_absent)
    return closed


def plan_of(book: Book) -> tuple[Table, Table]:
    """The temporary tables of the last merge in this transaction: the plan, and the rows as staged."""
    return _PLAN, book.staged


def _lock(db: Session, isp: str) -> None:
    # One merge an ISP at a time; SQLite has a single writer anyway.
    if db.get_bind().dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"merge {isp}"))))


def _stage(task: _Merge, rows: pd.DataFrame) -> None:
    connection = task.db.connection()
    for table in (task.book.staged, _PLAN):
        # Made once a connection: temporary tables are no part of the schema, and live as long as it.
        table.create(connection, checkfirst=True)
        connection.execute(sa.delete(table))
    insert_frame(task.db, task.book.staged, rows)


def _plan(task: _Merge) -> None:
    book, staged, current = task.book, task.book.staged, task.book.current
    is_new = current.c.id.is_(None)
    is_closing = staged.c.action == "withdraw"
    closed_by = _closed_by(task)
    is_decisive = or_(is_new & closed_by.is_(None), current.c.decided_seq < task.seq)
    effect = case(
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
    joined = staged.outerjoin(current, and_(task.is_own, current.c[book.key] == staged.c.key))
    task.db.execute(
        insert(_PLAN).from_select(
            ["row", "key", "current_id", "is_new", "is_closing", "is_decisive", "closed_by_id", "effect"],
            select(
                staged.c.row, staged.c.key, current.c.id, is_new, is_closing,
                func.coalesce(is_decisive, False), closed_by, effect,
            ).select_from(joined),
        )
    )  # fmt: skip
    _plan_consequences(task)


def _plan_consequences(task: _Merge) -> None:
    """Which rows add a version, and which give their key the content that is shown."""
    current, versions = task.book.current, task.book.versions
    is_overtaken = _PLAN.c.effect == Effect.OVERTAKEN.value
    is_known_row = exists(
        select(versions.c.id).where(
            versions.c.delivery_id == task.delivery.id,
            versions.c.row == _PLAN.c.row,
            versions.c.current_id == _PLAN.c.current_id,
        )
    )
    is_newest_content = exists(
        select(current.c.id).where(
            current.c.id == _PLAN.c.current_id,
            ~current.c.is_in_force,
            func.coalesce(current.c.content_seq, 0) < task.seq,
        )
    )
    says_something = _PLAN.c.effect != Effect.UNCHANGED.value
    task.db.execute(
        update(_PLAN).values(
            adds_version=case(
                (is_overtaken, ~is_known_row),
                else_=or_(says_something, and_(_PLAN.c.is_closing, _PLAN.c.is_decisive)),
            ),
            shows_content=and_(
                ~_PLAN.c.is_closing,
                case(
                    (_PLAN.c.is_new, sa.true()),
                    (is_overtaken, and_(is_newest_content, ~is_known_row)),
                    else_=says_something,
                ),
            ),
        )
    )


def _closed_by(task: _Merge) -> Any:
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


def _seq_of(delivery_id: ColumnElement[Any]) -> Any:
    return select(DeliveryRow.seq).where(DeliveryRow.id == delivery_id).scalar_subquery()


def _add_unknown(task: _Merge) -> None:
    book, current = task.book, task.book.current
    columns = ["isp", book.key, "is_in_force", "decided_seq"]
    values = [
        literal(task.delivery.isp),
        _PLAN.c.key,
        and_(~_PLAN.c.is_closing, _PLAN.c.closed_by_id.is_(None)),
        func.coalesce(_seq_of(_PLAN.c.closed_by_id), task.seq),
    ]
    task.db.execute(
        insert(current).from_select(
            columns, select(*values).where(_PLAN.c.is_new).order_by(_PLAN.c.row), include_defaults=False
        )
    )
    task.db.execute(
        update(_PLAN)
        .where(_PLAN.c.is_new, task.is_own, current.c[book.key] == _PLAN.c.key)
        .values(current_id=current.c.id)
    )


def _add_versions(task: _Merge) -> None:
    staged, versions = task.book.staged, task.book.versions
    is_overtaken = _PLAN.c.effect == Effect.OVERTAKEN.value
    # A closing row repeats no content: what it closed stays in the version before it.
    content = [case((~_PLAN.c.is_closing, staged.c[name])) for name in ("content_sha256", *task.book.content)]
    task.db.execute(
        insert(versions).from_select(
            ["current_id", "row", "seq", "action", "is_overtaken", "delivery_id", "learnt_at",
             "content_sha256", *task.book.content],
            select(
                _PLAN.c.current_id, _PLAN.c.row, literal(task.seq), staged.c.action, is_overtaken,
                literal(task.delivery.id), literal(task.at, versions.c.learnt_at.type), *content,
            )
            .select_from(_PLAN.join(staged, staged.c.row == _PLAN.c.row))
            .where(_PLAN.c.adds_version)
            .order_by(_PLAN.c.row),
        )
    )  # fmt: skip
    _add_absent_versions(
        task, select(_PLAN.c.current_id, _seq_of(_PLAN.c.closed_by_id), _PLAN.c.closed_by_id), _PLAN.c.is_new
        & _PLAN.c.closed_by_id.is_not(None),
    )  # fmt: skip


def _add_absent_versions(task: _Merge, closed: sa.Select[Any], where: ColumnElement[bool]) -> None:
    """One closing version for each selected (current id, seq, delivery id) that a full file left out."""
    learnt_at = literal(task.at, task.book.versions.c.learnt_at.type)
    task.db.execute(
        insert(task.book.versions).from_select(
            ["current_id", "seq", "delivery_id", "action", "is_overtaken", "learnt_at"],
            closed.add_columns(literal("absent"), sa.false(), learnt_at).where(where),
        )
    )


def _show_content(task: _Merge) -> None:
    current, versions = task.book.current, task.book.versions
    task.db.execute(
        update(current)
        .where(
            _PLAN.c.shows_content,
            current.c.id == _PLAN.c.current_id,
            versions.c.current_id == _PLAN.c.current_id,
            versions.c.delivery_id == task.delivery.id,
            versions.c.row == _PLAN.c.row,
        )
        .values(content_seq=task.seq, content_sha256=versions.c.content_sha256, version_id=versions.c.id)
    )


def _decide(task: _Merge) -> None:
    current = task.book.current
    task.db.execute(
        update(current)
        .where(_PLAN.c.is_decisive, current.c.id == _PLAN.c.current_id)
        .values(
            decided_seq=task.seq,
            is_in_force=~_PLAN.c.is_closing,
            content_seq=case((_PLAN.c.is_closing, current.c.content_seq), else_=task.seq),
            closed_on=case(
                (~_PLAN.c.is_closing, null()),
                (current.c.closed_on.is_not(None), current.c.closed_on),
                else_=literal(task.content_on, sa.Date()),
            ),
        )
    )


def _date_closings(task: _Merge, *, closes_absent: bool) -> None:
    """Date anew the closings a late file may have preceded: of its overtaken rows, and of what a late full left out."""
    current, versions = task.book.current, task.book.versions
    # Correlated by name: two levels deep, SQLAlchemy would join the whole current table in instead.
    closers = (
        select(versions.c.delivery_id)
        .where(versions.c.current_id == current.c.id, versions.c.action.in_(("withdraw", "absent")))
        .correlate(current)
    )
    keeps = select(KeptKeyRow.key).where(
        KeptKeyRow.delivery_id == DeliveryRow.id, KeptKeyRow.key == current.c[task.book.key]
    )
    is_kept = exists(keeps.correlate(current, DeliveryRow))
    closed_on = (
        select(DeliveryRow.content_on)
        .where(
            DeliveryRow.isp == task.delivery.isp,
            DeliveryRow.feed == task.book.feed,
            DeliveryRow.seq > func.coalesce(current.c.content_seq, 0),
            # A key without content was known to no full file before its first withdrawal.
            or_(
                DeliveryRow.id.in_(closers),
                and_(DeliveryRow.is_closing, ~is_kept, current.c.content_seq.is_not(None)),
            ),
        )
        .order_by(DeliveryRow.seq)
        .limit(1)
        .correlate(current)
        .scalar_subquery()
    )
    overtaken = select(_PLAN.c.current_id).where(_PLAN.c.effect == Effect.OVERTAKEN.value)
    concerned: ColumnElement[bool] = current.c.id.in_(overtaken)
    if closes_absent:
        is_older_content = func.coalesce(current.c.content_seq, 0) < task.seq
        concerned = or_(concerned, and_(task.is_own, current.c.decided_seq > task.seq, is_older_content))
    task.db.execute(update(current).where(~current.c.is_in_force, concerned).values(closed_on=closed_on))


def _confirm(task: _Merge, confirmed: Collection[str]) -> None:
    if not confirmed:
        return
    current = task.book.current
    task.db.execute(
        update(current)
        .where(
            task.is_own,
            current.c.is_in_force,
            current.c.decided_seq < task.seq,
            current.c[task.book.key].in_(_keys(task, confirmed)),
        )
        .values(decided_seq=task.seq, content_seq=task.seq)
    )


def _close_absent(task: _Merge, kept: Collection[str]) -> int:
    current, db = task.book.current, task.db
    known = select(KeptKeyRow.key).where(KeptKeyRow.delivery_id == task.delivery.id)
    new = sorted(set(kept) - set(db.scalars(known)))
    insert_frame(
        db,
        KeptKeyRow,
        pd.DataFrame({"delivery_id": task.delivery.id, "key": new}),
    )
    db.execute(update(DeliveryRow).where(DeliveryRow.id == task.delivery.id).values(is_closing=True))
    is_absent = and_(
        task.is_own,
        current.c.decided_seq < task.seq,
        ~exists(select(KeptKeyRow.key).where(
            KeptKeyRow.delivery_id == task.delivery.id, KeptKeyRow.key == current.c[task.book.key]
        )),
    )  # fmt: skip
    _add_absent_versions(
        task,
        select(current.c.id, literal(task.seq), literal(task.delivery.id)).order_by(current.c.id),
        is_absent & current.c.is_in_force,
    )
    closed = db.scalar(select(func.count()).select_from(current).where(is_absent, current.c.is_in_force)) or 0
    db.execute(
        update(current)
        .where(is_absent)
        .values(
            decided_seq=task.seq,
            is_in_force=False,
            closed_on=case(
                (current.c.is_in_force, literal(task.content_on, sa.Date())), else_=current.c.closed_on
            ),
        )
    )  # fmt: skip
    return closed


def _keys(task: _Merge, keys: Collection[str]) -> sa.Select[tuple[str]]:
    """Keys as a subquery over a temporary table: a list of parameters has a limit."""
    table = _TEMPORARY.tables.get("merge_keys")
    if table is None:
        table = Table("merge_keys", _TEMPORARY, sa.Column("key", Text), prefixes=["TEMPORARY"])
    connection = task.db.connection()
    table.create(connection, checkfirst=True)
    connection.execute(sa.delete(table))
    insert_frame(task.db, table, pd.DataFrame({"key": sorted(set(keys))}))
    return select(table.c.key)


def content_columns(versions: Table, left_out: Sequence[str]) -> tuple[str, ...]:
    """The content columns of a version table: all but its bookkeeping."""
    return tuple(column.name for column in versions.columns if column.name not in left_out)
