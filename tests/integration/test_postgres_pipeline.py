"""The sample story from files to statuses and notices: as it is told, and the same on both databases."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres_server
from tests.installation import Installation
from tests.integration.faults.kills import tables_of
from vpn_registry.demo import samples
from vpn_registry.model import Status, ZoneFolder
from vpn_registry.pipeline import chase, notify, promises, rebuild, reconcile, report
from vpn_registry.registry import locks, statuses
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.keys import KeyRing
from vpn_registry.settings import INCLUDE

pytestmark = pytest.mark.postgres

Statuses = dict[str, dict[str, Status]]


class Told:
    """One telling of the story: the statuses after each round, and the registry at its end."""

    def __init__(self, home: Path, key_file: Path, database_url: str = "") -> None:
        self.house = _house(home, key_file, database_url)
        self.story = samples.sample()
        self.first = self._round(again=False)
        self.second = self._round(again=True)
        notify.plan(self.house.exchange)
        notify.brake(self.house.exchange)
        chase.remind(self.house.exchange)
        report.queue(self.house.exchange)
        assert promises.broken(self.house.exchange) == []
        self.tables = tables_of(self.house)

    def _round(self, *, again: bool) -> Statuses:
        for isp in samples.SLUGS:
            for folder in ZoneFolder:
                for named in self.story.files(isp, again=again, folder=folder).items():
                    self.house.drop(named, isp=isp, folder=folder)
        self.house.run()
        for isp in reconcile.outdated(self.house.exchange):
            reconcile.compare(self.house.exchange, isp)
        with self.house.exchange.registry.reading() as db:
            found = {isp: statuses.latest(db, isp) for isp in samples.SLUGS}
        return {
            isp: {who: Status(status) for who, status in zip(frame["subscriber_id"], frame["status"], strict=True)}
            for isp, frame in found.items()
        }


def _house(home: Path, key_file: Path, database_url: str) -> Installation:
    """The sample ISPs as they are committed, but on folders; fingerprints are equal where the keys are."""
    (home / "isps").mkdir(parents=True)
    (home / "keys").mkdir()
    shutil.copy(key_file, home / "keys" / "registry.key")
    for isp in samples.SLUGS:
        text = (INCLUDE / "isps" / f"{isp}.toml").read_text("utf-8")
        (home / "isps" / f"{isp}.toml").write_text(text.replace(f'sftp = "sftp_{isp}"', f'folder = "zones/{isp}"'))
        for folder in ("incoming", "check", "outgoing"):
            (home / "zones" / isp / folder).mkdir(parents=True)
    return Installation(home, (), database_url=database_url)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def key_file(folder: Path) -> Path:
    KeyRing.create(folder / "registry.key")
    return folder / "registry.key"


@pytest.fixture(scope="module")
def database_url(postgres_server_url: str) -> str:
    return postgres_server.create_database(postgres_server_url, "sample_story")


@pytest.fixture(scope="module")
def on_postgresql(folder: Path, key_file: Path, database_url: str) -> Iterator[Told]:
    yield Told(folder / "postgresql", key_file, database_url)
    engine_for(database_url).dispose()


@pytest.fixture(scope="module")
def on_sqlite(folder: Path, key_file: Path) -> Told:
    return Told(folder / "sqlite", key_file)


def expected(told: Statuses) -> Statuses:
    return {isp: told.get(isp, {}) for isp in samples.SLUGS}


def test_every_client_has_the_status_the_story_promises(on_postgresql: Told) -> None:
    assert on_postgresql.first == expected(on_postgresql.story.first)
    assert on_postgresql.second == expected(on_postgresql.story.second)


def test_every_file_has_the_outcome_and_counts_the_story_promises(on_postgresql: Told) -> None:
    query = """SELECT isp, folder, file_name, outcome, rows_total, rows_accepted, rows_rejected, rows_duplicate
               FROM deliveries ORDER BY id"""
    found = on_postgresql.house.rows(query)
    assert len(found) == sum(drop.outcome is not None for drop in on_postgresql.story.drops)
    for drop in on_postgresql.story.drops:
        rows = [row for row in found if row[:3] == (drop.isp, drop.folder, drop.name)]
        if drop.outcome is not None:
            assert drop.outcome in {row[3] for row in rows}, drop.name
        if drop.rows is not None:
            assert tuple(drop.rows) in {row[4:] for row in rows}, drop.name


def test_both_databases_hold_the_same_registry(on_postgresql: Told, on_sqlite: Told) -> None:
    different = [name for name, rows in on_sqlite.tables.items() if on_postgresql.tables[name] != rows]
    assert different == []
    assert on_sqlite.tables["registrations"]
    assert on_sqlite.tables["notices"]


def test_the_registry_follows_from_the_files_on_postgresql_too(on_postgresql: Told) -> None:
    rebuilt = rebuild.check(on_postgresql.house.exchange)
    assert rebuilt.first == []
    assert rebuilt.equal["registration_versions"] == len(on_postgresql.tables["registration_versions"])


def test_a_comparison_waits_for_a_merge_of_the_same_isp(on_postgresql: Told) -> None:
    """Otherwise it could read clients from before and registrations from after it, and call that up to date."""
    exchange = on_postgresql.house.exchange
    comparing = threading.Thread(target=reconcile.compare, args=(exchange, "indus"))
    with exchange.registry.writing() as db:
        locks.hold_isp(db, "indus")
        comparing.start()
        reconcile.compare(exchange, "kirana")
        comparing.join(0.5)
        assert comparing.is_alive()
    comparing.join(30)
    assert not comparing.is_alive()
