"""What reconciliation reads, and the statuses it leaves: one current a client, the ended ones as its history."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, exists, func, literal_column, or_, select
from sqlalchemy.orm import Session, aliased

from vpn_registry.model import TAKEN, Feed, ZoneFolder, pakistani_day
from vpn_registry.registry import contests
from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.tables import (
    CaseRow,
    ClientRow,
    ClientStatusRow,
    ClientVersionRow,
    DecisionRow,
    DeliveryRow,
    DeliveryRowRow,
    ReconciliationRunRow,
    RegistrationRow,
    RegistrationVersionRow,
    ValidationResultRow,
)

if TYPE_CHECKING:
    import pandas as pd

_STATUS_TEXT: Final = ("subscriber_id", "status", "reason", "decided_by", "registration_ref", "candidate")


def clients_frame(db: Session, isp: str) -> pd.DataFrame:
    """The ISP's current client list with reconciliation.CLIENT_COLUMNS; identity numbers as fingerprints."""
    version = ClientVersionRow
    query = (
        select(
            ClientRow.subscriber_id,
            version.client_name,
            version.ntn_key.label("ntn"),
            version.cnic_fingerprint.label("cnic_fp"),
            version.other_id_fingerprint.label("other_id_fp"),
            version.service_ips,
            version.msisdn,
            version.service_status,
            version.active_since,
            version.vpn_use,
        )
        .join(version, version.id == ClientRow.version_id)
        .where(ClientRow.isp == isp, ClientRow.is_in_force)
        .order_by(ClientRow.subscriber_id)
    )
    return _text_frame(db, query)


def registrations_frame(db: Session, isp: str) -> pd.DataFrame:
    """The ISP's registrations, ended ones too, with reconciliation.REGISTRATION_COLUMNS and `is_in_force`."""

    import pandas as pd

    version = RegistrationVersionRow
    query = (
        select(
            RegistrationRow.registration_ref,
            RegistrationRow.national_no,
            version.subscriber_id,
            version.client_name,
            version.ntn_key.label("ntn"),
            version.cnic_fingerprint.label("cnic_fp"),
            version.other_id_fingerprint.label("other_id_fp"),
            version.local_ip,
            version.msisdn,
            version.valid_from,
            version.valid_to,
            RegistrationRow.is_in_force,
            RegistrationRow.closed_on,
        )
        .join(version, version.id == RegistrationRow.version_id)
        .where(RegistrationRow.isp == isp)
        .order_by(RegistrationRow.registration_ref)
    )
    frame = _text_frame(db, query, but=("is_in_force", "closed_on"))
    frame["is_in_force"] = frame["is_in_force"].astype("bool")
    days = ["" if day is None else day.isoformat() for day in frame["closed_on"]]
    frame["closed_on"] = pd.Series(days, dtype="str").where(~frame["is_in_force"], "")
    return frame


def filed_elsewhere(db: Session, isp: str, today: date) -> dict[str, str]:
    """Clients of the list with a registration in force at another ISP -> the kind of key they share.

    The keys are compared where they lie: nothing of the other ISP is read, not even which one it is.
    """
    ours, theirs = ClientVersionRow, RegistrationVersionRow
    found: dict[str, str] = {}
    for kind, own, their in (
        ("ntn", ours.ntn_key, theirs.ntn_key),
        ("cnic", ours.cnic_fingerprint, theirs.cnic_fingerprint),
        ("other_id", ours.other_id_fingerprint, theirs.other_id_fingerprint),
    ):
        holds = or_(func.coalesce(theirs.valid_to, "") == "", theirs.valid_to >= today.isoformat())
        filed = (
            select(RegistrationRow.id)
            .join(theirs, theirs.id == RegistrationRow.version_id)
            .where(their == own, RegistrationRow.isp != isp, RegistrationRow.is_in_force, holds)
        )
        query = (
            select(ClientRow.subscriber_id)
            .join(ours, ours.id == ClientRow.version_id)
            .where(ClientRow.isp == isp, ClientRow.is_in_force, own != "", exists(filed))
        )
        for subscriber in db.scalars(query):
            found.setdefault(subscriber, kind)
    return found


def last_rejected(db: Session, isp: str) -> dict[str, tuple[str, int]]:
    """Subscriber -> (file name, row) where the last registration row that named him was rejected."""
    row, later_row, later = DeliveryRowRow, aliased(DeliveryRowRow), aliased(DeliveryRow)
    # From the few rows that were refused, the last of each subscriber looked up once: never through every row that
    # was ever filed.
    newest = func.row_number().over(partition_by=row.subscriber_id, order_by=(DeliveryRow.seq.desc(), row.row.desc()))
    refused = (
        select(
            row.subscriber_id, row.delivery_id, row.row, DeliveryRow.file_name, DeliveryRow.seq, newest.label("place"),
        )
        .join(DeliveryRow, and_(DeliveryRow.id == row.delivery_id, DeliveryRow.revision == row.revision))
        .where(*_registrations_of(isp, DeliveryRow), row.outcome == literal_column("'rejected'"),
               row.subscriber_id != "")
        .subquery()
    )  # fmt: skip
    spoke_later = exists(
        select(later_row.row)
        .join(later, and_(later.id == later_row.delivery_id, later.revision == later_row.revision))
        .where(
            later_row.subscriber_id == refused.c.subscriber_id,
            *_registrations_of(isp, later),
            or_(later.seq > refused.c.seq, and_(later.id == refused.c.delivery_id, later_row.row > refused.c.row)),
        )
    )
    last = db.execute(
        select(refused.c.subscriber_id, refused.c.file_name, refused.c.row).where(refused.c.place == 1, ~spoke_later)
    )
    return {found.subscriber_id: (found.file_name, found.row) for found in last}


