"""Why each client that has to register stood in no letter on a day, from what was stored when it happened.

The season's equality rests on it: every client-day to register lies in a stage's list, or has a reason. A day is one of
Pakistan; what counts is how the client stood at its end. Disputed clients are counted too: somebody asked for them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vpn_registry import campaign, notices
from vpn_registry.campaign import EXTENDED, LAPSED, MERGED, REMINDERS, deadline_in_force
from vpn_registry.model import PAKISTAN, TO_REGISTER, TOLD, NoticeState, Status, pakistani_day
from vpn_registry.notices import Purpose
from vpn_registry.pipeline.backlog import SUPPRESSED
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.trail import notice_action
from vpn_registry.registry import chronicle, mutes, statuses, successions
from vpn_registry.registry.chronicle import Fate, Spell
from vpn_registry.registry.mutes import Mute

if TYPE_CHECKING:
    from vpn_registry.campaign import Campaign, Deadline


class Why(StrEnum):
    """Where a client-day belongs; of several letters that were due the first of these says it."""

    UNEXPLAINED = "unexplained"
    LISTED = "in a stage's list"
    DISPUTED = "disputed"
    HELD = "held"
    SUPPRESSED = "suppressed"
    MERGED = "merged"
    LAPSED = "lapsed"
    NOT_DUE = "not due"


MEANS: Final[Mapping[Why, str]] = {
    Why.LISTED: "the letter of the stage due that day names the client",
    Why.NOT_DUE: "no letter had to name the client that day",
    Why.MERGED: "the stage did not go because a later one was due already",
    Why.LAPSED: "the stage could not be sent in time",
    Why.HELD: "the letter waited for a person's approval, or a person refused it",
    Why.SUPPRESSED: "a delivery of the ISP was not decided yet, or a person had muted the ISP or the client",
    Why.DISPUTED: "the ISP disputes the client, and a person has not decided yet",
    Why.UNEXPLAINED: "nothing that is stored says why",
}
"""The reasons in the order in which they are told, and what each means."""

_REASONS: Final = {MERGED: Why.MERGED, LAPSED: Why.LAPSED}


@dataclass(frozen=True, slots=True)
class ClientDay:
    """One client on one day, and where that day belongs; `detail` names the notice or stage it was about."""

    isp: str
    subscriber_id: str
    day: date
    why: Why
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """What was stored: the only thing that the reasons are derived from.

    `held` are the times in which a notice waited for a person (number -> from, until), `suppressed` the days on which a
    stage of an ISP waited for our backlog; `first_lists` maps ISPs to the day of their first accepted client list,
    `newest` to the subscriber ids that were given up, each with the one its client has now; `mutes` are what people
    said about letters to keep back.
    """

    campaign: Campaign
    offsets: Mapping[str, int]
    holidays: frozenset[date]
    spells: tuple[Spell, ...]
    fates: tuple[Fate, ...]
    held: Mapping[str, tuple[datetime, datetime | None]]
    suppressed: frozenset[tuple[str, str, date]]
    first_lists: Mapping[str, date]
    newest: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    mutes: tuple[Mute, ...] = ()

    def ids_of(self, spell: Spell) -> list[str]:
        """The client's id and those that he had before: what was given to one of them is his still."""
        newest = self.newest.get(spell.isp, {})
        return [spell.subscriber_id, *(old for old, new in newest.items() if new == spell.subscriber_id)]

    def mute_of(self, spell: Spell, *moments: datetime) -> Mute | None:
        """What kept letters from speaking of the client at one of these moments."""
        whose = ("", *self.ids_of(spell))
        of_him = [mute for mute in self.mutes if mute.isp == spell.isp and mute.subscriber_id in whose]
        return next((mute for mute in of_him if any(map(mute.holds_at, moments))), None)

    def deadline_of(self, spell: Spell, day: date) -> Deadline:
        """The deadline in force for the client on the day: his own only while it is later than his ISP's."""
        usual = deadline_in_force(self.campaign, day, spell.isp)
        own = [deadline_in_force(self.campaign, day, spell.isp, who) for who in self.ids_of(spell)]
        return max([usual, *own], key=lambda deadline: deadline.ends_on)

    def is_about(self, fate: Fate, spell: Spell, day: date) -> bool:
        """Whether the ISP's notice is one of those that speak of the client: his own, while he has a deadline of his
        own, else those about the ISP."""
        entry = next((one for one in self.campaign.deadlines if one.version == fate.deadline_version), None)
        return (entry.subscriber_id if entry else "") == self.deadline_of(spell, day).subscriber_id


