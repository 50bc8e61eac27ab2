"""What the registry remembers of a campaign: who had to register when, and what became of each letter.

Only reads, and only what was stored when it happened: nothing here is worked out anew from files or rules.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from vpn_registry.model import TOLD, Mode, NoticeState, Outcome, Status
from vpn_registry.registry.tables import (
    AuditEventRow,
    CaseRow,
    ClientStatusRow,
    DecisionRow,
    DeliveryRow,
    MessageRow,
    NoticeClientRow,
    NoticeRow,
    ReconciliationRunRow,
    ResponseRow,
)


@dataclass(frozen=True, slots=True)
class Spell:
    """A client had one status from `since_at` (included) until `ended_at` (not included; None = still)."""

    isp: str
    subscriber_id: str
    status: Status
    since_at: datetime
    ended_at: datetime | None

    def holds_at(self, moment: datetime) -> bool:
        return self.since_at <= moment and (self.ended_at is None or moment < self.ended_at)


@dataclass(frozen=True, slots=True)
class Fate:
    """One notice and what became of it. `left_at` is when its list was frozen for the copy that left first, None when
    none did; `settled_at` when it was sent, cancelled or had failed, None while it is open. `copies` are the
    recipients, each with the state of his copy and the relay's words; `named` the clients it lists, by part.
    """

    notice_no: str
    isp: str
    campaign: str
    deadline_version: int
    ends_on: date
    stage: str
    stage_on: date
    form: str
    state: NoticeState
    reason: str
    counts: dict[str, int]
    planned_at: datetime
    approved_by: str
    settled_at: datetime | None
    left_at: datetime | None = None
    copies: tuple[tuple[str, NoticeState, str], ...] = ()
    named: dict[str, str] = field(default_factory=dict)

    def named_in(self, part: str) -> int:
        """How many clients the letter lists in one of its parts."""
        return sum(one == part for one in self.named.values())


@dataclass(frozen=True, slots=True)
class Filed:
    """One delivery into `incoming/`; `delivery_id` is what cases call it by."""

    delivery_id: int
    isp: str
    file_name: str
    feed: str | None
    mode: Mode | None
    seq: int | None
    received_at: datetime
    outcome: Outcome | None
    rows_total: int | None
    rows_accepted: int | None


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the audit trail."""

    happened_at: datetime
    actor: str
    action: str
    object_id: str
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """A case that was opened; `decided_at`, `outcome` and `actor` are of the decision in force."""

    case_id: int
    isp: str
    kind: str
    subject: str
    reason: str
    opened_at: datetime
    decided_at: datetime | None
    outcome: str | None
    actor: str | None
    decision: str | None


@dataclass(frozen=True, slots=True)
class Reply:
    """One accepted answer of an ISP about a client whom a notice named; of several the last one speaks."""

    subscriber_id: str
    notice_no: str
    response: str
    responded_on: date
    learnt_at: datetime
    reference: str | None
    comment: str | None


_SPELL: Final = tuple(getattr(ClientStatusRow, name) for name in Spell.__slots__)
_STORED: Final = tuple(getattr(NoticeRow, name) for name in Fate.__slots__ if hasattr(NoticeRow, name))
_EVENT: Final = tuple(getattr(AuditEventRow, name) for name in Event.__slots__)


def spells(db: Session, statuses: Collection[Status]) -> list[Spell]:
    """Every time a client had one of the statuses, by ISP, client and time."""
    query = select(*_SPELL).where(ClientStatusRow.status.in_(statuses))
    order = (ClientStatusRow.isp, ClientStatusRow.subscriber_id, ClientStatusRow.since_at, ClientStatusRow.id)
    return [Spell(*row) for row in db.execute(query.order_by(*order))]


def fates(db: Session, campaign: str, isp: str | None = None) -> list[Fate]:
    """Every notice of the campaign (to one ISP), by number."""
    query = select(NoticeRow.id, *_STORED).where(NoticeRow.campaign == campaign).order_by(NoticeRow.notice_no)
    if isp is not None:
        query = query.where(NoticeRow.isp == isp)
    ids = query.with_only_columns(NoticeRow.id).order_by(None)
    named: dict[int, dict[str, str]] = {}
    for notice_id, subscriber_id, part in db.execute(
        select(NoticeClientRow.notice_id, NoticeClientRow.subscriber_id, NoticeClientRow.part).where(
            NoticeClientRow.notice_id.in_(ids)
        )
    ):
        named.setdefault(notice_id, {})[subscriber_id] = part
    copies: dict[int, list[Any]] = {}
    for copy in db.execute(
        select(
            *(MessageRow.notice_id, MessageRow.email, MessageRow.state, MessageRow.reply),
            *(MessageRow.attempts, MessageRow.frozen_at, MessageRow.settled_at),
        )
        .where(MessageRow.notice_id.in_(ids))
        .order_by(MessageRow.id)
    ):
        copies.setdefault(copy.notice_id, []).append(copy)
    return [_fate(row, copies.get(row.id, []), named.get(row.id, {})) for row in db.execute(query)]


