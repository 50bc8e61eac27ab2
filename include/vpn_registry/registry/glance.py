"""Figures for people who look after the registry: one query each, whatever the number of ISPs and clients.

Clients are counted from the runs that compared them, not from five million statuses: each run keeps its counts.
Days are calendar days in Pakistan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Date, Integer, String, and_, case, cast, func, select, true
from sqlalchemy.orm import Session

from vpn_registry.model import (
    COMPARABLE,
    COVERED,
    PAKISTAN,
    TO_REGISTER,
    DeliveryState,
    NoticeState,
    Status,
    ZoneFolder,
)
from vpn_registry.registry.tables import (
    CaseRow,
    DeliveryRow,
    MessageRow,
    NoticeRow,
    ReconciliationRunRow,
    ValidationResultRow,
    ZoneWatchRow,
)

_WORKING: Final = (DeliveryState.CLAIMED, DeliveryState.STORED, DeliveryState.JUDGED)


@dataclass(frozen=True, slots=True)
class Standing:
    """One ISP's clients by status, as its last run counted them; `made_in` is the DAG run, as `dag_id/run_id`.

    `moved` is how many came, were resolved, changed or went since the run before.
    """

    isp: str
    run_at: datetime
    counts: Mapping[str, int]
    made_in: str = ""
    moved: Mapping[str, int] = field(default_factory=dict)

    def total(self, statuses: Collection[Status]) -> int:
        return sum(self.counts.get(status.value, 0) for status in statuses)

    @property
    def clients(self) -> int:
        return sum(self.counts.values())

    @property
    def to_register(self) -> int:
        return self.total(TO_REGISTER)

    @property
    def covered(self) -> int:
        return self.total(COVERED)

    @property
    def comparable(self) -> int:
        return self.total(COMPARABLE)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many clients were to register, covered and comparable at the end of a day."""

    on: date
    to_register: int
    covered: int
    comparable: int


def standings(db: Session, isp: str | None = None) -> dict[str, Standing]:
    """ISP -> its clients by status at its last run."""
    run = ReconciliationRunRow
    last = select(func.max(run.id)).group_by(run.isp)
    if isp is not None:
        last = last.where(run.isp == isp)
    told = (run.isp, run.run_at, run.counts, run.made_in, run.new, run.resolved, run.changed, run.gone)
    return {
        isp: Standing(
            isp, run_at, counts, made_in, {"new": new, "resolved": resolved, "changed": changed, "gone": gone}
        )
        for isp, run_at, counts, made_in, new, resolved, changed, gone in db.execute(
            select(*told).where(run.id.in_(last))
        )
    }


def coverage_by_day(db: Session, *, since: date, until: date, isp: str | None = None) -> list[Coverage]:
    """Coverage at the end of each day from the first run on or after `since`; an ISP keeps its last figures."""
    return list(_carried(_figures(db, since, isp), until))


def to_register_by_day(db: Session, *, since: date) -> dict[str, list[tuple[date, int]]]:
    """ISP -> its clients to register at the end of each day with a run, from `since` on, oldest first."""
    told: dict[str, list[tuple[date, int]]] = {}
    for on, figures in sorted(_figures(db, since).items()):
        for isp, (to_register, _, _) in figures.items():
            told.setdefault(isp, []).append((on, to_register))
    return told


def _figures(db: Session, since: date, isp: str | None = None) -> dict[date, dict[str, tuple[int, int, int]]]:
    """Day -> ISP -> its clients to register, covered and comparable by the last run of that day."""
    run = ReconciliationRunRow
    day = _day(db, run.run_at)
    last = select(func.max(run.id)).where(run.run_at >= _start_of(since)).group_by(run.isp, day)
    if isp is not None:
        last = last.where(run.isp == isp)
    pairs = _json_pairs(db, run.counts)
    number = cast(pairs.c.value, Integer)
    # Each JSON is unfolded once: taking its numbers out one by one costs several times as much, here or there.
    sums: list[Any] = [
        func.sum(case((pairs.c.key.in_(sorted(statuses)), number), else_=0))
        for statuses in (TO_REGISTER, COVERED, COMPARABLE)
    ]
    # An outer join, because a run that found no client counts too: as nothing to register.
    query = select(run.isp, day, *sums).outerjoin(pairs, true())
    query = query.where(run.id.in_(last)).group_by(run.id, run.isp, day)
    by_day: dict[date, dict[str, tuple[int, int, int]]] = {}
    for slug, on, *figures in db.execute(query):
        to_register, covered, comparable = map(int, figures)
        by_day.setdefault(_as_date(on), {})[slug] = (to_register, covered, comparable)
    return by_day


def _carried(by_day: Mapping[date, Mapping[str, tuple[int, int, int]]], until: date) -> Iterable[Coverage]:
    standing: dict[str, tuple[int, int, int]] = {}
    on = min(by_day, default=until + timedelta(days=1))
    while on <= until:
        standing.update(by_day.get(on, {}))
        to_register, covered, comparable = (sum(column) for column in zip(*standing.values(), strict=True))
        yield Coverage(on, to_register, covered, comparable)
        on += timedelta(days=1)