def read_record(exchange: Exchange) -> Record:
    """Everything the explanation needs, on one snapshot of the registry."""
    with exchange.registry.reading() as db:
        fates = tuple(fate for fate in chronicle.fates(db, exchange.campaign.slug) if fate.form not in REMINDERS)
        spells = tuple(chronicle.spells(db, (*TO_REGISTER, Status.DISPUTED)))
        decided = chronicle.events(db, [notice_action(state) for state in NoticeState])
        suppressed = chronicle.events(db, [SUPPRESSED])
        isps = {spell.isp for spell in spells}
        lists = {isp: statuses.first_list_on(db, isp) for isp in isps}
        newest = {isp: successions.newest_ids(db, isp) for isp in isps}
        muted = tuple(mutes.history(db))
    return Record(
        campaign=exchange.campaign,
        offsets=notices.load_letters().offsets,
        holidays=exchange.holidays,
        spells=spells,
        fates=fates,
        held=_held(decided),
        suppressed=frozenset(
            (event.detail["isp"], event.detail["stage"], pakistani_day(event.happened_at)) for event in suppressed
        ),
        first_lists={isp: day for isp, day in lists.items() if day is not None},
        newest=newest,
        mutes=muted,
    )


def explain(record: Record, first: date, last: date) -> list[ClientDay]:
    """Every client-day to register from `first` to `last`, each with where it belongs."""
    found = []
    for day in campaign.days(first, last):
        standing = [spell for spell in record.spells if spell.holds_at(_end_of(day))]
        whose = [(spell.isp, record.deadline_of(spell, day)) for spell in standing]
        holes = {(isp, deadline): list(_unrecorded(record, isp, deadline, day)) for isp, deadline in set(whose)}
        found += [_one(record, spell, day, holes[one]) for spell, one in zip(standing, whose, strict=True)]
    return found


def count(client_days: Iterable[ClientDay]) -> dict[Why, int]:
    """Client-days by reason, in the order of MEANS."""
    counted = Counter(client_day.why for client_day in client_days)
    return {why: counted[why] for why in MEANS}


def _one(record: Record, spell: Spell, day: date, holes: Iterable[tuple[str, Why]]) -> ClientDay:
    found = ClientDay(spell.isp, spell.subscriber_id, day, Why.NOT_DUE)
    open_that_day = [fate for fate in record.fates if fate.isp == spell.isp and _is_open(fate, day)]
    for fate in open_that_day:
        if fate.left_at and pakistani_day(fate.left_at) == day and spell.subscriber_id in fate.named:
            return replace(found, why=Why.LISTED, detail=fate.notice_no)
    if spell.status is Status.DISPUTED:
        return replace(found, why=Why.DISPUTED)
    about_him = [fate for fate in open_that_day if record.is_about(fate, spell, day)]
    verdicts = [(fate.notice_no, _verdict(record, fate, spell, day)) for fate in about_him]
    order = list(Why)
    detail, why = min([*verdicts, *holes], key=lambda verdict: order.index(verdict[1]), default=("", Why.NOT_DUE))
    if why in (Why.UNEXPLAINED, Why.SUPPRESSED):
        moments = [moment for fate in about_him for moment in (fate.left_at, fate.settled_at) if moment]
        if mute := record.mute_of(spell, *moments, _end_of(day)):
            return replace(found, why=Why.SUPPRESSED, detail=f"case {mute.case_id}: {mute.reason}")
    return replace(found, why=why, detail=detail if why is not Why.NOT_DUE else "")


