"""Which notices are planned, which are held, and what a person's approval does."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.installation import MORNING, Cast, FileAndList, Installation, clients, registrations, send_notices
from vpn_registry.campaign import extend
from vpn_registry.model import Mode
from vpn_registry.pipeline import collect, dispatch, extension, notify
from vpn_registry.pipeline.approval import SecondPersonError

T_7 = timedelta(days=7)
"""From stage T-14 on 16 June to T-7 on 23 June."""


def notices(house: Installation) -> list[tuple[Any, ...]]:
    return house.rows("SELECT isp, stage, state FROM notices ORDER BY notice_no")


def messages(house: Installation) -> list[tuple[Any, ...]]:
    return house.rows("SELECT email, state FROM messages ORDER BY id")


@pytest.fixture
def listed(file_and_list: FileAndList) -> Installation:
    """Of indus' twelve clients eight are registered."""
    return file_and_list(8, 4)


def test_a_notice_is_planned_once_however_often_it_is_tried(listed: Installation) -> None:
    assert notify.plan(listed.exchange) == ["N-2026-000001"]
    assert notify.plan(listed.exchange) == []
    assert notices(listed) == [("indus", "T-14", "planned")]
    assert messages(listed) == [("compliance@indus.example", "planned")]
    assert listed.rows("SELECT action FROM audit_events WHERE object_type = 'notice'") == [("notice_planned",)]


def test_an_isp_without_a_list_gets_no_notice(house: Installation, kirana: Cast) -> None:
    house.drop(registrations("kirana", 1, kirana.registered(3), Mode.FULL))
    house.run()
    assert notify.plan(house.exchange) == []


def test_a_dry_run_says_what_is_due_and_writes_nothing(listed: Installation) -> None:
    assert notify.plan(listed.exchange, is_dry=True) == ["indus T-14"]
    assert notices(listed) == []
    assert messages(listed) == []
    assert listed.rows("SELECT count(*) FROM reconciliation_runs") == [(1,)]


def test_nothing_is_planned_on_a_day_off(listed: Installation) -> None:
    listed.at(timedelta(days=4))  # Saturday
    assert notify.plan(listed.exchange) == []


def test_that_there_was_nothing_to_tell_is_recorded(house: Installation, indus: Cast) -> None:
    house.drop(registrations("indus", 1, indus.registered(3), Mode.FULL))
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    assert notify.plan(house.exchange) == ["N-2026-000001"]
    assert house.rows("SELECT state, reason FROM notices") == [("cancelled", "nothing_to_tell")]
    assert messages(house) == []
    assert notify.brake(house.exchange) == []
    assert notify.plan(house.exchange) == []


def test_an_unjudged_delivery_suppresses_the_notice_until_it_is_judged(listed: Installation, indus: Cast) -> None:
    listed.drop(registrations("indus", 2, [indus.registration(indus.listed[-1]["subscriber_id"])]))
    listed.take("indus")
    assert notify.plan(listed.exchange) == []
    collect.judge_and_merge(listed.exchange, "indus", holder="test")
    assert notify.plan(listed.exchange) == ["N-2026-000001"]
    assert listed.rows("SELECT counts FROM notices")[0][0] == '{"to_register": 3, "covered": 9, "comparable": 12}'


def test_another_isps_backlog_suppresses_nothing(listed: Installation, kirana: Cast) -> None:
    listed.drop(registrations("kirana", 1, kirana.registered(1)))
    listed.take("kirana")
    assert notify.plan(listed.exchange) == ["N-2026-000001"]


def test_a_held_delivery_suppresses_for_two_working_days_and_then_holds_the_notice(
    listed: Installation, indus: Cast
) -> None:
    listed.drop(clients("indus", 2, indus.listed[:2]))
    listed.run()
    for _ in range(2):  # Tuesday, Wednesday
        assert notify.plan(listed.exchange) == []
        listed.at(timedelta(days=1))
    assert notify.plan(listed.exchange) == ["N-2026-000001"]
    assert notify.brake(listed.exchange) == []
    [(state, reason)] = listed.rows("SELECT state, reason FROM notices")
    assert state == "held"
    assert "has been held since 2026-06-16: case 1." in reason


