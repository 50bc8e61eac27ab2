"""The merge of one delivery into a book, with history, set-based (contract sections 3 and 6).

A plan is made from one join of the rows' keys and hashes with the current rows, and every change follows from it: work
and writing grow with what changed. What a closing full file repeats is not written at all: deciding.py. Nothing loops
over rows. The order is the sequence number, not arrival:

- a row decides its key when its number is above the one that decided last; a lower one is overtaken: kept as history;
- an overtaken row still gives a closed key its content when it is newer than the content shown;
- a closing full file decides every key it leaves out, also the closed ones, and those it hasn't heard of yet: a late
  row below it about an unknown key leaves a record that is closed from the start.

So the same files in any order of arrival leave the same book.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Table, and_, case, func, insert, literal, not_, null, or_, select, update
from sqlalchemy.orm import Session

from vpn_registry.model import Delivery, Effect
from vpn_registry.registry import deciding, locks, merge_plan
from vpn_registry.registry.bulk import insert_frame
from vpn_registry.registry.deliveries import changed_rows
from vpn_registry.registry.merge_task import ABSENT, PLAN, Book, Merge
from vpn_registry.registry.tables import DeliveryRow, KeptKeyRow


def merge(
    db: Session,
    book: Book,
    delivery: Delivery,
    rows: pd.DataFrame,
    content: Callable[[pd.Series[int]], pd.DataFrame],
    *,
    at: datetime,
    closes_absent: bool,
    kept: Collection[str],
    confirmed: Collection[str],
) -> int:
    """Merge the rows (`row`, `key`, `is_closing`, `content_sha256`) of one delivery.

    `content` is asked once, for the numbers of the rows that become a version: `row`, `action` and the book's content.
    `closes_absent`: keys of the ISP that the file doesn't name are closed, except those in `kept` (named by a rejected
    row). `confirmed` keys are in force already as a duplicate row says again: only their deciding number moves.
    Leaves the plan behind; returns how many keys were closed by absence.
    """
    locks.hold_isp(db, delivery.isp)
    closing = deciding.newest_closing(db, delivery.isp, book.feed)
    task = Merge(db, book, delivery, at, closing, closes_absent)
    merge_plan.make(task, rows)
    merge_plan.stage_content(task, content)
    _repeat(task)
    _add_unknown(task)
    _add_versions(task)
    _change(task)
    _confirm(task, confirmed)
    closed = _close_absent(task, kept) if closes_absent else 0
    _date_closings(task)
    return closed


def _seq_of(delivery_id: ColumnElement[Any]) -> Any:
    return select(DeliveryRow.seq).where(DeliveryRow.id == delivery_id).scalar_subquery()


def _repeat(task: Merge) -> None:
    """The number moves on for what the delivery repeats, so that a late lower one doesn't win."""
    if task.speaks_for_all:
        return
    task.db.execute(
        update(task.book.current).where(merge_plan.repeats(task)).values(decided_seq=task.seq, content_seq=task.seq)
    )


def _add_unknown(task: Merge) -> None:
    book, current = task.book, task.book.current
    columns = ["isp", book.key, "is_in_force", "decided_seq", "closed_on"]
    values = [
        literal(task.delivery.isp),
        PLAN.c.key,
        and_(~PLAN.c.is_closing, PLAN.c.closed_by_id.is_(None)),
        func.coalesce(_seq_of(PLAN.c.closed_by_id), task.seq),
        # What a later full file left out is dated by _date_closings.
        case((PLAN.c.is_closing & PLAN.c.closed_by_id.is_(None), literal(task.content_on, sa.Date()))),
    ]
    task.db.execute(
        insert(current).from_select(
            columns, select(*values).where(PLAN.c.is_new).order_by(PLAN.c.row), include_defaults=False
        )
    )
    task.db.execute(
        update(PLAN).where(PLAN.c.is_new, task.is_own, task.key == PLAN.c.key).values(current_id=current.c.id)
    )


def _add_versions(task: Merge) -> None:
    staged, versions = task.book.staged, task.book.versions
    is_overtaken = PLAN.c.effect == Effect.OVERTAKEN.value
    # A closing row repeats no content: what it closed stays in the version before it.
    content_sha256 = case((~PLAN.c.is_closing, PLAN.c.content_sha256))
    action = case((PLAN.c.is_closing, "withdraw"), else_=staged.c.action)
    task.db.execute(
        insert(versions).from_select(
            ["current_id", "row", "seq", "action", "is_overtaken", "delivery_id", "learnt_at",
             "content_sha256", *task.book.content],
            select(
                PLAN.c.current_id, PLAN.c.row, literal(task.seq), action, is_overtaken,
                literal(task.delivery.id), literal(task.at, versions.c.learnt_at.type), content_sha256,
                *(staged.c[name] for name in task.book.content),
            )
            .select_from(PLAN.outerjoin(staged, staged.c.row == PLAN.c.row))
            .where(PLAN.c.adds_version)
            .order_by(PLAN.c.row),
        )
    )  # fmt: skip
    _add_absent_versions(
        task, select(PLAN.c.current_id, _seq_of(PLAN.c.closed_by_id), PLAN.c.closed_by_id), PLAN.c.is_new
        & PLAN.c.closed_by_id.is_not(None),
    )  # fmt: skip


def _add_absent_versions(task: Merge, closed: sa.Select[Any], where: ColumnElement[bool]) -> int:
    """One closing version for each selected (current id, seq, delivery id) that a full file left out; how many."""
    learnt_at = literal(task.at, task.book.versions.c.learnt_at.type)
    added = task.db.execute(
        insert(task.book.versions).from_select(
            ["current_id", "seq", "delivery_id", "action", "is_overtaken", "learnt_at"],
            closed.add_columns(literal("absent"), sa.false(), learnt_at).where(where),
        ),
        execution_options={"preserve_rowcount": True},
    )
    return changed_rows(added)


