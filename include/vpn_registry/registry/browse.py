"""What the registry holds, one page at a time: deliveries, findings, clients, cases, notices.

A page costs a count and a slice, whatever lies before it; rows come as mappings of stable column names.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Final

from sqlalchemy import ColumnElement, String, and_, case, cast, func, select
from sqlalchemy.orm import Session

from vpn_registry.model import PAKISTAN
from vpn_registry.registry.tables import (
    AnswerRow,
    AuditEventRow,
    CaseRow,
    ClientRow,
    ClientStatusRow,
    ClientVersionRow,
    DecisionRow,
    DeliveryRow,
    FindingRow,
    MessageRow,
    NoticeClientRow,
    NoticeRow,
    RegistrationRow,
    RegistrationVersionRow,
    ResponseRow,
    ValidationResultRow,
)

Record = Mapping[str, Any]
"""One row by column names; values as the columns' types give them."""

_DELIVERY: Final = (
    *("id", "isp", "folder", "file_name", "feed", "mode", "content_on", "seq", "state", "outcome", "revision"),
    *("rows_total", "rows_accepted", "rows_rejected", "rows_duplicate", "rows_warned", "size_bytes", "sha256"),
    *("first_listed_at", "received_at", "judged_at", "rulebook_version", "is_source_removed"),
)
_FINDING: Final = ("row", "line", "key", "column_name", "code", "severity", "value", "message", "remedy", "suggestion")
_CASE: Final = (
    *("id", "isp", "kind", "subject", "delivery_id", "reason", "opened_at", "opened_by", "opened_in", "closed_at"),
)
_NOTICE: Final = (
    *("id", "notice_no", "isp", "stage", "stage_on", "ends_on", "form", "state", "reason", "counts"),
    *("planned_at", "approved_by", "settled_at"),
)


@dataclass(frozen=True, slots=True)
class Slice:
    """Some of the rows a question has: those from `offset` on, and how many there are in all."""

    rows: Sequence[Record]
    total: int
    offset: int


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """Which deliveries: empty fields don't restrict. `told` is an outcome or a state before there is one; `code` one
    that its last verdict has."""

    isp: str = ""
    told: str = ""
    feed: str = ""
    folder: str = ""
    code: str = ""
    since: date | None = None


def deliveries(db: Session, wanted: DeliveryFilter, *, offset: int, limit: int) -> Slice:
    """Deliveries, newest first."""
    delivery = DeliveryRow
    told = func.coalesce(cast(delivery.outcome, String), cast(delivery.state, String))
    query = select(*_columns(delivery, _DELIVERY), told.label("told"))
    for value, column in ((wanted.isp, delivery.isp), (wanted.told, told), (wanted.feed, cast(delivery.feed, String)),
                          (wanted.folder, cast(delivery.folder, String))):  # fmt: skip
        if value:
            query = query.where(column == value)
    if wanted.since is not None:
        query = query.where(delivery.first_listed_at >= datetime.combine(wanted.since, time(), PAKISTAN))
    if wanted.code:
        result = ValidationResultRow
        named = and_(result.delivery_id == delivery.id, result.revision == delivery.revision)
        query = query.join(result, named).where(result.counts_by_code[wanted.code].as_integer() > 0)
    return _slice(db, query, (delivery.id.desc(),), offset, limit)


def delivery(db: Session, delivery_id: int) -> Record | None:
    """One delivery with `counts_by_code` of its last verdict; None when there is none of this id."""
    result = ValidationResultRow
    query = (
        select(*_columns(DeliveryRow, _DELIVERY), result.counts_by_code)
        .outerjoin(result, and_(result.delivery_id == DeliveryRow.id, result.revision == DeliveryRow.revision))
        .where(DeliveryRow.id == delivery_id)
    )
    return next(iter(_records(db, query)), None)


def events(db: Session, object_type: str, object_id: str) -> list[Record]:
    """What the audit trail says was done to one object, oldest first, but not who looked at it: happened_at, actor,
    action, detail."""
    event = AuditEventRow
    query = (
        select(event.happened_at, event.actor, event.action, event.detail)
        .where(event.object_type == object_type, event.object_id == object_id, event.action.not_like("look%"))
        .order_by(event.id)
        .limit(200)
    )
    return _records(db, query)