def test_the_first_notice_of_a_campaign_is_held(listed: Installation) -> None:
    notify.plan(listed.exchange)
    assert notify.brake(listed.exchange) == []
    assert notices(listed) == [("indus", "T-14", "held")]
    assert messages(listed) == [("compliance@indus.example", "held")]
    assert "first notice" in listed.rows("SELECT reason FROM notices")[0][0]
    assert notify.brake(listed.exchange) == []


def test_an_approved_notice_may_go_and_says_who_approved_it(listed: Installation) -> None:
    notify.plan(listed.exchange)
    notify.brake(listed.exchange)
    assert notify.approve(listed.exchange.registry, actor="ayesha", reason="figures checked", isp="kirana") == []
    assert notify.approve(listed.exchange.registry, actor="ayesha", reason="figures checked", stage="T-7") == []
    assert notify.approve(listed.exchange.registry, actor="ayesha", reason="figures checked") == ["N-2026-000001"]
    assert listed.rows("SELECT state, approved_by, reason FROM notices") == [("approved", "ayesha", "figures checked")]
    assert messages(listed) == [("compliance@indus.example", "approved")]
    assert notify.brake(listed.exchange) == ["indus"]
    assert notify.approve(listed.exchange.registry, actor="ayesha", reason="again") == []


def test_a_quiet_second_notice_needs_nobody(listed: Installation) -> None:
    send_notices(listed)
    listed.at(T_7)
    assert notify.plan(listed.exchange) == ["N-2026-000002"]
    assert notify.brake(listed.exchange) == ["indus"]
    assert notices(listed) == [("indus", "T-14", "sent"), ("indus", "T-7", "approved")]
    assert listed.rows("SELECT approved_by FROM notices WHERE stage = 'T-7'") == [("send_notices",)]


def test_a_jump_of_clients_to_register_is_held(listed: Installation, indus: Cast) -> None:
    send_notices(listed)
    indus.open(6)
    listed.at(T_7)
    listed.drop(clients("indus", 2, indus.listed, age=-6))
    listed.run()
    notify.plan(listed.exchange)
    assert notify.brake(listed.exchange) == []
    assert "rose from 4 of 12" in listed.rows("SELECT reason FROM notices WHERE stage = 'T-7'")[0][0]


def test_resolved_clients_are_told_once_that_nothing_is_outstanding(listed: Installation, indus: Cast) -> None:
    send_notices(listed)
    late = [row["subscriber_id"] for row in indus.listed[8:]]
    listed.at(T_7)
    listed.drop(registrations("indus", 2, [indus.registration(who) for who in late], age=-6))
    listed.run()
    notify.plan(listed.exchange)
    assert listed.rows("SELECT form FROM notices WHERE stage = 'T-7'") == [("nothing-outstanding",)]


def test_the_escalation_contact_is_added_from_three_days_before_on(listed: Installation) -> None:
    listed.at(timedelta(days=8))  # T-3, moved before Ashura
    assert notify.plan(listed.exchange) == ["N-2026-000003"]
    assert notices(listed)[-1] == ("indus", "T-3", "planned")
    assert messages(listed) == [("compliance@indus.example", "planned"), ("escalation@indus.example", "planned")]


def test_every_message_has_an_id_of_its_own(listed: Installation) -> None:
    listed.at(timedelta(days=8))
    notify.plan(listed.exchange)
    ids = [row[0] for row in listed.rows("SELECT header_message_id FROM messages")]
    assert len(set(ids)) == 2


def test_a_notice_that_was_not_sent_within_three_working_days_lapses(listed: Installation) -> None:
    notify.plan(listed.exchange)
    notify.brake(listed.exchange)
    listed.at(timedelta(days=3))  # Friday, the last day
    assert notify.plan(listed.exchange) == []
    assert notices(listed) == [("indus", "T-14", "held")]
    listed.at(timedelta(days=3))
    assert notify.plan(listed.exchange, is_dry=True) == []
    assert notices(listed) == [("indus", "T-14", "held")]
    assert notify.plan(listed.exchange) == []
    assert listed.rows("SELECT state, reason FROM notices") == [("cancelled", "lapsed")]
    assert messages(listed) == [("compliance@indus.example", "cancelled")]
    assert notify.approve(listed.exchange.registry, actor="late", reason="too late") == []


