"""A look can't change anything, and it leaves its mark in the audit trail or isn't allowed."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from vpn_registry.model import ConfigurationError
from vpn_registry.registry import audit, browse, reader
from vpn_registry.registry.home import Registry
from vpn_registry.registry.reader import NotAuditedError, Reader
from vpn_registry.settings import Settings


@pytest.fixture
def looking(registry: Registry) -> Reader:
    return Reader(registry.settings.database_url)


def test_a_look_shows_the_registrys_own_clock(registry: Registry, looking: Reader) -> None:
    with looking.look() as look:
        assert (look.now, look.is_simulated) == (registry.now(), True)


@pytest.mark.parametrize("statement", ["DELETE FROM cases", "UPDATE home SET is_simulated = is_simulated"])
def test_the_database_refuses_whatever_a_look_would_change(looking: Reader, statement: str) -> None:
    with pytest.raises(SQLAlchemyError, match=r"(?i)read.?only"), looking.look() as look:
        look.db.execute(text(statement))


def test_a_look_says_what_is_missing(make_settings: Callable[[], Settings]) -> None:
    with pytest.raises(ConfigurationError, match="vpnreg db upgrade"), Reader(make_settings().database_url).look():
        pass


def test_that_somebody_looked_is_in_the_trail(registry: Registry, looking: Reader) -> None:
    looking.record("tester", "explain", "client", "indus/7", {"isp": "indus"})
    with looking.look() as look:
        (event,) = browse.events(look.db, "client", "indus/7")
    assert (event["actor"], event["action"], event["happened_at"]) == ("tester", "explain", registry.now())
    assert audit.seal(registry, registry.now()) == 1


def test_a_look_that_can_not_be_recorded_in_time_is_refused(
    registry: Registry, looking: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "AUDIT_SECONDS", 1)
    started = time.monotonic()
    with registry.writing() as db:
        is_sqlite = db.get_bind().dialect.name == "sqlite"  # where any writer holds up every other
        db.execute(text("DELETE FROM leases" if is_sqlite else "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(NotAuditedError):
            looking.record("tester", "explain", "client", "indus/7", {})
    assert time.monotonic() - started < 10  # not the minute that other writers wait


def test_looking_waits_for_no_writer(registry: Registry, looking: Reader) -> None:
    with registry.writing() as db:
        db.execute(text("DELETE FROM leases"))
        with looking.look() as look:
            assert look.is_simulated
