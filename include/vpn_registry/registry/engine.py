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
        return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("environment: VPN_REGISTRY_DATABASE_URL names no file; tasks share it on disk.")
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


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
