"""Deadlines with their history, working days and stages. Pure: no file, no clock, no database.

A deadline has been extended in most years, so it is a list of dated entries and never a constant
(contract section 8). Days are calendar days in Pakistan; instants are aware.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from vpn_registry.model import PAKISTAN

GRACE: Final = timedelta(minutes=15)
"""How long after the last second a file may first be listed and still be on time: it covers our polling."""
LAPSE_WORKING_DAYS: Final = 3
"""A stage that was not sent within so many working days after its day is not sent at all."""
EXTENDED: Final = "extended"
"""The stage of the one letter an extension sends to each ISP that had been told the old date, and the reason of the
notices that it cancels."""
MERGED: Final = "merged"
"""Why a stage does not go: another one goes on its day, or a later one is due already."""
LAPSED: Final = "lapsed"
"""Why a stage does not go: it was not sent within LAPSE_WORKING_DAYS."""
SILENT: Final = "silent"
"""The letter to an ISP whose client list is overdue; it belongs to no stage."""
ENDING: Final = "ending"
"""The letter about registrations that end soon, between the stages and out of season."""
REMINDERS: Final = (SILENT, ENDING)
"""Letters that are no notices of a stage: neither brakes nor counts of notices look at them."""

_DAY: Final = timedelta(days=1)
_LONGEST: Final = timedelta(days=366)  # of one extension: nothing takes it back, so a slip in the year would stay
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Deadline:
    """One entry of a campaign's deadline history; version 1 is the first date ever set, and everybody's.

    An extension may be for one ISP alone (`isp`), or for one of its clients (`isp` and `subscriber_id`); '' is all.
    """

    campaign: str
    version: int
    ends_on: date  # the last day on which filing is in time
    entered_on: date  # the day this entry was made
    source: str  # the decision or letter that set it
    isp: str = ""
    subscriber_id: str = ""

    @property
    def only(self) -> str:
        """Whom the entry is for alone, in words; '' when it is everybody's."""
        return f"client {self.subscriber_id}" if self.subscriber_id else "this ISP" if self.isp else ""

    def covers(self, isp: str, subscriber_id: str = "") -> bool:
        """Whether the entry holds for this ISP ('' = for all), and for the client if one is named."""
        return self.isp in ("", isp) and self.subscriber_id in ("", subscriber_id)


@dataclass(frozen=True, slots=True)
class Office:
    """Who answers questions about a campaign; printed in every letter. `team_email` is where the daily report and word
    of our own failures go, and stands in none; `authority` is whose office it is, '' where the name says it."""

    name: str
    email: str
    phone: str
    name_ur: str
    team_email: str
    authority: str = ""
    authority_ur: str = ""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A registration drive: its legal base and every deadline it ever had, oldest first (at least one)."""

    slug: str
    name: str
    name_ur: str
    legal_base: str
    legal_base_ur: str
    office: Office
    deadlines: tuple[Deadline, ...]


@dataclass(frozen=True, slots=True)
class StageDay:
    """A stage of a deadline and the working day it goes out on.

    `merged_into` names the stage that goes in its stead when two fall on one day, else None.
    `last_on` is the last day on which it may still be sent; after it the stage has lapsed.
    """

    stage: str
    offset: int  # calendar days from the deadline, negative before it
    on: date
    last_on: date
    merged_into: str | None = None


def days(first: date, last: date) -> Iterator[date]:
    """Each day from `first` to `last`, both included."""
    while first <= last:
        yield first
        first += _DAY


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    """Monday to Friday and not in the holiday file."""
    return day.weekday() < _SATURDAY and day not in holidays


def working_day_on_or_before(day: date, holidays: Collection[date]) -> date:
    while not is_working_day(day, holidays):
        day -= _DAY
    return day


def working_day_on_or_after(day: date, holidays: Collection[date]) -> date:
    while not is_working_day(day, holidays):
        day += _DAY
    return day


def working_day_after(day: date, count: int, holidays: Collection[date]) -> date:
    """The `count`-th working day after `day`; `day` itself is not counted."""
    for _ in range(count):
        day = working_day_on_or_after(day + _DAY, holidays)
    return day


def deadline_in_force(campaign: Campaign, today: date, isp: str = "", subscriber_id: str = "") -> Deadline:
    """The entry that holds for everybody, for an ISP or for one of its clients: of those made on or before `today` the
    one that ends last, whoever it was made for; the first one on days before any entry.

    An own extension is no shorter than everybody's, and everybody's never takes an own one away.
    """
    entered = [one for one in campaign.deadlines if one.entered_on <= today and one.covers(isp, subscriber_id)]
    return max(entered or campaign.deadlines[:1], key=lambda deadline: (deadline.ends_on, -deadline.version))


def own_deadlines(campaign: Campaign, today: date, isp: str) -> dict[str, Deadline]:
    """The clients of an ISP with a later deadline than the ISP's, by subscriber id."""
    usual = deadline_in_force(campaign, today, isp)
    clients = {one.subscriber_id for one in campaign.deadlines if one.isp == isp and one.subscriber_id}
    found = {who: deadline_in_force(campaign, today, isp, who) for who in sorted(clients)}
    return {who: deadline for who, deadline in found.items() if deadline.ends_on > usual.ends_on}