def test_after_an_outage_only_the_latest_stage_goes_and_the_others_say_why(listed: Installation) -> None:
    listed.at(timedelta(days=8))  # 24 June, the day of T-3: nothing ran since the 16th
    notify.plan(listed.exchange)
    assert listed.rows("SELECT stage, state, reason FROM notices ORDER BY stage_on") == [
        ("T-14", "cancelled", "lapsed"),
        ("T-7", "cancelled", "merged"),
        ("T-3", "planned", ""),
    ]
    assert notify.plan(listed.exchange) == []


def test_a_stage_that_still_waits_when_the_next_is_due_is_merged_into_it(listed: Installation) -> None:
    listed.at(timedelta(days=8))
    notify.plan(listed.exchange)
    notify.brake(listed.exchange)
    listed.at(timedelta(days=5))  # 29 June, T-1
    notify.plan(listed.exchange)
    assert listed.rows("SELECT stage, state, reason FROM notices WHERE stage IN ('T-3', 'T-1') ORDER BY stage_on") == [
        ("T-3", "cancelled", "merged"),
        ("T-1", "planned", ""),
    ]


def test_a_refused_notice_is_cancelled_with_the_reason(listed: Installation) -> None:
    notify.plan(listed.exchange)
    notify.brake(listed.exchange)
    refused = notify.refuse(listed.exchange.registry, actor="ayesha", reason="the list is a test list")
    assert refused == ["N-2026-000001"]
    assert listed.rows("SELECT state, reason FROM notices") == [("cancelled", "the list is a test list")]
    assert messages(listed) == [("compliance@indus.example", "cancelled")]
    assert notify.plan(listed.exchange) == []


def test_an_overdue_notice_is_approved_by_somebody_else_than_who_planned_it(listed: Installation) -> None:
    listed.at(timedelta(days=15))  # 1 July, T+1
    notify.plan(listed.exchange, actor="ayesha")
    notify.brake(listed.exchange)
    with pytest.raises(SecondPersonError, match="was planned by ayesha"):
        notify.approve(listed.exchange.registry, actor="ayesha", reason="figures checked")
    assert notify.approve(listed.exchange.registry, actor="bilal", reason="figures checked") == ["N-2026-000005"]


def test_that_a_stage_waits_for_our_own_backlog_stands_in_the_trail_once_a_day(
    listed: Installation, indus: Cast
) -> None:
    listed.drop(registrations("indus", 2, [indus.registration(indus.listed[-1]["subscriber_id"])]))
    listed.take("indus")
    for _ in range(2):
        assert notify.plan(listed.exchange) == []
    events = "SELECT object_id, detail FROM audit_events WHERE action = 'stage_suppressed'"
    [(name, detail)] = listed.rows(events)
    assert name == "2026/1/T-14/indus"
    assert "has not been judged yet" in detail


def kirana_files_between_stages(listed: Installation, kirana: Cast) -> None:
    """Indus got T-14; then kirana's first list came, with 24 clients to register; T-7 is planned."""
    send_notices(listed)
    kirana.open(24)
    listed.drop(clients("kirana", 1, kirana.listed))
    listed.at(timedelta(days=1))
    listed.run()
    listed.at(timedelta(days=6))
    notify.plan(listed.exchange)


def test_the_national_brake_holds_the_whole_stage(listed: Installation, kirana: Cast) -> None:
    """Of indus' own figures nothing changed; kirana's 24 clients raise the country's."""
    kirana_files_between_stages(listed, kirana)
    assert notify.brake(listed.exchange) == []
    [(reason,)] = listed.rows("SELECT reason FROM notices WHERE isp = 'indus' AND stage = 'T-7'")
    assert reason == "Clients to register in the whole country rose from 4 at the last stage to 28."


def test_whose_last_stage_was_merged_raises_no_national_brake(listed: Installation, kirana: Cast) -> None:
    """Kirana's T-7 waits for approval until T-3 takes its place; the country's count stays what it was."""
    kirana_files_between_stages(listed, kirana)
    notify.brake(listed.exchange)
    notify.approve(listed.exchange.registry, actor="tester", reason="figures checked", isp="indus")
    dispatch.send(listed.exchange, "indus", listed.relay, holder="test")
    listed.at(timedelta(days=1))
    notify.plan(listed.exchange)
    assert notify.brake(listed.exchange) == ["indus"]
    assert listed.rows("SELECT state, reason FROM notices WHERE isp = 'kirana'") == [
        ("cancelled", "merged"),
        ("held", "This is the first notice of the campaign to this ISP."),
    ]


