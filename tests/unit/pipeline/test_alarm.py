"""Word of our own failures: who is told, how often, and what never stands in it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import pytest

from tests.installation import MORNING, Cast, Installation, clients
from vpn_registry.pipeline import alarm, collect, office, promises, report
from vpn_registry.pipeline.alarm import Alarm
from vpn_registry.registry.office_mails import FAILURE


def failure(isp: str = "indus", task: str = "collect_deliveries.take") -> Alarm:
    return Alarm(FAILURE, task, isp, ("12",), "ZoneError", "its zone is unreachable", "ring the ISP")


def tell(house: Installation, one: Alarm) -> None:
    if alarm.raise_alarm(house.exchange, one):
        office.send(house.exchange, house.relay)


def mails(house: Installation) -> list[str]:
    return [subject for (subject,) in house.rows("SELECT subject FROM office_mails WHERE state = 'sent' ORDER BY id")]


def test_a_failure_is_told_once_a_day_for_each_task_and_isp(house: Installation) -> None:
    for isp in ("indus", "indus", "kirana", "indus"):
        tell(house, failure(isp))
    told = "[Simulation] VPN registry: collect_deliveries.take failed for"
    assert mails(house) == [f"{told} indus", f"{told} kirana"]
    assert house.rows("SELECT occurrences FROM office_mails ORDER BY id") == [(3,), (1,)]
    house.at(timedelta(days=1))
    tell(house, failure("indus"))
    assert len(mails(house)) == 3


def test_it_says_isp_delivery_meaning_and_next_step_and_blames_no_isp(house: Installation) -> None:
    tell(house, failure())
    [(text,)] = house.rows("SELECT body_text FROM office_mails")
    for told in (
        "indus",
        "12",
        "ZoneError",
        "its zone is unreachable",
        "ring the ISP",
        "Nothing of it is held against",
    ):
        assert told in text


def test_a_broken_night_is_ten_mails_and_the_report_names_the_rest(house: Installation) -> None:
    for number in range(40):
        tell(house, failure(f"isp{number}"))
    assert len(mails(house)) == alarm.MAILS_AN_HOUR
    last = house.rows("SELECT body_text FROM office_mails WHERE state = 'sent' ORDER BY id DESC LIMIT 1")[0][0]
    assert "More failures of this hour are not mailed" in last
    house.at(timedelta(hours=2))
    report.queue(house.exchange)
    [(text,)] = house.rows("SELECT body_text FROM office_mails WHERE kind = 'report'")
    assert "take failed for isp39: 1 time(s), last 16 Jun 2026, 09:00, not mailed" in text


def test_a_failure_while_the_relay_is_down_is_told_later(house: Installation) -> None:
    house.relay.is_down = True
    with suppress(ConnectionRefusedError):
        tell(house, failure())
    house.relay.is_down = False
    assert office.send(house.exchange, house.relay) == 1


def test_without_the_registry_one_mail_a_day_goes_out(house: Installation) -> None:
    told = [alarm.raise_blind(house.home, MORNING, house.relay, failure()) for _ in range(3)]
    assert told == [True, False, False]
    assert house.relay.recipients == ["data-team@regulator.example"]


def test_a_failed_judgement_names_its_delivery(
    house: Installation, indus: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    indus.open(2)
    house.drop(clients("indus", 1, indus.listed))
    [delivery] = house.take("indus")
    monkeypatch.setattr("vpn_registry.pipeline.judgement.judge_delivery", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError) as raised:
        collect.judge_and_merge(house.exchange, "indus", holder="test")
    assert alarm.deliveries_of(raised.value) == (str(delivery),)


def test_a_result_later_than_half_an_hour_is_a_broken_promise(house: Installation, indus: Cast) -> None:
    indus.open(2)
    house.drop(clients("indus", 1, indus.listed))
    [delivery] = house.take("indus")
    house.at(timedelta(minutes=30))
    assert promises.broken(house.exchange) == []
    house.at(timedelta(minutes=1))
    [broken] = promises.broken(house.exchange)
    assert (broken.isp, broken.deliveries) == ("indus", (str(delivery),))
    assert broken.task == "collect_deliveries, result within 30 minutes"
