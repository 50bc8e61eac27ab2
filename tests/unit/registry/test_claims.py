"""Contested addresses in the registry: marks and cases as deliveries and days come and go, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from tests.unit.registry.filing import AT, add, file_registrations, withdraw
from vpn_registry.pipeline.survey import survey
from vpn_registry.registry import audit, cases, claims, contests
from vpn_registry.registry.cases import Decision
from vpn_registry.registry.contests import Changes
from vpn_registry.registry.home import Registry

PLACE = {"local_ip": "192.0.2.77", "valid_from": "2026-01-01"}


def marks(registry: Registry) -> dict[str, int]:
    """Ref of every registration that is contested now -> its case."""
    query = (
        "SELECT r.registration_ref, m.case_id FROM contested_claims m JOIN registrations r ON r.id = m.registration_id"
        " WHERE m.ended_at IS NULL ORDER BY 1"
    )
    with registry.reading() as db:
        return {str(row[0]): int(row[1]) for row in db.execute(text(query))}


def waiting(registry: Registry) -> list[str]:
    """Who claims what, in the reasons of the open cases."""
    with registry.reading() as db:
        return [case.reason for case in cases.open_cases(db)]


def decide(registry: Registry, outcome: str, case_id: int = 1) -> None:
    with registry.writing() as db:
        case = cases.get_case(db, case_id)
        assert case is not None
        cases.record_decision(db, case, Decision(outcome, "looked at", "amna", AT, None))


def test_a_rival_opens_one_case_and_its_withdrawal_closes_it(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", **PLACE))
    assert survey(registry) == Changes()
    file_registrations(registry, 1, add("b", **PLACE), isp="kirana")
    assert survey(registry) == Changes(begun=2, opened=1)
    assert survey(registry) == Changes()
    assert marks(registry) == {"a": 1, "b": 1}
    first, second = "VPN-2026-0000001 (indus a)", "VPN-2026-0000002 (kirana b)"
    assert waiting(registry) == [f"{first} and {second} claim the same addresses for different clients."]
    file_registrations(registry, 2, add("c", **PLACE), isp="kirana")
    assert survey(registry) == Changes(begun=1)
    file_registrations(registry, 2, withdraw("a"))
    assert survey(registry) == Changes(ended=1)
    assert marks(registry) == {"b": 1, "c": 1}
    file_registrations(registry, 3, withdraw("b"), isp="kirana")
    assert survey(registry) == Changes(ended=2, closed=1)
    assert (marks(registry), waiting(registry)) == ({}, [])


def test_an_update_to_another_address_ends_the_contest(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", **PLACE), add("b", **PLACE))
    survey(registry)
    file_registrations(registry, 2, {**add("b", **PLACE), "action": "update", "local_ip": "192.0.2.0/28"})
    assert survey(registry) == Changes(ended=2, closed=1)


def test_claims_count_from_the_day_they_begin_to_the_day_they_end(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", **{**PLACE, "valid_to": "2026-06-18"}))
    file_registrations(registry, 1, add("b", **{**PLACE, "valid_from": "2026-06-17"}), isp="kirana")
    file_registrations(registry, 2, add("c", **{**PLACE, "valid_from": "2026-06-19"}), isp="kirana")
    contested = []
    for day in range(6):
        survey(replace(registry, simulated_at=AT + timedelta(days=day)))
        contested.append("".join(marks(registry)))
    assert contested == ["", "", "ab", "ab", "bc", "bc"]


def test_what_is_decided_holds_until_somebody_else_claims_the_address(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", **PLACE), add("b", **PLACE))
    survey(registry)
    standing = []
    for outcome in ("first", "last", "nobody", "shared"):
        decide(registry, outcome)
        with registry.reading() as db:
            standing.append(contests.standing_of(db, "indus"))
    assert standing == [
        {"a": "counts", "b": "overruled"},
        {"a": "overruled", "b": "counts"},
        {"a": "overruled", "b": "overruled"},
        {"a": "counts", "b": "counts"},
    ]
    assert survey(registry) == Changes()
    file_registrations(registry, 1, add("c", **PLACE), isp="kirana")
    assert survey(registry) == Changes(begun=1, opened=1)
    assert marks(registry) == {"a": 2, "b": 2, "c": 2}
    with registry.reading() as db:
        assert contests.standing_of(db, "indus") == {"a": "open", "b": "open"}


def test_few_new_claims_look_only_at_those_near_them(registry: Registry) -> None:
    """Both ways, by probes and over all claims, find the same."""
    blocks = (add(f"r{one}", local_ip=f"203.0.{one}.0/24", valid_from="2026-01-01") for one in range(60))
    file_registrations(registry, 1, *blocks)
    survey(registry)
    wide = add("w", local_ip="203.0.9.200-203.0.11.3;2001:db8::/40", valid_from="2026-01-01")
    file_registrations(registry, 1, wide, isp="kirana")
    assert survey(registry) == Changes(begun=4, opened=1)
    assert set(marks(registry)) == {"w", "r9", "r10", "r11"}
    with registry.reading() as db:
        assert db.scalar(text("SELECT count(*) FROM registration_addresses")) == 62
        assert claims.is_surveyed(db, AT.date())


def test_each_survey_that_changes_something_is_in_the_audit_trail(registry: Registry) -> None:
    file_registrations(registry, 1, add("a", **PLACE), add("b", **PLACE))
    survey(registry)
    survey(registry)
    with registry.reading() as db:
        told = db.execute(text("SELECT count(*) FROM audit_events WHERE action = 'survey_addresses'")).scalar()
        assert (told, audit.verify(db).broken_at) == (1, None)
