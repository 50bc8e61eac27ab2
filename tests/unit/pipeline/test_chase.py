"""Reminders beside the stages: when they are due, when they are not, and that each goes once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.installation import Cast, Installation, ZoneAround, clients, registrations, send_notices
from vpn_registry.dropzone import ZoneError
from vpn_registry.model import PAKISTAN, Mode
from vpn_registry.pipeline import chase, collect, dispatch, extension, notify, reconcile
from vpn_registry.registry import reminders
from vpn_registry.roster import Isp

DAY = timedelta(days=1)


class Broken(ZoneAround):
    def list(self, folder: str) -> Any:
        raise ZoneError("connection refused")


def remind(house: Installation) -> list[str]:
    """What the DAG does: list zones, remind, send; the slugs."""
    house.run()
    slugs = chase.remind(house.exchange)
    for isp in slugs:
        dispatch.send(house.exchange, isp, house.relay, holder="test")
    return slugs


def notices(house: Installation) -> list[tuple[Any, ...]]:
    return house.rows("SELECT isp, stage, state FROM notices ORDER BY notice_no")


def on(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 9, 20, tzinfo=PAKISTAN)


def test_an_isp_that_never_filed_a_list_is_reminded_once_a_week(house: Installation) -> None:
    assert remind(house) == ["indus", "kirana"]
    assert notices(house) == [("indus", "silent-20260616", "sent"), ("kirana", "silent-20260616", "sent")]
    assert house.relay.recipients == ["compliance@indus.example", "compliance@kirana.example"]
    assert remind(house) == []
    house.at(6 * DAY)
    assert remind(house) == []
    house.at(DAY)
    assert remind(house) == ["indus", "kirana"]
    assert len(house.relay.accepted) == 4


def test_the_letter_names_nobody_and_asks_for_a_list(house: Installation) -> None:
    remind(house)
    [(subject, text)] = house.rows("SELECT subject, body_text FROM messages WHERE email = 'compliance@indus.example'")
    assert subject == "[Simulation] VPN registration: your client list is due (notice N-2026-000001)"
    assert "one is expected at least every 31 days" in " ".join(text.split())
    assert house.rows("SELECT count(*) FROM notice_clients") == [(0,)]
    assert "notices/N-2026-000001.txt" in house.out("indus")


def test_a_list_within_its_cadence_keeps_an_isp_unreminded_until_it_is_older(house: Installation, indus: Cast) -> None:
    indus.open(3)
    house.drop(clients("indus", 1, indus.listed))
    assert remind(house) == ["kirana"]
    house.at(on(2026, 7, 16))  # the list is of 15 June; 31 days later it is in time
    assert "indus" not in remind(house)
    house.at(on(2026, 7, 17))
    assert "indus" in remind(house)


def test_a_cadence_beyond_what_can_be_compared_counts_as_that(house: Installation) -> None:
    house.add_isp("ravi", "cadence_days = 90\n")
    house.at(timedelta())
    isp = house.exchange.isps["ravi"]
    assert isp.list_days == 35
    assert isp.list_due_on(date(2026, 6, 1), date(2026, 1, 5)) == date(2026, 7, 6)


def test_nobody_is_reminded_on_a_day_off(house: Installation) -> None:
    house.at(4 * DAY)  # Saturday
    assert remind(house) == []
    house.at(on(2026, 6, 25))  # Ashura
    assert remind(house) == []


def test_a_zone_that_we_cannot_list_keeps_its_isp_unreminded(house: Installation) -> None:
    house.zones["indus"] = Broken
    collect.zones_with_mail(house.exchange)
    assert chase.remind(house.exchange) == ["kirana"]


def test_a_zone_that_nobody_listed_today_keeps_its_isp_unreminded(house: Installation) -> None:
    house.run()
    house.at(DAY)
    assert chase.remind(house.exchange) == []


def test_the_days_on_which_we_could_not_list_are_the_isps(house: Installation, indus: Cast) -> None:
    indus.open(3)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    house.zones["indus"] = Broken
    house.at(on(2026, 7, 10))
    collect.zones_with_mail(house.exchange)
    house.zones.clear()
    house.at(on(2026, 7, 13))
    house.run()
    house.at(on(2026, 7, 17))  # 32 days after the list, three of them ours
    assert "indus" not in remind(house)
    house.at(on(2026, 7, 20))
    assert "indus" in remind(house)


def test_a_list_that_waits_for_us_keeps_its_isp_unreminded(house: Installation, indus: Cast) -> None:
    indus.open(20)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    house.at(on(2026, 7, 20))
    house.drop(clients("indus", 2, indus.listed[:2], age=-30))  # shrinks: held for a person
    assert house.run()["indus"]["held"] == 1
    for _ in range(6):
        house.at(DAY)
        assert "indus" not in remind(house)


def test_a_list_filed_before_the_letter_leaves_cancels_it(house: Installation, indus: Cast) -> None:
    house.relay.is_down = True
    house.run()
    assert chase.remind(house.exchange) == ["indus", "kirana"]
    with pytest.raises(ConnectionRefusedError):
        dispatch.send(house.exchange, "indus", house.relay, holder="test")
    house.relay.is_down = False
    indus.open(3)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    dispatch.send(house.exchange, "indus", house.relay, holder="test")
    assert house.relay.accepted == []
    assert house.rows("SELECT state, reason FROM notices WHERE isp = 'indus'") == [("cancelled", "nothing_to_tell")]


def test_a_reminder_is_no_notice_to_the_brakes(house: Installation, indus: Cast) -> None:
    remind(house)
    indus.open(3)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    notify.plan(house.exchange)
    notify.brake(house.exchange)
    assert ("indus", "T-14", "held") in notices(house)


def test_an_isp_told_a_deadline_by_a_reminder_hears_of_its_extension(house: Installation) -> None:
    remind(house)
    extension.enter(house.exchange, date(2026, 7, 31), source="letter 12", actor="tester")
    house.at(DAY)
    notify.plan(house.exchange)
    assert ("indus", "extended", "planned") in notices(house)


def test_an_isp_that_only_tries_files_out_is_not_reminded(house: Installation) -> None:
    house.add_isp("ravi", "check_only = true\n")
    house.at(timedelta())
    assert remind(house) == ["indus", "kirana"]


def test_a_dry_run_names_who_would_be_reminded_and_writes_nothing(house: Installation) -> None:
    house.run()
    assert chase.remind(house.exchange, is_dry=True) == ["indus", "kirana"]
    assert notices(house) == []


@pytest.fixture
def soon_ending(house: Installation, indus: Cast) -> Installation:
    """Of indus' registered clients one is covered until 20 September only; the campaign is over."""
    book = indus.registered(4)
    book[0] = {**book[0], "valid_to": "2026-09-20"}
    house.drop(registrations("indus", 1, book, Mode.FULL))
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    indus.open(2)
    house.drop(clients("indus", 2, indus.listed))
    house.run()
    send_notices(house)
    house.at(on(2026, 9, 1))
    house.drop(clients("indus", 3, indus.listed, age=-76))
    house.run()
    for isp in reconcile.outdated(house.exchange):
        reconcile.compare(house.exchange, isp)
    return house


