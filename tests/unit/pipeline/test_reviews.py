"""Clients under review: the case of each, and what a decision on it does for the evidence it was made on."""

from __future__ import annotations

import pytest

from tests.installation import Cast, Installation, clients, registrations
from vpn_registry.pipeline import decisions, reconcile
from vpn_registry.registry import statuses


@pytest.fixture
def reviewed(house: Installation, indus: Cast, kirana: Cast) -> Installation:
    """indus' client gives the tax number under which kirana registered its own client."""
    (row,) = kirana.registered(1)
    (subscriber,) = indus.open(1)
    listed = next(one for one in indus.listed if one["subscriber_id"] == subscriber)
    house.drop(registrations("kirana", 1, [row]))
    house.drop(clients("indus", 1, [listed | {"ntn": row["ntn"], "cnic": "", "other_id": ""}]))
    house.run()
    return house


def status(house: Installation) -> str:
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)
    with house.exchange.registry.reading() as db:
        return str(statuses.latest(db, "indus")["status"].iloc[0])


def test_a_client_under_review_is_one_case_and_each_decision_can_be_replaced(
    reviewed: Installation, indus: Cast, kirana: Cast
) -> None:
    assert status(reviewed) == "review"
    reconcile.compare(reviewed.exchange, "indus")
    (case,) = decisions.waiting(reviewed.exchange)
    assert (case.kind, case.subject, set(case.outcomes)) == (
        "review",
        indus.listed[0]["subscriber_id"],
        {"exempt", "unpaired"},
    )
    assert "kirana" not in case.reason
    told = []
    for outcome in ("exempt", "unpaired", "exempt"):
        decisions.decide(reviewed.exchange, case.case, outcome=outcome, reason="asked the firm", actor="amna")
        told.append(status(reviewed))
    assert told == ["exempt", "unregistered", "exempt"]
    assert decisions.waiting(reviewed.exchange) == []


def test_a_case_ends_with_its_evidence_and_new_evidence_is_a_new_question(
    reviewed: Installation, indus: Cast, kirana: Cast
) -> None:
    assert status(reviewed) == "review"
    decisions.decide(reviewed.exchange, 1, outcome="unpaired", reason="asked the firm", actor="amna")
    assert status(reviewed) == "unregistered"
    name = indus.listed[0]["client_name"]
    keys = {"subscriber_id": "OLD-1", "ntn": "", "cnic": "", "other_id": "X-77123", "local_ip": "192.0.2.99"}
    alike = indus.registered(1)[0] | keys | {"client_name": name}
    reviewed.drop(registrations("indus", 1, [alike]))
    reviewed.run()
    assert status(reviewed) == "review"
    assert [one.case for one in decisions.waiting(reviewed.exchange)] == [2]
    reviewed.drop(registrations("indus", 2, [alike | {"action": "withdraw"}]))
    reviewed.run()
    assert status(reviewed) == "unregistered"
    assert decisions.waiting(reviewed.exchange) == []
