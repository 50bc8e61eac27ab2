"""An address that clients of two ISPs claim: its effect on statuses, what a person decides, who never hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.installation import Cast, Installation, clients, registrations
from vpn_registry.cli.explanation import as_values
from vpn_registry.pipeline import decisions, outgoing, reconcile
from vpn_registry.registry import queries, statuses


@pytest.fixture
def rivals(house: Installation, indus: Cast, kirana: Cast) -> tuple[str, str]:
    """One client of each ISP whose registration pairs by its address alone, and both registrations give the same."""
    subscribers = []
    for cast in (indus, kirana):
        (row,) = cast.registered(1)
        subscribers.append(row["subscriber_id"])
        filed = row | {"subscriber_id": f"OLD-{row['subscriber_id']}", "local_ip": "192.0.2.77"}
        listed = cast.listed[0] | {"ntn": "", "cnic": "", "other_id": "", "service_ips": "192.0.2.77"}
        house.drop(registrations(cast.isp, 1, [filed]))
        house.drop(clients(cast.isp, 1, [listed]))
    house.run()
    return subscribers[0], subscribers[1]


def compared(house: Installation) -> list[str]:
    """Bring every ISP up to date; the status of each one's client."""
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)
    with house.exchange.registry.reading() as db:
        return [str(statuses.latest(db, isp)["status"].iloc[0]) for isp in ("indus", "kirana")]


def test_both_clients_are_under_review_until_a_person_decides_or_one_claim_ends(
    house: Installation, indus: Cast, kirana: Cast, rivals: tuple[str, str]
) -> None:
    assert compared(house) == ["review", "review"]
    told = {}
    for outcome in ("shared", "first", "last", "nobody"):
        decisions.decide(house.exchange, 1, outcome=outcome, reason="the firms told us", actor="amna")
        told[outcome] = compared(house)
    assert told == {
        "shared": ["registered", "registered"],
        "first": ["registered", "unregistered"],
        "last": ["unregistered", "registered"],
        "nobody": ["unregistered", "unregistered"],
    }
    with house.exchange.registry.reading() as db:
        found = queries.explain(db, "kirana", rivals[1])
        exported = queries.export(db, "registry")
    assert found is not None
    assert [one["outcome"] for one in as_values(found)["decisions"]] == ["nobody", "last", "first", "shared"]
    assert exported[["isp", "contested", "contested_case"]].values.tolist() == [
        ["indus", "overruled", 1],
        ["kirana", "overruled", 1],
    ]
    house.drop(registrations("indus", 2, [indus.book[0] | {"action": "withdraw"}]))
    house.run()
    assert compared(house) == ["withdrawn", "registered"]


def test_the_case_names_both_sides_and_nothing_an_isp_gets_names_the_other(
    house: Installation, indus: Cast, kirana: Cast, rivals: tuple[str, str]
) -> None:
    compared(house)
    (case,) = decisions.waiting(house.exchange)
    assert (case.kind, case.subject, list(case.outcomes)) == (
        "contested_address",
        "VPN-2026-0000001",
        ["shared", "first", "last", "nobody"],
    )
    assert case.reason == (
        f"VPN-2026-0000001 (indus {indus.book[0]['registration_ref']}) and VPN-2026-0000002 (kirana"
        f" {kirana.book[0]['registration_ref']}) claim the same addresses for different clients."
    )
    for isp in ("indus", "kirana"):
        outgoing.extract(house.exchange, isp, actor="test")
    house.run()
    for isp, other in (("indus", "kirana"), ("kirana", "indus")):
        received = b"\n".join(house.out(isp).values())
        assert received.count(b"192.0.2.77") > 0
        for word in (other, "contested", "claim", "case"):
            assert word.encode() not in received


def test_a_rival_makes_the_other_isp_s_statuses_outdated(
    house: Installation, indus: Cast, kirana: Cast, rivals: tuple[str, str]
) -> None:
    compared(house)
    assert reconcile.outdated(house.exchange) == []
    withdrawal: dict[str, Any] = kirana.book[0] | {"action": "withdraw"}
    house.drop(registrations("kirana", 2, [withdrawal]))
    house.run()
    assert reconcile.outdated(house.exchange) == ["indus", "kirana"]
