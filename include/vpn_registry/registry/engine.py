"""Connections: one engine a process and address, with what SQLite and PostgreSQL each need to behave alike."""

from __future__ import annotations

import os
import sqlite3
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from vpn_registry.model import ConfigurationError

WRITER: Final = "vpn_registry_writer"
"""Execution option of a connection that is going to write: it takes SQLite's one write lock at BEGIN."""

_BUSY_SECONDS: Final = 60
_NO_JIT: Final = "-c jit=off"
"""PostgreSQL would compile the long statements of a merge for longer than they run."""
_LOOK_SECONDS: Final = 15
"""A page that takes longer is given up: whoever asked has long gone."""


def engine_for(database_url: str) -> Engine:
    """The engine of this process for an address; `postgresql://` means psycopg 3 here.

    Raises ConfigurationError for any other kind of database.
    """
    # By process: Airflow forks its tasks, and a connection must not be used on both sides of a fork.
    return _engine_of_process(database_url, os.getpid())


@lru_cache(maxsize=16)
def _engine_of_process(database_url: str, _process_id: int) -> Engine:
    try:
        url = make_url(database_url)
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in {"sqlite", "postgresql", "postgres"}:
        raise ConfigurationError(
            "environment: VPN_REGISTRY_DATABASE_URL is not an address of SQLite (sqlite:///FILE) or PostgreSQL"
            " (postgresql://USER@HOST/NAME)."
        )
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, connect_args={"options": "-c jit=off"}
        )
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("environment: VPN_REGISTRY_DATABASE_URL names no file; tasks share it on disk.")
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


@lru_cache(maxsize=4)
def looking_engine(database_url: str) -> Engine:
    """An engine that can't write: whatever its statements say, the database itself refuses a change.

    For processes that only show the registry, and don't fork. A statement ends after 15 seconds.
    """
    engine = engine_for(database_url)
    if engine.dialect.name == "sqlite":
        looking = create_engine(engine.url, connect_args={"timeout": _LOOK_SECONDS})
        event.listen(looking, "connect", _prepare_sqlite)
        event.listen(looking, "connect", lambda connection, _record: connection.execute("PRAGMA query_only=ON"))
        event.listen(looking, "begin", _begin_sqlite)
        return looking
    options = f"{_NO_JIT} -c default_transaction_read_only=on -c statement_timeout={_LOOK_SECONDS * 1000}"
    return create_engine(engine.url, pool_pre_ping=True, connect_args={"options": options, "connect_timeout": 5})


@lru_cache(maxsize=4)
def hurried_engine(database_url: str, seconds: int) -> Engine:
    """An engine for one short insert: it fails rather than wait longer than `seconds` for the database."""
    engine = engine_for(database_url)
    if engine.dialect.name == "sqlite":
        hurried = create_engine(engine.url, connect_args={"timeout": seconds}, pool_timeout=seconds)
        event.listen(hurried, "connect", _prepare_sqlite)
        # After the shared preparation, which waits a minute.
        event.listen(hurried, "connect", lambda connection, _: connection.execute(f"PRAGMA busy_timeout={seconds}000"))
        event.listen(hurried, "begin", _begin_sqlite)
        return hurried
    options = f"{_NO_JIT} -c statement_timeout={seconds}s -c lock_timeout={seconds}s"
    return create_engine(
        engine.url, pool_timeout=seconds, connect_args={"options": options, "connect_timeout": seconds}
    )


def database_file(engine: Engine) -> Path | None:
    """The file of a SQLite registry, None for PostgreSQL."""
    return Path(str(engine.url.database)) if engine.dialect.name == "sqlite" else None


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own BEGIN comes too late for a writer (two could read, then both claim): we send our own.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(WRITER) else "BEGIN")