def test_an_extension_cancels_what_is_not_sending_yet(listed: Installation) -> None:
    notify.plan(listed.exchange)
    notify.brake(listed.exchange)
    notify.approve(listed.exchange.registry, actor="tester", reason="figures checked")
    today = MORNING.date()
    extended = extend(listed.exchange.campaign, date(2026, 7, 31), today, "letter of the authority")
    notify.plan(replace(listed.exchange, campaign=extended))
    assert listed.rows("SELECT stage, state, reason FROM notices WHERE deadline_version = 1") == [
        ("T-14", "cancelled", "extended")
    ]
    assert messages(listed)[0] == ("compliance@indus.example", "cancelled")
    assert listed.rows("SELECT version, ends_on FROM deadlines") == [(1, "2026-06-30"), (2, "2026-07-31")]


def test_who_had_been_told_the_old_date_gets_one_letter_about_the_new_one(listed: Installation) -> None:
    send_notices(listed)
    listed.at(timedelta(days=1))
    extension.enter(listed.exchange, date(2026, 7, 31), source="letter of the authority", actor="tester")
    listed.at(timedelta(hours=1))
    notify.plan(listed.exchange)
    assert notify.brake(listed.exchange) == ["indus"]
    dispatch.send(listed.exchange, "indus", listed.relay, holder="test")
    assert notices(listed) == [("indus", "T-14", "sent"), ("indus", "extended", "sent")]
    [(text,)] = listed.rows("SELECT body_text FROM messages WHERE subject LIKE '%extended to 31 July 2026%'")
    assert "from 30 June 2026 to 31 July 2026" in " ".join(text.split())
    listed.at(timedelta(days=1))
    assert notify.plan(listed.exchange) == []


def test_who_had_not_been_told_gets_no_letter_about_an_extension(listed: Installation) -> None:
    extension.enter(listed.exchange, date(2026, 7, 31), source="letter of the authority", actor="tester")
    listed.at(timedelta(hours=1))
    assert notify.plan(listed.exchange) == []
    listed.at(timedelta(days=15))  # 1 July, T-30 of the new date
    assert notify.plan(listed.exchange) == ["N-2026-000001"]
    assert listed.rows("SELECT stage, ends_on FROM notices") == [("T-30", "2026-07-31")]


def test_a_stage_that_nothing_planned_before_an_extension_leaves_a_row(listed: Installation) -> None:
    """T-7 came on 23 June while nothing ran, and the new deadline on the 24th."""
    send_notices(listed)
    listed.at(timedelta(days=8))
    extended(listed, date(2026, 7, 31), isp="")
    notify.plan(listed.exchange)
    rows = listed.rows("SELECT stage, state, reason FROM notices WHERE stage IN ('T-7', 'T-3')")
    assert rows == [("T-7", "cancelled", "extended")]
    notify.plan(listed.exchange)
    assert len(notices(listed)) == 3


def extended(house: Installation, ends_on: date, isp: str = "indus", client: str = "") -> None:
    extension.enter(house.exchange, ends_on, source="Letter 12", actor="tester", isp=isp, client=client)
    house.at(timedelta(minutes=1))  # opened anew, as the next run does


def test_an_extension_for_one_isp_is_told_to_it_alone(listed: Installation, kirana: Cast) -> None:
    kirana.open(3)
    listed.drop(clients("kirana", 1, kirana.listed))
    listed.run()
    send_notices(listed)
    extended(listed, date(2026, 7, 31))
    listed.at(T_7)
    send_notices(listed)
    later = [row for row in notices(listed) if row[1] != "T-14"]
    assert sorted(later) == [("indus", "extended", "sent"), ("kirana", "T-7", "sent")]
    assert listed.rows("SELECT DISTINCT isp, deadline_on FROM reconciliation_runs ORDER BY isp, deadline_on") == [
        *(("indus", "2026-06-30"), ("indus", "2026-07-31"), ("kirana", "2026-06-30")),
    ]