def _registrations_of(isp: str, delivery: type[DeliveryRow]) -> tuple[Any, ...]:
    """The ISP's registration files that used their number up."""
    return (
        delivery.isp == isp,
        delivery.feed == Feed.REGISTRATIONS,
        delivery.folder == ZoneFolder.INCOMING,
        delivery.owns_number,
    )


def list_delivery(db: Session, isp: str) -> int | None:
    """The delivery of the ISP's newest accepted client list; None without one."""
    return db.scalar(select(DeliveryRow.id).where(*_lists_of(isp)).order_by(DeliveryRow.seq.desc()).limit(1))


def list_on(db: Session, isp: str) -> date | None:
    """The day in the name of the ISP's newest accepted client list; None without one."""
    query = select(DeliveryRow.content_on).where(*_lists_of(isp)).order_by(DeliveryRow.seq.desc()).limit(1)
    return db.scalar(query)


def newest_list(db: Session, isp: str) -> tuple[datetime, int] | None:
    """When the ISP's newest accepted client list came in, and its delivery; None without one."""
    query = select(DeliveryRow.received_at, DeliveryRow.id).where(*_lists_of(isp)).order_by(DeliveryRow.seq.desc())
    found = db.execute(query.limit(1)).one_or_none()
    return None if found is None or found.received_at is None else (found.received_at, found.id)


def first_list_on(db: Session, isp: str) -> date | None:
    """The day (in Pakistan) on which the ISP's first accepted client list came in; None without one."""
    first = db.scalar(select(func.min(DeliveryRow.received_at)).where(*_lists_of(isp)))
    return None if first is None else pakistani_day(first)


def is_outdated(db: Session, isp: str, *, today: date, deadline_on: date, rule_version: str) -> bool:
    """Whether the ISP's statuses are older than its last merge or decision or `today`, or by another deadline or rule
    version."""
    run = db.execute(
        select(
            ReconciliationRunRow.run_at,
            ReconciliationRunRow.judgements,
            ReconciliationRunRow.deadline_on,
            ReconciliationRunRow.rule_version,
        )
        .where(ReconciliationRunRow.isp == isp)
        .order_by(ReconciliationRunRow.id.desc())
        .limit(1)
    ).one_or_none()
    if run is None:
        return bool(db.scalar(select(exists().where(*_lists_of(isp)))))
    if pakistani_day(run.run_at) != today or (run.deadline_on, run.rule_version) != (deadline_on, rule_version):
        return True
    return bool(run.judgements != judgements(db, isp))


def latest(db: Session, isp: str) -> pd.DataFrame:
    """Current statuses by subscriber: subscriber_id, client_name, status, reason, decided_by, registration_ref,
    candidate, since_at: since when he has this status, whatever else changed."""
    query = (
        select(
            ClientStatusRow.subscriber_id,
            ClientVersionRow.client_name,
            ClientStatusRow.status,
            ClientStatusRow.reason,
            ClientStatusRow.decided_by,
            ClientStatusRow.registration_ref,
            ClientStatusRow.candidate,
            func.coalesce(ClientStatusRow.status_since_at, ClientStatusRow.since_at).label("since_at"),
        )
        .join(
            ClientRow,
            and_(ClientRow.isp == ClientStatusRow.isp, ClientRow.subscriber_id == ClientStatusRow.subscriber_id),
        )
        .join(ClientVersionRow, ClientVersionRow.id == ClientRow.version_id)
        .where(ClientStatusRow.isp == isp, ClientStatusRow.ended_run_id.is_(None))
        .order_by(ClientStatusRow.subscriber_id)
    )
    return read_frame(db, query, text=(*_STATUS_TEXT, "client_name"))


def judgements(db: Session, isp: str) -> int:
    """How often a delivery, a case or an address of the ISP has been judged: it grows with every merge, decision and
    contested claim, whatever the clock says."""
    judged = select(func.count()).select_from(ValidationResultRow).join(DeliveryRow).where(DeliveryRow.isp == isp)
    decided = select(func.count()).select_from(DecisionRow).join(CaseRow).where(CaseRow.isp == isp)
    return db.scalars(judged).one() + db.scalars(decided).one() + contests.movements(db, isp)


def _lists_of(isp: str) -> tuple[Any, ...]:
    """The ISP's client lists that were taken."""
    return (
        DeliveryRow.isp == isp,
        DeliveryRow.feed == Feed.CLIENTS,
        DeliveryRow.folder == ZoneFolder.INCOMING,
        DeliveryRow.outcome.in_(TAKEN),
    )


def _text_frame(db: Session, query: Any, but: tuple[str, ...] = ()) -> pd.DataFrame:
    """The rows of a select with every column as text ('' for NULL), except those named."""
    return read_frame(
        db, query, text=[name for name in (column.key for column in query.selected_columns) if name not in but]
    )
