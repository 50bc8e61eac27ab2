"""kill -9 at every point of a pass: after at most two more passes nothing is lost, doubled or different."""

from __future__ import annotations

import itertools
import os
import random
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.installation import Cast, Installation, clients, registrations
from tests.integration.faults.kills import World, differences, in_child, remembered_verdicts, whole_pass, world
from vpn_registry.model import Mode
from vpn_registry.registry.engine import engine_for

_numbers = itertools.count(1)


STRIDE = 9
"""Every so many points are tried by default; the soak tests try all."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as made, remembered_verdicts():
        yield Path(made)


class Copies:
    """A home with files waiting in its zones, of which every kill gets a copy, and the world after no kill."""

    def __init__(self, folder: Path, server_url: str = "") -> None:
        self._folder = folder / f"copies{next(_numbers)}"
        self._server_url = server_url
        self._template = self._folder / "template"
        house = Installation(self._template, database_url=self._database(None))
        for named in _files():
            house.drop(named)
        engine_for(house.settings.database_url).dispose()
        # In this process, so that everything is imported once for all children.
        home, url = self.copy()
        whole_pass(home, url, "undisturbed")
        self.undisturbed = world(home, url)
        self.discard(home, url)
        home, url = self.copy()
        points = in_child(partial(whole_pass, home, url, "counted"))
        assert points is not None
        self.points = points
        self.discard(home, url)

    def copy(self) -> tuple[Path, str]:
        home = self._folder / f"home{next(_numbers)}"
        shutil.copytree(self._template, home)
        return home, self._database(home)

    def discard(self, home: Path, url: str) -> None:
        engine_for(url or f"sqlite:///{home / 'registry.sqlite'}").dispose()
        shutil.rmtree(home)
        if url:
            name = url.rpartition("/")[2]
            self._on_server(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _database(self, home: Path | None) -> str:
        """'' for SQLite in the home, else the address of a new database, a copy of the template's."""
        if not self._server_url:
            return ""
        template = f"kills_{self._folder.name}"
        made = template if home is None else f"{template}_{home.name}"
        source = sql.SQL("") if home is None else sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._on_server(sql.SQL("CREATE DATABASE {}{}").format(sql.Identifier(made), source))
        return f"{self._server_url}{made}"

    def _on_server(self, statement: sql.Composed) -> None:
        with psycopg.connect(f"{self._server_url}postgres", autocommit=True) as connection:
            connection.execute(statement)


def _files() -> list[tuple[str, bytes]]:
    """A book, an update of it and a list from one ISP; a file with a bad row and a list from the other."""
    indus, kirana = Cast("indus"), Cast("kirana")
    book = indus.registered(3)
    indus.open(1)
    rows = kirana.registered(2)
    kirana.open(1)
    return [
        registrations("indus", 1, book, Mode.FULL, age=2),
        registrations("indus", 2, [book[0] | {"action": "update", "city": "Multan"}]),
        clients("indus", 1, indus.listed),
        registrations("kirana", 1, [rows[0], rows[1] | {"province": "Punjab"}], Mode.FULL),
        clients("kirana", 1, kirana.listed),
    ]


@pytest.fixture(scope="module")
def on_sqlite(folder: Path) -> Copies:
    return Copies(folder)


@pytest.fixture(scope="module")
def on_postgresql(folder: Path, postgres_server_url: str) -> Copies:
    return Copies(folder, postgres_server_url)


def kill(copies: Copies, *points: int) -> tuple[World, World]:
    """Kill one pass after the other, each at its point; the world then, and after two undisturbed passes."""
    home, url = copies.copy()
    for number, point in enumerate(points):
        in_child(partial(whole_pass, home, url, f"killed {number}"), point)
    then = world(home, url)
    for number in range(2):
        in_child(partial(whole_pass, home, url, f"recovering {number}"))
    found = world(home, url)
    copies.discard(home, url)
    return then, found


@dataclass
class Record:
    """What kills led to: differences that remained, and the states things were in right after a kill."""

    failures: dict[tuple[int, ...], list[str]] = field(default_factory=dict)
    deliveries: set[str] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)


def killed(copies: Copies, kills: Iterable[tuple[int, ...]]) -> Record:
    record = Record()
    for points in kills:
        then, afterwards = kill(copies, *points)
        record.deliveries |= set(then.states.values())
        record.messages |= set(then.messages.values())
        if different := differences(copies.undisturbed, afterwards):
            record.failures[points] = different
    return record


def test_the_undisturbed_pass_has_done_everything(on_sqlite: Copies) -> None:
    done = on_sqlite.undisturbed
    assert set(done.states.values()) == {"answered"}
    assert set(done.messages.values()) == set(done.notices.values()) == {"sent"}
    assert done.lying == []
    assert differences(done, done) == []
    assert on_sqlite.points > 100


def test_a_loss_or_a_double_would_be_seen(on_sqlite: Copies) -> None:
    done = on_sqlite.undisturbed
    again = World(**{**vars(done), "mails": done.mails * 2})
    assert len(differences(done, again)) == 2
    lost = World(**{**vars(done), "tables": {**done.tables, "registrations": done.tables["registrations"][1:]}})
    assert differences(done, lost) == ["registrations"]


def test_a_pass_that_is_killed_anywhere_is_made_good_on_sqlite(on_sqlite: Copies) -> None:
    record = killed(on_sqlite, ((point,) for point in range(1, on_sqlite.points + 1, STRIDE)))
    assert record.failures == {}
    assert record.deliveries == {"seen", "claimed", "stored", "judged", "answered"}
    assert record.messages >= {"approved", "sending", "sent"}


@pytest.mark.postgres
def test_a_pass_that_is_killed_anywhere_is_made_good_on_postgresql(on_postgresql: Copies) -> None:
    record = killed(on_postgresql, ((point,) for point in range(5, on_postgresql.points + 1, 4 * STRIDE)))
    assert record.failures == {}


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_every_single_point_may_be_fatal(database: str, request: pytest.FixtureRequest) -> None:
    copies: Copies = request.getfixturevalue(f"on_{database}")
    record = killed(copies, ((point,) for point in range(1, copies.points + 1)))
    assert record.failures == {}


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_the_pass_that_recovers_may_be_killed_too(database: str, request: pytest.FixtureRequest) -> None:
    copies: Copies = request.getfixturevalue(f"on_{database}")
    dice = random.Random(1)  # noqa: S311 - repeatable on purpose; until 2027-12-31
    pairs = ((dice.randint(1, copies.points), dice.randint(1, copies.points // 2)) for _ in range(100))
    assert killed(copies, pairs).failures == {}
