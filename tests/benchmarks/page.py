"""Time to look at a large registry made by SQL: `python tests/benchmarks/page.py [SHARE] [sqlite|postgresql]`.

At share 1 the registry holds 1,000,000 registrations and 5,000,000 clients of 50 ISPs (the goal: 300 ms a page); the
default is a tenth, on SQLite. Prints the milliseconds of the first request to each page, of the best of five more, and
the queries it took; of commands the seconds of the whole process (the goal: 2 s, with the modules compiled).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.testclient import TestClient
from sqlalchemy import event, text

from tests import postgres_server
from vpn_registry import roster, settings
from vpn_registry.model import Contact, ContactRole
from vpn_registry.page import Guards, make_app
from vpn_registry.page.desk import Desk
from vpn_registry.registry import home
from vpn_registry.registry.engine import WRITER, engine_for, looking_engine
from vpn_registry.registry.reader import Reader
from vpn_registry.settings import Settings

AT = datetime(2026, 6, 16, 4, 0, tzinfo=UTC)
GOAL_MS, GOAL_S = 300, 2
SQL = Path(__file__).with_suffix(".sql")
TRIES = 5  # the best of so many: other work of the machine is nobody's fault
ISPS, RUNS, FILES, FINDINGS, CASES, EVENTS = 50, 60, 400, 2_000, 5_000, 200_000
PAGES = (
    "/", "/isps/isp7", "/deliveries", "/deliveries?told=rejected&page=3", "/deliveries?code=H101", "/deliveries/77",
    "/deliveries/77/findings?page=30", "/isps/isp7/clients", "/isps/isp7/clients?status=expired&page=20",
    "/isps/isp7/clients/c7-100", "/filers", "/cases", "/cases?show=all&page=30", "/notices", "/notices/N-2026-101907",
    "/rules", "/find?q=c7-100",
)  # fmt: skip

COMMANDS = (("status",), ("explain", "isp7", "c7-100"), ("export", "clients", "--isp", "isp7"))


def fill(registry: home.Registry, share: float) -> None:
    """Rows straight into the tables (page.sql): what counts is how many there are, not how they came."""
    clients = int(5_000_000 * share)
    each = clients // ISPS
    counts = {"registered": each * 7 // 10, "unregistered": each // 5, "expired": each // 20, "exempt": each // 20}
    given = {
        "isps": ISPS, "runs": RUNS, "files": FILES, "counts": json.dumps(counts), "clients": clients,
        "registrations": int(1_000_000 * share), "findings": FINDINGS, "deliveries": ISPS * FILES, "cases": CASES,
        "found": json.dumps({"H101": 2, "H110": 1, "W105": 3}), "now": f"{AT:%Y-%m-%d %H:%M:%S.%f}", "events": EVENTS,
        "counted": json.dumps({"to_register": each // 4, "comparable": each, "covered": each * 7 // 10}),
        "told": json.dumps({"isp": "isp7", "run": "collect_deliveries/scheduled__2026-06-16"}),
    }  # fmt: skip
    with registry.writing() as db:
        _provide(db)
        for statement in SQL.read_text(encoding="utf-8").split(";"):
            if statement.strip():
                db.execute(text(statement), given)
    with engine_for(registry.settings.database_url).connect() as connection:
        outside = connection.execution_options(
            isolation_level="AUTOCOMMIT", **{WRITER: True}
        )  # what PostgreSQL's own housekeeping does
        outside.execute(text("VACUUM ANALYZE" if outside.dialect.name == "postgresql" else "ANALYZE"))


def _provide(db: Any) -> None:
    """What page.sql calls and the databases don't have alike."""
    if db.get_bind().dialect.name == "sqlite":
        connection = db.connection().connection.driver_connection
        connection.create_function("ago", 2, _ago, deterministic=True)
        connection.create_function("as_json", 1, str, deterministic=True)
        return
    for statement in (
        "CREATE FUNCTION ago(now text, days bigint) RETURNS timestamptz LANGUAGE sql STABLE"
        " AS $$SELECT (now || '+00')::timestamptz - days * interval '1 day'$$",
        "CREATE FUNCTION as_json(value text) RETURNS json LANGUAGE sql STABLE AS $$SELECT value::json$$",
    ):
        db.connection().exec_driver_sql(statement)


def _ago(now: str, days: int) -> str:
    return f"{datetime.fromisoformat(now) - timedelta(days=days):%Y-%m-%d %H:%M:%S.%f}"


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
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 0.1
    kind = sys.argv[2] if len(sys.argv) > 2 else "sqlite"
    with tempfile.TemporaryDirectory(prefix="vpn-registry-page-") as name, _database(Path(name), kind) as url:
        folder = Path(name)
        started = time.perf_counter()
        fill(home.open_home(Settings(folder, url, folder, folder / "keys" / "registry.key"), as_of=AT), share)
        print(
            f"{int(5e6 * share):,} clients, {int(1e6 * share):,} registrations in {time.perf_counter() - started:.0f} s"
        )
        measure(url)
        command(folder, url)


def measure(url: str) -> None:
    contact = (Contact("Desk", "desk@isp.example", ContactRole.COMPLIANCE),)
    isps = {f"isp{n}": roster.Isp(f"isp{n}", f"ISP {n}", "", "", f"sftp_{n}", None, contact) for n in range(ISPS)}
    desk = Desk(Reader(url), isps, roster.load_campaign(), frozenset(), frozenset())
    app = make_app(settings.PROJECT / "plugins" / "registry_page", Guards(_look, _look), lambda: desk)
    client = TestClient(app, follow_redirects=False)
    for path in PAGES:
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
    for number in range(ISPS):
        contact = '[[contacts]]\nname = "Desk"\nemail = "desk@isp.example"\nrole = "compliance"\n'
        (folder / f"isp{number}.toml").write_text(
            f'name = "ISP {number}"\nlicence = "L"\nfolder = "zones/isp{number}"\nprefixes = []\n{contact}',
            encoding="utf-8",
        )
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
