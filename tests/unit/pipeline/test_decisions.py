"""What a person decides on a case, and what follows from it: in the registry, the answers and the statuses."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.installation import (
    DAY,
    Cast,
    Installation,
    answer,
    clients,
    registrations,
    responses,
    send_notices,
    withdrawals,
)
from vpn_registry.model import Mode
from vpn_registry.pipeline import decisions, extension, rebuild, reconcile
from vpn_registry.pipeline.dispatch import ZoneBusyError
from vpn_registry.registry import cases, ledger, queries, statuses
from vpn_registry.registry.cases import DecisionRefusedError


def decide(house: Installation, outcome: str, case: int = 1, **more: Any) -> None:
    options = {"reason": "looked at with the ISP", "actor": "amna"} | more
    decisions.decide(house.exchange, case, outcome=outcome, **options)


def status_of(house: Installation, subscriber: str) -> str:
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)
    with house.exchange.registry.reading() as db:
        found = statuses.latest(db, "indus")
    return str(found.loc[found["subscriber_id"] == subscriber, "status"].iloc[0])


def in_force(house: Installation) -> int:
    return len(house.rows("SELECT 1 FROM registrations WHERE is_in_force"))


@pytest.fixture
def held(asked: Installation, indus: Cast) -> tuple[Installation, str]:
    """A full book that leaves out twelve of indus' twenty registrations is held: case 1."""
    name, content = registrations("indus", 2, indus.book[:8], Mode.FULL)
    asked.drop((name, content))
    asked.run()
    assert asked.result("indus", name)["outcome"] == "held"
    return asked, name


@pytest.fixture
def disputed(asked: Installation, indus: Cast) -> tuple[Installation, str]:
    """The last of indus' clients is in dispute: case 1."""
    client = indus.listed[-1]["subscriber_id"]
    asked.drop(responses("indus", 1, [answer(client, "dispute")]))
    asked.run()
    assert status_of(asked, client) == "disputed"
    return asked, client


def test_a_released_file_is_merged_under_its_own_number_and_answered_again(held: tuple[Installation, str]) -> None:
    house, name = held
    assert in_force(house) == 20
    decide(house, "release")
    assert in_force(house) == 8
    assert reconcile.outdated(house.exchange) == ["indus"]
    house.run()
    result = house.result("indus", name)
    assert (result["outcome"], result["revision"], result["rows"]["total"]) == ("accepted", 2, 8)
    assert f"{name}.accepted.csv" in house.out("indus") or result["rows"]["duplicate"] == 8
    assert result["findings"] == []
    assert house.rows("SELECT state FROM deliveries WHERE state <> 'answered'") == []
    assert house.rows("SELECT outcome, reason, actor FROM decisions") == [("release", "looked at with the ISP", "amna")]
    assert decisions.waiting(house.exchange) == []
    told = house.rows("SELECT actor, action FROM audit_events WHERE actor = 'amna' ORDER BY id")
    assert told == [("amna", "decide"), ("amna", "release")]


def test_findings_that_a_release_no_longer_has_leave_the_zone(house: Installation, indus: Cast) -> None:
    rows = indus.registered(31)
    house.drop(registrations("indus", 1, rows[:30], Mode.FULL))
    name, content = registrations("indus", 3, [rows[30] | {"action": "update"}, *withdrawals(rows[:22])])
    house.drop((name, content))
    house.run()
    assert house.result("indus", name)["outcome"] == "held"
    assert house.result("indus", name)["counts_by_code"] == {"F102": 1, "F302": 1, "W402": 1}
    assert f"{name}.findings.csv" in house.out("indus")
    house.drop(registrations("indus", 2, rows[30:]))
    house.run()
    decide(house, "release")
    house.run()
    assert house.result("indus", name)["counts_by_code"] == {}
    kept = {path for path in house.out("indus") if path.startswith(name)}
    assert kept == {f"{name}.{kind}" for kind in ("receipt.json", "result.json", "accepted.csv")}
    assert house.rows("SELECT path FROM answers WHERE removed_at IS NOT NULL") == [(f"{name}.findings.csv",)] * 2


