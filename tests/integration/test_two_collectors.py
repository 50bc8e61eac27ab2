"""Two collectors at once, in processes of their own: each file is taken by one of them, and none is lost."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest

from tests.installation import Cast, Installation, registrations
from tests.integration.faults.tally import Tally
from vpn_registry.dropzone import ZoneError
from vpn_registry.pipeline import collect
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.registry import ledger
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.ledger import Fenced
from vpn_registry.roster import Isp

ISPS: Final = ("indus", "kirana")
_FORKED: Final = multiprocessing.get_context("fork")


@contextmanager
def no_lease(_exchange: Exchange, _isp: Isp, _holder: str) -> Iterator[bool]:
    """As if every lease had run out: both work on a zone at once."""
    yield True


class Collector:
    """Passes over all zones until nothing lies there; tells how many deliveries it stored, and how often it lost."""

    def __init__(self, home: Path, url: str, *, has_lease: bool, is_judging: bool) -> None:
        self._home, self._url, self._has_lease, self._is_judging = home, url, has_lease, is_judging
        self._stored = self._lost = 0

    def __call__(self, holder: str, gate: Barrier, told: Queue[tuple[int, int]]) -> None:
        house = Installation(self._home, database_url=self._url)
        lease = Exchange.leased if self._has_lease else no_lease
        with mock.patch.object(Exchange, "leased", lease), mock.patch.object(ledger, "store", self._counted):
            gate.wait()
            while any(house.incoming(isp) for isp in ISPS):
                for isp in collect.zones_with_mail(house.exchange, sleep=lambda _: None):
                    self._pass(house.exchange, isp, holder)
        told.put((self._stored, self._lost))

    def _pass(self, exchange: Exchange, isp: str, holder: str) -> None:
        try:
            collect.take(exchange, isp, holder=holder)
            if self._is_judging:
                collect.judge_and_merge(exchange, isp, holder=holder)
                collect.answer(exchange, isp, holder=holder)
        except (Fenced, ZoneError):  # the other one was faster: with the ledger, or with a file of the zone
            self._lost += 1

    def _counted(self, *args: Any, **named: Any) -> Any:
        stored = _store(*args, **named)
        self._stored += 1
        return stored


_store: Final = ledger.store


def collected(home: Path, url: str, files: int, *, has_lease: bool, is_judging: bool = False) -> Installation:
    """So many files in two zones, taken by two collectors that start at one moment; what is promised of them holds."""
    house = Installation(home, database_url=url)
    rows = {isp: Cast(isp).registered(1) for isp in ISPS}
    for number in range(1, files + 1):
        isp = ISPS[number % len(ISPS)]
        row = rows[isp][0] | {"registration_ref": f"R-{number}"}
        house.drop(registrations(isp, (number + 1) // len(ISPS), [row]))
    engine_for(house.settings.database_url).dispose()
    gate, told = _FORKED.Barrier(2), _FORKED.Queue()
    collector = Collector(home, url, has_lease=has_lease, is_judging=is_judging)
    children = [_FORKED.Process(target=collector, args=(holder, gate, told)) for holder in ("first", "second")]
    for child in children:
        child.start()
    stored = [told.get(timeout=300) for _ in children]
    for child in children:
        child.join()
        assert child.exitcode == 0
    assert sum(count for count, _ in stored) == files
    if has_lease:
        assert [lost for _, lost in stored] == [0, 0]
    return house


def assert_each_once(house: Installation, files: int) -> None:
    """One ledger row, number, stored copy and receipt a file."""
    seen = house.rows("SELECT isp, seq, claim_no FROM deliveries WHERE state <> 'vanished'")
    assert len({(isp, seq) for isp, seq, _ in seen}) == len(seen) == files
    assert house.rows("SELECT count(*) FROM number_uses") == [(files,)]
    assert len(list(house.exchange.landing)) == files
    for isp in ISPS:
        collect.answer(house.exchange, isp, holder="afterwards")
        assert house.incoming(isp) == []
    receipts = [path for isp in ISPS for path in house.out(isp) if path.endswith(".receipt.json")]
    assert len(receipts) == files


@pytest.fixture
def home() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.mark.parametrize("has_lease", [True, False], ids=["with leases", "as if leases had run out"])
def test_two_collectors_take_each_file_once(home: Path, has_lease: bool) -> None:
    house = collected(home, "", 30, has_lease=has_lease)
    if has_lease:
        assert house.rows("SELECT DISTINCT claim_no FROM deliveries") == [(1,)]
    assert_each_once(house, 30)


@pytest.mark.soak
@pytest.mark.parametrize("has_lease", [True, False], ids=["with leases", "as if leases had run out"])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_two_collectors_judge_two_hundred_files_once(
    home: Path,
    database: str,
    has_lease: bool,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    url = ""
    if database == "postgresql":
        server, name = request.getfixturevalue("postgres_server_url"), f"collectors_{has_lease}".lower()
        url = f"{server}{name}"
    house = collected(home, url, 200, has_lease=has_lease, is_judging=True)
    assert_each_once(house, 200)
    judged = Counter(subject for (subject,) in house.rows("SELECT object_id FROM audit_events WHERE action = 'judge'"))
    assert (len(judged), set(judged.values())) == (200, {1})
    assert house.rows("SELECT count(*) FROM registrations") == [(200,)]
    house.run()
    assert house.rows("SELECT DISTINCT state, outcome FROM deliveries") == [("answered", "accepted")]
    results = [path for isp in ISPS for path in house.out(isp) if path.endswith(".result.json")]
    name = "PostgreSQL" if url else "SQLite"
    lost, doubled = max(0, 200 - len(results)), max(0, len(results) - 200)
    Tally("two runs at once", name, injected=200, lost=lost, doubled=doubled).tell(record_property)
    assert len(results) == 200
