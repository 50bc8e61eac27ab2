"""An installation a test, in memory where that is possible."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Cast, Installation, clients, registrations, send_notices
from vpn_registry.model import Mode
from vpn_registry.registry.engine import engine_for


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    """Two ISPs, indus and kirana, at nine in the morning of the day of stage T-14; nothing settles longer than 0 s."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        made = Installation(Path(folder))
        yield made
        engine_for(made.settings.database_url).dispose()


@pytest.fixture(scope="session")
def answerable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a notice has named twelve of indus' clients; twenty are registered."""
    folder = tmp_path_factory.mktemp("answerable")
    house, indus = Installation(folder), Cast("indus")
    house.drop(registrations("indus", 1, indus.registered(20), Mode.FULL))
    indus.open(12)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    send_notices(house)
    assert house.rows("SELECT notice_no, state FROM notices") == [("N-2026-000001", "sent")]
    engine_for(house.settings.database_url).dispose()
    return folder


@pytest.fixture
def asked(answerable: Path, tmp_path: Path, indus: Cast) -> Iterator[Installation]:
    """A copy of that home of the test's own; `indus` then knows the same clients."""
    indus.registered(20)
    indus.open(12)
    made = Installation(shutil.copytree(answerable, tmp_path / "home"))
    yield made
    engine_for(made.settings.database_url).dispose()


@pytest.fixture
def indus() -> Cast:
    return Cast("indus")


@pytest.fixture
def kirana() -> Cast:
    return Cast("kirana")