def _change(task: Merge) -> None:
    """The current rows take over what the plan says: the content they show, and who decided that they are in force."""
    current, versions = task.book.current, task.book.versions
    # Into the plan first: joined from here, PostgreSQL would look through all versions there ever were.
    task.db.execute(
        update(PLAN)
        .where(
            PLAN.c.adds_version,
            versions.c.current_id == PLAN.c.current_id,
            versions.c.delivery_id == task.delivery.id,
            versions.c.row == PLAN.c.row,
        )
        .values(version_id=versions.c.id)
    )
    # An unknown key was decided when it was added.
    shows, decides = PLAN.c.shows_content, PLAN.c.is_decisive & ~PLAN.c.is_new
    task.db.execute(
        update(current)
        .where(current.c.id == PLAN.c.current_id, or_(shows, decides))
        .values(
            content_seq=case((shows, task.seq), (decides, task.content_seq), else_=current.c.content_seq),
            content_sha256=case((shows, PLAN.c.content_sha256), else_=current.c.content_sha256),
            version_id=case((shows, PLAN.c.version_id), else_=current.c.version_id),
            decided_seq=case((decides, task.seq), else_=current.c.decided_seq),
            is_in_force=case((decides, ~PLAN.c.is_closing), else_=current.c.is_in_force),
            closed_on=case(
                (not_(decides), current.c.closed_on),
                (~PLAN.c.is_closing, null()),
                (current.c.closed_on.is_not(None), current.c.closed_on),
                else_=literal(task.content_on, sa.Date()),
            ),
        )
    )


def _date_closings(task: Merge) -> None:
    """Date anew the closings a late file may have preceded: of its overtaken rows, and of what a late full left out."""
    current, versions = task.book.current, task.book.versions
    # Correlated by name: two levels deep, SQLAlchemy would join the whole current table in instead.
    closers = (
        select(versions.c.delivery_id)
        .where(versions.c.current_id == current.c.id, versions.c.action.in_(("withdraw", "absent")))
        .correlate(current)
    )
    closed_on = (
        select(DeliveryRow.content_on)
        .where(
            DeliveryRow.isp == task.delivery.isp,
            DeliveryRow.feed == task.book.feed,
            DeliveryRow.seq > func.coalesce(current.c.content_seq, 0),
            # A key without content was known to no full file before its first withdrawal.
            or_(
                DeliveryRow.id.in_(closers),
                and_(
                    DeliveryRow.is_closing,
                    ~deciding.is_kept(DeliveryRow.id, task.key),
                    current.c.content_seq.is_not(None),
                ),
            ),
        )
        .order_by(DeliveryRow.seq)
        .limit(1)
        .correlate(current)
        .scalar_subquery()
    )
    overtaken = select(PLAN.c.current_id).where(PLAN.c.effect == Effect.OVERTAKEN.value)
    concerned: ColumnElement[bool] = current.c.id.in_(overtaken)
    if task.closes_absent:
        is_older_content = func.coalesce(current.c.content_seq, 0) < task.seq
        concerned = or_(concerned, and_(task.is_own, task.decided_seq > task.seq, is_older_content))
    task.db.execute(update(current).where(~current.c.is_in_force, concerned).values(closed_on=closed_on))


def _confirm(task: Merge, confirmed: Collection[str]) -> None:
    if not confirmed:
        return
    current = task.book.current
    task.db.execute(
        update(current)
        .where(
            task.is_own,
            current.c.is_in_force,
            task.decided_seq < task.seq,
            task.key.in_(merge_plan.keys(task, confirmed)),
        )
        .values(decided_seq=task.seq, content_seq=task.seq)
    )


def _close_absent(task: Merge, kept: Collection[str]) -> int:
    current, db = task.book.current, task.db
    known = select(KeptKeyRow.key).where(KeptKeyRow.delivery_id == task.delivery.id)
    new = sorted(set(kept) - set(db.scalars(known)))
    insert_frame(
        db,
        KeptKeyRow,
        pd.DataFrame({"delivery_id": task.delivery.id, "key": new}),
    )
    db.execute(update(DeliveryRow).where(DeliveryRow.id == task.delivery.id).values(is_closing=True))
    if task.speaks_for_all:
        _settle_kept(task)
    merge_plan.find_absent(task)
    closed = _add_absent_versions(
        task,
        select(ABSENT.c.current_id, literal(task.seq), literal(task.delivery.id)).order_by(ABSENT.c.current_id),
        ABSENT.c.is_in_force,
    )
    db.execute(
        update(current)
        .where(current.c.id == ABSENT.c.current_id)
        .values(
            decided_seq=task.seq,
            content_seq=ABSENT.c.content_seq,
            is_in_force=False,
            closed_on=case(
                (ABSENT.c.is_in_force, literal(task.content_on, sa.Date())), else_=current.c.closed_on
            ),
        )
    )  # fmt: skip
    return closed


def _settle_kept(task: Merge) -> None:
    """Write the numbers down that the file before spoke for, of the keys that this one keeps and so speaks not for."""
    current, closing = task.book.current, task.closing
    is_spoken_for = and_(current.c.decided_seq < closing.seq, ~deciding.is_kept(closing.id, task.key))
    task.db.execute(
        update(current)
        .where(task.is_own, is_spoken_for, deciding.is_kept(task.delivery.id, task.key))
        .values(decided_seq=closing.seq, content_seq=task.content_seq)
    )


def content_columns(versions: Table, left_out: Sequence[str]) -> tuple[str, ...]:
    """The content columns of a version table: all but its bookkeeping."""
    return tuple(column.name for column in versions.columns if column.name not in left_out)
