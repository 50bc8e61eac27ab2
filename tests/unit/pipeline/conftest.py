"""An installation a test, in memory where that is possible."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from tests.installation import (
    Cast,
    FileAndList,
    Installation,
    clients,
    foreseen_verdicts,
    registrations,
    send_notices,
)
from vpn_registry.model import Mode
from vpn_registry.registry.engine import engine_for


@pytest.fixture(autouse=True)
def verdicts() -> Iterator[None]:
    """Most tests want a verdict, whoever gives it; those on what is judged and stored have a fixture of their own."""
    with foreseen_verdicts():
        yield


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """In memory where that is possible: every commit waits for the disk otherwise."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as made:
        yield Path(made)


@pytest.fixture
def place(folder: Path) -> Iterator[Path]:
    """Where the home of a test stands, each in its turn: an engine goes by its address and knows its statements."""
    yield folder / "home"
    shutil.rmtree(folder / "home", ignore_errors=True)


@pytest.fixture
def house(place: Path) -> Iterator[Installation]:
    """Two ISPs, indus and kirana, at nine in the morning of the day of stage T-14; nothing settles longer than 0 s."""
    made = Installation(place)
    yield made
    engine_for(made.settings.database_url).dispose()


@pytest.fixture(scope="session")
def filed_homes(folder: Path) -> Callable[[int, int], Path]:
    """Homes in which indus has registered so many clients, and listed so many more; each is made once."""

    @cache
    def make(registered: int, unregistered: int) -> Path:
        house, indus = Installation(folder / f"filed {registered} and {unregistered}"), Cast("indus")
        house.drop(registrations("indus", 1, indus.registered(registered), Mode.FULL))
        indus.open(unregistered)
        house.drop(clients("indus", 1, indus.listed))
        with foreseen_verdicts():
            house.run()
        engine_for(house.settings.database_url).dispose()
        return house.home

    return make


@pytest.fixture
def file_and_list(house: Installation, indus: Cast, filed_homes: Callable[[int, int], Path]) -> FileAndList:
    """Puts a copy of such a home in the place of `house`; `indus` then knows the same clients."""

    def put(registered: int, unregistered: int) -> Installation:
        indus.registered(registered)
        indus.open(unregistered)
        engine_for(house.settings.database_url).dispose()
        shutil.rmtree(house.home)
        shutil.copytree(filed_homes(registered, unregistered), house.home)
        house.at(timedelta())
        return house

    return put


@pytest.fixture(scope="session")
def answerable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a notice has named twelve of indus' clients; twenty are registered."""
    folder = tmp_path_factory.mktemp("answerable")
    house, indus = Installation(folder), Cast("indus")
    house.drop(registrations("indus", 1, indus.registered(20), Mode.FULL))
    indus.open(12)
    house.drop(clients("indus", 1, indus.listed))
    with foreseen_verdicts():
        house.run()
    send_notices(house)
    assert house.rows("SELECT notice_no, state FROM notices") == [("N-2026-000001", "sent")]
    engine_for(house.settings.database_url).dispose()
    return folder


@pytest.fixture
def asked(answerable: Path, place: Path, indus: Cast) -> Iterator[Installation]:
    """A copy of that home of the test's own; `indus` then knows the same clients."""
    indus.registered(20)
    indus.open(12)
    made = Installation(shutil.copytree(answerable, place))
    yield made
    engine_for(made.settings.database_url).dispose()


@pytest.fixture
def indus() -> Cast:
    return Cast("indus")


@pytest.fixture
def kirana() -> Cast:
    return Cast("kirana")
