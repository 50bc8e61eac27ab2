"""Registries to test on: SQLite in a file, and a private PostgreSQL cluster, one database a test."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from vpn_registry.registry import home
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.home import Registry
from vpn_registry.settings import Settings

AS_OF = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)

MakeRegistry = Callable[[], Registry]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str:
    """Parametrises a test over both kinds of database."""
    return str(request.param)


_numbers = itertools.count(1)


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: every commit waits for the disk otherwise."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="vpn-registry-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def make_settings(request: pytest.FixtureRequest, quick_path: Path, database: str) -> Callable[[], Settings]:
    """Settings of a new, empty home each time."""

    def make() -> Settings:
        number = next(_numbers)
        folder = quick_path / f"home{number}"
        url = f"sqlite:///{folder / 'registry.sqlite'}"
        if database == "postgresql":
            server = request.getfixturevalue("postgres_server_url")
            name = f"registry_{number}"
            with psycopg.connect(f"{server}postgres", autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            url = f"{server}{name}"
        return Settings(home=folder, database_url=url, isps=folder, key_file=folder / "keys" / "registry.key")

    return make


@pytest.fixture
def make_registry(make_settings: Callable[[], Settings]) -> Iterator[MakeRegistry]:
    """A new simulated registry each time, at AS_OF."""
    made: list[Any] = []

    def make() -> Registry:
        registry = home.open_home(make_settings(), as_of=AS_OF)
        made.append(registry)
        return registry

    yield make
    for registry in made:
        engine_for(registry.settings.database_url).dispose()


@pytest.fixture
def registry(make_registry: MakeRegistry) -> Registry:
    return make_registry()
