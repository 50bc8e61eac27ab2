"""Who is silent since when, when the next reminder goes, and what is in its way."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from tests.installation import Cast, Installation, ZoneAround, clients
from vpn_registry.dropzone import ZoneError
from vpn_registry.model import Feed
from vpn_registry.pipeline import chase, collect, dispatch
from vpn_registry.pipeline.silence import Filer, filers

DAY = timedelta(days=1)


class Broken(ZoneAround):
    def list(self, folder: str) -> Any:
        raise ZoneError("connection refused")


def filing(house: Installation) -> dict[str, Filer]:
    here = house.exchange
    with here.registry.reading() as db:
        return {one.isp: one for one in filers(db, here.isps, here.campaign, here.holidays, here.now())}


def test_a_silent_isp_is_told_since_when_and_when_its_next_reminder_goes(house: Installation, indus: Cast) -> None:
    indus.open(3)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    now = filing(house)
    assert (now["kirana"].overdue_since, now["kirana"].next_on) == (date(2026, 2, 6), date(2026, 6, 16))
    assert (now["indus"].is_silent, now["indus"].due_on, now["indus"].next_on) == (False, date(2026, 7, 16), None)
    assert list(now["indus"].last) == [Feed.CLIENTS]
    for isp in chase.remind(house.exchange):
        dispatch.send(house.exchange, isp, house.relay, holder="test")
    told = filing(house)["kirana"]
    assert (told.reminded_on, told.reminder_no) == (date(2026, 6, 16), "N-2026-000001")
    assert told.next_on == date(2026, 6, 23)
    house.at(4 * DAY)  # a Saturday: a week later is a working day
    assert filing(house)["kirana"].next_on == date(2026, 6, 23)


def test_what_keeps_an_isp_from_being_reminded_is_told(house: Installation, indus: Cast) -> None:
    house.zones["kirana"] = Broken
    collect.zones_with_mail(house.exchange)
    assert filing(house)["kirana"].hindrance == "Its zone can't be listed since 16 Jun 2026."
    house.zones.clear()
    assert filing(house)["indus"].hindrance == ""
    house.at(DAY)
    assert filing(house)["indus"].hindrance == "Its zone has not been listed today."


def test_a_list_in_work_is_named_and_makes_nobody_silent(house: Installation, indus: Cast) -> None:
    indus.open(3)
    house.drop(clients("indus", 1, indus.listed))
    collect.zones_with_mail(house.exchange, sleep=lambda _: None)
    told = filing(house)["indus"]
    assert (told.waiting, told.overdue_since, told.next_on) == (1, None, None)
