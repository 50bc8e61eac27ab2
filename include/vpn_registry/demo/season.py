"""A whole campaign against a moving clock: the sample ISPs file, the DAGs run, people decide, letters go out.

Everything is real but the ISPs and the clock, as in the demo. What is printed of a day is read back from the registry,
and so is the equality at the end: every client-day to register lies in a stage's list, or has a reason.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final, Protocol

from vpn_registry import campaign, notices
from vpn_registry.campaign import EXTENDED, deadline_in_force
from vpn_registry.demo import samples, season_script
from vpn_registry.demo.filers import Filer, Files, filers
from vpn_registry.demo.season_script import (
    EXTENSIONS_FOR_ONE,
    FALLS_SILENT,
    FILES_AGAIN_AFTER,
    FILINGS,
    MUTES,
    Extension,
    Filing,
    Mute,
)
from vpn_registry.model import PAKISTAN, PENDING, NoticeState, ZoneFolder, pakistani_day
from vpn_registry.pipeline import approval, chase, decisions, extension, mutes, reconcile
from vpn_registry.pipeline.exchange import Exchange
from vpn_registry.pipeline.scopes import scopes
from vpn_registry.registry import cases, chronicle, outbox, statuses

OPERATOR: Final = "demo-operator"
APPROVAL: Final = "Season: figures compared with the ISP's page"
COMPARING, FILING, PLANNING, APPROVING, DECIDING = (
    *(time(6), time(9), time(9, 30)),
    *(time(10), time(11)),
)
"""When on a day what happens, in Pakistan."""

_DAY: Final = timedelta(days=1)


class Office(Protocol):
    """What the season plays on: an installation whose clock can be moved, and its DAGs."""

    def at(self, moment: datetime) -> Exchange:
        """The installation at a moment, which is never before the last one."""

    def deliver(self, isp: str, files: Mapping[str, bytes], folder: ZoneFolder) -> None:
        """The ISP drops files into its zone."""

    def collect(self) -> None:
        """One pass over all zones."""

    def chase(self) -> None:
        """Remind ISPs of what is overdue."""

    def send(self) -> None:
        """Plan and brake notices, and send what may go out."""


@dataclass(slots=True)
class Season:
    """The season from day `start` to day `end` of the deadline in force, begun on `first` (see `first_day`)."""

    start: int
    end: int
    first: date
    isps: tuple[str, ...] = samples.SLUGS
    people: dict[str, Filer] = field(init=False)
    _due: list[Filing] = field(init=False)
    _is_extended: bool = field(init=False)
    _extensions: list[Extension] = field(init=False)
    _mutes: list[Mute] = field(init=False)
    _office: Office = field(init=False)

    def __post_init__(self) -> None:
        self.people = {isp: filer for isp, filer in filers(self.first).items() if isp in self.isps}
        self._due = [filing for filing in FILINGS if filing.offset >= self.start and filing.isp in self.isps]
        self._is_extended = self.start > season_script.EXTENDED_AT
        of_ours = [one for one in EXTENSIONS_FOR_ONE if one.isp in self.isps]
        self._extensions = [one for one in of_ours if one.offset >= self.start]
        self._mutes = [one for one in MUTES if one.offset >= self.start and one.isp in self.isps]

    def play(self, office: Office) -> Iterator[date]:
        """Each day when it is over."""
        self._office = office
        day = self.first
        exchange = office.at(_on(day, COMPARING))
        while day <= last_day(exchange, day, self.end):
            offset = (day - deadline_in_force(exchange.campaign, day).ends_on).days
            if day == self.first or offset not in season_script.OUTAGE:
                exchange = self._live(day, offset)
            yield day
            day += _DAY

    def _live(self, day: date, offset: int) -> Exchange:
        exchange = self._office.at(_on(day, COMPARING))
        _compare(exchange)
        if not campaign.is_working_day(day, exchange.holidays):
            return exchange
        self._file(day, offset)
        self._extend(day, offset)
        self._extend_for_one(day, offset)
        self._mute(day, offset)
        exchange = self._office.at(_on(day, PLANNING))
        if _is_anything_due(exchange):
            self._office.send()
            if self._approve(self._office.at(_on(day, APPROVING))):
                self._office.send()
        self._decide(self._office.at(_on(day, DECIDING)))
        return self._office.at(_on(day, DECIDING))

    def _file(self, day: date, offset: int) -> None:
        exchange = self._office.at(_on(day, FILING))
        if day == self.first:
            for again in (False, True):
                told = samples.sample(day)
                for isp in self.isps:
                    for folder in ZoneFolder:
                        files = told.files(isp, again=again, folder=folder)
                        self._office.deliver(isp, files, folder)
                self._office.collect()
            _compare(exchange)
            self._chase(exchange)
            return
        dropped = [(isp, files) for isp, files in self._files(exchange, day, offset) if files]
        for isp, files in dropped:
            self._office.deliver(isp, files, ZoneFolder.INCOMING)
        if dropped:
            self._office.collect()
            _compare(exchange)
            self._chase(exchange)

    def _chase(self, exchange: Exchange) -> None:
        """After the zones were listed: before, nobody knows whether an ISP has filed."""
        if chase.remind(exchange, is_dry=True):
            self._office.chase()

    def _files(self, exchange: Exchange, day: date, offset: int) -> Iterator[tuple[str, Files]]:
        due = [filing for filing in self._due if filing.offset <= offset]
        self._due = [filing for filing in self._due if filing.offset > offset]
        for filing in due:
            yield filing.isp, filing.files(self.people[filing.isp], day, _last_notice(exchange, filing.isp))
        for isp, filer in self.people.items():
            is_old = filer.listed_on is not None and (day - filer.listed_on).days >= FILES_AGAIN_AFTER
            if is_old and isp != FALLS_SILENT:
                yield isp, filer.lists(day)

    def _extend(self, day: date, offset: int) -> None:
        if self._is_extended or offset < season_script.EXTENDED_AT:
            return
        self._is_extended = True
        exchange = self._office.at(_on(day, FILING))
        ends_on = deadline_in_force(exchange.campaign, day).ends_on + season_script.EXTENSION_DAYS * _DAY
        extension.enter(exchange, ends_on, source=season_script.EXTENSION_SOURCE, actor=OPERATOR, reason=APPROVAL)

    def _extend_for_one(self, day: date, offset: int) -> None:
        due = [one for one in self._extensions if one.offset <= offset]
        self._extensions = [one for one in self._extensions if one.offset > offset]
        for one in due:
            exchange = self._office.at(_on(day, FILING))
            ends_on = deadline_in_force(exchange.campaign, day).ends_on + one.days * _DAY
            client = self.people[one.isp].todo[-1] if one.is_for_client else ""
            extension.enter(exchange, ends_on, source=one.source, actor=OPERATOR, isp=one.isp, client=client)

    def _mute(self, day: date, offset: int) -> None:
        due = [one for one in self._mutes if one.offset <= offset]
        self._mutes = [one for one in self._mutes if one.offset > offset]
        for one in due:
            exchange = self._office.at(_on(day, FILING))
            until, client = day + one.days * _DAY, self.people[one.isp].todo[2]
            mutes.enter(exchange, one.isp, until, client=client, reason=one.reason, actor=OPERATOR)

    def _approve(self, exchange: Exchange) -> list[str]:
        with exchange.registry.reading() as db:
            held = outbox.notices(db, NoticeState.HELD)
        wanted = [notice for notice in held if (notice.isp, notice.stage) not in season_script.UNHEARD]
        approved: list[str] = []
        for isp, stage in sorted({(notice.isp, notice.stage) for notice in wanted}):
            approved += approval.approve(exchange.registry, actor=OPERATOR, reason=APPROVAL, isp=isp, stage=stage)
        return approved

    def _decide(self, exchange: Exchange) -> None:
        with exchange.registry.reading() as db:
            waiting = cases.open_cases(db)
        for case in waiting:
            days, outcome, reason = season_script.DECISIONS.get(case.kind, (None, "", ""))
            if days is not None and exchange.now() - case.opened_at >= timedelta(days=days):
                decisions.decide(exchange, case.id, outcome=outcome, reason=reason, actor=OPERATOR)


def first_day(told: campaign.Campaign, start: int, holidays: Collection[date]) -> date:
    """The working day on or before day `start` of the campaign's first deadline: where a stage of that day falls."""
    return campaign.working_day_on_or_before(told.deadlines[0].ends_on + start * _DAY, holidays)


