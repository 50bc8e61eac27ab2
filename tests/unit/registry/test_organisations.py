"""One organisation over all ISPs, by the keys that stand in the books now."""

from __future__ import annotations

from tests.unit.registry.filing import add, file_clients, file_registrations
from vpn_registry.registry import organisations
from vpn_registry.registry.home import Registry


def found(registry: Registry, subscriber: str = "S1") -> list[tuple[str, str, str]]:
    with registry.reading() as db:
        told = organisations.of_client(db, "indus", [subscriber])
    return [(one["isp"], one["registration_ref"], one["shared"]) for one in told]


def test_registrations_with_any_isp_are_joined_by_each_key_and_over_others(registry: Registry) -> None:
    file_clients(registry, 1, {"subscriber_id": "S1", "client_name": "Firm", "ntn": "1234567"})
    file_registrations(
        registry, 1,
        add("k1", ntn="1234567", cnic="3520212345671"), add("k2", other_id="AB123", cnic="3520212345671"),
        add("k3", ntn="7654321"), isp="kirana",
    )  # fmt: skip
    file_registrations(registry, 1, add("s1", other_id="AB123"), isp="sahil")
    assert found(registry) == [
        ("kirana", "k1", "ntn, cnic"),
        ("kirana", "k2", "cnic, other_id"),
        ("sahil", "s1", "other_id"),
    ]
    file_registrations(
        registry, 2, {**add("k1", ntn="1234567", cnic="3520212345999"), "action": "update"}, isp="kirana"
    )
    assert found(registry) == [("kirana", "k1", "ntn")]


def test_nobody_without_a_key_is_anybody_else(registry: Registry) -> None:
    file_clients(registry, 1, {"subscriber_id": "S1", "client_name": "Firm"})
    file_registrations(registry, 1, add("k1"), isp="kirana")
    assert found(registry) == []