def test_what_waits_to_be_judged_comes_before_a_release(held: tuple[Installation, str], indus: Cast) -> None:
    house, name = held
    book, content = registrations("indus", 3, indus.book[:19], Mode.FULL)
    house.drop((book, content))
    house.take("indus")
    with pytest.raises(DecisionRefusedError, match="superseded"):
        decide(house, "release")
    assert in_force(house) == 19
    house.run()
    assert house.result("indus", name)["outcome"] == "superseded"
    assert house.result("indus", book)["outcome"] == "accepted"


def test_a_file_released_late_changes_nothing_that_a_later_number_decided(
    held: tuple[Installation, str], indus: Cast
) -> None:
    house, _ = held
    later = indus.book[10]["registration_ref"]
    house.drop(registrations("indus", 3, [indus.book[10] | {"action": "update", "city": "Quetta"}]))
    house.run()
    decide(house, "release")
    kept = house.rows("SELECT registration_ref FROM registrations WHERE is_in_force AND decided_seq = 3")
    assert kept == [(later,)]
    assert in_force(house) == 9


def test_a_file_released_late_does_not_bring_back_what_was_withdrawn_again_after_it(
    asked: Installation, indus: Cast
) -> None:
    gone = indus.book[0]
    asked.drop(registrations("indus", 2, withdrawals([gone])))
    asked.run()
    asked.drop(registrations("indus", 3, indus.book[:8], Mode.FULL))  # names it again; held for what it leaves out
    asked.run()
    again, content = registrations("indus", 4, withdrawals([gone]))
    asked.drop((again, content))
    asked.run()
    result = asked.result("indus", again)
    assert (result["counts_by_code"], result["rows"]["duplicate"]) == ({"H405": 1}, 1)
    assert asked.rows("SELECT effect FROM delivery_rows WHERE codes = 'H405'") == [("",)]
    decide(asked, "release")
    decided = "SELECT registration_ref, is_in_force FROM registrations WHERE decided_seq = 4"
    assert asked.rows(decided) == [(gone["registration_ref"], 0)]
    assert in_force(asked) == 7
    assert rebuild.check(asked.exchange).first == []


def test_a_refused_file_is_rejected_with_the_reason_and_merges_nothing(held: tuple[Installation, str]) -> None:
    house, name = held
    decide(house, "refuse", reason="the export was incomplete")
    house.run()
    result = house.result("indus", name)
    assert (result["outcome"], result["revision"]) == ("rejected", 2)
    assert result["rows"]["rejected"] == result["rows"]["total"] == 8
    assert [finding["code"] for finding in result["findings"]] == ["F302", "F307"]
    assert "the export was incomplete" in result["findings"][1]["message"]
    assert in_force(house) == 20
    assert house.rows("SELECT DISTINCT revision, outcome FROM delivery_rows WHERE delivery_id = 3 ORDER BY 1")[-1] == (
        2,
        "rejected",
    )
    with pytest.raises(DecisionRefusedError, match="is rejected already"):
        decide(house, "release")