def test_an_isps_own_stage_day_does_not_brake_the_countrys(listed: Installation, kirana: Cast) -> None:
    kirana.open(40)
    listed.drop(clients("kirana", 1, kirana.listed))
    listed.run()
    send_notices(listed)
    extended(listed, date(2026, 7, 6))
    for days in (6, 1):  # indus' own T-14 on the 22nd, for 4 clients; the country's T-7 on the 23rd, for 40
        listed.at(timedelta(days=days))
        send_notices(listed)
    later = [row for row in notices(listed) if row[1] not in ("extended", "silent")]
    assert later[-2:] == [("indus", "T-14", "sent"), ("kirana", "T-7", "sent")]
    assert not [row for row in listed.rows("SELECT detail FROM audit_events") if "whole country" in str(row[0])]


def test_a_client_with_a_deadline_of_his_own_has_letters_of_his_own(listed: Installation, indus: Cast) -> None:
    who = indus.listed[-1]["subscriber_id"]
    send_notices(listed)
    extended(listed, date(2026, 7, 31), client=who)
    send_notices(listed)
    listed.at(T_7)
    send_notices(listed)
    named = """SELECT n.stage, n.ends_on, c.subscriber_id FROM notices n JOIN notice_clients c ON c.notice_id = n.id
               WHERE n.stage <> 'T-14' ORDER BY n.notice_no, c.subscriber_id"""
    others = [row["subscriber_id"] for row in indus.listed[8:-1]]
    assert listed.rows(named) == [
        ("extended", "2026-07-31", who),
        *(("T-7", "2026-06-30", one) for one in others),
    ]
    [(text,)] = listed.rows("SELECT body_text FROM messages WHERE subject LIKE '%extended to 31 July 2026%'")
    told = " ".join(text.split())
    assert f"about your client {who} alone" in told
    assert "This is our first letter about this client alone." in told
    assert "from 30 June 2026 to 31 July 2026" in told
    [(progress,)] = listed.rows("SELECT body_text FROM messages WHERE subject LIKE '%7 days left%'")
    assert "0 clients are new on this list and 0 have been resolved" in " ".join(progress.split())


def test_the_clients_own_stages_follow_his_deadline(listed: Installation, indus: Cast) -> None:
    who = indus.listed[-1]["subscriber_id"]
    send_notices(listed)
    extended(listed, date(2026, 7, 10), client=who)
    send_notices(listed)
    listed.at(timedelta(days=17))  # Friday, 3 July: T-7 of his, and three working days after the ISP's own T+1
    send_notices(listed)
    [(stage, client)] = listed.rows(
        """SELECT n.stage, c.subscriber_id FROM notices n JOIN notice_clients c ON c.notice_id = n.id
           WHERE n.state = 'sent' AND n.deadline_version = 2 AND n.stage <> 'extended'"""
    )
    assert (stage, client) == ("T-7", who)
    overdue = "SELECT c.subscriber_id FROM notices n JOIN notice_clients c ON c.notice_id = n.id WHERE n.stage = 'T+1'"
    assert who not in [row[0] for row in listed.rows(overdue)]


def test_nobody_is_given_time_who_is_not_known(listed: Installation) -> None:
    with pytest.raises(ValueError, match="There is no ISP nobody"):
        extended(listed, date(2026, 7, 31), isp="nobody")
    with pytest.raises(ValueError, match="indus has no client X-1"):
        extended(listed, date(2026, 7, 31), client="X-1")


def test_a_review_that_nobody_decides_is_put_to_the_isp_after_ten_working_days(
    house: Installation, indus: Cast, kirana: Cast
) -> None:
    """Its tax number is registered with the other ISP; it came under review on 16 June."""
    row = kirana.registered(1)[0]
    indus.open(1)
    house.drop(registrations("kirana", 1, [row]))
    house.drop(clients("indus", 1, [{**indus.listed[0], "ntn": row["ntn"]}]))
    house.run()
    assert notify.plan(house.exchange) == ["N-2026-000001"]
    assert house.rows("SELECT state FROM notices") == [("cancelled",)]
    house.at(timedelta(days=16))  # 2 July: ten working days later, because the 25th and 26th are holidays
    notify.plan(house.exchange)
    assert house.rows("SELECT isp, stage, state FROM notices ORDER BY id")[-1] == ("indus", "T+1", "planned")
