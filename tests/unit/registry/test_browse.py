"""Pages of what the registry holds, on both databases."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.unit.registry.filing import AT, add, file_registrations, store
from tests.unit.registry.test_glance import compare, list_clients
from vpn_registry.model import Contact, ContactRole, Feed, Mode, Outcome, RowCounts
from vpn_registry.registry import browse, cases, ledger, messages, outbox
from vpn_registry.registry.browse import DeliveryFilter
from vpn_registry.registry.home import Registry


def test_deliveries_come_newest_first_and_page_by_page(registry: Registry) -> None:
    for seq in (1, 2, 3):
        file_registrations(registry, seq, add(f"r{seq}"))
    with registry.reading() as db:
        first = browse.deliveries(db, DeliveryFilter(), offset=0, limit=2)
        second = browse.deliveries(db, DeliveryFilter(), offset=2, limit=2)
    assert first.total == second.total == 3
    assert [row["seq"] for row in (*first.rows, *second.rows)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        (DeliveryFilter(isp="indus"), 1),
        (DeliveryFilter(isp="nobody"), 0),
        (DeliveryFilter(told="rejected", feed="registrations", folder="incoming"), 1),
        (DeliveryFilter(told="stored"), 0),
        (DeliveryFilter(code="H101"), 1),
        (DeliveryFilter(code="H102"), 0),
        (DeliveryFilter(code="H101' OR 1=1 --"), 0),
        (DeliveryFilter(since=date(2026, 6, 15)), 1),
        (DeliveryFilter(since=date(2026, 6, 16)), 0),
    ],
)
def test_deliveries_are_filtered(registry: Registry, wanted: DeliveryFilter, count: int) -> None:
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.REGISTRATIONS, Mode.DELTA, 1)
        ledger.conclude(
            db, delivery, delivery.claim_no, outcome=Outcome.REJECTED, rows=RowCounts(2, 0, 2),
            counts_by_code={"H101": 2}, findings=(), result={}, rulebook_version="1", at=AT,
        )  # fmt: skip
    with registry.reading() as db:
        assert browse.deliveries(db, wanted, offset=0, limit=5).total == count
        found = browse.delivery(db, delivery.id)
        assert found is not None
        assert found["counts_by_code"] == {"H101": 2}
        assert browse.delivery(db, 4711) is None


def test_clients_are_listed_by_status(registry: Registry) -> None:
    list_clients(registry, "indus", 3)
    compare(registry, "indus", AT, "unregistered", "registered", "unregistered")
    compare(registry, "indus", AT + timedelta(days=1), "registered", "registered", "unregistered")
    with registry.reading() as db:
        everybody = browse.clients(db, "indus", offset=0, limit=2)
        second = browse.clients(db, "indus", offset=2, limit=2)
        unregistered = browse.clients(db, "indus", status="unregistered", offset=0, limit=2)
    assert (everybody.total, [row["client_name"] for row in everybody.rows]) == (3, ["Client 1", "Client 2"])
    assert [row["subscriber_id"] for row in second.rows] == ["3"]
    assert (unregistered.total, unregistered.rows[0]["subscriber_id"]) == (1, "3")


def test_a_client_is_found_by_any_number_that_means_him(registry: Registry) -> None:
    list_clients(registry, "indus", 1)
    file_registrations(registry, 1, add("ref-1", "1"))
    file_registrations(registry, 1, add("ref-1", "other"), isp="ravi")
    with registry.reading() as db:
        for text in ("1", "VPN-2026-0000001"):
            assert browse.whose(db, text, ["indus", "ravi"]) == [("indus", "1")]
        assert set(browse.whose(db, "ref-1", ["indus", "ravi"])) == {("indus", "1"), ("ravi", "other")}
        assert browse.whose(db, "ref-1", ["ravi"]) == [("ravi", "other")]
        assert browse.whose(db, "nobody", ["indus"]) == []


def test_open_cases_come_oldest_first_and_closed_ones_apart(registry: Registry) -> None:
    with registry.writing() as db:
        for day, subject in enumerate(("1", "2", "3")):
            cases.open_case(db, "indus", cases.DISPUTE, subject, reason="says so", at=AT + timedelta(days=day))
        cases.close_case(db, "indus", cases.DISPUTE, "2", at=AT)
    with registry.reading() as db:
        opened = browse.cases(db, offset=0, limit=10)
        closed = browse.cases(db, is_open=False, offset=0, limit=10)
        assert [row["subject"] for row in opened.rows] == ["1", "3"]
        assert [row["subject"] for row in closed.rows] == ["2"]
        assert browse.cases(db, is_open=None, isp="indus", kind="dispute", offset=0, limit=1).total == 3
        assert browse.case_kinds(db) == ["dispute"]


def test_a_notice_shows_what_was_frozen_and_whom_it_names(registry: Registry) -> None:
    with registry.writing() as db:
        notice = outbox.add_notice(
            db, isp="indus", campaign="2026", deadline_version=1, ends_on=date(2026, 6, 30), stage="T-14",
            stage_on=date(2026, 6, 16), form="T-14", counts={"to_register": 1}, at=AT,
        )  # fmt: skip
        messages.add(db, notice, [(Contact("Desk", "desk@indus.example", ContactRole.COMPLIANCE), "<1@x>")])
    with registry.reading() as db:
        listed = browse.notices(db, isp="indus", state="planned", stage="T-14", offset=0, limit=5)
        found = browse.notice(db, notice.notice_no)
        (message,) = browse.messages(db, notice.id)
        assert listed.total == 1
        assert found is not None
        assert found["counts"] == {"to_register": 1}
        assert (message["email"], message["body_text"]) == ("desk@indus.example", None)
        assert browse.frozen(db, message["id"]) is None
        assert browse.named_clients(db, notice.id, part="A", offset=0, limit=5).total == 0
        assert browse.stages(db) == ["T-14"]
        assert browse.notice(db, "N-2026-999999") is None
