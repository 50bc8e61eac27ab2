"""What becomes of an ISP's answers: from the file through statuses and cases to the next letter."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.installation import DAY, Cast, Installation, answer, clients, registrations, responses, send_notices
from vpn_registry.demo.sample_cast import Row
from vpn_registry.model import Outcome
from vpn_registry.pipeline import reconcile
from vpn_registry.registry import queries, statuses


def file_answers(house: Installation, seq: int, *rows: Row) -> str:
    """Drop a file of answers, run one pass and compare; the outcome."""
    name, content = responses("indus", seq, rows)
    house.drop((name, content))
    house.run()
    compare(house)
    outcome: str = house.result("indus", name)["outcome"]
    return outcome


def compare(house: Installation) -> None:
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)


def status_of(house: Installation, subscriber: str) -> tuple[str, str]:
    with house.exchange.registry.reading() as db:
        found = statuses.latest(db, "indus")
    one = found[found["subscriber_id"] == subscriber].iloc[0]
    return str(one["status"]), str(one["reason"])


def named(house: Installation, notice: str) -> dict[str, tuple[str, str]]:
    """Subscriber -> part and status, of one notice."""
    query = """SELECT c.subscriber_id, c.part, c.status FROM notice_clients AS c JOIN notices AS n ON n.id = c.notice_id
               WHERE n.notice_no = :notice"""
    return {str(who): (str(part), str(status)) for who, part, status in house.rows(query, notice=notice)}


def open_cases(house: Installation) -> list[tuple[str, str]]:
    return [(str(kind), str(who)) for kind, who in house.rows(
        "SELECT kind, subject FROM cases WHERE closed_at IS NULL ORDER BY kind, subject")]  # fmt: skip


@pytest.fixture
def client(indus: Cast) -> str:
    """One of those whom the notice names."""
    return indus.listed[-1]["subscriber_id"]


def test_registering_stands_under_please_check_for_ten_working_days_once(asked: Installation, client: str) -> None:
    assert file_answers(asked, 1, answer(client, "registering")) == "accepted"
    assert status_of(asked, client)[0] == "unregistered"
    asked.at(timedelta(days=7))  # T-7
    send_notices(asked)
    assert named(asked, "N-2026-000002")[client] == ("B", "registering")
    again = {"responded_on": (DAY + timedelta(days=7)).isoformat(), "notice_no": "N-2026-000002"}
    name, content = responses("indus", 2, [answer(client, "registering", **again)], age=-7)
    asked.drop((name, content))
    asked.run()
    assert b",W405," in asked.out("indus")[f"{name}.findings.csv"]
    asked.at(timedelta(days=14))  # T+7: ten working days after the first answer have passed
    send_notices(asked)
    (last,) = asked.rows("SELECT notice_no FROM notices WHERE stage = 'T+7'")
    assert named(asked, str(last[0]))[client] == ("A", "unregistered")


@pytest.mark.parametrize("said", ["no_vpn", "terminated"])
def test_who_needs_no_registration_is_exempt_until_the_next_list_must_agree(
    asked: Installation, indus: Cast, client: str, said: str
) -> None:
    assert file_answers(asked, 1, answer(client, said)) == "accepted"
    assert status_of(asked, client) == (
        "exempt",
        "Your answer exempts this client until your next client list, which has to say the same.",
    )
    asked.drop(clients("indus", 2, indus.listed, age=0))
    asked.run()
    compare(asked)
    assert status_of(asked, client)[0] == "unregistered"
    # The same words once more say nothing new: the list has contradicted them.
    assert file_answers(asked, 2, answer(client, said)) == "accepted"
    assert status_of(asked, client)[0] == "unregistered"


def test_a_list_that_agrees_keeps_the_client_exempt(asked: Installation, indus: Cast, client: str) -> None:
    file_answers(asked, 1, answer(client, "no_vpn"))
    listed = [row | {"vpn_use": "no"} if row["subscriber_id"] == client else row for row in indus.listed]
    asked.drop(clients("indus", 2, listed, age=0))
    asked.run()
    compare(asked)
    assert status_of(asked, client) == ("exempt", "The client list says that no VPN is used.")


def test_an_answer_hides_no_registration_in_force(asked: Installation, indus: Cast, client: str) -> None:
    file_answers(asked, 1, answer(client, "no_vpn"))
    asked.drop(registrations("indus", 2, [indus.registration(client)]))
    asked.run()
    compare(asked)
    assert status_of(asked, client)[0] == "registered"


@pytest.mark.parametrize("said", ["dispute", "registered_elsewhere"])
def test_a_disputed_client_is_left_out_of_letters_until_a_person_decides(
    asked: Installation, client: str, said: str
) -> None:
    assert file_answers(asked, 1, answer(client, said)) == "accepted"
    assert status_of(asked, client)[0] == "disputed"
    assert open_cases(asked) == [(said, client)]
    asked.at(timedelta(days=7))
    send_notices(asked)
    assert client not in named(asked, "N-2026-000002")


def test_an_isp_that_answers_otherwise_ends_its_dispute(asked: Installation, client: str) -> None:
    file_answers(asked, 1, answer(client, "dispute"))
    file_answers(asked, 2, answer(client, "registering"))
    assert open_cases(asked) == []
    assert status_of(asked, client)[0] == "unregistered"


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_the_highest_number_speaks_in_whatever_order_the_answers_come(
    asked: Installation, client: str, order: Sequence[int]
) -> None:
    said = {1: "dispute", 2: "registering", 3: "no_vpn"}
    for seq in order:
        assert file_answers(asked, seq, answer(client, said[seq])) == "accepted"
    assert open_cases(asked) == []
    assert status_of(asked, client)[0] == "exempt"


def test_answers_about_another_isps_notice_or_an_unnamed_client_are_rejected(
    asked: Installation, indus: Cast, client: str
) -> None:
    registered = indus.listed[0]["subscriber_id"]
    rows = [answer(client, "no_vpn", notice_no="N-2026-000099"), answer(registered, "dispute")]
    assert file_answers(asked, 1, *rows) == "rejected"
    name = responses("indus", 1, [])[0]
    findings = asked.out("indus")[f"{name}.findings.csv"].decode()
    assert ",H167," in findings
    assert ",H168," in findings
    assert asked.rows("SELECT * FROM responses") == []
    assert open_cases(asked) == []


def test_the_test_zone_judges_answers_and_changes_nothing(asked: Installation, client: str) -> None:
    name, content = responses("indus", 1, [answer(client, "dispute"), answer("nobody", "no_vpn")])
    asked.drop((name, content), folder="check")
    asked.run()
    result = asked.result("indus", f"check/{name}")
    assert (result["outcome"], result["rows"]["accepted"], result["counts_by_code"]) == (
        "partial",
        1,
        {"H168": 1, "W406": 1},
    )
    assert asked.rows("SELECT * FROM responses") == []
    assert open_cases(asked) == []


def test_an_identity_number_in_words_is_not_kept(asked: Installation, client: str) -> None:
    file_answers(asked, 1, answer(client, "dispute", comment="ask 35202-1234567-1 himself", reference="3520212345671"))
    (kept,) = asked.rows("SELECT reference, comment FROM responses")
    assert kept == ("[13 digits, ..71]", "ask [13 digits, ..71] himself")


def test_answers_about_more_than_ten_and_a_tenth_are_held(asked: Installation, indus: Cast) -> None:
    rows = [answer(row["subscriber_id"], "no_vpn") for row in indus.listed[20:]]
    assert file_answers(asked, 1, *rows[:11]) == Outcome.HELD
    name = responses("indus", 1, [])[0]
    assert asked.codes("indus", name) == ["F305"]
    assert asked.result("indus", name)["rows"]["accepted"] == 11
    assert asked.rows("SELECT * FROM responses") == []
    assert [kind for kind, _ in open_cases(asked)] == ["held_delivery"]
    assert {status_of(asked, row["subscriber_id"])[0] for row in rows} == {"unregistered"}


def test_a_list_that_turns_more_than_ten_and_a_tenth_to_no_is_held(asked: Installation, indus: Cast) -> None:
    turned = [row | {"vpn_use": "no"} for row in indus.listed[:11]] + indus.listed[11:]
    name, content = clients("indus", 2, turned)
    asked.drop((name, content))
    asked.run()
    assert asked.result("indus", name)["outcome"] == "held"
    assert asked.codes("indus", name) == ["F306"]
    fewer = [row | {"vpn_use": "no"} for row in indus.listed[:10]] + indus.listed[10:]
    asked.drop(clients("indus", 3, fewer))
    asked.run()
    assert asked.result("indus", clients("indus", 3, [])[0])["outcome"] == "accepted"
    assert open_cases(asked) == []


def renumber(house: Installation, indus: Cast, client: str) -> None:
    """The ISP's next list calls the client NEW-1."""
    rows = [row | {"subscriber_id": "NEW-1"} if row["subscriber_id"] == client else row for row in indus.listed]
    house.drop(clients("indus", 2, rows, age=0))
    house.run()
    compare(house)


