"""From a stored file to its verdict, its rows and its answers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.installation import Cast, Installation, clients, registrations, withdrawals
from vpn_registry.model import Mode
from vpn_registry.pipeline import collect
from vpn_registry.registry import ledger
from vpn_registry.registry.ledger import Fenced


@pytest.fixture(autouse=True)
def verdicts() -> None:
    """Those of Great Expectations itself."""


def in_force(house: Installation) -> list[tuple[Any, ...]]:
    return house.rows("SELECT registration_ref FROM registrations WHERE is_in_force ORDER BY 1")


def outcomes(house: Installation, feed: str) -> list[Any]:
    """In the order of the numbers."""
    found = house.rows("SELECT outcome FROM deliveries WHERE feed = :feed ORDER BY seq, id", feed=feed)
    return [outcome for (outcome,) in found]


@pytest.fixture
def settled(house: Installation, indus: Cast) -> Installation:
    """Ten registrations of indus in force, filed under number 1, and the client list of the ten."""
    house.drop(registrations("indus", 1, indus.registered(10), Mode.FULL))
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    assert outcomes(house, "clients") == outcomes(house, "registrations") == ["accepted"]
    return house


def test_an_unreadable_name_is_answered_without_being_read(house: Installation, indus: Cast) -> None:
    house.drop(("Registrations June.csv", b"a,b\n1,2\n"), isp="indus")
    house.run()
    result = house.result("indus", "unnamed-1")
    assert (result["outcome"], result["feed"], result["rows"]["total"]) == ("rejected", None, 0)
    assert house.codes("indus", "unnamed-1") == ["F101"]
    assert house.rows("SELECT * FROM number_uses") == []


def test_a_wrong_zone_reads_the_same_for_known_and_unknown_codes(house: Installation, kirana: Cast) -> None:
    answers = []
    for stranger in ("kirana", "nobody"):
        name, content = registrations("kirana", 1, kirana.book or kirana.registered(1))
        name = name.replace("kirana", stranger)
        house.drop((name, content), isp="indus")
        house.run()
        answer = {
            path.replace(stranger, "X"): content for path, content in house.out("indus").items() if stranger in path
        }
        result = json.loads(answer.pop(f"{name.replace(stranger, 'X')}.result.json"))
        answers.append(
            {**result, "delivery_id": 0, "file": result["file"].replace(stranger, "X"), "others": sorted(answer)}
        )
    assert answers[0] == answers[1]
    assert [finding["code"] for finding in answers[0]["findings"]] == ["F104"]
    assert house.rows("SELECT * FROM number_uses") == []
    assert house.rows("SELECT * FROM registrations") == []


def test_a_number_used_in_the_wrong_zone_is_still_free_in_its_own(house: Installation, kirana: Cast) -> None:
    named = registrations("kirana", 1, kirana.registered(1))
    house.drop(named, isp="indus")
    house.run()
    house.drop(named)
    house.run()
    assert house.result("kirana", named[0])["outcome"] == "accepted"


def test_the_same_number_and_bytes_are_a_duplicate(settled: Installation, indus: Cast) -> None:
    before = settled.rows("SELECT * FROM registrations")
    name, content = registrations("indus", 1, indus.book, Mode.FULL)
    settled.drop((name, content))
    settled.run()
    result = settled.result("indus", f"{name}.3")
    assert (result["outcome"], settled.codes("indus", f"{name}.3")) == ("duplicate", ["F108"])
    assert result["rows"]["accepted"] == 0
    assert settled.rows("SELECT * FROM registrations") == before


def test_the_same_number_with_other_bytes_is_refused(settled: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(1))
    settled.drop((name, content))
    settled.run()
    assert settled.result("indus", name)["outcome"] == "rejected"  # another mode, and so another name
    assert settled.codes("indus", name) == ["F103"]
    assert len(in_force(settled)) == 10


def test_the_same_bytes_under_a_new_number_change_no_row(settled: Installation, indus: Cast) -> None:
    settled.drop(clients("indus", 2, indus.listed))
    settled.drop(registrations("indus", 2, indus.book, Mode.FULL))
    assert settled.run()["indus"]["changed"] == 0
    assert len(in_force(settled)) == 10


def test_a_gap_is_named_until_the_late_file_fills_it(house: Installation, indus: Cast) -> None:
    rows = indus.registered(3)
    named = [registrations("indus", seq, [row]) for seq, row in enumerate(rows, 1)]
    house.drop(named[0])
    house.drop(named[2])
    house.run()
    [finding] = house.result("indus", named[2][0])["findings"]
    assert (finding["code"], finding["severity"]) == ("F102", "warning")
    assert "0002" in finding["message"]
    house.drop(named[1])
    house.run()
    assert house.result("indus", named[1][0])["findings"] == []
    assert house.result("indus", named[1][0])["outcome"] == "accepted"
    house.drop(registrations("indus", 4, []))
    house.run()
    assert house.codes("indus", registrations("indus", 4, [])[0]) == []
    assert len(in_force(house)) == 3


def test_the_test_zone_answers_in_full_and_changes_nothing(house: Installation, indus: Cast) -> None:
    rows = indus.registered(3)
    named = registrations("indus", 1, [*rows[:2], rows[2] | {"local_ip": "10.0.0.1"}], Mode.FULL)
    house.drop(named, folder="check")
    house.drop(clients("indus", 1, indus.listed), folder="check")
    assert house.run()["indus"]["changed"] == 0
    result = house.result("indus", f"check/{named[0]}")
    assert (result["outcome"], result["checked_only"]) == ("partial", True)
    assert {path for path in house.out("indus") if "registrations" in path} == {
        f"check/{named[0]}.{kind}" for kind in ("receipt.json", "result.json", "findings.csv", "accepted.csv")
    }
    for table in ("registrations", "clients", "number_uses", "cases"):
        assert house.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - names of ours; until 2027-12-31
    assert list((house.zone("indus") / "check").iterdir()) == []
    house.drop(registrations("indus", 1, rows, Mode.FULL))
    assert house.run()["indus"] == {"changed": 3, "accepted": 1}


def test_a_shrinking_list_in_the_test_zone_opens_no_case(settled: Installation, indus: Cast) -> None:
    settled.drop(clients("indus", 2, indus.listed[:2]), folder="check")
    settled.run()
    assert settled.rows("SELECT * FROM cases") == []


@pytest.mark.parametrize(("left", "is_held"), [(5, False), (4, True), (0, True)])
def test_a_full_file_that_drops_more_than_a_fifth_and_five_is_held(
    settled: Installation, indus: Cast, left: int, is_held: bool
) -> None:
    name, content = clients("indus", 2, indus.listed[:left])
    settled.drop((name, content))
    settled.run()
    result = settled.result("indus", name)
    assert (result["outcome"] == "held") is is_held
    assert result["rows"]["accepted"] == left
    assert len(settled.rows("SELECT * FROM clients WHERE is_in_force")) == (10 if is_held else left)
    assert len(settled.rows("SELECT * FROM cases WHERE kind = 'held_delivery' AND subject = '3'")) == int(is_held)
    assert settled.codes("indus", name) == (["F302"] if is_held else [])


def test_a_held_file_keeps_its_number_and_the_next_one_is_merged(settled: Installation, indus: Cast) -> None:
    settled.drop(registrations("indus", 2, indus.book[:2], Mode.FULL))
    settled.drop(registrations("indus", 3, indus.registered(1)))
    settled.run()
    assert outcomes(settled, "registrations") == ["accepted", "held", "accepted"]
    assert settled.codes("indus", registrations("indus", 3, [])[0]) == []
    assert len(in_force(settled)) == 11


def test_a_newer_full_file_supersedes_a_held_one_and_closes_its_case(settled: Installation, indus: Cast) -> None:
    held, content = clients("indus", 2, indus.listed[:3])
    settled.drop((held, content))
    settled.run()
    assert settled.result("indus", held)["outcome"] == "held"
    settled.drop(clients("indus", 3, indus.listed[:9]))
    settled.run()
    result = settled.result("indus", held)
    assert (result["outcome"], result["revision"]) == ("superseded", 2)
    assert result["rows"]["total"] == 3
    assert [finding["code"] for finding in result["findings"]] == ["F302"]
    assert outcomes(settled, "clients") == ["accepted", "superseded", "accepted"]
    assert settled.rows("SELECT * FROM cases WHERE closed_at IS NULL") == []
    assert settled.rows("SELECT state FROM deliveries WHERE state <> 'answered'") == []


def test_a_delta_that_withdraws_much_is_held(house: Installation, indus: Cast) -> None:
    rows = indus.registered(30)
    house.drop(registrations("indus", 1, rows, Mode.FULL))
    house.drop(registrations("indus", 2, withdrawals(rows[:21])))
    house.run()
    assert outcomes(house, "registrations") == ["accepted", "held"]
    assert len(in_force(house)) == 30


def test_a_held_number_is_used_up_so_what_builds_on_its_rows_is_refused(house: Installation, indus: Cast) -> None:
    """Contract section 3: only a number that never came is missing (W402, W403)."""
    *rows, late = indus.registered(31)
    house.drop(registrations("indus", 1, rows, Mode.FULL))
    house.drop(registrations("indus", 2, [*withdrawals(rows[:21]), late]))
    name, content = registrations("indus", 3, [late | {"action": "update"}])
    house.drop((name, content))
    house.drop(registrations("indus", 4, withdrawals([late])))
    house.run()
    assert outcomes(house, "registrations") == ["accepted", "held", "rejected", "rejected"]
    assert house.codes("indus", name) == []
    assert house.result("indus", name)["counts_by_code"] == {"H403": 1}


def test_the_first_list_is_never_held(house: Installation, indus: Cast) -> None:
    indus.open(1)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    assert outcomes(house, "clients") == ["accepted"]


def test_a_header_alone_is_a_valid_delta(settled: Installation) -> None:
    name, content = registrations("indus", 2, [])
    settled.drop((name, content))
    assert settled.run() == {"indus": {"changed": 0, "accepted": 1}}
    assert settled.result("indus", name)["rows"]["total"] == 0
    assert len(in_force(settled)) == 10


def test_a_refused_file_changes_nothing_and_uses_its_number_up(settled: Installation, indus: Cast) -> None:
    before = settled.rows("SELECT * FROM registrations")
    name, _ = registrations("indus", 2, [])
    settled.drop((name, b"not,the,header\n"))
    settled.run()
    assert settled.result("indus", name)["outcome"] == "rejected"
    assert settled.rows("SELECT * FROM registrations") == before
    settled.drop(registrations("indus", 3, indus.registered(1)))
    settled.run()
    assert settled.codes("indus", registrations("indus", 3, [])[0]) == []


def test_good_rows_are_taken_although_others_fail(house: Installation, indus: Cast) -> None:
    rows = indus.registered(4)
    named = registrations("indus", 1, [*rows[:3], rows[3] | {"province": "Punjab"}], Mode.FULL)
    house.drop(named)
    house.run()
    result = house.result("indus", named[0])
    assert result["outcome"] == "partial"
    assert result["rows"] == {"total": 4, "accepted": 3, "rejected": 1, "duplicate": 0, "warned": 0}
    assert b",H118," in house.out("indus")[f"{named[0]}.findings.csv"]
    kept = house.rows("SELECT outcome, effect, codes FROM delivery_rows ORDER BY row")
    assert kept == [("accepted", "created", "")] * 3 + [("rejected", "", "H118")]


def test_what_belongs_together_is_committed_together(
    house: Installation, indus: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the last step fails")

    house.drop(registrations("indus", 1, indus.registered(3), Mode.FULL))
    house.take("indus")
    monkeypatch.setattr("vpn_registry.pipeline.judgement.audit.record", broken)
    with pytest.raises(RuntimeError):
        collect.judge_and_merge(house.exchange, "indus", holder="test")
    monkeypatch.undo()
    assert house.rows("SELECT state FROM deliveries") == [("stored",)]
    for table in ("registrations", "delivery_rows", "findings", "validation_results"):
        assert house.rows(f"SELECT * FROM {table}") == []  # noqa: S608 - names of ours; until 2027-12-31
    house.run()
    assert outcomes(house, "registrations") == ["accepted"]
    assert len(in_force(house)) == 3


def test_a_worker_whose_claim_was_taken_over_cannot_merge(
    house: Installation, indus: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vpn_registry.pipeline import judgement

    house.drop(registrations("indus", 1, indus.registered(3), Mode.FULL))
    taken = house.take("indus")
    verdict = judgement.verdict_on

    def overtaken(*args: Any) -> Any:
        judged = verdict(*args)
        with house.exchange.registry.writing() as db:
            assert ledger.claim(db, ledger.get(db, taken[0])) == 2
        return judged

    monkeypatch.setattr(judgement, "verdict_on", overtaken)
    with pytest.raises(Fenced):
        collect.judge_and_merge(house.exchange, "indus", holder="test")
    assert in_force(house) == []


def test_one_isp_learns_nothing_of_another(house: Installation, indus: Cast, kirana: Cast) -> None:
    """The same address and tax number filed by both: neither answer differs from what it would be alone."""
    row = kirana.registered(1)[0]
    house.drop(registrations("kirana", 1, [row]))
    house.run()
    alone = house.out("kirana")
    other = indus.registered(1)[0] | {"ntn": row["ntn"], "local_ip": row["local_ip"]}
    house.drop(registrations("indus", 1, [other]))
    house.run()
    assert house.out("kirana") == alone
    assert "kirana" not in str(house.out("indus"))
    assert house.result("indus", registrations("indus", 1, [])[0])["outcome"] == "accepted"


def test_answers_say_that_the_home_is_simulated(house: Installation, indus: Cast) -> None:
    name, content = registrations("indus", 1, indus.registered(1))
    house.at(timedelta(hours=1))
    house.drop((name, content))
    house.run()
    result = house.result("indus", name)
    assert result["simulated"] is True
    assert result["received_at"] == result["finished_at"] == "2026-06-16T05:00:00Z"
