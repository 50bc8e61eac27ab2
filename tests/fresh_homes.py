"""Simulated homes in which nothing has happened yet: set up once a process, then copied.

A set-up goes through every migration, for half a second. That it works is shown by tests/unit/registry (test_home,
test_migrations) and by every real command of tests/integration; the other tests only need a home.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from tests import postgres_server
from vpn_registry.registry import home
from vpn_registry.registry.engine import database_file, engine_for, hurried_engine, looking_engine
from vpn_registry.registry.reader import AUDIT_SECONDS
from vpn_registry.settings import Settings

LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Where the clock of a fresh home stands; whoever opens it at a later instant moves it there."""


def make(settings: Settings) -> None:
    """A fresh home where the settings say: its key file, and its database, which must not exist yet."""
    template = _template()
    file = database_file(engine_for(settings.database_url))
    if file is None:
        server, _, name = settings.database_url.rpartition("/")
        postgres_server.create_database(f"{server}/", name, template=_template_on(f"{server}/"))
    else:
        _copy(template.home / "registry.sqlite", file)
    _copy(template.key_file, settings.key_file)


def leave(database_url: str) -> None:
    """Close all connections of this process to an address, where another home will stand next."""
    for engine in (
        engine_for(database_url),
        looking_engine(database_url),
        hurried_engine(database_url, AUDIT_SECONDS),
    ):
        engine.dispose()


@cache
def _template() -> Settings:
    """On SQLite; its key file is that of all fresh homes of this process."""
    folder = Path(tempfile.mkdtemp(prefix="vpn-registry-fresh-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = Settings(folder, f"sqlite:///{folder / 'registry.sqlite'}", folder, folder / "keys" / "registry.key")
    _set_up(made)
    return made


@cache
def _template_on(server_url: str) -> str:
    """The database's name on that PostgreSQL."""
    postgres_server.create_database(server_url, "fresh")
    _set_up(replace(_template(), database_url=f"{server_url}fresh"))
    return "fresh"


def _set_up(settings: Settings) -> None:
    home.open_home(settings, as_of=LONG_AGO)
    engine_for(settings.database_url).dispose()  # a database that is in use can't be copied


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copy(source, target)
