"""When statuses are compared anew, and what they say after a merge."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.installation import Cast, Installation, clients, registrations
from vpn_registry.model import Mode
from vpn_registry.pipeline import reconcile
from vpn_registry.registry import statuses


def status_of(house: Installation, isp: str = "indus") -> dict[str, str]:
    with house.exchange.registry.reading() as db:
        found = statuses.latest(db, isp)
    return dict(zip(found["subscriber_id"], found["status"], strict=True))


@pytest.fixture
def listed(house: Installation, indus: Cast) -> Installation:
    """Two clients registered, two open."""
    house.drop(registrations("indus", 1, indus.registered(2), Mode.FULL))
    indus.open(2)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    return house


def test_statuses_follow_a_merge(listed: Installation, indus: Cast) -> None:
    assert reconcile.outdated(listed.exchange) == ["indus"]
    assert reconcile.compare(listed.exchange, "indus") == {"registered": 2, "unregistered": 2}
    assert reconcile.outdated(listed.exchange) == []
    late = indus.listed[2]["subscriber_id"]
    listed.drop(registrations("indus", 2, [indus.registration(late)]))
    listed.run()
    assert reconcile.outdated(listed.exchange) == ["indus"]
    assert reconcile.compare(listed.exchange, "indus") == {"registered": 3, "unregistered": 1}
    assert status_of(listed)[late] == "registered"
    ended = listed.rows("SELECT subscriber_id, status FROM client_statuses WHERE ended_run_id IS NOT NULL")
    assert ended == [(late, "unregistered")]


def test_a_refused_row_shows_as_an_attempt(listed: Installation, indus: Cast) -> None:
    late = indus.listed[2]["subscriber_id"]
    listed.drop(registrations("indus", 2, [indus.registration(late, province="Punjab")]))
    listed.run()
    reconcile.compare(listed.exchange, "indus")
    assert status_of(listed)[late] == "rejected"


def test_an_isp_without_a_client_list_is_never_outdated(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(2), Mode.FULL))
    house.run()
    assert reconcile.outdated(house.exchange) == []


def test_statuses_are_outdated_on_the_next_day_in_pakistan(listed: Installation) -> None:
    reconcile.compare(listed.exchange, "indus")
    listed.at(timedelta(hours=14, minutes=59))  # 23:59 in Pakistan
    assert reconcile.outdated(listed.exchange) == []
    listed.at(timedelta(minutes=1))
    assert reconcile.outdated(listed.exchange) == ["indus"]


def test_comparing_twice_changes_no_status(listed: Installation) -> None:
    reconcile.compare(listed.exchange, "indus")
    before = listed.rows("SELECT * FROM client_statuses ORDER BY id")
    reconcile.compare(listed.exchange, "indus")
    assert listed.rows("SELECT * FROM client_statuses ORDER BY id") == before


def test_a_list_that_grew_too_old_calls_nobody_unregistered(listed: Installation) -> None:
    listed.at(timedelta(days=35))
    assert reconcile.compare(listed.exchange, "indus") == {"not_comparable": 2, "registered": 2}


def test_refreshing_compares_only_what_is_outdated(listed: Installation) -> None:
    for _ in range(2):
        with listed.exchange.registry.writing() as db:
            reconcile.refresh(listed.exchange, db, "indus")
    assert listed.rows("SELECT count(*) FROM reconciliation_runs") == [(1,)]
