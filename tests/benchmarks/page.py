"""Time to look at a large registry made by SQL: `python tests/benchmarks/page.py [SHARE] [sqlite|postgresql]`.

At share 1 the registry holds 1,000,000 registrations and 5,000,000 clients of 50 ISPs (the goal: 300 ms a page); the
default is a tenth, on SQLite. Prints the milliseconds of the first request to each page, of the best of five more, and
the queries it took; of commands the seconds of the whole process (the goal: 2 s, with the modules compiled).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.testclient import TestClient
from sqlalchemy import event

from tests import postgres_server
from tests.large_registry import AT, Size, fill, pages, write_roster
from vpn_registry import roster, settings
from vpn_registry.page import Guards, make_app
from vpn_registry.page.desk import Desk
from vpn_registry.registry import home
from vpn_registry.registry.engine import looking_engine
from vpn_registry.registry.reader import Reader
from vpn_registry.settings import Settings

GOAL_MS, GOAL_S = 300, 2
TRIES = 5  # the best of so many: other work of the machine is nobody's fault
COMMANDS = (("status",), ("explain", "isp7", "c7-100"), ("export", "clients", "--isp", "isp7"))


def size_of(share: float) -> Size:
    return Size(
        isps=50, clients=int(5_000_000 * share), registrations=int(1_000_000 * share), runs=60, files=400,
        findings=2_000, cases=5_000, events=200_000,
    )  # fmt: skip


@contextmanager
def _database(folder: Path, kind: str) -> Iterator[str]:
    """The address of a new database: a file in the folder, or one of a private PostgreSQL."""
    programs = postgres_server.programs()
    if kind != "postgresql":
        yield f"sqlite:///{folder / 'registry.sqlite'}"
    elif programs is None:
        sys.exit("PostgreSQL's server programs are not installed")
    else:
        with postgres_server.running(programs) as server:
            yield f"{server}postgres"


def main() -> None:
    size = size_of(float(sys.argv[1]) if len(sys.argv) > 1 else 0.1)
    kind = sys.argv[2] if len(sys.argv) > 2 else "sqlite"
    with tempfile.TemporaryDirectory(prefix="vpn-registry-page-") as name, _database(Path(name), kind) as url:
        folder = Path(name)
        started = time.perf_counter()
        fill(home.open_home(Settings(folder, url, folder, folder / "keys" / "registry.key"), as_of=AT), size)
        write_roster(folder, size)
        spent = time.perf_counter() - started
        print(f"{size.clients:,} clients, {size.registrations:,} registrations in {spent:.0f} s")
        measure(folder, url, size)
        command(folder, url)


def measure(folder: Path, url: str, size: Size) -> None:
    desk = Desk(Reader(url), roster.load_isps(folder, folder), roster.load_campaign(), frozenset(), frozenset())
    app = make_app(settings.PROJECT / "plugins" / "registry_page", Guards(_look, _look), lambda: desk)
    client = TestClient(app, follow_redirects=False)
    for path in pages(size):
        first, queries = _timed(partial(_counted, url, partial(client.get, path)))
        tries = [_timed(partial(client.get, path)) for _ in range(TRIES)]
        spent, reply = min(tries, key=lambda one: one[0])
        if reply.status_code not in (200, 303):
            sys.exit(f"{path} is no page of this registry")
        print(f"{path:<45} {first:5.0f}, {spent:5.0f} ms, {spent / GOAL_MS:4.0%} of the goal, {queries} queries")


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds it took, and what it gave."""
    started = time.perf_counter()
    found = work()
    return (time.perf_counter() - started) * 1000, found


def command(folder: Path, url: str) -> None:
    """Each look as the data team starts it: a process of its own, the audit trail's entry included."""
    given = {
        "VPN_REGISTRY_HOME": str(folder),
        "VPN_REGISTRY_DATABASE_URL": url,
        "VPN_REGISTRY_ISPS": str(folder),
        "VPN_REGISTRY_KEY_FILE": str(folder / "keys" / "registry.key"),
    }
    for words in COMMANDS:
        before, started = os.times(), time.perf_counter()
        program = [
            "env",
            *(f"{name}={value}" for name, value in given.items()),
            sys.executable,
            "-c",
            "from vpn_registry.cli import main; main()",
            *words,
        ]
        subprocess.run(program, stdout=subprocess.DEVNULL, check=True)
        spent, after = time.perf_counter() - started, os.times()
        computed = after.children_user + after.children_system - before.children_user - before.children_system
        print(
            f"vpnreg {' '.join(words):<38} {spent:5.2f} s, {spent / GOAL_S:4.0%} of the goal, {computed:.2f} s of CPU"
        )


def _counted(url: str, work: Callable[[], Any]) -> int:
    asked: list[str] = []

    def listen(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(looking_engine(url), "before_cursor_execute", listen)
    try:
        work()
    finally:
        event.remove(looking_engine(url), "before_cursor_execute", listen)
    return len(asked)


def _look(request: Request) -> None:
    request.state.actor = "benchmark"


if __name__ == "__main__":
    main()