def _is_open(fate: Fate, day: date) -> bool:
    """Whether the notice was due and not settled before the day."""
    return fate.stage_on <= day and (fate.settled_at is None or day <= pakistani_day(fate.settled_at))


def _verdict(record: Record, fate: Fate, spell: Spell, day: date) -> Why:
    """Why the notice that was open on the day did not name the client on it."""
    if _was_held(record, fate, day):
        return Why.HELD
    if (fate.isp, fate.stage, day) in record.suppressed:
        return Why.SUPPRESSED
    if fate.left_at is not None and fate.state in (*TOLD, NoticeState.CANCELLED):
        if spell.subscriber_id in fate.named:
            return Why.LISTED  # it was due that day and went later
        return Why.UNEXPLAINED if _had_to_be_named(record, fate, spell, fate.left_at) else Why.NOT_DUE
    if fate.state is not NoticeState.CANCELLED:
        return Why.UNEXPLAINED
    if fate.reason in _REASONS:
        return _REASONS[fate.reason]
    if fate.reason == EXTENDED:
        return Why.NOT_DUE  # a stage of a date that no longer holds
    if fate.reason == Purpose.NOTHING_TO_TELL:
        at = fate.settled_at or fate.planned_at
        return Why.UNEXPLAINED if _had_to_be_named(record, fate, spell, at) else Why.NOT_DUE
    return Why.HELD  # refused, with a person's words for a reason


def _was_held(record: Record, fate: Fate, day: date) -> bool:
    """Whether the notice waited for a person when the day ended, or was refused on it."""
    since, until = record.held.get(fate.notice_no, (None, None))
    end = _end_of(day)
    return since is not None and since < end and (until is None or end <= until)


def _had_to_be_named(record: Record, fate: Fate, spell: Spell, moment: datetime) -> bool:
    """Whether the client had to register when the list was made, nobody disputed it, and the letter still spoke of him:
    when it goes late he may have got a deadline of his own before."""
    return record.is_about(fate, spell, pakistani_day(moment)) and any(
        one.isp == spell.isp
        and one.subscriber_id == spell.subscriber_id
        and one.status in TO_REGISTER
        and one.holds_at(moment)
        for one in record.spells
    )


def _unrecorded(record: Record, isp: str, deadline: Deadline, day: date) -> Iterator[tuple[str, Why]]:
    """Stages due on the day of which the registry holds no notice at all: waiting for our backlog, or a hole."""
    stages = campaign.plan_stages(deadline, record.offsets, record.holidays)
    known = {(fate.deadline_version, fate.stage) for fate in record.fates if fate.isp == isp}
    for stage in campaign.stages_of_isp(stages, record.first_lists.get(isp)):
        if stage.on <= day <= stage.last_on and (deadline.version, stage.stage) not in known:
            is_waiting = (isp, stage.stage, day) in record.suppressed
            yield stage.stage, Why.SUPPRESSED if is_waiting else Why.UNEXPLAINED


def _held(events: Iterable[chronicle.Event]) -> dict[str, tuple[datetime, datetime | None]]:
    """Notice -> when it was held, and when that ended; None while it waits."""
    held: dict[str, tuple[datetime, datetime | None]] = {}
    for event in events:
        if event.action == notice_action(NoticeState.HELD):
            held[event.object_id] = (event.happened_at, None)
        elif event.object_id in held and held[event.object_id][1] is None:
            held[event.object_id] = (held[event.object_id][0], event.happened_at)
    return held


def _end_of(day: date) -> datetime:
    """The last second of a day in Pakistan, in UTC."""
    return datetime.combine(day, time(23, 59, 59), PAKISTAN).astimezone(UTC)
