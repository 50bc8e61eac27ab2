"""Registries to test on: SQLite in a file, and a private PostgreSQL cluster, one database a test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import fresh_homes, postgres_server
from vpn_registry.registry import home
from vpn_registry.registry.home import Registry
from vpn_registry.settings import Settings

AS_OF = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)

MakeRegistry = Callable[[], Registry]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str:
    """Parametrises a test over both kinds of database."""
    return str(request.param)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """In memory where that is possible: every commit waits for the disk otherwise."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as made:
        yield Path(made)


@pytest.fixture
def quick_path(folder: Path) -> Iterator[Path]:
    """Where the homes of a test stand, each in its turn: an engine goes by its address and knows its statements."""
    yield folder / "homes"
    shutil.rmtree(folder / "homes", ignore_errors=True)


@pytest.fixture
def make_address(request: pytest.FixtureRequest, quick_path: Path, database: str) -> Iterator[Callable[[], Settings]]:
    """Settings of a home that is still to be made, another one each time; nothing is at its address."""
    made: list[str] = []

    def make() -> Settings:
        number = len(made)
        home = quick_path / f"home{number}"
        url = f"sqlite:///{home / 'registry.sqlite'}"
        if database == "postgresql":
            server = request.getfixturevalue("postgres_server_url")
            url = f"{server}registry_{number}"
            postgres_server.drop_database(server, f"registry_{number}")  # that of an earlier test
        made.append(url)
        return Settings(home=home, database_url=url, isps=home, key_file=home / "keys" / "registry.key")

    yield make
    for url in made:
        fresh_homes.leave(url)


@pytest.fixture
def make_settings(make_address: Callable[[], Settings], database: str) -> Callable[[], Settings]:
    """Settings of a new, empty home each time: on PostgreSQL with a database that is not set up."""

    def make() -> Settings:
        settings = make_address()
        if database == "postgresql":
            server, _, name = settings.database_url.rpartition("/")
            postgres_server.create_database(f"{server}/", name)
        return settings

    return make


@pytest.fixture
def make_registry(make_address: Callable[[], Settings]) -> MakeRegistry:
    """A new simulated registry each time, at AS_OF."""

    def make() -> Registry:
        settings = make_address()
        fresh_homes.make(settings)
        return home.open_home(settings, as_of=AS_OF)

    return make


@pytest.fixture
def registry(make_registry: MakeRegistry) -> Registry:
    return make_registry()
