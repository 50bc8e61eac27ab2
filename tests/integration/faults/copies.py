"""A home with files waiting in its zones, of which every fault gets a copy."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests import postgres_server
from tests.installation import Cast, Installation, clients, registrations
from tests.integration.faults.kills import World, remembered_verdicts, whole_pass, world
from tests.integration.faults.points import KILL, Fault, in_child
from vpn_registry.model import Mode
from vpn_registry.registry.engine import engine_for

_numbers = itertools.count(1)


@contextmanager
def in_memory() -> Iterator[Path]:
    """A folder for copies, in memory where there is room for files; verdicts are remembered meanwhile."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as made, remembered_verdicts():
        yield Path(made)


class Copies:
    """A home with files waiting in its zones, of which every kill gets a copy, and the world after no kill."""

    def __init__(self, folder: Path, server_url: str = "") -> None:
        self._folder = folder / f"copies{next(_numbers)}"
        self._server_url = server_url
        self._template = self._folder / "template"
        house = Installation(self._template, database_url=server_url and f"{server_url}{self._template_name}")
        for named in _files():
            house.drop(named)
        engine_for(house.settings.database_url).dispose()
        # In this process, so that everything is imported once for all children.
        home, url = self.copy()
        whole_pass(home, url, "undisturbed")
        self.undisturbed = world(home, url)
        self.discard(home, url)
        self.points = self.count(KILL)

    @property
    def database(self) -> str:
        return "PostgreSQL" if self._server_url else "SQLite"

    def count(self, fault: Fault) -> int:
        """At how many points of a pass the fault can happen."""
        home, url = self.copy()
        points = in_child(partial(whole_pass, home, url, "counted"), fault=fault)
        assert points is not None
        assert points > 0
        self.discard(home, url)
        return points

    def recovered(self, home: Path, url: str) -> World:
        """The world after two undisturbed passes; the copy is gone."""
        for number in range(2):
            in_child(partial(whole_pass, home, url, f"recovering {number}"))
        found = world(home, url)
        self.discard(home, url)
        return found

    def copy(self) -> tuple[Path, str]:
        home = self._folder / f"home{next(_numbers)}"
        shutil.copytree(self._template, home)
        return home, self._database(home.name)

    def discard(self, home: Path, url: str) -> None:
        engine_for(url or f"sqlite:///{home / 'registry.sqlite'}").dispose()
        shutil.rmtree(home)
        if url:
            postgres_server.drop_database(self._server_url, url.rpartition("/")[2])

    @property
    def _template_name(self) -> str:
        return f"kills_{self._folder.name}"

    def _database(self, home: str) -> str:
        """'' for SQLite in the home, else the address of a new database, a copy of the template's."""
        if not self._server_url:
            return ""
        made = f"{self._template_name}_{home}"
        return postgres_server.create_database(self._server_url, made, template=self._template_name)


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
