"""The figures of the data team's page, on both databases."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from tests.unit.registry.filing import AT, add, file_clients, file_registrations, store
from vpn_registry.model import DeliveryState, Feed, Mode, Outcome, RowCounts, pakistani_day
from vpn_registry.registry import glance, ledger, status_runs
from vpn_registry.registry.home import Registry

DEADLINE = date(2026, 6, 30)
TODAY = pakistani_day(AT)


def list_clients(registry: Registry, isp: str, count: int) -> None:
    """Take a client list of subscribers 1, 2, 3 .. of an ISP."""
    rows = [{"subscriber_id": str(number), "client_name": f"Client {number}"} for number in range(1, count + 1)]
    file_clients(registry, 1, *rows, isp=isp)


def compare(registry: Registry, isp: str, at: datetime, *found: str) -> None:
    """Store a comparison of clients 1, 2, 3 .. with these statuses."""
    frame = pd.DataFrame(
        [
            {"subscriber_id": str(number), "status": status, "reason": "", "key": "", "registration_ref": "",
             "candidate": ""}
            for number, status in enumerate(found, 1)
        ],
        columns=["subscriber_id", "status", "reason", "key", "registration_ref", "candidate"],
    )  # fmt: skip
    with registry.writing() as db:
        status_runs.store(db, isp, frame, at=at, rule_version="1", deadline_on=DEADLINE)


def test_clients_are_counted_as_the_last_run_of_each_isp_left_them(registry: Registry) -> None:
    list_clients(registry, "indus", 3)
    compare(registry, "indus", AT, "unregistered", "unregistered", "exempt")
    compare(registry, "indus", AT + timedelta(hours=1), "registered", "expired", "exempt")
    compare(registry, "ravi", AT, "mismatch")
    with registry.reading() as db:
        found, of_ravi = glance.standings(db), glance.standings(db, "ravi")
    assert (found["indus"].clients, found["indus"].to_register, found["indus"].covered) == (3, 1, 1)
    assert found["indus"].comparable == 2
    assert list(of_ravi) == ["ravi"]


def test_a_day_keeps_the_figures_of_isps_that_were_not_compared_on_it(registry: Registry) -> None:
    list_clients(registry, "indus", 2)
    midnight = datetime.fromisoformat("2026-06-15T23:59:00+05:00")
    compare(registry, "indus", midnight, "unregistered", "registered")
    compare(registry, "ravi", midnight + timedelta(minutes=2), "registered")
    compare(registry, "indus", midnight + timedelta(days=2), "registered", "registered")
    with registry.reading() as db:
        days = glance.coverage_by_day(db, since=date(2026, 6, 1), until=date(2026, 6, 18))
        of_ravi = glance.coverage_by_day(db, since=date(2026, 6, 1), until=date(2026, 6, 16), isp="ravi")
        nothing = glance.coverage_by_day(db, since=date(2026, 6, 20), until=date(2026, 6, 21))
    assert [(day.on.day, day.to_register, day.covered, day.comparable) for day in days] == [
        (15, 1, 1, 2), (16, 1, 2, 3), (17, 0, 3, 3), (18, 0, 3, 3),
    ]  # fmt: skip
    assert [(day.on.day, day.covered) for day in of_ravi] == [(16, 1)]
    assert nothing == []


def test_an_isp_whose_list_has_become_empty_has_nothing_to_register_any_more(registry: Registry) -> None:
    compare(registry, "indus", AT - timedelta(days=1), "unregistered", "registered")
    compare(registry, "indus", AT)
    with registry.reading() as db:
        days = glance.coverage_by_day(db, since=TODAY - timedelta(days=9), until=TODAY)
        told = glance.to_register_by_day(db, since=TODAY - timedelta(days=9))
    assert [(day.to_register, day.comparable) for day in days] == [(1, 2), (0, 0)]
    assert told == {"indus": [(TODAY - timedelta(days=1), 1), (TODAY, 0)]}


def test_deliveries_are_counted_by_what_became_of_them(registry: Registry) -> None:
    file_registrations(registry, 1, add("a"))
    file_clients(registry, 1, {"subscriber_id": "7", "client_name": "X"}, isp="ravi")
    with registry.writing() as db:
        store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, 2)
    with registry.reading() as db:
        assert sorted(glance.outcomes_by_day(db, since=TODAY)) == [(TODAY, "accepted", 2), (TODAY, "stored", 1)]
        assert glance.outcomes_by_day(db, since=TODAY, isp="ravi") == [(TODAY, "accepted", 1)]
        assert glance.outcomes_by_day(db, since=TODAY + timedelta(days=1)) == []
        by_isp = glance.outcomes_by_isp(db, since=TODAY)
        waiting = glance.stuck(db, AT + timedelta(seconds=1))
        assert glance.stuck(db, AT) == []
    assert by_isp == {"indus": {"accepted": 1, "stored": 1}, "ravi": {"accepted": 1}}
    assert [one.state for one in waiting] == [DeliveryState.JUDGED, DeliveryState.JUDGED, DeliveryState.STORED]


@pytest.mark.parametrize("isp", [None, "indus"])
def test_findings_are_added_up_from_the_stored_results(registry: Registry, isp: str | None) -> None:
    for seq, counts in ((1, {"H101": 2, "W105": 1}), (2, {"H101": 40})):
        with registry.writing() as db:
            delivery = store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, seq)
            ledger.conclude(
                db, delivery, delivery.claim_no, outcome=Outcome.REJECTED, rows=RowCounts(42, 0, 42),
                counts_by_code=counts, findings=(), result={}, rulebook_version="1", at=AT,
            )  # fmt: skip
    with registry.reading() as db:
        assert glance.findings_by_code(db, since=TODAY, isp=isp) == {"H101": 42, "W105": 1}
        assert glance.findings_by_code(db, since=TODAY, isp="ravi") == {}


def test_zones_cases_and_notices_of_an_empty_registry_are_empty(registry: Registry) -> None:
    with registry.writing() as db:
        ledger.record_listing(db, "indus", at=AT, error="The zone did not answer.")
    with registry.reading() as db:
        assert glance.watches(db)["indus"].failing_since_at == AT
        assert glance.open_cases_by_isp(db) == {}
        assert glance.notices_by_isp(db) == {}
        assert not glance.has_sent(db)
