"""What may go wrong without killing anybody: after two more passes nothing is lost, doubled or different."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, Final
from unittest import mock

import psycopg
import pytest

from tests import postgres_server
from tests.installation import Installation
from tests.integration.faults.copies import Copies
from tests.integration.faults.kills import World, differences, essentials, whole_pass
from tests.integration.faults.points import TOUCHES, WRITES, ZONE, Fault, in_child
from tests.integration.faults.tally import Tally
from vpn_registry.dropzone import ZoneError
from vpn_registry.pipeline import backup, collect, dispatch, notify, reconcile
from vpn_registry.pipeline.exchange import LEASE_SECONDS
from vpn_registry.pipeline.restore import restore
from vpn_registry.registry.engine import engine_for
from vpn_registry.registry.home import Registry

SOAK: Final = 4
"""At so many points, evenly spread, the soak tries each kind of fault; by default it is one."""

STEPS: Final = (
    (collect, "zones_with_mail"),
    (collect, "take"),
    (collect, "judge_and_merge"),
    (collect, "answer"),
    (reconcile, "compare"),
    (notify, "plan"),
    (notify, "brake"),
    (notify, "approve"),
    (dispatch, "send"),
)


def stop(_place: str) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def disk_is_full(_place: str) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def cut(place: str) -> None:
    raise ZoneError(f"the connection was lost when {place}.")


_clocks: Final = cycle(
    (timedelta(hours=offset), zone)
    for offset, zone in ((1, "Asia/Karachi"), (-1, "America/St_Johns"), (24, "Pacific/Kiritimati"), (-24, "UTC"))
)


def step(_place: str) -> None:
    """The machine's clock and its zone are other ones from here on, until the pass ends."""
    offset, zone = next(_clocks)
    mock.patch.dict("os.environ", {"TZ": zone}).start()
    time.tzset()
    true_time = time.time
    time.time = lambda: true_time() + offset.total_seconds()
    Registry.real_now = staticmethod(lambda: datetime.now(UTC) + offset)  # type: ignore[method-assign] # the child's own


def sever(_home: Path, url: str, place: str) -> None:
    """Every connection to the database is cut; after a commit before its reply arrives."""
    server, _, name = url.rpartition("/")
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )
    if place == "commit done":
        raise psycopg.OperationalError("the connection was lost before the reply")


def restart(_home: Path, url: str, _place: str) -> None:
    postgres_server.restart(f"{url.rpartition('/')[0]}/")


def back_up(home: Path, url: str, _place: str) -> None:
    backup.make(Installation(home, (), database_url=url).exchange, home / "backups")


def bring_back(home: Path, url: str) -> None:
    """The backup in its place, although the pass went on after it was made."""
    house = Installation(home, (), database_url=url)
    restore(house.settings, home / "backups", lambda: house.at(timedelta(0)), replace=True)
    engine_for(house.settings.database_url).dispose()


def is_commit(place: str) -> bool:
    return place.startswith("commit")


def is_outside_of_transactions(place: str) -> bool:
    """Where a stopped process blocks nobody by a lock of the database."""
    return place != "commit begins"


def is_before(place: str) -> bool:
    return place.endswith("begins")


FAULTS: Final = {
    "worker that wakes up after another has taken over": Fault(stop, TOUCHES, is_outside_of_transactions),
    "disk full from here on": Fault(disk_is_full, WRITES, is_before, is_lasting=True),
    "disk full for one write": Fault(disk_is_full, WRITES, is_before),
    "zone cut or stalled at an operation": Fault(cut, ZONE),
    "zone refuses everything from here on": Fault(cut, ZONE, is_lasting=True),
    "clock and time zone change": Fault(step),
    "old backup restored": Fault(back_up, TOUCHES, is_outside_of_transactions, needs_home=True),
}
OF_A_SERVER: Final = {
    "database connection cut at a commit": Fault(sever, (), is_commit, needs_home=True),
    "database restarted": Fault(restart, (), is_commit, needs_home=True),
}
"""Only PostgreSQL can have them."""


