"""Homes of which every fault gets a copy, made once a file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.faults.copies import Copies, in_memory


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with in_memory() as made:
        yield made


@pytest.fixture(scope="module")
def on_sqlite(folder: Path) -> Copies:
    return Copies(folder)


@pytest.fixture(scope="module")
def on_postgresql(folder: Path, postgres_server_url: str) -> Copies:
    return Copies(folder, postgres_server_url)
