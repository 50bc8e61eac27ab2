"""An installation a test, in memory where that is possible."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Cast, Installation
from vpn_registry.registry.engine import engine_for


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Installation]:
    """Two ISPs, indus and kirana, at nine in the morning of the day of stage T-14; nothing settles longer than 0 s."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        made = Installation(Path(folder))
        yield made
        engine_for(made.settings.database_url).dispose()


@pytest.fixture
def indus() -> Cast:
    return Cast("indus")


@pytest.fixture
def kirana() -> Cast:
    return Cast("kirana")
