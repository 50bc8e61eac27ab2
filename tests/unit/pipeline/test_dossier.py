"""What people get who decide about an ISP."""

from __future__ import annotations

from datetime import date, timedelta

from tests.installation import Cast, Installation, answer, clients, registrations, responses
from vpn_registry.model import Response, Status
from vpn_registry.pipeline import decisions, reconcile
from vpn_registry.pipeline.dossier import Dossier, assemble


def dossier(house: Installation) -> Dossier:
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)
    return assemble(house.exchange, house.exchange.isps["indus"])


def test_each_client_still_to_register_stands_with_the_letters_that_named_it(asked: Installation, indus: Cast) -> None:
    named = [row["subscriber_id"] for row in indus.listed][20:]
    asked.at(timedelta(days=1))
    asked.drop(registrations("indus", 2, [indus.registration(named[0])], age=0))
    asked.run()
    told = dossier(asked)
    assert [client.subscriber_id for client in told.clients] == named[1:]
    first = told.clients[0]
    assert (first.status, first.since) == (Status.UNREGISTERED, date(2026, 6, 16))
    assert first.letters == ("N-2026-000001 of 2026-06-16 (T-14, part A)",)
    (letter,) = told.letters
    assert (letter.to_register, letter.deadline, letter.recipients) == (
        12,
        date(2026, 6, 30),
        {"compliance@indus.example": "sent"},
    )
    assert len(told.filings) == 3
    assert [one.ends_on for one in told.deadlines] == [date(2026, 6, 30)]


def test_answers_and_decisions_stand_with_their_client(asked: Installation, indus: Cast) -> None:
    who = indus.listed[20]["subscriber_id"]
    asked.drop(responses("indus", 1, [answer(who, Response.DISPUTE)]))
    asked.run()
    disputed = next(client for client in dossier(asked).clients if client.subscriber_id == who)
    assert disputed.status == Status.DISPUTED
    assert disputed.answers == ("dispute on 2026-06-16, to N-2026-000001: as our sales desk says",)
    assert disputed.cases[0].endswith("not decided yet")
    decisions.decide(asked.exchange, 1, outcome="uphold", reason="The contract says so.", actor="amna")
    upheld = next(client for client in dossier(asked).clients if client.subscriber_id == who)
    assert upheld.status == Status.UNREGISTERED
    assert "uphold by amna on 2026-06-16, because: The contract says so." in upheld.cases[0]


def test_what_was_said_of_a_client_under_an_earlier_id_stands_with_him(asked: Installation, indus: Cast) -> None:
    old = indus.listed[-1]
    asked.at(timedelta(days=1))
    asked.drop(clients("indus", 2, [*indus.listed[:-1], {**old, "subscriber_id": "IND-NEW"}]))
    asked.run()
    reconcile.compare(asked.exchange, "indus")
    his = next(client for client in dossier(asked).clients if client.subscriber_id == "IND-NEW")
    assert his.letters == ("N-2026-000001 of 2026-06-16 (T-14, part A)",)


def test_no_name_and_no_number_of_a_client_is_in_it(asked: Installation, indus: Cast) -> None:
    told = str(dossier(asked).as_json())
    hidden = [row[column] for row in indus.listed for column in ("client_name", "ntn", "cnic") if row[column]]
    assert [one for one in hidden if one in told] == []


def test_an_isp_that_never_filed_has_a_dossier_too(house: Installation) -> None:
    told = dossier(house)
    assert (told.letters, told.clients, told.filings, told.list_on) == ((), (), (), None)
