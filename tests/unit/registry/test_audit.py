"""The audit chain: whatever is changed, removed or swapped behind the triggers is found, on both databases."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from tests.unit.registry.filing import AT
from vpn_registry.registry import audit
from vpn_registry.registry.home import Registry
from vpn_registry.registry.tables import metadata

EVENTS = 12
TRAIL, SEALS = (metadata.tables[name] for name in ("audit_events", "audit_seals"))
EVENT_TEXTS = ("happened_at", "actor", "action", "object_type", "object_id", "detail")
SEAL_TEXTS = ("sha256", "previous_sha256", "sealed_at")
MOMENTS = ("happened_at", "sealed_at")
BARE = {
    name: sa.table(name, *(sa.column(column.name) for column in metadata.tables[name].columns))
    for name in ("audit_events", "audit_seals")
}
"""The same without types: what is written is what was given."""


def events(db: Session, *numbers: int) -> None:
    for number in numbers:
        detail: dict[str, Any] = {"isp": "indus", "rows": number, "until": None, "رکن": "Zoë"}
        audit.record(db, actor="amna", action="decide", object_type="case", object_id=str(number), detail=detail, at=AT)


def unlocked(db: Session) -> None:
    """Whoever may change the schema can take the triggers away."""
    for table in ("audit_events", "audit_seals"):
        for action in ("update", "delete"):
            on_table = "" if db.get_bind().dialect.name == "sqlite" else f" ON {table}"
            db.execute(text(f"DROP TRIGGER guard_{table}_{action}_kept{on_table}"))


@pytest.mark.parametrize("tries", [30, pytest.param(1000, marks=pytest.mark.soak)])
def test_every_manipulation_of_a_byte_or_a_row_is_found(registry: Registry, tries: int) -> None:
    with registry.writing() as db:
        events(db, *range(EVENTS))
    audit.seal(registry, AT)
    chance = random.Random(tries)  # noqa: S311 - a repeatable choice, not a secret
    with registry.writing() as db:
        unlocked(db)
        head = audit.head(db)
        assert audit.verify(db, head).broken_at is None
        for number in range(tries):
            attempt = db.begin_nested()
            told = _manipulate(db, chance, number)
            if told:
                chain = audit.verify(db, head)
                assert chain.broken_at is not None or chain.is_cut_off, told
            attempt.rollback()
        assert audit.verify(db, head).sealed == EVENTS


def _manipulate(db: Session, chance: random.Random, number: int) -> str:
    """Do one thing to the trail; what it was, or '' when the database itself refused it."""
    one, other = chance.sample(range(1, EVENTS + 1), 2)
    match number % 5:
        case 0:
            _remove(db, SEALS.c.event_id == one, TRAIL.c.id == one)
            return f"event {one} and its link are gone"
        case 1:
            name = chance.choice(["object_id", "detail"])
            first, second = _read(db, TRAIL, name, one), _read(db, TRAIL, name, other)
            _write(db, TRAIL, name, one, second.encode())
            _write(db, TRAIL, name, other, first.encode())
            return f"{name} of events {one} and {other} are swapped"
        case 2:
            _remove(db, SEALS.c.id >= one, TRAIL.c.id >= one)
            return f"everything from event {one} on is gone"
        case _:
            return _change_a_byte(db, chance, one)


def _remove(db: Session, *which: Any) -> None:
    for table, condition in zip((SEALS, TRAIL), which, strict=True):
        db.execute(sa.delete(table).where(condition))


def _change_a_byte(db: Session, chance: random.Random, row: int) -> str:
    table = chance.choice([TRAIL] * 3 + [SEALS])
    name = chance.choice(EVENT_TEXTS if table is TRAIL else SEAL_TEXTS)
    stored = _read(db, table, name, row)
    data = bytearray(stored.encode())
    at, is_sqlite = chance.randrange(len(data)), db.get_bind().dialect.name == "sqlite"
    data[at] = chance.choice(
        [one for one in range(1 if is_sqlite else 32, 256 if is_sqlite else 127) if one != data[at]]
    )
    try:
        with db.begin_nested():
            _write(db, table, name, row, bytes(data))
    except (DataError, IntegrityError):
        return ""
    # PostgreSQL keeps a moment, not its text: another spelling of the same one changes nothing.
    is_the_same = not is_sqlite and _read(db, table, name, row) == stored
    return "" if is_the_same else f"{table.name}.{name} of {row}: {stored} -> {data!r}"


def _read(db: Session, table: sa.Table, name: str, row: int) -> str:
    return str(db.execute(sa.select(sa.cast(table.c[name], sa.Text)).where(table.c.id == row)).scalar_one())


def _write(db: Session, table: sa.Table, name: str, row: int, data: bytes) -> None:
    """The bytes as the column's text, whether they are text or not."""
    value: Any = sa.cast(sa.literal(data), sa.Text)
    if db.get_bind().dialect.name == "postgresql":
        kinds: dict[str, Any] = {"detail": postgresql.JSON, **dict.fromkeys(MOMENTS, sa.TIMESTAMP(timezone=True))}
        value = sa.cast(sa.literal(data.decode(), sa.Text), kinds.get(name, sa.Text))
    db.execute(sa.update(BARE[table.name]).where(BARE[table.name].c.id == row).values({name: value}))


def test_what_commits_late_is_sealed_late_and_the_chain_holds(registry: Registry) -> None:
    """Ids are given before a commit: a lower one may become visible after a higher one was sealed."""
    if registry.settings.database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer at a time")
    with registry.writing() as slow:
        events(slow, 1)
        with registry.writing() as quick:
            events(quick, 2)
        assert audit.seal(registry, AT) == 1
    assert audit.seal(registry, AT + audit.LONGEST) == 1
    with registry.reading() as db:
        order = list(db.execute(text("SELECT event_id FROM audit_seals ORDER BY id")).scalars())
        assert order == [2, 1]
        assert audit.verify(db).broken_at is None


def test_sealing_goes_on_where_it_ended_however_long_ago(registry: Registry) -> None:
    for day, numbers in ((0, (1, 2)), (8, (3,)), (30, (4, 5)), (31, ())):
        with registry.writing() as db:
            events(db, *numbers)
        assert audit.seal(registry, AT + timedelta(days=day)) == len(numbers)
    with registry.reading() as db:
        assert audit.verify(db).sealed == 5
        assert audit.tail(db) == (0, None)


def test_links_that_were_made_by_the_first_scheme_are_still_proved(registry: Registry) -> None:
    with registry.writing() as db:
        events(db, 1, 2)
    audit.seal(registry, AT)
    with registry.writing() as db:
        unlocked(db)
        previous = audit.START
        for link in audit.links(db):
            old = audit.make_link(previous, link, 1)
            db.execute(
                text("UPDATE audit_seals SET scheme = 1, previous_sha256 = :p, sha256 = :s WHERE id = :i"),
                {"p": previous, "s": old, "i": link.position},
            )
            previous = old
        assert audit.verify(db).broken_at is None
        db.execute(text("UPDATE audit_events SET actor = 'nobody' WHERE id = 2"))
        assert audit.verify(db).broken_at == 2
