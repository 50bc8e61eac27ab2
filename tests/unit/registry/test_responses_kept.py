"""What ISPs answered, and what people decided about it, in both databases."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
from sqlalchemy import text

from tests.unit.registry.filing import AT, conclude, file_clients, name_of, store
from vpn_registry.model import Feed, Mode, Outcome, Response
from vpn_registry.registry import cases, holds, ledger, responses
from vpn_registry.registry.bulk import TEXT
from vpn_registry.registry.cases import Decision
from vpn_registry.registry.home import Registry

TODAY = date(2026, 6, 15)


def client(subscriber: str, vpn_use: str = "yes") -> dict[str, str]:
    return {"subscriber_id": subscriber, "client_name": "Firm", "service_status": "active", "vpn_use": vpn_use}


def file_answers(registry: Registry, seq: int, **said: str) -> int:
    """Store, merge and conclude one file of answers, subscriber -> response; how many changed what stands."""
    rows = [
        {
            "subscriber_id": who,
            "notice_no": "N-2026-000001",
            "response": response,
            "reference": "",
            "comment": "said so",
            "responded_on": "2026-06-15",
            "row_sha256": f"{who}{response}".ljust(64, "0"),
        }
        for who, response in said.items()
    ]
    frame = pd.DataFrame(rows, dtype=TEXT)
    frame["row"] = range(1, len(rows) + 1)
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.RESPONSES, Mode.DELTA, seq)
        changed = responses.merge_responses(db, delivery, frame, at=AT)
        conclude(db, delivery)
    return changed


def decide(registry: Registry, outcome: str, until: date | None = None) -> None:
    with registry.writing() as db:
        case = cases.get_case(db, 1)
        assert case is not None
        cases.record_decision(db, case, Decision(outcome, "looked at", "amna", AT, until))


def test_the_highest_number_speaks_and_cases_follow_it(registry: Registry) -> None:
    assert file_answers(registry, 2, a="dispute", b="no_vpn") == 2
    assert file_answers(registry, 1, a="registering", b="terminated") == 0
    assert file_answers(registry, 3, a="dispute") == 0
    with registry.reading() as db:
        assert {who: one.response for who, one in responses.standing(db, "indus").items()} == {
            "a": Response.DISPUTE,
            "b": Response.NO_VPN,
        }
        assert responses.disputed(db, "indus") == {"a"}
        assert responses.disputed(db, "kirana") == set()
        assert set(responses.exempting(db, "indus")) == {"b"}
        known = responses.known_responses(db, "indus", "vpn-2026")
    assert known[["subscriber_id", "decided_seq"]].to_numpy().tolist() == [["a", 3], ["b", 2]]
    assert file_answers(registry, 4, a="no_vpn") == 1
    with registry.reading() as db:
        assert responses.disputed(db, "indus") == set()


def test_a_list_accepted_later_ends_an_exempting_answer(registry: Registry) -> None:
    file_answers(registry, 1, a="no_vpn")
    file_clients(registry, 1, client("a"))
    with registry.reading() as db:
        assert responses.exempting(db, "indus") == {}
        assert responses.clients_listed(db, "indus") == {"a"}


def test_the_last_decision_counts_until_its_last_day(registry: Registry) -> None:
    file_answers(registry, 1, a="dispute")
    decide(registry, responses.EXEMPT, TODAY)
    with registry.reading() as db:
        assert responses.disputed(db, "indus") == set()
        assert responses.decided_exempt(db, "indus", TODAY) == {"a"}
        assert responses.decided_exempt(db, "indus", TODAY + timedelta(days=1)) == set()
        assert cases.open_cases(db) == []
    decide(registry, "uphold")
    with registry.reading() as db:
        assert responses.decided_exempt(db, "indus", TODAY) == set()
        assert [decision.outcome for decision in cases.decisions_on(db, 1)] == ["exempt", "uphold"]


def test_a_list_that_turns_many_to_no_is_named_with_its_figures(registry: Registry) -> None:
    names = [f"s{number:02}" for number in range(20)]
    file_clients(registry, 1, *(client(name) for name in names))
    with registry.writing() as db:
        delivery = store(db, "indus", Feed.CLIENTS, Mode.FULL, 2)
        assert holds.turned_to_no(db, delivery, names[:10]) is None
        assert holds.turned_to_no(db, delivery, names[:11]) == "It turns 11 of 20 clients from yes to no."
        assert holds.answers_about(db, "indus", names) is None  # nobody was compared yet


def test_rows_of_a_refused_delivery_stand_in_its_next_revision(registry: Registry) -> None:
    with registry.writing() as db:
        held = store(db, "indus", Feed.CLIENTS, Mode.FULL, 1)
        conclude(db, held, Outcome.HELD)
        held = ledger.get(db, held.id)
        rows = pd.DataFrame({"row": [1, 2], "line": [2, 3], "outcome": ["accepted", "rejected"]})
        ledger.record_rows(db, held, rows)
        verdict = ledger.stored_verdict(db, held)
        refused = ledger.revise(
            db, held, outcome=Outcome.REJECTED, rows=verdict.rows, counts_by_code={}, findings=(), result={},
            rulebook_version="1", at=AT,
        )  # fmt: skip
        ledger.carry_over(db, held, refused, outcome="rejected")
        assert (refused.revision, refused.name) == (2, name_of("indus", Feed.CLIENTS, Mode.FULL, 1))
        kept = db.execute(text("SELECT row, outcome FROM delivery_rows WHERE revision = 2 ORDER BY row")).all()
        assert [tuple(one) for one in kept] == [(1, "rejected"), (2, "rejected")]