def runs_behind(db: Session, object_type: str, object_ids: Collection[object]) -> dict[str, str]:
    """Object -> the DAG run (`dag_id/run_id`) in which something was last done to it, by the audit trail."""
    event = AuditEventRow
    of_these = (event.object_type == object_type, event.object_id.in_([str(one) for one in object_ids]))
    found = db.execute(select(event.object_id, event.detail).where(*of_these, event.action.not_like("look%"))
                       .order_by(event.id))  # fmt: skip
    return {one.object_id: str(one.detail["run"]) for one in found if "run" in one.detail}


def answers(db: Session, delivery_id: int) -> list[Record]:
    """The files a delivery was answered with: path, written_at, removed_at."""
    query = select(AnswerRow.path, AnswerRow.written_at, AnswerRow.removed_at)
    return _records(db, query.where(AnswerRow.delivery_id == delivery_id).order_by(AnswerRow.id))


def findings(
    db: Session, delivery_id: int, revision: int, *, code: str = "", offset: int, limit: int
) -> Slice:  # fmt: skip
    """Findings of one verdict: on the file first, then by row."""
    finding = FindingRow
    query = select(*_columns(finding, _FINDING)).where(finding.delivery_id == delivery_id, finding.revision == revision)
    if code:
        query = query.where(finding.code == code)
    return _slice(db, query, (finding.id,), offset, limit)


def clients(db: Session, isp: str, *, status: str = "", offset: int, limit: int) -> Slice:
    """Clients of one ISP by subscriber id: subscriber_id, client_name, status, reason, since_at, registration_ref."""
    held = ClientStatusRow
    query = select(held.id).where(held.isp == isp, held.ended_run_id.is_(None))
    if status:
        query = query.where(held.status == status)
    total = db.scalars(select(func.count()).select_from(query.subquery())).one()
    # The page's ids first, from the index alone: the rows that are skipped are never read.
    page = query.order_by(held.subscriber_id).offset(offset).limit(limit).subquery()
    rows = (
        select(held.subscriber_id, ClientVersionRow.client_name, held.status, held.reason, held.since_at,
               held.registration_ref)
        .join(page, page.c.id == held.id)
        .outerjoin(ClientRow, and_(ClientRow.isp == held.isp, ClientRow.subscriber_id == held.subscriber_id))
        .outerjoin(ClientVersionRow, ClientVersionRow.id == ClientRow.version_id)
        .order_by(held.subscriber_id)
    )  # fmt: skip
    return Slice(_records(db, rows), total, offset)


def cases(
    db: Session, *, isp: str = "", kind: str = "", is_open: bool | None = True, offset: int, limit: int
) -> Slice:  # fmt: skip
    """Cases, those opened first at the top, with the last decision on each: outcome, decided_by, decided_at."""
    last = select(func.max(DecisionRow.id)).where(DecisionRow.case_id == CaseRow.id).correlate(CaseRow)
    query = select(
        *_columns(CaseRow, _CASE), DecisionRow.outcome, DecisionRow.actor, DecisionRow.decided_at,
        DecisionRow.reason.label("why"),
    ).outerjoin(DecisionRow, DecisionRow.id == last.scalar_subquery())  # fmt: skip
    for value, column in ((isp, CaseRow.isp), (kind, CaseRow.kind)):
        if value:
            query = query.where(column == value)
    if is_open is not None:
        query = query.where(CaseRow.closed_at.is_(None) if is_open else CaseRow.closed_at.is_not(None))
    return _slice(db, query, (CaseRow.opened_at, CaseRow.id), offset, limit)


def case_kinds(db: Session) -> list[str]:
    """The kinds of cases there are."""
    return list(db.scalars(select(CaseRow.kind).distinct().order_by(CaseRow.kind)))


def notices(
    db: Session, *, isp: str = "", state: str = "", stage: str = "", offset: int, limit: int
) -> Slice:  # fmt: skip
    """Notices: what waits for a person or went wrong first, then the newest."""
    rank = case(
        {"uncertain": 0, "failed": 1, "held": 2, "approved": 3, "sending": 4, "planned": 5},
        value=cast(NoticeRow.state, String), else_=6,
    )  # fmt: skip
    query = select(*_columns(NoticeRow, _NOTICE))
    for value, column in ((isp, NoticeRow.isp), (state, cast(NoticeRow.state, String)), (stage, NoticeRow.stage)):
        if value:
            query = query.where(column == value)
    return _slice(db, query, (rank, NoticeRow.id.desc()), offset, limit)


