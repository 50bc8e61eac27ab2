"""Who works on a zone: leases, and the processes behind them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tests.unit.registry.filing import AT
from vpn_registry.registry import ledger, processes
from vpn_registry.registry.home import Registry


def test_a_lease_is_one_holders_until_it_runs_out(registry: Registry) -> None:
    with registry.writing() as db:
        assert ledger.lease(db, "indus", "one", at=AT, seconds=60)
        assert ledger.lease(db, "indus", "one", at=AT, seconds=60)
        assert not ledger.lease(db, "indus", "two", at=AT, seconds=60)
        assert ledger.lease(db, "ravi", "two", at=AT, seconds=60)
        ledger.release(db, "indus", "two")
        assert not ledger.lease(db, "indus", "two", at=AT, seconds=60)
        assert ledger.lease(db, "indus", "two", at=AT + timedelta(seconds=60), seconds=60)
        ledger.release(db, "indus", "two")
        assert ledger.lease(db, "indus", "one", at=AT, seconds=60)


@contextmanager
def another_process() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process that waits, and how it would tell itself."""
    code = (
        "import ctypes; ctypes.CDLL(None).prctl(15, b'a) \\xff\\xfe');"  # its name is bytes, and any
        "from vpn_registry.registry import processes; print(processes.this_one(), flush=True); input()"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        yield child, child.stdout.readline().decode().strip()
    finally:
        child.kill()
        child.communicate()


def test_the_lease_of_a_process_that_died_here_is_not_waited_for(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    with another_process() as (child, told), registry.writing() as db:
        with monkeypatch.context() as there:
            there.setattr(processes, "this_one", lambda: told)
            assert ledger.lease(db, "indus", "one", at=AT, seconds=60)
            assert ledger.lease(db, "ravi", "one", at=AT, seconds=60)
        assert not ledger.lease(db, "indus", "two", at=AT, seconds=60)
        child.kill()
        child.wait()
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(processes, "_here", lambda: "another machine")
            assert not ledger.lease(db, "indus", "two", at=AT, seconds=60)
        assert ledger.lease(db, "indus", "two", at=AT, seconds=60)
        assert not ledger.lease(db, "indus", "three", at=AT, seconds=60)


def test_a_process_is_gone_when_it_died_and_when_its_number_is_anothers(monkeypatch: pytest.MonkeyPatch) -> None:
    with another_process() as (child, told):
        assert not processes.is_gone(told)
        where, number, start = told.split("/")
        assert processes.is_gone(f"{where}/{number}/{int(start) - 1}")
        with monkeypatch.context() as hidden:
            hidden.setattr(processes, "_started", lambda _number: None)  # as another user's may be
            assert not processes.is_gone(told)
        assert not processes.is_gone(f"elsewhere/{number}/{int(start) - 1}")
        os.kill(child.pid, signal.SIGKILL)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and nobody has asked how it ended
        assert processes.is_gone(told)
    assert processes.is_gone(told)
    assert not processes.is_gone("")
    assert not processes.is_gone(processes.this_one())
