"""When statuses are compared anew, and what they say after a merge."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.installation import MORNING, Cast, FileAndList, Installation, clients, registrations
from vpn_registry.model import Mode
from vpn_registry.pipeline import reconcile
from vpn_registry.registry import cases, status_runs, statuses, successions
from vpn_registry.registry.status_runs import Moves


def status_of(house: Installation, isp: str = "indus") -> dict[str, str]:
    with house.exchange.registry.reading() as db:
        found = statuses.latest(db, isp)
    return dict(zip(found["subscriber_id"], found["status"], strict=True))


@pytest.fixture
def listed(file_and_list: FileAndList) -> Installation:
    """Two clients registered, two open."""
    return file_and_list(2, 2)


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


def test_what_moved_between_two_runs_is_stored(listed: Installation, indus: Cast) -> None:
    reconcile.compare(listed.exchange, "indus")
    late, left = (row["subscriber_id"] for row in indus.listed[2:4])
    indus.open(1)
    listed.drop(registrations("indus", 2, [indus.registration(late)]))
    listed.drop(clients("indus", 2, [row for row in indus.listed if row["subscriber_id"] != left]))
    listed.run()
    reconcile.compare(listed.exchange, "indus")
    with listed.exchange.registry.reading() as db:
        run = status_runs.last(db)["indus"]
    assert run.moves == Moves(new=1, resolved=1, changed=0, gone=1)
    assert run.counts == {"registered": 3, "unregistered": 1}


def test_a_client_with_a_new_id_is_the_same_client(listed: Installation, indus: Cast) -> None:
    reconcile.compare(listed.exchange, "indus")
    old = indus.listed[2]["subscriber_id"]
    with listed.exchange.registry.writing() as db:
        cases.open_case(db, "indus", cases.DISPUTE, old, reason="asked", at=listed.exchange.now())
    listed.at(timedelta(days=1))
    reconcile.compare(listed.exchange, "indus")
    rows = [row | {"subscriber_id": "NEW-1"} if row["subscriber_id"] == old else row for row in indus.listed]
    listed.drop(clients("indus", 2, rows))
    listed.run()
    listed.at(timedelta(days=1))
    reconcile.compare(listed.exchange, "indus")
    with listed.exchange.registry.reading() as db:
        run, earlier = status_runs.last(db)["indus"], successions.earlier_ids(db, "indus", "NEW-1")
        since = statuses.latest(db, "indus").set_index("subscriber_id")["since_at"]["NEW-1"]
    assert status_of(listed)["NEW-1"] == "disputed"
    assert run.moves == Moves()
    assert earlier == [old]
    assert since == MORNING + timedelta(days=1)
    reconcile.compare(listed.exchange, "indus")
    assert status_of(listed)["NEW-1"] == "disputed"


def test_a_status_keeps_its_first_day_when_only_its_evidence_changes(listed: Installation, indus: Cast) -> None:
    reconcile.compare(listed.exchange, "indus")
    first = indus.book[0]
    listed.at(timedelta(days=1))
    update = first | {"action": "update", "contact_name": "Somebody Else"}
    listed.drop(registrations("indus", 2, [update]))
    listed.run()
    reconcile.compare(listed.exchange, "indus")
    rows = [
        row[1:]
        for row in listed.rows(
            "SELECT subscriber_id, since_at, status_since_at, f.file_name FROM client_statuses s "
            "JOIN deliveries f ON f.id = s.registration_delivery_id ORDER BY s.id"
        )
        if row[0] == first["subscriber_id"]
    ]
    assert [name.split("_")[-1] for *_, name in rows] == ["0001.csv", "0002.csv"]
    assert rows[0][1] == rows[1][1] == rows[0][0] < rows[1][0]


def test_registrations_without_a_client_are_kept_as_orphans(listed: Installation, indus: Cast) -> None:
    [ref] = [row["registration_ref"] for row in indus.book[:1]]
    listed.drop(clients("indus", 2, indus.listed[1:]))
    listed.run()
    reconcile.compare(listed.exchange, "indus")
    with listed.exchange.registry.reading() as db:
        assert status_runs.orphans(db) == {"indus": [ref]}
        assert status_runs.last(db)["indus"].orphans == 1


def test_what_another_isp_has_in_force_is_for_a_person(listed: Installation, indus: Cast, kirana: Cast) -> None:
    late = indus.listed[2]
    row = kirana.registered(1)[0] | {"ntn": late["ntn"], "cnic": late["cnic"], "other_id": late["other_id"]}
    listed.drop(registrations("kirana", 1, [row]))
    listed.run()
    reconcile.compare(listed.exchange, "indus")
    found = {row[0]: row[1:] for row in listed.rows("SELECT subscriber_id, status, decided_by FROM client_statuses")}
    assert found[late["subscriber_id"]] in (("review", "ntn elsewhere"), ("review", "cnic elsewhere"))
