"""Letters that a person keeps back until a day: to one ISP, or about one of its clients."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest

from tests.installation import DAY, Cast, Installation, clients, registrations, send_notices
from vpn_registry.cli.explanation import as_values
from vpn_registry.model import Mode
from vpn_registry.pipeline import chase, client_days, decisions, diary, dispatch, dossier, mutes, notify
from vpn_registry.pipeline.client_days import Why
from vpn_registry.pipeline.overview import overview
from vpn_registry.registry import queries
from vpn_registry.registry.cases import DecisionRefusedError

WEEK = timedelta(days=7)
"""From T-14 on 16 June to T-7 on the 23rd."""


def mute(house: Installation, until: date, client: str = "", **more: Any) -> int:
    said = {"reason": "its exchange burnt down", "actor": "amna"} | more
    return mutes.enter(house.exchange, "indus", until, client=client, **said).id


def stages(house: Installation) -> list[tuple[Any, ...]]:
    return house.rows("SELECT stage, state, reason FROM notices WHERE isp = 'indus' ORDER BY notice_no")


def named(house: Installation, stage: str) -> list[str]:
    query = """SELECT c.subscriber_id FROM notice_clients c JOIN notices n ON n.id = c.notice_id
               WHERE n.stage = :stage ORDER BY 1"""
    return [who for (who,) in house.rows(query, stage=stage)]


def last_text(house: Installation) -> str:
    (text,) = house.rows("SELECT body_text FROM messages WHERE state = 'sent' ORDER BY id DESC LIMIT 1")[0]
    return " ".join(text.split())


def reasons(house: Installation, day: date, who: str) -> list[tuple[Why, str]]:
    found = client_days.explain(client_days.read_record(house.exchange), day, day)
    return [(one.why, one.detail) for one in found if one.subscriber_id == who]


def test_a_muted_isps_stage_waits_and_goes_when_the_mute_is_over(asked: Installation, indus: Cast) -> None:
    asked.at(WEEK)
    case = mute(asked, DAY + WEEK)
    assert notify.plan(asked.exchange) == []
    who = indus.listed[-1]["subscriber_id"]
    assert reasons(asked, DAY + WEEK, who) == [(Why.SUPPRESSED, f"case {case}: its exchange burnt down")]
    asked.at(timedelta(days=1))  # the mute is over by itself; T-3 has come too
    send_notices(asked)
    assert stages(asked)[1:] == [("T-7", "cancelled", "merged"), ("T-3", "sent", "")]
    assert named(asked, "T-3") == sorted(row["subscriber_id"] for row in indus.listed[20:])


def test_a_stage_lapses_under_a_mute_as_it_does_otherwise(asked: Installation) -> None:
    asked.at(timedelta(days=1))
    mute(asked, DAY + timedelta(days=40))
    asked.at(timedelta(days=20))
    assert notify.plan(asked.exchange) == []
    assert ("T+1", "cancelled", "lapsed") in stages(asked)


def test_a_letter_that_was_approved_already_is_kept_back_too(asked: Installation) -> None:
    asked.at(WEEK)
    notify.plan(asked.exchange)
    assert notify.brake(asked.exchange) == ["indus"]
    case = mute(asked, DAY + WEEK)
    before = len(asked.relay.accepted)
    assert dispatch.send(asked.exchange, "indus", asked.relay, holder="test") == {"approved": 1}
    assert len(asked.relay.accepted) == before
    decisions.decide(asked.exchange, case, outcome="lift", reason="it is back", actor="bilal")
    assert dispatch.send(asked.exchange, "indus", asked.relay, holder="test") == {"sent": 1}


def test_a_muted_client_stands_in_no_letter_and_is_not_told_as_resolved(asked: Installation, indus: Cast) -> None:
    who, *_ = [row["subscriber_id"] for row in indus.listed[20:]]
    asked.at(WEEK)
    case = mute(asked, DAY + WEEK, who)
    send_notices(asked)
    assert who not in named(asked, "T-7")
    assert len(named(asked, "T-7")) == 11
    assert "0 clients are new on this list and 0 have been resolved" in last_text(asked)
    assert reasons(asked, DAY + WEEK, who) == [(Why.SUPPRESSED, f"case {case}: its exchange burnt down")]
    asked.at(timedelta(days=1))
    send_notices(asked)
    assert who in named(asked, "T-3")


def test_a_mute_hides_nobody_from_registry_and_figures(asked: Installation, indus: Cast) -> None:
    who = indus.listed[-1]["subscriber_id"]
    case = mute(asked, DAY + WEEK, who)
    [one, _] = overview(asked.exchange).isps
    assert (one.clients, one.to_register) == (32, 12)
    assert one.mutes == [
        {
            "client": who,
            "until": "2026-06-23",
            "reason": "its exchange burnt down",
            "actor": "amna",
            "case": case,
        }
    ]
    with asked.exchange.registry.reading() as db:
        told = queries.explain(db, "indus", who)
        other = queries.explain(db, "indus", indus.listed[0]["subscriber_id"])
    assert told is not None
    assert other is not None
    assert [(one["is_for_client"], one["until"]) for one in as_values(told)["mutes"]] == [(True, "2026-06-23")]
    assert told.statuses[0]["status"] == "unregistered"
    assert other.mutes == []


def test_nothing_outstanding_is_not_said_while_somebody_is_muted(asked: Installation, indus: Cast) -> None:
    late = [row["subscriber_id"] for row in indus.listed[20:]]
    asked.at(WEEK)
    asked.drop(registrations("indus", 2, [indus.registration(who) for who in late[1:]], age=-6))
    asked.run()
    mute(asked, DAY + WEEK, late[0])
    send_notices(asked)
    assert stages(asked)[-1] == ("T-7", "cancelled", "nothing_to_tell")
    assert reasons(asked, DAY + WEEK, late[0])[0][0] is Why.SUPPRESSED


def test_who_is_muted_is_not_reminded_either(house: Installation) -> None:
    house.run()
    assert chase.remind(house.exchange, is_dry=True) == ["indus", "kirana"]
    mute(house, DAY)
    assert chase.remind(house.exchange, is_dry=True) == ["kirana"]
    house.at(timedelta(days=1))
    house.run()
    assert chase.remind(house.exchange, is_dry=True) == ["indus", "kirana"]


def test_a_mute_is_only_added_to_and_every_word_stands_in_the_trail(asked: Installation, indus: Cast) -> None:
    who = indus.listed[-1]["subscriber_id"]
    case = mute(asked, DAY + WEEK, who)
    assert mute(asked, DAY + 2 * WEEK, who, actor="bilal") == case
    decisions.decide(asked.exchange, case, outcome="lift", reason="it was the wrong one", actor="chanda")
    assert overview(asked.exchange).isps[0].mutes == []
    said = asked.rows("SELECT outcome, actor, until_on FROM decisions ORDER BY id")
    assert said == [
        ("mute", "amna", "2026-06-23"),
        ("mute", "bilal", "2026-06-30"),
        ("lift", "chanda", None),
    ]
    trail = asked.rows("SELECT actor, detail FROM audit_events WHERE action = 'decide' ORDER BY id")
    assert [(actor, json.loads(detail)["outcome"]) for actor, detail in trail] == [(one[1], one[0]) for one in said]
    [page] = diary.diary(asked.exchange, DAY, DAY)
    told = [(entry.what, entry.text) for entry in page.entries if entry.what.endswith("mutes")]
    assert [what for what, _ in told] == ["mutes", "mutes", "unmutes"]
    assert told[0][1] == f"client {who} until 23 June 2026 (case {case}), by amna, because: its exchange burnt down"
    assert len(dossier.assemble(asked.exchange, asked.exchange.isps["indus"]).mutes) == 3


def test_a_mute_follows_a_client_to_his_next_id(asked: Installation, indus: Cast) -> None:
    old = indus.listed[-1]
    mute(asked, DAY + WEEK, old["subscriber_id"])
    asked.at(WEEK)
    asked.drop(clients("indus", 2, [*indus.listed[:-1], {**old, "subscriber_id": "IND-NEW"}], age=-6))
    asked.run()
    send_notices(asked)
    assert len(named(asked, "T-7")) == 11
    assert "IND-NEW" not in named(asked, "T-7")
    assert reasons(asked, DAY + WEEK, "IND-NEW")[0][0] is Why.SUPPRESSED


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"client": "X-1"}, "indus has no client X-1"),
        ({"reason": " "}, "Say why"),
        ({"reason": "see 35202-1234567-1"}, "identity card number"),
        ({"until": DAY - timedelta(days=1)}, "has passed"),
    ],
)
def test_what_is_no_mute_is_refused_in_a_sentence_and_leaves_nothing(
    asked: Installation, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(DecisionRefusedError, match=said):
        mute(asked, **({"until": DAY} | wrong))
    assert asked.rows("SELECT * FROM cases") == []


def test_a_mute_without_a_last_day_is_none(asked: Installation) -> None:
    case = mute(asked, DAY)
    with pytest.raises(DecisionRefusedError, match="ends by itself"):
        decisions.decide(asked.exchange, case, outcome="mute", reason="for ever", actor="amna")


def test_of_an_unknown_isp_nothing_is_kept_back(house: Installation) -> None:
    with pytest.raises(DecisionRefusedError, match="There is no ISP nobody"):
        mutes.enter(house.exchange, "nobody", DAY, reason="why", actor="amna")


def test_a_client_alone_with_his_mute_is_nothing_to_tell(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(8), Mode.FULL))
    (who,) = indus.open(1)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    notify.plan(house.exchange, is_dry=True)
    mute(house, DAY, who)
    notify.plan(house.exchange)
    assert stages(house) == [("T-14", "cancelled", "nothing_to_tell")]