def last_day(exchange: Exchange, day: date, end: int) -> date:
    """Day `end` of the deadline in force on a day."""
    return deadline_in_force(exchange.campaign, day).ends_on + end * _DAY


def _compare(exchange: Exchange) -> None:
    """What reconcile_clients does at six and after each change."""
    for isp in reconcile.outdated(exchange):
        reconcile.compare(exchange, isp)


def _is_anything_due(exchange: Exchange) -> bool:
    """Whether send_notices has anything to do: a letter waits, an ISP knows an older date only, or a stage has come
    that nothing tells of."""
    today = pakistani_day(exchange.now())
    offsets = notices.load_letters().offsets
    with exchange.registry.reading() as db:
        if outbox.notices(db, *PENDING):
            return True
        for scope in [scope for isp in exchange.isps for scope in scopes(exchange, db, isp)]:
            deadline, told = scope.deadline, scope.told_on(db)
            stages = campaign.plan_stages(deadline, offsets, exchange.holidays)
            come = [stage for stage in stages if stage.on <= today]
            names = [stage.stage for stage in campaign.stages_of_isp(come, statuses.first_list_on(db, scope.isp))]
            names += [EXTENDED] if told is not None and told < deadline.ends_on else []
            if any(not outbox.has_notice(db, deadline.campaign, deadline.version, name, scope.isp) for name in names):
                return True
    return False


def _last_notice(exchange: Exchange, isp: str) -> str:
    """The number of the last letter about clients that the ISP got; '' before any."""
    with exchange.registry.reading() as db:
        fates = chronicle.fates(db, exchange.campaign.slug, isp)
    return next((fate.notice_no for fate in reversed(fates) if fate.named and fate.left_at), "")


def _on(day: date, moment: time) -> datetime:
    return datetime.combine(day, moment, PAKISTAN)