def overtaken(campaign: Campaign, isp: str) -> list[tuple[Deadline, date]]:
    """The deadlines that once held for an ISP, or for a client of it alone, each with the day on which a later one was
    entered. A client's own is overtaken by the same day for his ISP too."""
    found = []
    for one in campaign.deadlines:
        rivals = [rival for rival in campaign.deadlines if rival.covers(isp, one.subscriber_id)]
        has_held = all(rival.ends_on < one.ends_on for rival in rivals if rival.version < one.version)
        later = [rival for rival in rivals if rival.version > one.version and _overtakes(rival, one)]
        if one in rivals and has_held and later:
            found.append((one, later[0].entered_on))
    return found


def _overtakes(rival: Deadline, one: Deadline) -> bool:
    is_usual = bool(one.subscriber_id) and not rival.subscriber_id
    return rival.ends_on > one.ends_on or (is_usual and rival.ends_on == one.ends_on)


def extend(
    campaign: Campaign, ends_on: date, entered_on: date, source: str, isp: str = "", subscriber_id: str = ""
) -> Campaign:
    """The campaign with one more deadline entry, for everybody, an ISP or one of its clients.

    Raises ValueError, in one sentence, if it is no extension for whom it is meant.
    """
    last = campaign.deadlines[-1]
    if subscriber_id and not isp:
        raise ValueError(f"An extension for client {subscriber_id} names the ISP too.")
    if entered_on < last.entered_on:
        raise ValueError(f"Deadlines are entered in order: {entered_on} is before {last.entered_on}.")
    standing = deadline_in_force(campaign, entered_on, isp, subscriber_id)
    if ends_on <= standing.ends_on:
        raise ValueError(f"A deadline told to ISPs never moves earlier: {ends_on} is not after {standing.ends_on}.")
    if ends_on > max(standing.ends_on, entered_on) + _LONGEST:
        raise ValueError(f"No extension can be taken back: {ends_on}, more than a year ahead, is entered in steps.")
    added = Deadline(campaign.slug, last.version + 1, ends_on, entered_on, source, isp, subscriber_id)
    return replace(campaign, deadlines=(*campaign.deadlines, added))


def joined(campaign: Campaign, recorded: Iterable[Deadline]) -> Campaign:
    """The campaign with the history as `recorded` (oldest first) and, after it, the entries of its file not in it yet.

    Letters name the version of a deadline, so that what was recorded keeps its number. Raises ValueError, in one
    sentence, when an entry of the file is neither recorded nor later than the last one.
    """
    history = replace(campaign, deadlines=tuple(recorded) or campaign.deadlines[:1])
    for entry in campaign.deadlines:
        known = {(one.ends_on, one.isp, one.subscriber_id) for one in history.deadlines}
        if (entry.ends_on, entry.isp, entry.subscriber_id) not in known:
            history = extend(history, entry.ends_on, entry.entered_on, entry.source, entry.isp, entry.subscriber_id)
    return history


def date_to_tell(deadline: Deadline, told: date | None) -> date:
    """The date a letter names: the one in force, but never one earlier than the ISP was `told` before."""
    return deadline.ends_on if told is None else max(deadline.ends_on, told)