def test_a_release_that_fails_half_way_leaves_the_case_open(
    held: tuple[Installation, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    house, _ = held

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the last step fails")

    monkeypatch.setattr(ledger, "queue_answers", broken)
    with pytest.raises(RuntimeError):
        decide(house, "release")
    monkeypatch.undo()
    assert house.rows("SELECT * FROM decisions") == []
    assert in_force(house) == 20
    assert [one.case for one in decisions.waiting(house.exchange)] == [1]
    decide(house, "release")
    assert in_force(house) == 8


def test_a_release_waits_for_whoever_works_on_the_zone(held: tuple[Installation, str]) -> None:
    house, _ = held
    with house.exchange.leased(house.exchange.isps["indus"], "collecting"), pytest.raises(ZoneBusyError):
        decide(house, "release")
    assert house.rows("SELECT * FROM decisions") == []


def test_held_answers_count_once_they_are_released(asked: Installation, indus: Cast) -> None:
    rows = [answer(row["subscriber_id"], "no_vpn") for row in indus.listed[20:]]
    asked.drop(responses("indus", 1, rows))
    asked.run()
    assert status_of(asked, rows[0]["subscriber_id"]) == "unregistered"
    decide(asked, "release")
    assert {status_of(asked, row["subscriber_id"]) for row in rows} == {"exempt"}


def test_an_exemption_holds_until_its_last_day(disputed: tuple[Installation, str]) -> None:
    house, client = disputed
    decide(house, "exempt", until=DAY + timedelta(days=1))
    assert status_of(house, client) == "exempt"
    house.at(timedelta(days=1))
    assert status_of(house, client) == "exempt"
    house.at(timedelta(days=1))
    assert status_of(house, client) == "unregistered"


def test_a_later_decision_on_the_same_case_replaces_the_earlier(disputed: tuple[Installation, str]) -> None:
    house, client = disputed
    decide(house, "uphold")
    assert status_of(house, client) == "unregistered"
    decide(house, "exempt", until=DAY)
    with house.exchange.registry.reading() as db:
        explained = queries.explain(db, "indus", client)
    assert explained is not None
    assert [(one.outcome, one.until_on) for _, one in explained.decisions] == [("exempt", DAY), ("uphold", None)]
    assert status_of(house, client) == "exempt"
    decide(house, "uphold", actor="bilal")
    assert status_of(house, client) == "unregistered"
    assert house.rows("SELECT outcome FROM decisions ORDER BY id") == [("uphold",), ("exempt",), ("uphold",)]


def test_an_upheld_client_is_in_the_next_letter_again(disputed: tuple[Installation, str]) -> None:
    house, client = disputed
    decide(house, "uphold")
    house.at(timedelta(days=7))
    send_notices(house)
    named = house.rows("SELECT part FROM notice_clients WHERE notice_id = 2 AND subscriber_id = :who", who=client)
    assert named == [("A",)]


def test_a_case_shows_its_clock_and_what_may_be_decided(disputed: tuple[Installation, str]) -> None:
    house, client = disputed
    (one,) = decisions.waiting(house.exchange)
    assert (one.case, one.kind, one.isp, one.subject) == (1, "dispute", "indus", client)
    assert (one.isp_due, one.is_overdue, set(one.outcomes)) == ("2026-06-23", False, {"exempt", "uphold"})
    house.at(timedelta(days=20))
    (one,) = decisions.waiting(house.exchange)
    assert one.is_overdue


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"case": 7, "outcome": "exempt"}, "There is no case 7"),
        ({"case": 2**63, "outcome": "exempt"}, f"There is no case {2**63}"),
        ({"outcome": "release"}, "exempt or uphold"),
        ({"outcome": "exempt", "reason": "  "}, "Say why"),
        ({"outcome": "exempt", "reason": "see 35202-1234567-1"}, "identity card number"),
        ({"outcome": "uphold", "until": DAY}, "no last day"),
        ({"outcome": "exempt", "until": DAY - timedelta(days=1)}, "has passed"),
    ],
)
def test_what_may_not_be_decided_is_refused_in_a_sentence(
    disputed: tuple[Installation, str], wrong: dict[str, Any], said: str
) -> None:
    house, _ = disputed
    with pytest.raises(DecisionRefusedError, match=said):
        decide(house, **wrong)
    assert house.rows("SELECT * FROM decisions") == []


def test_a_case_that_the_isp_settled_itself_is_not_decided(disputed: tuple[Installation, str]) -> None:
    house, client = disputed
    house.drop(responses("indus", 2, [answer(client, "registering")]))
    house.run()
    with pytest.raises(DecisionRefusedError, match="settled by the ISP's own files"):
        decide(house, "exempt")


