"""A private PostgreSQL cluster on loopback, from Debian's server programs, for one test session."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

_DEBIAN = Path("/usr/lib/postgresql")

_starts: dict[str, list[str | Path]] = {}
"""How each running cluster was started, by its address."""


def programs() -> Path | None:
    """The folder of the newest server programs, None when they are not installed."""
    found = [folder for folder in _DEBIAN.glob("*/bin") if (folder / "initdb").exists()]
    return max(found, key=lambda folder: int(folder.parent.name)) if found else None


@contextmanager
def running(bin_folder: Path) -> Iterator[str]:
    """A cluster that lives as long as the block; yields an address without a database name, ending in `/`."""
    # In memory where that is possible: each test makes a database, which is a thousand files.
    memory = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="vpn-registry-postgres-", dir=memory))
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        as_user = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", _free_port()
    try:
        make: list[str | Path] = [*as_user, bin_folder / "initdb", "-D", data, "-U", "registry", "-A", "trust"]
        _run([*make, "-E", "UTF8", "--locale=C"])
        # Nothing here outlives the session: durability would only cost time.
        quick = "-c fsync=off -c full_page_writes=off -c max_wal_size=128MB"
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=60 {quick}"
        control: list[str | Path] = [*as_user, bin_folder / "pg_ctl", "-D", data]
        start = [*control, "-w", "-l", folder / "log", "-o", options]
        _run([*start, "start"])
        url = f"postgresql://registry@127.0.0.1:{port}/"
        _starts[url] = start
        try:
            yield url
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def create_database(url: str, name: str, *, template: str = "template1") -> str:
    """A new database on the cluster at this address, a copy of one that nobody uses; its own address."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(f"{url}postgres", autocommit=True) as connection:
        connection.execute(statement)
    return f"{url}{name}"


def drop_database(url: str, name: str) -> None:
    """End whoever uses it, and leave no database of that name."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(f"{url}postgres", autocommit=True) as connection:
        connection.execute(statement)


def restart(url: str) -> None:
    """Stop the cluster at this address as if its power had failed, and start it again."""
    _run([*_starts[url], "-m", "immediate", "restart"])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _run(command: Sequence[str | Path]) -> None:
    # Output goes to a file: a server that keeps a pipe open would keep us waiting.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, stdout=output, stderr=output, cwd="/", check=False)
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{command[-1]} of PostgreSQL failed: {output.read().decode(errors='replace')}")