def test_a_registration_that_ends_soon_is_told_once_after_the_brakes(soon_ending: Installation) -> None:
    house = soon_ending
    with house.exchange.registry.reading() as db:  # a stage's notice of late would have said it already
        assert reminders.has_notice_since(db, "indus", date(2026, 6, 16))
        assert not reminders.has_notice_since(db, "indus", date(2026, 6, 17))
    assert "indus" not in chase.remind(house.exchange)
    assert ("indus", "ending-20260901", "planned") in notices(house)
    notify.brake(house.exchange)
    notify.approve(house.exchange.registry, actor="ayesha", reason="figures checked")
    house.relay.accepted.clear()
    dispatch.send(house.exchange, "indus", house.relay, holder="test")
    assert house.relay.recipients == ["compliance@indus.example"]
    [(part, reason)] = house.rows(
        "SELECT part, nc.reason FROM notice_clients nc JOIN notices n ON n.id = nc.notice_id WHERE form = 'ending'"
    )
    assert (part, reason.endswith("ends on 2026-09-20.")) == ("B", True)
    house.at(8 * DAY)
    house.run()
    chase.remind(house.exchange)
    assert ("indus", "ending-20260909", "planned") not in notices(house)


def test_the_first_list_counts_from_the_opening_of_the_campaign() -> None:
    isp = Isp("indus", "Indus", "", "", "sftp_indus", None, ())
    assert isp.list_due_on(None, date(2026, 1, 5)) == date(2026, 2, 5)
