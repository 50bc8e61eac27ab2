"""Everything the registry holds about one client of one ISP, and who has read it: one document of JSON values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import Executable, Text, and_, cast, or_, select
from sqlalchemy.orm import Session

from vpn_registry.model import iso_utc
from vpn_registry.registry.tables import (
    AuditEventRow,
    CaseRow,
    ClientRow,
    ClientStatusRow,
    ClientVersionRow,
    DeadlineRow,
    DecisionRow,
    DeliveryRow,
    DeliveryRowRow,
    DiscardedDeliveryRow,
    FindingRow,
    NoticeClientRow,
    NoticeRow,
    RegistrationRow,
    RegistrationVersionRow,
    ResponseRow,
)

# Of no use to the person, and of use to whoever would want to guess: hashes, surrogates of ours.
_LEFT_OUT: Final = ("content_sha256", "current_id", "cnic_fingerprint", "other_id_fingerprint", "ntn_key", "id")
_CIPHERS: Final = ("cnic_cipher", "other_id_cipher")
_COVERING: Final = ("export", "reveal", "extract")
"""Reads of a whole view: he was in them when they covered his ISP."""

Reveal = Callable[[str], str]


def extract(db: Session, isp: str, subscriber_id: str, *, reveal: Reveal | None = None) -> dict[str, Any] | None:
    """What is held about a client, each entry with the delivery and row it came from; None when nothing is.

    Identity numbers are `hidden` unless `reveal` opens them. `read_by` tells the audit events of reading: those about
    him, and exports that covered his ISP.
    """
    rows = _rows(db, isp, subscriber_id)
    held: dict[str, Any] = {
        "client_list": _versions(
            db, ClientRow, ClientVersionRow, ClientRow.subscriber_id == subscriber_id, isp, reveal
        ),
        "registrations": _versions(
            db, RegistrationRow, RegistrationVersionRow, RegistrationRow.id.in_(_refs(isp, subscriber_id)), isp, reveal
        ),
        "rows": rows,
        "statuses": _records(db, _own(ClientStatusRow, isp, subscriber_id).order_by(ClientStatusRow.id)),
        "notices": _records(db, _notices(isp, subscriber_id)),
        "responses": _records(db, _own(ResponseRow, isp, subscriber_id).order_by(ResponseRow.id)),
        "cases": _cases(db, isp, subscriber_id),
        "deadlines": _records(db, _own(DeadlineRow, isp, subscriber_id).order_by(DeadlineRow.version)),
    }
    if not any(held.values()):
        return None
    return {
        "isp": isp,
        "subscriber_id": subscriber_id,
        **held,
        "deliveries": _records(db, _deliveries({row["delivery_id"] for row in _origins(held)})),
        "read_by": _reads(db, isp, subscriber_id),
    }


def _refs(isp: str, subscriber_id: str) -> Any:
    version = RegistrationVersionRow
    return (
        select(version.current_id)
        .join(RegistrationRow, RegistrationRow.id == version.current_id)
        .where(RegistrationRow.isp == isp, version.subscriber_id == subscriber_id)
    )


def _versions(db: Session, current: Any, version: Any, mine: Any, isp: str, reveal: Reveal | None) -> list[Any]:
    key = current.registration_ref if current is RegistrationRow else current.subscriber_id
    own = [current.national_no] if current is RegistrationRow else []
    query = (
        select(key, *own, current.is_in_force, (current.version_id == version.id).label("is_shown"), *_columns(version))
        .join(current, current.id == version.current_id)
        .where(current.isp == isp, mine)
        .order_by(version.id)
    )
    return [_opened(record, reveal) for record in _records(db, query)]


def _rows(db: Session, isp: str, subscriber_id: str) -> list[Any]:
    row, finding = DeliveryRowRow, FindingRow
    of_row = and_(finding.delivery_id == row.delivery_id, finding.revision == row.revision, finding.row == row.row)
    mine = (DeliveryRow.isp == isp, row.subscriber_id == subscriber_id)
    query = (
        select(row.delivery_id, row.revision, row.row, row.line, row.key, row.outcome, row.effect)
        .join(DeliveryRow, DeliveryRow.id == row.delivery_id)
        .where(*mine)
        .order_by(row.delivery_id, row.revision, row.row)
    )
    found = (
        select(
            row.delivery_id, row.revision, row.row, finding.column_name, finding.code, finding.value, finding.message
        )
        .join(DeliveryRow, DeliveryRow.id == row.delivery_id)
        .join(finding, of_row)
        .where(*mine)
        .order_by(finding.id)
    )
    findings: dict[tuple[int, int, int], list[Any]] = {}
    for record in _records(db, found):
        place = (record.pop("delivery_id"), record.pop("revision"), record.pop("row"))
        findings.setdefault(place, []).append(record)
    return [
        {**record, "findings": findings.get((record["delivery_id"], record["revision"], record["row"]), [])}
        for record in _records(db, query)
    ]


def _notices(isp: str, subscriber_id: str) -> Any:
    named = NoticeClientRow
    return (
        select(
            NoticeRow.notice_no, NoticeRow.stage, NoticeRow.state, NoticeRow.settled_at, named.part, named.status,
            named.reason,
        )
        .join(NoticeRow, NoticeRow.id == named.notice_id)
        .where(named.isp == isp, named.subscriber_id == subscriber_id)
        .order_by(NoticeRow.notice_no)
    )  # fmt: skip


def _cases(db: Session, isp: str, subscriber_id: str) -> list[Any]:
    case = CaseRow
    query = select(case.id.label("case"), case.kind, case.delivery_id, case.reason, case.opened_at, case.closed_at)
    cases = _records(db, query.where(case.isp == isp, case.subject == subscriber_id).order_by(case.id))
    made = DecisionRow
    for record in cases:
        decided = select(made.outcome, made.reason, made.actor, made.decided_at, made.until_on)
        record["decisions"] = _records(db, decided.where(made.case_id == record["case"]).order_by(made.id))
    return cases


def _deliveries(ids: set[int]) -> Any:
    """The files everything came from, and whether their bytes are still stored."""
    gone = DiscardedDeliveryRow
    return (
        select(
            DeliveryRow.id.label("delivery_id"), DeliveryRow.file_name, DeliveryRow.folder, DeliveryRow.received_at,
            DeliveryRow.outcome, gone.discarded_at.label("bytes_discarded_at"),
        )
        .outerjoin(gone, gone.delivery_id == DeliveryRow.id)
        .where(DeliveryRow.id.in_(ids))
        .order_by(DeliveryRow.id)
    )  # fmt: skip


def _origins(held: dict[str, Any]) -> list[Any]:
    return [record for records in held.values() for record in records if record.get("delivery_id") is not None]


def _reads(db: Session, isp: str, subscriber_id: str) -> list[Any]:
    event = AuditEventRow
    names_him = cast(event.detail, Text).contains(subscriber_id, autoescape=True)
    query = select(event.id, event.happened_at, event.actor, event.action, event.object_id, event.detail).where(
        or_(names_him, event.action.in_(_COVERING))
    )
    return [
        record
        for record in _records(db, query.order_by(event.id))
        if _is_about(record["action"], record["detail"], isp, subscriber_id)
    ]


def _is_about(action: str, detail: dict[str, Any], isp: str, subscriber_id: str) -> bool:
    if detail.get("subscriber_id") is not None:
        return (detail.get("isp"), detail["subscriber_id"]) == (isp, subscriber_id)
    return action in _COVERING and detail.get("isp") in (None, isp)


def _own(table: Any, isp: str, subscriber_id: str) -> Any:
    return select(*_columns(table)).where(table.isp == isp, table.subscriber_id == subscriber_id)


def _columns(table: Any) -> list[Any]:
    return [column for column in table.__table__.columns if column.name not in _LEFT_OUT]


def _records(db: Session, query: Executable) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in row.items()} for row in db.execute(query).mappings()]


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, Enum | date):
        return str(value)
    return value


def _opened(record: dict[str, Any], reveal: Reveal | None) -> dict[str, Any]:
    for name in _CIPHERS:
        cipher = record.pop(name)
        record[name.removesuffix("_cipher")] = (reveal(cipher) if reveal else "hidden") if cipher else cipher
    return record