def test_what_was_said_of_a_client_speaks_for_him_under_his_new_id(asked: Installation, indus: Cast) -> None:
    client = indus.listed[-1]["subscriber_id"]
    file_answers(asked, 1, answer(client, "registering"))
    renumber(asked, indus, client)
    assert status_of(asked, "NEW-1")[0] == "unregistered"
    asked.at(timedelta(days=7))
    send_notices(asked)
    assert named(asked, "N-2026-000002")["NEW-1"] == ("B", "registering")
    letter = " ".join(asked.out("indus")["notices/N-2026-000002.txt"].decode().split())
    assert "0 clients are new on this list and 0 have been resolved" in letter
    with asked.exchange.registry.reading() as db:
        told = queries.explain(db, "indus", "NEW-1")
    assert told is not None
    assert [(one["response"], one["notice_no"]) for one in told.answers] == [("registering", "N-2026-000001")]


def test_a_dispute_is_ended_by_an_answer_under_the_new_id(asked: Installation, indus: Cast) -> None:
    client = indus.listed[-1]["subscriber_id"]
    file_answers(asked, 1, answer(client, "dispute"))
    renumber(asked, indus, client)
    assert status_of(asked, "NEW-1")[0] == "disputed"
    assert file_answers(asked, 2, answer("NEW-1", "registering")) == "accepted"
    assert open_cases(asked) == []
    assert status_of(asked, "NEW-1")[0] == "unregistered"
