"""Shared by all tests: a private PostgreSQL, started at most once a session; what runs only when asked for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests import postgres_server


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    programs = postgres_server.programs()
    if programs is None:
        message = "PostgreSQL's server programs are missing: nothing is tested on it; apt-get install postgresql."
        warnings.warn(message, stacklevel=1)
        pytest.skip(message)
    with postgres_server.running(programs) as url:
        yield url


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Workers get whole files, and one of them all that runs DAGs: an Airflow takes longer to come up than to run."""
    scheduler = LoadFileScheduling(config, log)
    scheduler._split_scope = _in_one_worker
    return scheduler


def _in_one_worker(nodeid: str) -> str:
    file = nodeid.partition("::")[0]
    return "tests/dags" if file.startswith("tests/dags/") else file


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Not by a default -m, which any other -m would replace.
    for marker in ("soak", "compose"):
        if marker in config.option.markexpr:
            continue
        chosen = [item for item in items if item.get_closest_marker(marker)]
        if chosen:
            config.hook.pytest_deselected(items=chosen)
            items[:] = [item for item in items if item not in chosen]