def stages(db: Session) -> list[str]:
    """The stages of which there are notices."""
    return list(db.scalars(select(NoticeRow.stage).distinct().order_by(NoticeRow.stage)))


def notice(db: Session, notice_no: str) -> Record | None:
    """One notice by its number; None when there is none."""
    query = select(*_columns(NoticeRow, _NOTICE)).where(NoticeRow.notice_no == notice_no)
    return next(iter(_records(db, query)), None)


def notice_of(db: Session, message_id: int) -> str | None:
    """The number of the notice of which this message is a copy; None when there is no such message."""
    owner = select(NoticeRow.notice_no).join(MessageRow, MessageRow.notice_id == NoticeRow.id)
    return db.scalar(owner.where(MessageRow.id == message_id))


def messages(db: Session, notice_id: int) -> list[Record]:
    """The copies of a notice, each with the text that was frozen when it started sending."""
    names = ("id", "contact_name", "email", "role", "state", "attempts", "next_try_at", "reply", "subject", "body_text",
             "attachment_name", "header_message_id", "frozen_at", "settled_at")  # fmt: skip
    return _records(db, select(*_columns(MessageRow, names)).where(MessageRow.notice_id == notice_id))


def frozen(db: Session, message_id: int) -> Record | None:
    """The bytes of one message: body_html, attachment_name, attachment; None when it has not been frozen."""
    names = ("notice_id", "body_html", "attachment_name", "attachment")
    query = select(*_columns(MessageRow, names), NoticeRow.isp, NoticeRow.notice_no)
    query = query.join(NoticeRow, NoticeRow.id == MessageRow.notice_id)
    query = query.where(MessageRow.id == message_id, MessageRow.frozen_at.is_not(None))
    return next(iter(_records(db, query)), None)


def named_clients(db: Session, notice_id: int, *, part: str = "", offset: int, limit: int) -> Slice:
    """The clients a notice names: subscriber_id, part, status, reason."""
    named = NoticeClientRow
    query = select(named.subscriber_id, named.part, named.status, named.reason).where(named.notice_id == notice_id)
    if part:
        query = query.where(named.part == part)
    return _slice(db, query, (named.part, named.subscriber_id), offset, limit)


def responses(db: Session, isp: str, subscriber_id: str) -> list[Record]:
    """What the ISP answered about one client, newest first: response, notice_no, responded_on, delivery_id, row."""
    response = ResponseRow
    query = select(response.response, response.notice_no, response.responded_on, response.delivery_id, response.row,
                   response.is_overtaken)  # fmt: skip
    query = query.where(response.isp == isp, response.subscriber_id == subscriber_id)
    return _records(db, query.order_by(response.seq.desc(), response.row.desc()))


def whose(db: Session, text: str, isps: Collection[str]) -> list[tuple[str, str]]:
    """(ISP, subscriber id) of whom a subscriber id, a registration ref or a national number means, at these ISPs.

    Also typed in small letters, or in capitals.
    """
    version, written = RegistrationVersionRow, (text, text.upper(), text.lower())
    registered = select(RegistrationRow.isp, version.subscriber_id).join(
        version, version.id == RegistrationRow.version_id
    )
    questions: tuple[Any, ...] = (
        select(ClientRow.isp, ClientRow.subscriber_id).where(
            ClientRow.isp.in_(isps), ClientRow.subscriber_id.in_(written)
        ),
        registered.where(RegistrationRow.national_no == text.upper(), RegistrationRow.isp.in_(isps)),
        registered.where(RegistrationRow.isp.in_(isps), RegistrationRow.registration_ref.in_(written)),
    )
    found = [(isp, subscriber) for query in questions for isp, subscriber in db.execute(query.limit(50)) if subscriber]
    return list(dict.fromkeys(found))


def _columns(table: Any, names: Sequence[str]) -> list[Any]:
    return [getattr(table, name) for name in names]


def _records(db: Session, query: Any) -> list[Record]:
    return [dict(row) for row in db.execute(query).mappings()]


def _slice(
    db: Session, query: Any, order: Sequence[ColumnElement[Any] | Any], offset: int, limit: int
) -> Slice:  # fmt: skip
    bare = query.with_only_columns(func.count(), maintain_column_froms=True)
    total = db.scalars(bare).one()
    return Slice(_records(db, query.order_by(*order).offset(offset).limit(limit)), total, offset)