def test_whoever_entered_a_case_of_two_people_may_not_decide_it(
    asked: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = decisions.KINDS[cases.DISPUTE].options["uphold"]
    pair = decisions.Kind({"approve": option}, needs_second_person=True)
    monkeypatch.setattr(decisions, "KINDS", {**decisions.KINDS, "pair": pair})
    with asked.exchange.registry.writing() as db:
        case = cases.open_case(db, "indus", "pair", "1", reason="entered", at=asked.exchange.now(), opened_by="amna")
    with pytest.raises(DecisionRefusedError, match="somebody else"):
        decide(asked, "approve", case)
    decide(asked, "approve", case, actor="bilal")


@pytest.mark.parametrize(("outcome", "state"), [("delivered", "sent"), ("not_delivered", "failed")])
def test_a_person_finds_out_what_became_of_an_uncertain_letter(asked: Installation, outcome: str, state: str) -> None:
    asked.at(timedelta(days=7))
    asked.relay.replies["compliance@indus.example"] = [ConnectionResetError("lost after the data")]
    send_notices(asked)
    (case,) = decisions.waiting(asked.exchange)
    assert case.kind == "uncertain_message"
    decide(asked, outcome, case.case)
    assert asked.rows("SELECT state FROM messages WHERE notice_id = 2 AND email LIKE 'compliance%'") == [(state,)]
    assert asked.rows("SELECT state FROM notices WHERE id = 2") == [(state,)]
    with pytest.raises(DecisionRefusedError, match="not uncertain any more"):
        decide(asked, outcome, case.case)


def test_a_newer_list_that_supersedes_a_held_one_leaves_nothing_to_decide(asked: Installation, indus: Cast) -> None:
    asked.drop(clients("indus", 2, indus.listed[:3]))
    asked.run()
    asked.drop(clients("indus", 3, indus.listed))
    asked.run()
    assert decisions.waiting(asked.exchange) == []
    with pytest.raises(DecisionRefusedError):
        decide(asked, "release")


def propose(house: Installation, day: date = date(2026, 7, 31), actor: str = "amna") -> int:
    return extension.propose(house.exchange, day, source="Letter 12 of 15 June 2026", actor=actor, reason="floods")


def test_an_extension_is_an_entry_once_another_person_approved_it(house: Installation) -> None:
    case = propose(house)
    with pytest.raises(DecisionRefusedError, match=f"Case {case} was entered by amna; somebody else has to decide it."):
        decide(house, "approve", case)
    assert house.at(timedelta()).campaign.deadlines[-1].version == 1
    decide(house, "approve", case, actor="bilal")
    extended = house.at(timedelta()).campaign.deadlines[-1]
    assert (extended.version, extended.ends_on, extended.source) == (2, date(2026, 7, 31), "Letter 12 of 15 June 2026")
    assert house.rows("SELECT action, actor FROM audit_events ORDER BY id") == [
        ("propose_extension", "amna"),
        ("extend_deadline", "bilal"),
        ("decide", "bilal"),
    ]
    with pytest.raises(DecisionRefusedError, match="in force already"):
        decide(house, "refuse", case, actor="bilal")


def test_an_extension_for_one_client_is_proposed_and_approved_like_any_other(asked: Installation, indus: Cast) -> None:
    who = indus.listed[-1]["subscriber_id"]
    said = {"source": "Letter 12 of 15 June 2026", "actor": "amna", "reason": "floods"}
    case = extension.propose(asked.exchange, date(2026, 7, 31), **said, isp="indus", client=who)
    [waits] = [one for one in decisions.waiting(asked.exchange) if one.case == case]
    assert (waits.isp, waits.subject) == ("indus", f"2026-07-31 {who}")
    decide(asked, "approve", case, actor="bilal")
    added = asked.at(timedelta()).campaign.deadlines[-1]
    assert (added.isp, added.subscriber_id, added.ends_on) == ("indus", who, date(2026, 7, 31))
    with asked.exchange.registry.reading() as db:
        told = queries.explain(db, "indus", who)
    assert told is not None
    assert told.extensions == [added]
    with pytest.raises(DecisionRefusedError, match="in force already"):
        decide(asked, "refuse", case, actor="bilal")


def test_a_refused_extension_changes_nothing(house: Installation) -> None:
    case = propose(house)
    assert propose(house) == case
    decide(house, "refuse", case, actor="bilal")
    assert len(house.at(timedelta()).campaign.deadlines) == 1
    assert decisions.waiting(house.exchange) == []


def test_no_extension_is_proposed_that_is_none(house: Installation) -> None:
    with pytest.raises(ValueError, match="30"):
        propose(house, date(2026, 6, 30))
    assert decisions.waiting(house.exchange) == []


def test_of_two_extensions_the_earlier_is_refused_once_the_later_is_in_force(house: Installation) -> None:
    early, late = propose(house), propose(house, date(2026, 8, 31))
    decide(house, "approve", late, actor="bilal")
    with pytest.raises(DecisionRefusedError, match="2026-08-31"):
        decide(house, "approve", early, actor="bilal")
