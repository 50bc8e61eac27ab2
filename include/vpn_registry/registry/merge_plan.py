"""What a merge is about to do: the keys of one delivery in a temporary table, and the plan made from them.

Of every row only its key and its hash are loaded. One join with the current rows finds those that do something: they
are the plan, and only their content is loaded then. A row that repeats what its key holds is in no plan. Another join
finds the keys that a closing full file leaves out.
The effects and the order of sequence numbers are explained in books.py, which carries the plan out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, case, exists, func, insert, literal, null, or_, select, update

from vpn_registry.model import Effect
from vpn_registry.registry import deciding
from vpn_registry.registry.bulk import insert_frame
from vpn_registry.registry.merge_task import ABSENT, KEYS, PLAN, ROWS, Merge
from vpn_registry.registry.tables import DeliveryRow
from vpn_registry.registry.tables.base import BIG
from vpn_registry.registry.temporary import analyze, empty

_HASHED: Final = "128MB"
"""What one join of a merge may take of PostgreSQL's memory, instead of going over the disk: a million keys."""
_SAMPLED: Final = 1
"""How closely PostgreSQL looks at the tables of a merge: for a plan it need only know how many rows they have, and that
keys don't repeat."""


def make(task: Merge, rows: pd.DataFrame) -> None:
    """Load the keys (`row`, `key`, `is_closing`, `content_sha256`), and plan what each row does that does something."""
    if task.db.get_bind().dialect.name == "postgresql":
        task.db.execute(sa.text(f"SET LOCAL work_mem = '{_HASHED}'"))
        task.db.execute(sa.text(f"SET LOCAL default_statistics_target = {_SAMPLED}"))
    for table in (ROWS, PLAN, task.book.staged):
        empty(task.db, table)
    insert_frame(task.db, ROWS, rows)
    analyze(task.db, ROWS, "key")
    _plan(task)
    _plan_overtaken(task)
    analyze(task.db, PLAN, "current_id, effect, is_new, adds_version")


def stage_content(task: Merge, content: Callable[[pd.Series[int]], pd.DataFrame]) -> None:
    """Load `action` and content of the rows that become a version; a closing row has none."""
    wanted = select(PLAN.c.row).where(PLAN.c.adds_version, ~PLAN.c.is_closing).order_by(PLAN.c.row)
    numbers = pd.Series(task.db.scalars(wanted).all(), dtype="int64")
    insert_frame(task.db, task.book.staged, content(numbers))
    analyze(task.db, task.book.staged, '"row"')


def repeats(task: Merge) -> ColumnElement[bool]:
    """Which current rows a row of the delivery repeats, joined by key: in force with equal content."""
    current = task.book.current
    return and_(
        task.is_own,
        task.key == ROWS.c.key,
        current.c.content_sha256 == ROWS.c.content_sha256,
        current.c.is_in_force,
        task.decided_seq < task.seq,
        ~ROWS.c.is_closing,
    )


def find_absent(task: Merge) -> None:
    """Collect the keys that a closing full file has to close or to decide, because it doesn't name them.

    One that speaks for all rows decides those that are closed already without a word.
    """
    current = task.book.current
    is_named = exists(select(ROWS.c.row).where(ROWS.c.key == task.key))
    absent = select(current.c.id, current.c.is_in_force, task.content_seq).where(
        task.is_own,
        ~is_named,
        task.decided_seq < task.seq,
        ~deciding.is_kept(task.delivery.id, task.key),
    )
    if task.speaks_for_all:
        absent = absent.where(current.c.is_in_force)
    empty(task.db, ABSENT)
    task.db.execute(insert(ABSENT).from_select(["current_id", "is_in_force", "content_seq"], absent))
    analyze(task.db, ABSENT, "current_id")


def _plan(task: Merge) -> None:
    current = task.book.current
    closed_by = _closed_by(task)
    is_new, is_closing = current.c.id.is_(None), ROWS.c.is_closing
    effect = _effect(task, closed_by)
    is_decisive = or_(is_new & closed_by.is_(None), func.coalesce(task.decided_seq < task.seq, False))
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
    joined = ROWS.outerjoin(current, and_(task.is_own, task.key == ROWS.c.key))
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
        (task.decided_seq == task.seq, Effect.UNCHANGED.value),
        (task.decided_seq > task.seq, Effect.OVERTAKEN.value),
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
    left_out = [(~deciding.is_kept(one, ROWS.c.key), literal(one, BIG)) for one in later]
    return case((task.book.current.c.id.is_not(None), sa.cast(null(), BIG)), *left_out)


def keys(task: Merge, keys: Collection[str]) -> sa.Select[tuple[str]]:
    """Keys as a subquery over a temporary table: a list of parameters has a limit."""
    empty(task.db, KEYS)
    insert_frame(task.db, KEYS, pd.DataFrame({"key": sorted(set(keys))}))
    return select(KEYS.c.key)
