"""Every schema there has been leads to the present one with its rows, whose guards then stand."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DatabaseError

from vpn_registry.registry import guards, home
from vpn_registry.registry.engine import WRITER, engine_for
from vpn_registry.registry.keys import KeyRing
from vpn_registry.registry.tables import metadata
from vpn_registry.registry.times import UtcDateTime
from vpn_registry.settings import Settings

AT = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)
SEEDED = {"delivery_moves", "message_moves", "key_marks"}
"""Filled by the set-up itself."""
CHOSEN = {"state": "answered", "outcome": "accepted", "folder": "incoming", "status": "unregistered"}
"""Values that the guards let through, where the first allowed one would not do."""

MakeSettings = Callable[[], Settings]


def test_an_old_registry_keeps_its_rows_on_the_way_to_the_present_schema(make_settings: MakeSettings) -> None:
    """Each table gets a row as soon as a migration has made it, and meets every later migration with its guards on."""
    settings = make_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    keys = KeyRing.create(settings.key_file)
    engine = engine_for(settings.database_url)
    revisions = [script.revision for script in ScriptDirectory.from_config(_config(None)).walk_revisions()]
    filled: set[str] = set()
    for revision in reversed(revisions):
        with engine.connect().execution_options(**{WRITER: True}) as connection, connection.begin():
            command.upgrade(_config(connection), revision)
            filled |= _fill(connection, filled, keys)
            _guard(connection)
    home.upgrade(settings)
    registry = home.open_home(settings)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    with registry.reading() as db:
        rows = {table.name: db.execute(sa.select(table)).all() for table in metadata.sorted_tables}
    assert {name for name, found in rows.items() if not found} == set()
    assert filled == set(rows) - SEEDED
    for statement in ("DELETE FROM deliveries", "UPDATE audit_events SET actor = 'x'", "DELETE FROM responses"):
        with pytest.raises(DatabaseError), registry.writing() as db:
            db.execute(sa.text(statement))


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(home.MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _fill(connection: sa.Connection, filled: set[str], keys: KeyRing) -> set[str]:
    """One row into each table that is there and was not before, of the columns that are there; which tables."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    new = [table for table in metadata.sorted_tables if table.name in there - filled - SEEDED]
    for table in new:
        names = {column["name"] for column in inspector.get_columns(table.name)}
        row = {column.name: _value(column) for column in table.columns if column.name in names}
        if table.name == "home":
            row |= {"key_mark": keys.fingerprint(home.KEY_MARK), "is_simulated": False}
        columns = (sa.column(column.name, column.type) for column in table.columns if column.name in names)
        connection.execute(sa.insert(sa.table(table.name, *columns)), [row])
    return {table.name for table in new}


def _value(column: sa.Column[Any]) -> Any:
    kind = column.type
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        chosen = CHOSEN.get(column.name)
        return kind.enum_class(chosen if chosen in kind.enums else kind.enums[0])
    kinds: dict[Any, Any] = {
        UtcDateTime: AT, sa.JSON: {}, sa.Date: AT.date(), sa.Boolean: False, sa.Integer: 1, sa.Float: 1.0,
        sa.LargeBinary: b"x",
    }  # fmt: skip
    return next((value for of, value in kinds.items() if isinstance(kind, of)), CHOSEN.get(column.name, "x"))


def _guard(connection: sa.Connection) -> None:
    """The guards of today that these tables have the columns for."""
    inspector = sa.inspect(connection)
    for guard in guards.GUARDS:
        names = set(re.findall(r"\b(?:NEW|OLD)\.(\w+)", guard.condition))
        if inspector.has_table(guard.table) and names <= {c["name"] for c in inspector.get_columns(guard.table)}:
            guards.put(connection, guard)