def disturbed(copies: Copies, kind: str, fault: Fault, points: range) -> tuple[Tally, dict[int, list[str]]]:
    """The fault at each of the points, each in a home of its own; what it cost, and what differed afterwards."""
    tally, failures = Tally(kind, copies.database), {}
    for point in points:
        home, url = copies.copy()
        other = partial(in_child, partial(whole_pass, home, url, "taking over")) if fault.act is stop else None
        act = partial(fault.act, home, url) if fault.needs_home else fault.act
        # Nobody takes over from one that lives but doesn't work, until its lease has run out.
        lasts = 0 if fault.act is stop else LEASE_SECONDS
        with mock.patch("vpn_registry.pipeline.exchange.LEASE_SECONDS", lasts):
            in_child(partial(whole_pass, home, url, "disturbed"), point, replace(fault, act=act), other)
        if fault.act is back_up:
            bring_back(home, url)
        worlds = copies.undisturbed, copies.recovered(home, url)
        if fault.touches is ZONE or fault.act is back_up:  # files overtake each other, and numbers are issued anew
            worlds = essentials(*worlds)
        tally.add(*worlds)
        if different := differences(*worlds):
            failures[point] = different
    return tally, failures


def spread(points: int, count: int) -> range:
    """So many of the points, or a few more, from the first third of the first stretch on."""
    stretch = max(1, points // count)
    return range(1 + stretch // 3, points + 1, stretch)


@pytest.mark.parametrize("kind", FAULTS)
def test_a_disturbance_is_made_good(on_sqlite: Copies, kind: str) -> None:
    tally, failures = disturbed(on_sqlite, kind, FAULTS[kind], spread(on_sqlite.count(FAULTS[kind]), 1)[:1])
    assert failures == {}
    assert (tally.lost, tally.doubled) == (0, 0)
    assert tally.injected == 1


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
@pytest.mark.parametrize("kind", FAULTS)
def test_a_disturbance_at_many_points_is_made_good(
    database: str, kind: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    copies: Copies = request.getfixturevalue(f"on_{database}")
    tally, failures = disturbed(copies, kind, FAULTS[kind], spread(copies.count(FAULTS[kind]), SOAK))
    tally.tell(record_property)
    assert failures == {}


@pytest.mark.soak
@pytest.mark.postgres
@pytest.mark.parametrize("kind", OF_A_SERVER)
def test_a_server_that_goes_away_is_made_good(
    on_postgresql: Copies, kind: str, record_property: Callable[[str, object], None]
) -> None:
    fault = OF_A_SERVER[kind]
    tally, failures = disturbed(on_postgresql, kind, fault, spread(on_postgresql.count(fault), SOAK))
    tally.tell(record_property)
    assert failures == {}


def twice(work: Callable[..., Any]) -> Callable[..., Any]:
    def repeated(*args: Any, **named: Any) -> Any:
        work(*args, **named)
        return work(*args, **named)

    return repeated


def cleared_and_run_again(copies: Copies, steps: tuple[tuple[Any, str], ...]) -> tuple[Tally, list[str]]:
    """A pass of which these steps run twice each, as cleared tasks do; what differs from a pass without."""
    home, url = copies.copy()
    patches = [mock.patch.object(module, name, twice(getattr(module, name))) for module, name in steps]
    for patch in patches:
        patch.start()
    try:
        in_child(partial(whole_pass, home, url, "repeating"))
    finally:
        for patch in patches:
            patch.stop()
    worlds = without_runs(copies.undisturbed), without_runs(copies.recovered(home, url))
    tally = Tally("task cleared and run again", copies.database)
    tally.add(*worlds, injected=len(steps))
    return tally, differences(*worlds)


def without_runs(world: World) -> World:
    """Each comparison leaves one record of having been made, also one that changes nothing."""
    return replace(world, tables={name: rows for name, rows in world.tables.items() if name != "reconciliation_runs"})


def test_every_task_may_be_cleared_and_run_again(on_sqlite: Copies) -> None:
    _, different = cleared_and_run_again(on_sqlite, STEPS)
    assert different == []


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_any_tasks_may_be_cleared_and_run_again(
    database: str, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    copies: Copies = request.getfixturevalue(f"on_{database}")
    tally, different = cleared_and_run_again(copies, STEPS)
    for step in STEPS:
        alone, found = cleared_and_run_again(copies, (step,))
        tally, different = tally.and_also(alone), different + found
    tally.tell(record_property)
    assert different == []
