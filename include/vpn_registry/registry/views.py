"""The views that are exported: registry, clients, notices, findings, deliveries, as of now or of any past instant.

Column names are stable: outsiders build on them. Identity numbers appear as `hidden` (given) or '' (not given); whoever
may see them hands in what reveals them, because nothing here holds a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import pandas as pd
from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.orm import Session, aliased

from vpn_registry.registry import contests
from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.tables import (
    ClientRow,
    ClientStatusRow,
    ClientVersionRow,
    DeliveryRow,
    FindingRow,
    NoticeClientRow,
    NoticeRow,
    RegistrationRow,
    RegistrationVersionRow,
)

_CLOSING: Final = ("withdraw", "absent")
_PLAIN_REGISTRATION: Final = (
    "secp_no", "pseb_no", "pseb_expiry", "contact_name", "contact_email", "contact_phone", "city", "province",
    "purpose", "connection_type", "local_ip", "msisdn", "remote_ip", "remote_country", "vpn_protocol", "vpn_provider",
    "valid_from", "valid_to", "undertaking_ref", "undertaking_on", "verified_on",
)  # fmt: skip
_IDENTITY: Final = frozenset({"cnic", "other_id"})
_PLAIN_CLIENT: Final = ("service_ips", "msisdn", "service_status", "active_since", "vpn_use")


def export(
    db: Session,
    view: str,
    *,
    isp: str | None = None,
    as_of: datetime | None = None,
    reveal: Callable[[str], str] | None = None,
) -> pd.DataFrame:
    """One of the views registry, clients, notices, findings, deliveries, whole or of one ISP; KeyError for others.

    With `as_of` (aware) it is what we knew at that instant. Identity numbers are hidden unless `reveal` turns a stored
    ciphertext into its text; findings keep theirs masked, as they were stored. Text is '' where there is nothing, days
    are ISO text, moments are aware.
    """
    query, isp_column, order = _VIEWS[view](as_of, is_open=reveal is not None)
    if isp is not None:
        query = query.where(isp_column == isp)
    frame = view_frame(db, query.order_by(*order))
    if reveal is not None:
        for name in _IDENTITY.intersection(frame.columns):
            shown = [reveal(cipher) if cipher else "" for cipher in frame[name]]
            frame[name] = pd.Series(shown, dtype=frame[name].dtype)
    return frame


def _known_version(version: Any, as_of: datetime, *conditions: ColumnElement[bool]) -> Any:
    """Id of each key's last version that counted at an instant."""
    known = version.learnt_at <= as_of
    return select(func.max(version.id)).where(known, ~version.is_overtaken, *conditions).group_by(version.current_id)


BETWEEN_ISPS: Final = ("contested", "contested_case")
"""Columns of the registry view that tell of other ISPs' registrations: for the data team, never for an ISP."""


def contested_registry(as_of: datetime | None, *, is_open: bool = False) -> Any:
    """The registry view with how the claim to the addresses stands, when another client makes it too."""
    contested = contests.standings(as_of).subquery()
    return (
        registry_view(as_of, is_open=is_open)
        .outerjoin(contested, contested.c.registration_id == RegistrationRow.id)
        .add_columns(contested.c.standing.label("contested"), contested.c.case_id.label("contested_case"))
    )


def registry_view(as_of: datetime | None, *, is_open: bool = False) -> Any:
    version = RegistrationVersionRow
    plain = [getattr(version, name) for name in _PLAIN_REGISTRATION]
    state, decided_seq, joined = _as_known(RegistrationRow, version, as_of, "in_force", "withdrawn")
    return joined(
        select(
            RegistrationRow.isp, RegistrationRow.registration_ref, RegistrationRow.national_no, version.subscriber_id,
            version.category, version.client_name, version.ntn, _identity(version, "cnic", is_open),
            _identity(version, "other_id", is_open), *plain, state, decided_seq, RegistrationRow.closed_on,
            version.learnt_at, version.delivery_id, version.row,
        )
    )  # fmt: skip


def clients_view(as_of: datetime | None, *, is_open: bool = False) -> Any:
    version = ClientVersionRow
    plain = [getattr(version, name) for name in _PLAIN_CLIENT]
    state, decided_seq, joined = _as_known(ClientRow, version, as_of, "listed", "left")
    holds: ColumnElement[bool] = ClientStatusRow.ended_at.is_(None)
    if as_of is not None:
        ended_later = or_(holds, ClientStatusRow.ended_at > as_of)
        holds = and_(ClientStatusRow.since_at <= as_of, ended_later)
    return joined(
        select(
            ClientRow.isp, ClientRow.subscriber_id, version.client_name, version.ntn,
            _identity(version, "cnic", is_open), _identity(version, "other_id", is_open), *plain,
            state, ClientStatusRow.status, ClientStatusRow.reason, ClientStatusRow.registration_ref,
            decided_seq, version.learnt_at, version.delivery_id, version.row,
        )
    ).outerjoin(
        ClientStatusRow,
        and_(ClientStatusRow.isp == ClientRow.isp, ClientStatusRow.subscriber_id == ClientRow.subscriber_id, holds),
    )  # fmt: skip


