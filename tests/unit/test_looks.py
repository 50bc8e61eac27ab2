"""What looking at a registry asks of its database: as much of a large one as of a small one, and never a walk through
what grows with it."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event
from starlette.routing import Route
from typer.testing import CliRunner

from tests.large_registry import AT, Size, fill, pages, write_roster
from vpn_registry import roster, settings
from vpn_registry.cli.app import app as vpnreg
from vpn_registry.page import Guards, make_app
from vpn_registry.page.desk import Desk
from vpn_registry.registry import home
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.reader import Reader
from vpn_registry.settings import Settings

SMALL = Size(isps=8, clients=960, registrations=200, runs=5, files=12, findings=1_600, cases=300, events=300)
LARGE = Size(isps=16, clients=9_600, registrations=2_400, runs=20, files=40, findings=6_400, cases=900, events=3_000)
COMMANDS = ("status", "status --json", "explain isp7 c7-100", "explain isp7 c7-100 --json")
MOST = 40
"""So many queries a look may cost."""
GROWING = {
    "audit_events", "client_statuses", "client_versions", "clients", "delivery_rows", "findings", "notice_clients",
    "registration_versions", "registrations",
}  # fmt: skip
"""Read by an index, or not at all. The ledger, runs, cases and notices are counted whole: some thousands a year."""

LOOKS = """
import sys
from vpn_registry.cli.app import app
def loaded():
    heavy = ("jinja2", "fastapi", "pyarrow", "pandas", "great_expectations", "alembic", "airflow", "paramiko")
    print("loaded", *(name for name in heavy if name in sys.modules))
for words in ("status", "explain isp7 c7-100"):
    app(words.split(), standalone_mode=False)
loaded()
import vpn_registry.page
from vpn_registry.rulebook.languages import texts
loaded()
"""
"""Two commands in one process, which then opens the page and asks it for the rules' texts."""

Query = tuple[str, Any]


@dataclass(frozen=True)
class Place:
    """A registry of a size, and its page."""

    folder: Path
    size: Size
    page: FastAPI

    @property
    def environment(self) -> dict[str, str]:
        names = {name: str(self.folder) for name in ("VPN_REGISTRY_HOME", "VPN_REGISTRY_ISPS")}
        return {"PYTHONPATH": str(settings.INCLUDE), **names}


def addresses(size: Size) -> tuple[str, ...]:
    return (*pages(size), "/messages/7", "/messages/7/letter", "/dags/collect_deliveries")


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Place]]:
    """A small registry and a large one."""
    empty = tmp_path_factory.mktemp("looks") / "empty"
    home.open_home(_settings(empty), as_of=AT)
    engine_for(_settings(empty).database_url).dispose()
    small, large = _place(empty, SMALL), _place(empty, LARGE)
    yield small, large
    for place in (small, large):
        engine_for(_settings(place.folder).database_url).dispose()


def _place(empty: Path, size: Size) -> Place:
    folder = empty.with_name(f"of-{size.clients}-clients")
    shutil.copytree(empty, folder)
    fill(home.open_home(_settings(folder)), size)
    write_roster(folder, size)
    isps = roster.load_isps(folder, folder)
    desk = Desk(Reader(_settings(folder).database_url), isps, roster.load_campaign(), frozenset(), frozenset())
    page = make_app(settings.PROJECT / "plugins" / "registry_page", Guards(_let_in, _let_in), lambda: desk)
    return Place(folder, size, page)


def _settings(folder: Path) -> Settings:
    return Settings(folder, f"sqlite:///{folder / 'registry.sqlite'}", folder, folder / "keys" / "registry.key")


def _let_in(request: Request) -> None:
    request.state.actor = "ayesha"


@pytest.fixture(scope="module")
def looks(places: tuple[Place, Place]) -> dict[str, tuple[list[Query], list[Query]]]:
    """Address or command -> what it asks of the small registry, and of the large one."""
    small, large = ({**_shown(place), **_told(place)} for place in places)
    return {name: (small[name], large[name]) for name in small}


