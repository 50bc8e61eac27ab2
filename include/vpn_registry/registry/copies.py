"""A copy of the database in one file, and back: SQLite by its backup API, PostgreSQL by its own tools."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, inspect, text

from vpn_registry.model import ConfigurationError
from vpn_registry.registry.engine import database_file, engine_for
from vpn_registry.settings import Settings, environment

SQLITE: Final = "registry.sqlite"
POSTGRESQL: Final = "registry.dump"
_ASIDE: Final = ".replaced"


class CopyError(Exception):
    """PostgreSQL's own tools failed; the message holds their words."""


def copy_name(settings: Settings) -> str:
    """What the copy of this database is called."""
    return SQLITE if database_file(engine_for(settings.database_url)) else POSTGRESQL


def write_copy(settings: Settings, folder: Path) -> Path:
    """A consistent copy while others work, mode 0600. Raises CopyError, and ConfigurationError without pg_dump."""
    engine = engine_for(settings.database_url)
    file = database_file(engine)
    path = folder / copy_name(settings)
    path.touch(mode=0o600)
    if file is None:
        _run(engine, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={path}")
        return path
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(path)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")
    return path


def is_empty(settings: Settings) -> bool:
    """Whether there is no database yet, or one without a table."""
    engine = engine_for(settings.database_url)
    file = database_file(engine)
    if file is not None:
        return not file.exists()
    with engine.connect() as connection:
        return not inspect(connection).get_table_names()


def read_copy(settings: Settings, path: Path) -> None:
    """Put the copy in place of the database; a SQLite file that stood there is kept beside it as `*.replaced`.

    Nobody may work on the database meanwhile. Raises CopyError, and ConfigurationError for the other kind of copy.
    """
    engine = engine_for(settings.database_url)
    file = database_file(engine)
    if path.name != copy_name(settings):
        raise ConfigurationError(
            f"{path}: this copy is of the other kind of database; VPN_REGISTRY_DATABASE_URL must name the same kind."
        )
    engine.dispose()
    if file is None:
        _drop_everything(engine)
        _run(
            engine, "pg_restore", "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(path)
        )
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for suffix in ("", "-wal", "-shm"):
        old = file.with_name(file.name + suffix)
        if old.exists():
            old.replace(old.with_name(old.name + _ASIDE))
    new = file.with_name(f".{file.name}.new")
    shutil.copyfile(path, new)
    new.chmod(0o600)
    new.replace(file)


def _drop_everything(engine: Engine) -> None:
    """Tables of another schema version would stay beside the copy's: the tool drops only what the copy knows."""
    quote = engine.dialect.identifier_preparer.quote
    with engine.begin() as connection:
        for table in inspect(connection).get_table_names():
            connection.execute(text(f"DROP TABLE {quote(table)} CASCADE"))
        guards = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'guard%'"
        for name in connection.execute(text(guards.replace(":", r"\:"))).scalars().all():
            connection.execute(text(f"DROP FUNCTION {quote(name)}() CASCADE"))


def _run(engine: Engine, program: str, *arguments: str) -> None:
    if shutil.which(program) is None:
        raise ConfigurationError(f"{program} is not installed; PostgreSQL's client programs make and read backups.")
    address = engine.url.set(drivername="postgresql", password=None).render_as_string()
    password = {"PGPASSWORD": str(engine.url.password)} if engine.url.password else {}
    call = [program, f"--dbname={address}", "--no-password", *arguments]
    done = subprocess.run(call, env=environment("") | password, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CopyError(f"{program} failed: {done.stderr.strip()}")