def _as_known(current: Any, version: Any, as_of: datetime | None, yes: str, no: str) -> Any:
    """State, deciding number, and the joins from a current row to the content shown, now or at an instant."""
    if as_of is None:
        state = case((current.is_in_force, yes), else_=no).label("state")
        return (
            state,
            current.decided_seq,
            lambda query: query.select_from(current).outerjoin(version, version.id == current.version_id),
        )
    deciding = aliased(version)
    state = case((deciding.action.in_(_CLOSING), no), else_=yes).label("state")
    shown = _known_version(version, as_of, version.action.not_in(_CLOSING))
    return (
        state,
        deciding.seq.label("decided_seq"),
        lambda query: (
            query.select_from(current)
            .join(
                deciding,
                and_(deciding.current_id == current.id, deciding.id.in_(_known_version(aliased(version), as_of))),
            )
            .outerjoin(version, and_(version.current_id == current.id, version.id.in_(shown.correlate(None))))
        ),
    )


def _identity(version: Any, name: str, is_open: bool) -> Any:
    """An identity number as `hidden`, or as its ciphertext for whoever may open it."""
    cipher = func.coalesce(getattr(version, f"{name}_cipher"), "")
    return (cipher if is_open else case((cipher != "", literal("hidden")), else_=literal(""))).label(name)


def _notices(as_of: datetime | None) -> Any:
    notice = NoticeRow
    clients = (
        select(func.count()).where(NoticeClientRow.notice_id == notice.id).correlate(notice).scalar_subquery()
    )  # fmt: skip
    query = select(
        notice.notice_no, notice.isp, notice.campaign, notice.deadline_version, notice.ends_on, notice.stage,
        notice.stage_on, notice.state, notice.reason, clients.label("clients"), notice.planned_at,
    )  # fmt: skip
    return query if as_of is None else query.where(notice.planned_at <= as_of)


def _findings(as_of: datetime | None) -> Any:
    finding = FindingRow
    query = select(
        DeliveryRow.isp, finding.delivery_id, DeliveryRow.file_name, finding.revision, finding.row, finding.line,
        finding.key, finding.column_name.label("column"), finding.code, finding.severity, finding.value,
        finding.message, finding.remedy, finding.suggestion,
    ).join(DeliveryRow, DeliveryRow.id == finding.delivery_id)  # fmt: skip
    return query if as_of is None else query.where(DeliveryRow.judged_at <= as_of)


def _deliveries(as_of: datetime | None) -> Any:
    delivery = DeliveryRow
    query = select(
        delivery.id.label("delivery_id"), delivery.isp, delivery.folder, delivery.file_name, delivery.feed,
        delivery.mode, delivery.content_on, delivery.seq, delivery.state, delivery.outcome, delivery.revision,
        delivery.rows_total, delivery.rows_accepted, delivery.rows_rejected, delivery.rows_duplicate,
        delivery.rows_warned, delivery.size_bytes, delivery.sha256, delivery.first_listed_at, delivery.received_at,
        delivery.judged_at, delivery.rulebook_version,
    )  # fmt: skip
    return query if as_of is None else query.where(delivery.first_listed_at <= as_of)


_VIEWS: Final[Mapping[str, Any]] = {
    "registry": lambda as_of, is_open: (
        contested_registry(as_of, is_open=is_open), RegistrationRow.isp,
        (RegistrationRow.isp, RegistrationRow.registration_ref),
    ),
    "clients": lambda as_of, is_open: (
        clients_view(as_of, is_open=is_open), ClientRow.isp, (ClientRow.isp, ClientRow.subscriber_id)
    ),
    "notices": lambda as_of, is_open: (_notices(as_of), NoticeRow.isp, (NoticeRow.notice_no,)),
    "findings": lambda as_of, is_open: (_findings(as_of), DeliveryRow.isp, (FindingRow.delivery_id, FindingRow.id)),
    "deliveries": lambda as_of, is_open: (_deliveries(as_of), DeliveryRow.isp, (DeliveryRow.id,)),
}  # fmt: skip
VIEWS: Final = tuple(_VIEWS)
"""The names `export` knows."""

_NOT_TEXT: Final = frozenset(
    {"row", "line", "revision", "delivery_id", "client_delivery_id", "registration_delivery_id", "list_delivery_id",
      "decided_seq", "seq", "contested_case", "deadline_version", "clients", "size_bytes",
     "rows_total", "rows_accepted", "rows_rejected", "rows_duplicate", "rows_warned"}
)  # fmt: skip


def view_frame(db: Session, query: Any) -> pd.DataFrame:
    """A view as a frame: numbers are nullable Int64, moments aware, everything else text."""
    names = [column.key for column in query.selected_columns]
    moments = [name for name in names if name.endswith("_at")]
    days = [name for name in names if name.endswith("_on")]
    frame = read_frame(
        db, query, text=[name for name in names if name not in _NOT_TEXT and name not in (*moments, *days)]
    )
    for name in names:
        if name in _NOT_TEXT:
            frame[name] = frame[name].astype("Int64")
        elif name in moments:
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif name in days:
            frame[name] = frame[name].map(lambda day: "" if day is None else str(day)).astype("string[pyarrow]")
    return frame