def _shown(place: Place) -> dict[str, list[Query]]:
    client = TestClient(place.page, follow_redirects=False)
    client.get("/messages/7/letter")  # opens the connections

    def show(address: str) -> None:
        assert client.get(address).status_code in (200, 303, 307), address

    return {
        name: _asked(partial(show, address))
        for name, address in zip(addresses(LARGE), addresses(place.size), strict=True)
    }


def _told(place: Place) -> dict[str, list[Query]]:
    def tell(words: str) -> None:
        done = CliRunner().invoke(vpnreg, words.split())
        assert done.exit_code == 0, done.output

    with pytest.MonkeyPatch.context() as patch:
        for name, value in place.environment.items():
            patch.setenv(name, value)
        return {words: _asked(partial(tell, words)) for words in COMMANDS}


def _asked(look: Callable[[], None]) -> list[Query]:
    """What a look asks of any database of this process."""
    queries: list[Query] = []

    def listen(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        queries.append((statement, parameters[0] if many else parameters))

    event.listen(Engine, "before_cursor_execute", listen)
    try:
        look()
    finally:
        event.remove(Engine, "before_cursor_execute", listen)
    return queries


def test_every_address_of_the_page_is_looked_at_here(places: tuple[Place, Place]) -> None:
    for route in places[0].page.routes:
        assert isinstance(route, Route)
        if "GET" in (route.methods or ()) and not route.path.startswith(("/static", "/{rest")):
            assert any(route.path_regex.match(name.partition("?")[0]) for name in addresses(LARGE)), route.path


def test_a_large_registry_is_asked_as_often_as_a_small_one(looks: dict[str, tuple[list[Query], list[Query]]]) -> None:
    times = {name: (len(of_small), len(of_large)) for name, (of_small, of_large) in looks.items()}
    assert {name: pair for name, pair in times.items() if pair[0] != pair[1]} == {}
    assert max(of_large for _, of_large in times.values()) <= MOST
    assert min(times[name][0] for name in (*COMMANDS, *pages(LARGE))) > 3


def test_no_look_walks_through_what_grows(
    places: tuple[Place, Place], looks: dict[str, tuple[list[Query], list[Query]]]
) -> None:
    with sqlite3.connect(places[1].folder / "registry.sqlite") as connection:
        assert _walked(connection, "SELECT national_no FROM registrations WHERE decided_seq = ?", (1,))
        assert _walked(connection, "SELECT national_no FROM registrations WHERE isp = ?", ("isp7",))
        walks = {
            (name, table, statement)
            for name, (_, of_large) in looks.items()
            for statement, given in of_large
            for table in _walked(connection, statement, given)
        }
    assert walks == set()


def test_a_look_loads_neither_frames_nor_what_judges(places: tuple[Place, Place]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOOKS],
        env=places[0].environment,
        capture_output=True,
        text=True,
        check=True,
    )
    of_commands, of_pages = (line.split() for line in done.stdout.splitlines() if line.startswith("loaded"))
    assert of_commands == ["loaded"]
    assert of_pages == ["loaded", "jinja2", "fastapi", "pyarrow"]


def _walked(connection: sqlite3.Connection, statement: str, given: Any) -> set[str]:
    """The growing tables that SQLite would read from one end to the other, or all of one ISP's part."""
    if not statement.startswith(("SELECT", "WITH")):
        return set()
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)]
    scanned = {_table(step) for step in plan if step.startswith("SCAN ")} & GROWING
    # The list of an ISP's clients is counted, and leafed through along its index.
    of_isp = {_table(step) for step in plan if step.endswith("(isp=?)")} & (GROWING - {"client_statuses"})
    return scanned | of_isp


def _table(step: str) -> str:
    return re.sub(r"_\d+$", "", step.split()[1])
