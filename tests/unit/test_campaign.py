"""Deadlines, working days and stages."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from vpn_registry import campaign, roster
from vpn_registry.campaign import Deadline
from vpn_registry.model import PAKISTAN, pakistani_day

OFFSETS = {"T-60": -60, "T-30": -30, "T-14": -14, "T-7": -7, "T-3": -3, "T-1": -1, "T+1": 1, "T+7": 7}
JUNE_30 = Deadline("2026", 1, date(2026, 6, 30), date(2026, 1, 5), "opening")
HOLIDAYS = roster.load_holidays()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_deadline_ends_with_the_day_in_pakistan() -> None:
    assert campaign.ends_at(JUNE_30) == instant("2026-06-30T19:00:00+00:00")
    assert campaign.ends_at(JUNE_30).tzinfo is UTC


@pytest.mark.parametrize(
    ("listed", "is_on_time"),
    [
        ("2026-06-30T18:59:59+00:00", True),
        ("2026-06-30T19:14:59+00:00", True),
        ("2026-07-01T00:14:59.999999+05:00", True),
        ("2026-07-01T00:15:00+05:00", False),
        ("2026-06-30T19:15:00+00:00", False),
        ("2026-06-30T15:14:59-04:00", True),
    ],
)
def test_a_file_first_listed_before_a_quarter_past_midnight_is_on_time(listed: str, is_on_time: bool) -> None:
    assert campaign.is_on_time(instant(listed), JUNE_30) is is_on_time


def test_the_filers_clock_stands_still_while_our_listing_fails() -> None:
    listed = instant("2026-07-01T02:00:00+05:00")
    assert not campaign.is_on_time(listed, JUNE_30)
    assert campaign.is_on_time(listed, JUNE_30, stood_still=timedelta(hours=2))


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        campaign.is_on_time(datetime(2026, 6, 30), JUNE_30)  # noqa: DTZ001 - a naive time is the point


def test_the_stages_of_june_2026_avoid_weekends_and_ashura() -> None:
    days = {day.stage: day for day in campaign.plan_stages(JUNE_30, OFFSETS, HOLIDAYS)}
    assert {stage: day.on.isoformat() for stage, day in days.items()} == {
        "T-60": "2026-04-30",  # 1 May is Labour Day
        "T-30": "2026-05-29",  # a Sunday
        "T-14": "2026-06-16",
        "T-7": "2026-06-23",
        "T-3": "2026-06-24",  # Saturday, after the two days of Ashura
        "T-1": "2026-06-29",
        "T+1": "2026-07-01",
        "T+7": "2026-07-07",
    }
    assert all(day.merged_into is None for day in days.values())


def test_of_two_stages_on_one_day_only_the_one_nearest_the_deadline_goes() -> None:
    holidays = HOLIDAYS | {date(2026, 6, 24), date(2026, 7, 1), date(2026, 7, 2), date(2026, 7, 3)}
    holidays |= {date(2026, 7, 6), date(2026, 7, 7)}
    days = {day.stage: day for day in campaign.plan_stages(JUNE_30, OFFSETS, holidays)}
    assert days["T-7"].on == days["T-3"].on == date(2026, 6, 23)
    assert (days["T-7"].merged_into, days["T-3"].merged_into) == ("T-3", None)
    assert days["T+1"].on == days["T+7"].on == date(2026, 7, 8)
    assert (days["T+1"].merged_into, days["T+7"].merged_into) == (None, "T+1")


def test_at_most_one_notice_a_day_for_every_deadline_and_holiday_pattern_of_ten_years() -> None:
    chance = random.Random(20260630)  # noqa: S311 - a repeatable choice, not a secret
    for number in range(3653):
        ends_on = date(2025, 1, 1) + timedelta(days=number)
        pattern = HOLIDAYS if number % 3 == 0 else _pattern(chance, ends_on)
        deadline = replace(JUNE_30, ends_on=ends_on, entered_on=ends_on - timedelta(days=chance.choice([9, 40, 200])))
        stages = campaign.plan_stages(deadline, OFFSETS, pattern)
        going = [day for day in stages if day.merged_into is None]
        assert len({day.on for day in going}) == len(going)
        for day in stages:
            assert campaign.is_working_day(day.on, pattern)
            assert day.on > deadline.entered_on
            assert day.on <= day.last_on
            assert (day.on < ends_on) == (day.offset < 0)
            assert day.merged_into is None or day.merged_into in {one.stage for one in going}


def _pattern(chance: random.Random, ends_on: date) -> frozenset[date]:
    """Runs of one to nine days off around the deadline."""
    days: set[date] = set()
    for _ in range(chance.randrange(1, 9)):
        first = ends_on + timedelta(days=chance.randrange(-65, 15))
        days.update(first + timedelta(days=more) for more in range(chance.randrange(1, 10)))
    return frozenset(days)


def test_each_simulated_day_has_at_most_one_due_stage_and_none_is_due_late() -> None:
    stages = campaign.plan_stages(JUNE_30, OFFSETS, HOLIDAYS)
    sent = []
    for number in range(90):
        today = date(2026, 4, 25) + timedelta(days=number)
        due = campaign.due_stage(stages, today, HOLIDAYS)
        if due is not None and due.stage not in sent:
            assert today == due.on
            sent.append(due.stage)
    assert sent == list(OFFSETS)


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        ("2026-04-29", None),
        ("2026-04-30", "T-60"),
        ("2026-05-01", None),  # a holiday: nothing goes out
        ("2026-05-02", None),  # a Saturday
        ("2026-05-04", "T-60"),
        ("2026-05-06", "T-60"),  # the third working day after
        ("2026-05-07", None),
        ("2026-06-24", "T-3"),
        ("2026-06-30", "T-1"),
        ("2026-07-01", "T+1"),
        ("2026-07-10", "T+7"),
        ("2026-07-13", None),
    ],
)
def test_a_stage_lapses_after_three_working_days(today: str, stage: str | None) -> None:
    stages = campaign.plan_stages(JUNE_30, OFFSETS, HOLIDAYS)
    due = campaign.due_stage(stages, date.fromisoformat(today), HOLIDAYS)
    assert (due.stage if due else None) == stage


def test_a_reminder_is_not_sent_once_the_deadline_has_passed() -> None:
    stages = campaign.plan_stages(JUNE_30, {"T-1": -1}, HOLIDAYS)
    assert campaign.due_stage(stages, date(2026, 6, 30), HOLIDAYS) is not None
    assert campaign.due_stage(stages, date(2026, 7, 1), HOLIDAYS) is None


def test_an_isp_gets_no_stage_dated_before_its_first_client_list() -> None:
    stages = campaign.plan_stages(JUNE_30, OFFSETS, HOLIDAYS)
    assert campaign.stages_of_isp(stages, None) == ()
    assert [day.stage for day in campaign.stages_of_isp(stages, date(2026, 6, 16))][:2] == ["T-14", "T-7"]
    assert [day.stage for day in campaign.stages_of_isp(stages, date(2026, 6, 17))][:2] == ["T-7", "T-3"]


def test_an_extension_plans_only_stages_dated_after_it_was_entered() -> None:
    drive = campaign.extend(roster.load_campaign(), date(2026, 7, 31), date(2026, 6, 29), "SRO 1")
    deadline = campaign.deadline_in_force(drive, date(2026, 6, 29))
    assert (deadline.version, deadline.ends_on) == (2, date(2026, 7, 31))
    stages = [day.stage for day in campaign.plan_stages(deadline, OFFSETS, HOLIDAYS)]
    assert stages == ["T-30", "T-14", "T-7", "T-3", "T-1", "T+1", "T+7"]


def test_the_deadline_in_force_is_the_newest_one_entered_by_that_day() -> None:
    drive = campaign.extend(roster.load_campaign(), date(2026, 7, 31), date(2026, 6, 29), "SRO 1")
    assert campaign.deadline_in_force(drive, date(2026, 6, 28)).version == 1
    assert campaign.deadline_in_force(drive, date(2026, 6, 29)).version == 2
    assert campaign.deadline_in_force(drive, date(2025, 1, 1)).version == 1


def test_no_extension_moves_a_date_earlier() -> None:
    drive = roster.load_campaign()
    with pytest.raises(ValueError, match="never moves earlier"):
        campaign.extend(drive, date(2026, 6, 30), date(2026, 6, 1), "SRO 1")
    with pytest.raises(ValueError, match="entered in order"):
        campaign.extend(drive, date(2026, 7, 31), date(2026, 1, 1), "SRO 1")


def test_a_slip_in_the_year_extends_nothing() -> None:
    drive = roster.load_campaign()
    standing = campaign.deadline_in_force(drive, date(2026, 6, 1)).ends_on
    for slip in (standing + timedelta(days=367), date.max):
        with pytest.raises(ValueError, match="more than a year ahead"):
            campaign.extend(drive, slip, date(2026, 6, 1), "SRO 1")
    year = standing + timedelta(days=366)
    assert campaign.extend(drive, year, date(2026, 6, 1), "SRO 1").deadlines[-1].ends_on == year


def test_an_extension_for_one_isp_or_one_client_is_for_nobody_else() -> None:
    drive = campaign.extend(roster.load_campaign(), date(2026, 7, 10), date(2026, 6, 1), "Letter 1", "indus")
    drive = campaign.extend(drive, date(2026, 7, 20), date(2026, 6, 2), "Letter 2", "indus", "IND-1")
    drive = campaign.extend(drive, date(2026, 7, 15), date(2026, 6, 3), "Letter 3", "kirana", "KIR-1")
    today = date(2026, 6, 16)
    asked = {("", ""): 30, ("sahil", ""): 30, ("kirana", ""): 30, ("kirana", "KIR-2"): 30, ("kirana", "KIR-1"): 15}
    asked |= {("indus", ""): 10, ("indus", "IND-1"): 20, ("indus", "KIR-1"): 10}
    assert {whose: campaign.deadline_in_force(drive, today, *whose).ends_on.day for whose in asked} == asked
    assert list(campaign.own_deadlines(drive, today, "indus")) == ["IND-1"]
    assert campaign.own_deadlines(drive, date(2026, 6, 1), "indus") == {}
    assert campaign.own_deadlines(drive, today, "sahil") == {}


def test_everybodys_extension_takes_no_longer_one_away() -> None:
    drive = campaign.extend(roster.load_campaign(), date(2026, 7, 20), date(2026, 6, 1), "Letter 1", "indus")
    drive = campaign.extend(drive, date(2026, 7, 15), date(2026, 6, 2), "SRO 1")
    today = date(2026, 6, 16)
    assert campaign.deadline_in_force(drive, today).ends_on == date(2026, 7, 15)
    assert campaign.deadline_in_force(drive, today, "indus").ends_on == date(2026, 7, 20)
    longer = campaign.extend(drive, date(2026, 7, 31), date(2026, 6, 3), "SRO 2")
    assert campaign.deadline_in_force(longer, today, "indus").version == 4


def test_the_same_day_for_everybody_leaves_the_isp_its_own_entry() -> None:
    drive = campaign.extend(roster.load_campaign(), date(2026, 7, 15), date(2026, 6, 1), "Letter 1", "indus")
    drive = campaign.extend(drive, date(2026, 7, 15), date(2026, 6, 2), "SRO 1")
    assert campaign.deadline_in_force(drive, date(2026, 6, 16), "indus").version == 2


def test_a_deadline_is_overtaken_by_a_later_one_for_the_same() -> None:
    entered = [date(2026, 6, day) for day in (10, 12, 14)]
    own = campaign.extend(roster.load_campaign(), date(2026, 7, 10), entered[0], "Letter 12", "indus", "C-1")
    theirs = campaign.extend(own, date(2026, 7, 10), entered[1], "Letter 13", "indus")
    everybodys = campaign.extend(theirs, date(2026, 7, 5), entered[2], "Letter 14")
    assert [(one.version, on) for one, on in campaign.overtaken(everybodys, "indus")] == [
        *((1, entered[1]), (2, entered[1]))
    ]
    assert [(one.version, on) for one, on in campaign.overtaken(everybodys, "kirana")] == [(1, entered[2])]


def test_no_extension_for_one_is_shorter_than_what_he_has() -> None:
    drive = campaign.extend(roster.load_campaign(), date(2026, 7, 10), date(2026, 6, 1), "Letter 1", "indus")
    for whose in (("indus",), ("indus", "IND-1")):
        with pytest.raises(ValueError, match="never moves earlier: 2026-07-10 is not after 2026-07-10"):
            campaign.extend(drive, date(2026, 7, 10), date(2026, 6, 2), "Letter 2", *whose)
    with pytest.raises(ValueError, match="names the ISP too"):
        campaign.extend(drive, date(2026, 7, 20), date(2026, 6, 2), "Letter 2", "", "IND-1")


def test_the_date_told_to_an_isp_never_moves_earlier() -> None:
    assert campaign.date_to_tell(JUNE_30, None) == date(2026, 6, 30)
    assert campaign.date_to_tell(JUNE_30, date(2026, 7, 31)) == date(2026, 7, 31)
    assert campaign.date_to_tell(JUNE_30, date(2026, 5, 31)) == date(2026, 6, 30)


def test_days_left_counts_calendar_days() -> None:
    assert [campaign.days_left(JUNE_30, date(2026, 6, day)) for day in (16, 30)] == [14, 0]
    assert campaign.days_left(JUNE_30, date(2026, 7, 1)) == -1


def test_no_deadline_moves_by_itself_for_a_weekend() -> None:
    saturday = replace(JUNE_30, ends_on=date(2029, 6, 30))
    assert campaign.ends_at(saturday).astimezone(PAKISTAN) == datetime(2029, 7, 1, tzinfo=PAKISTAN)


def test_recorded_deadlines_keep_their_version_and_later_entries_follow() -> None:
    second = replace(JUNE_30, version=2, ends_on=date(2026, 7, 15))
    written = campaign.extend(roster.load_campaign(), date(2026, 7, 31), date(2026, 7, 1), "letter of the authority")
    whole = campaign.joined(written, (JUNE_30, second))
    assert [(one.version, one.ends_on.isoformat()) for one in whole.deadlines] == [
        (1, "2026-06-30"),
        (2, "2026-07-15"),
        (3, "2026-07-31"),
    ]
    with pytest.raises(ValueError, match="never moves earlier"):
        campaign.joined(written, (JUNE_30, replace(second, ends_on=date(2026, 8, 31))))


def test_a_history_that_is_not_recorded_yet_stands_as_it_is_written() -> None:
    assert campaign.joined(roster.load_campaign(), ()) == roster.load_campaign()


def test_after_an_outage_stages_lapse_or_merge_into_the_latest() -> None:
    days = campaign.plan_stages(JUNE_30, OFFSETS, HOLIDAYS)
    missed = [(day.stage, why) for day, why in campaign.missed_stages(days, date(2026, 6, 24))]
    assert missed == [("T-60", "lapsed"), ("T-30", "lapsed"), ("T-14", "lapsed"), ("T-7", "merged")]
    assert campaign.missed_stages(days, date(2026, 4, 29)) == ()


def test_no_letter_of_before_the_deadline_is_sent_after_it() -> None:
    assert campaign.last_day(date(2026, 6, 29), JUNE_30.ends_on, HOLIDAYS) == JUNE_30.ends_on
    assert campaign.last_day(date(2026, 7, 1), JUNE_30.ends_on, HOLIDAYS) == date(2026, 7, 6)


# Whatever the host's own zone is


@pytest.fixture(params=["UTC", "Asia/Karachi", "America/Los_Angeles", "Pacific/Kiritimati", "Asia/Kathmandu"])
def host_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """This process in another time zone for the time of a test."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("listed", "day", "left", "is_on_time"),
    [
        ("2026-06-29T18:59:59Z", date(2026, 6, 29), 1, True),
        ("2026-06-29T19:00:00Z", date(2026, 6, 30), 0, True),
        ("2026-06-30T18:59:59Z", date(2026, 6, 30), 0, True),
        ("2026-06-30T19:00:00Z", date(2026, 7, 1), -1, True),
        ("2026-06-30T19:14:59Z", date(2026, 7, 1), -1, True),
        ("2026-06-30T19:15:00Z", date(2026, 7, 1), -1, False),
        ("2026-07-01T00:00:00Z", date(2026, 7, 1), -1, False),
    ],
)
def test_the_deadline_falls_at_one_instant_all_over_the_world(
    host_zone: str, listed: str, day: date, left: int, is_on_time: bool
) -> None:
    moment = datetime.fromisoformat(listed)
    for seen in (moment, moment.astimezone(), moment.astimezone(ZoneInfo(host_zone))):
        assert pakistani_day(seen) == day
        assert campaign.days_left(JUNE_30, pakistani_day(seen)) == left
        assert campaign.is_on_time(seen, JUNE_30) is is_on_time