def _fate(row: Any, copies: list[Any], named: dict[str, str]) -> Fate:
    stored = row._asdict()
    del stored["id"]
    if row.state is NoticeState.CANCELLED and row.settled_at is None:  # never planned: recorded as cancelled at once
        stored["settled_at"] = row.planned_at
    # A copy that was put off is composed anew at each try: its list is that of the last one.
    left = [copy.frozen_at if copy.attempts == 1 else copy.settled_at for copy in copies if copy.state in TOLD]
    return Fate(
        **stored,
        left_at=min(left, default=None),
        copies=tuple((copy.email, copy.state, copy.reply) for copy in copies),
        named=named,
    )


def sent_ids(db: Session) -> list[str]:
    """The Message-ID of every copy that the relay accepted."""
    return list(db.scalars(select(MessageRow.header_message_id).where(MessageRow.state == NoticeState.SENT)))


def events(db: Session, actions: Collection[str]) -> list[Event]:
    """The events of these kinds, in order."""
    query = select(*_EVENT).where(AuditEventRow.action.in_(actions)).order_by(AuditEventRow.id)
    return [Event(*row) for row in db.execute(query)]


def filed(db: Session) -> list[Filed]:
    """Every delivery that was received, in order."""
    query = (
        select(
            DeliveryRow.id,
            *(DeliveryRow.isp, DeliveryRow.file_name, DeliveryRow.feed, DeliveryRow.mode, DeliveryRow.seq),
            *(DeliveryRow.received_at, DeliveryRow.outcome, DeliveryRow.rows_total, DeliveryRow.rows_accepted),
        )
        .where(DeliveryRow.received_at.is_not(None), DeliveryRow.folder == "incoming")
        .order_by(DeliveryRow.received_at, DeliveryRow.id)
    )
    rows: Any = db.execute(query)
    return [Filed(*row) for row in rows]


def opened_cases(db: Session) -> list[Opened]:
    """Every case ever opened, oldest first, with the last decision on it."""
    query = select(CaseRow.id, CaseRow.isp, CaseRow.kind, CaseRow.subject, CaseRow.reason, CaseRow.opened_at).order_by(
        CaseRow.opened_at, CaseRow.id
    )
    decided = {
        row.case_id: (row.decided_at, row.outcome, row.actor, row.reason)
        for row in db.execute(
            select(
                DecisionRow.case_id, DecisionRow.decided_at, DecisionRow.outcome, DecisionRow.actor, DecisionRow.reason
            ).order_by(DecisionRow.id)
        )
    }
    return [Opened(*row, *decided.get(row.id, (None, None, None, None))) for row in db.execute(query)]


def named_clients(db: Session, notice_no: str) -> list[tuple[str, str, str, str]]:
    """Whom a notice names: part, subscriber_id, status and reason, as the letter said them."""
    named = NoticeClientRow
    query = select(named.part, named.subscriber_id, named.status, named.reason)
    query = query.join(NoticeRow, NoticeRow.id == named.notice_id).where(NoticeRow.notice_no == notice_no)
    rows: Any = db.execute(query)
    return [tuple(row) for row in rows]


def replies(db: Session, isp: str) -> list[Reply]:
    """What the ISP answered, in the order of its files; what a higher number had answered before comes first."""
    query = select(*(getattr(ResponseRow, name) for name in Reply.__slots__)).where(ResponseRow.isp == isp)
    rows: Any = db.execute(query.order_by(ResponseRow.seq, ResponseRow.row))
    return [Reply(*row) for row in rows]


def runs_at(db: Session) -> list[datetime]:
    """When any ISP's clients were compared, oldest first."""
    query = select(ReconciliationRunRow.run_at).distinct().order_by(ReconciliationRunRow.run_at)
    return list(db.scalars(query))