def ends_at(deadline: Deadline) -> datetime:
    """The first instant after the deadline, in UTC: 30 June 2026 ends at 2026-06-30T19:00:00Z."""
    return datetime.combine(deadline.ends_on + _DAY, time(), PAKISTAN).astimezone(UTC)


def is_on_time(first_listed_at: datetime, deadline: Deadline, stood_still: timedelta = timedelta()) -> bool:
    """Whether a file we first listed at that instant is in time: before 00:15 on the day after.

    `stood_still` is how long our own listing of the zone failed around that moment; the filer's clock stands
    still as long. Raises ValueError for a naive time.
    """
    if first_listed_at.tzinfo is None:
        raise ValueError(f"{first_listed_at.isoformat()} has no time zone")
    return first_listed_at < ends_at(deadline) + GRACE + stood_still


def days_left(deadline: Deadline, today: date) -> int:
    """Calendar days until the deadline day: 0 on it, negative after it."""
    return (deadline.ends_on - today).days


def plan_stages(deadline: Deadline, offsets: Mapping[str, int], holidays: Collection[date]) -> tuple[StageDay, ...]:
    """The stages of a deadline in the order of their days; `offsets` maps stage to calendar days from it.

    A stage moves to the working day before, an overdue one to the working day after. Of those that fall on one
    day only the nearest to the deadline goes. Stages not dated after the day the deadline was entered are left
    out: nobody is sent yesterday's reminder of a new date.
    """
    days = [_stage_day(deadline, stage, offset, holidays) for stage, offset in offsets.items()]
    planned = sorted((day for day in days if day.on > deadline.entered_on), key=lambda day: (day.on, day.offset))
    going: dict[date, StageDay] = {}
    for day in planned:
        rival = going.get(day.on)
        if rival is None or abs(day.offset) < abs(rival.offset):
            going[day.on] = day
    return tuple(day if going[day.on] is day else replace(day, merged_into=going[day.on].stage) for day in planned)


def stages_of_isp(stage_days: Iterable[StageDay], first_list_on: date | None) -> tuple[StageDay, ...]:
    """The stages an ISP gets: none dated before its first accepted client list, none at all without one."""
    if first_list_on is None:
        return ()
    return tuple(day for day in stage_days if day.on >= first_list_on)


def due_stage(stage_days: Iterable[StageDay], today: date, holidays: Collection[date]) -> StageDay | None:
    """The one stage to send today: the latest that is due, neither merged nor lapsed; none on days off."""
    if not is_working_day(today, holidays):
        return None
    due = [day for day in stage_days if day.merged_into is None and day.on <= today]
    latest = max(due, key=lambda day: (day.on, day.offset), default=None)
    return None if latest is None or has_lapsed(latest, today) else latest


def missed_stages(stage_days: Iterable[StageDay], today: date) -> tuple[tuple[StageDay, str], ...]:
    """The stages whose day has come and that do not go any more, each with MERGED or LAPSED.

    After an outage only the latest stage goes; those before it that could still be sent are merged into it.
    """
    arrived = [day for day in stage_days if day.on <= today]
    going = [day for day in arrived if day.merged_into is None]
    latest = max(going, key=lambda day: (day.on, day.offset), default=None)
    missed = []
    for day in arrived:
        if day.merged_into is not None or (day is not latest and not has_lapsed(day, today)):
            missed.append((day, MERGED))
        elif has_lapsed(day, today):
            missed.append((day, LAPSED))
    return tuple(missed)


def has_lapsed(stage_day: StageDay, today: date) -> bool:
    """Whether it is too late to send this stage."""
    return today > stage_day.last_on


def _stage_day(deadline: Deadline, stage: str, offset: int, holidays: Collection[date]) -> StageDay:
    target = deadline.ends_on + timedelta(days=offset)
    is_overdue = offset > 0
    on = working_day_on_or_after(target, holidays) if is_overdue else working_day_on_or_before(target, holidays)
    return StageDay(stage, offset, on, last_day(on, deadline.ends_on, holidays))


def last_day(stage_on: date, ends_on: date, holidays: Collection[date]) -> date:
    """The last day on which a letter due on `stage_on` may still be sent.

    "Three days left" is never sent once the deadline has passed, however few working days that leaves.
    """
    last_on = working_day_after(stage_on, LAPSE_WORKING_DAYS, holidays)
    return last_on if stage_on > ends_on else min(last_on, ends_on)