def outcomes_by_day(db: Session, *, since: date, isp: str | None = None) -> list[tuple[date, str, int]]:
    """(day first listed, outcome or the state before there is one, deliveries) since a day."""
    day = _day(db, DeliveryRow.first_listed_at).label("day")
    query = select(day, _told().label("told"), func.count()).where(
        DeliveryRow.first_listed_at >= _start_of(since), DeliveryRow.folder == ZoneFolder.INCOMING
    )
    if isp is not None:
        query = query.where(DeliveryRow.isp == isp)
    return [(_as_date(on), told, count) for on, told, count in db.execute(query.group_by("day", "told"))]


def outcomes_by_isp(db: Session, *, since: date) -> dict[str, dict[str, int]]:
    """ISP -> outcome -> deliveries first listed since a day."""
    query = (
        select(DeliveryRow.isp, _told().label("told"), func.count())
        .where(DeliveryRow.first_listed_at >= _start_of(since), DeliveryRow.folder == ZoneFolder.INCOMING)
        .group_by(DeliveryRow.isp, "told")
    )
    return _by_isp(db.execute(query))


def deliveries_by_isp(db: Session) -> dict[str, dict[str, int]]:
    """ISP -> outcome (or the state before there is one) -> all its deliveries, those of `check/` too."""
    query = select(DeliveryRow.isp, _told().label("told"), func.count()).group_by(DeliveryRow.isp, "told")
    return _by_isp(db.execute(query.order_by(DeliveryRow.isp, "told")))


def findings_by_code(db: Session, *, since: date, isp: str | None = None) -> dict[str, int]:
    """Code -> findings in deliveries judged since a day (their last revision), from the stored results."""
    result = ValidationResultRow
    pairs = _json_pairs(db, result.counts_by_code)
    query = (
        select(pairs.c.key, func.sum(cast(pairs.c.value, Integer)))
        .select_from(result)
        .join(DeliveryRow, and_(DeliveryRow.id == result.delivery_id, DeliveryRow.revision == result.revision))
        .join(pairs, true())
        .where(DeliveryRow.judged_at >= _start_of(since), DeliveryRow.folder == ZoneFolder.INCOMING)
        .group_by(pairs.c.key)
    )
    if isp is not None:
        query = query.where(DeliveryRow.isp == isp)
    return {code: int(count) for code, count in db.execute(query)}


def watches(db: Session) -> dict[str, Any]:
    """ISP -> listed_at, failing_since_at and error of its zone."""
    return {one.isp: one for one in db.execute(select(ZoneWatchRow.__table__))}


def has_sent(db: Session) -> bool:
    """Whether a relay has ever taken a letter."""
    return db.scalar(select(MessageRow.id).where(MessageRow.state == NoticeState.SENT).limit(1)) is not None


def untaken(db: Session, before: datetime) -> list[Any]:
    """Files that lie still since before an instant of the wall clock and are not taken: id, isp."""
    delivery = DeliveryRow
    query = select(delivery.id, delivery.isp).where(
        delivery.state.in_((DeliveryState.SEEN, DeliveryState.CLAIMED)), delivery.settling_s < before.timestamp()
    )
    return list(db.execute(query.order_by(delivery.id).limit(50)))


def stuck(db: Session, before: datetime) -> list[Any]:
    """Deliveries that were taken before an instant and are not answered: id, isp, file_name, state, received_at,
    since_at."""
    delivery = DeliveryRow
    since = func.coalesce(delivery.received_at, delivery.first_listed_at)
    query = (
        select(
            delivery.id, delivery.isp, delivery.file_name, delivery.state, delivery.received_at, since.label("since_at")
        )
        .where(delivery.state.in_(_WORKING), since < before)
        .order_by(delivery.id)
        .limit(50)
    )
    return list(db.execute(query))


def open_cases_by_isp(db: Session) -> dict[str, int]:
    """ISP -> cases that wait for a decision."""
    query = select(CaseRow.isp, func.count()).where(CaseRow.closed_at.is_(None)).group_by(CaseRow.isp)
    return dict(db.execute(query).all())


def notices_by_isp(db: Session) -> dict[str, dict[str, int]]:
    """ISP -> state -> notices."""
    query = select(NoticeRow.isp, NoticeRow.state, func.count()).group_by(NoticeRow.isp, NoticeRow.state)
    return _by_isp(db.execute(query.order_by(NoticeRow.isp, NoticeRow.state)))


def _by_isp(rows: Iterable[Any]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for isp, told, count in rows:
        counts.setdefault(isp, {})[str(told)] = count
    return counts


def _told() -> ColumnElement[str]:
    return func.coalesce(cast(DeliveryRow.outcome, String), cast(DeliveryRow.state, String))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), PAKISTAN)


def _day(db: Session, moment: Any) -> ColumnElement[Any]:
    """The calendar day in Pakistan of a moment column; text in SQLite, where moments are text in UTC."""
    if db.get_bind().dialect.name == "sqlite":
        return func.date(moment, "+5 hours", type_=String)
    return cast(func.timezone(PAKISTAN.key, moment), Date)


def _as_date(day: date | str) -> date:
    return date.fromisoformat(day) if isinstance(day, str) else day


def _json_pairs(db: Session, counts: Any) -> Any:
    """A JSON object of counts as rows of key and value."""
    unfold = func.json_each if db.get_bind().dialect.name == "sqlite" else func.json_each_text
    return unfold(counts).table_valued("key", "value", name="pair")
