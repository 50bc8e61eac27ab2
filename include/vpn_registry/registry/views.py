"""The views that are exported: registry, clients, notices, findings, deliveries, as of now or of any past instant.

Column names are stable: outsiders build on them. Identity numbers appear as `hidden` (given) or '' (not given); whoever
may see them hands in what reveals them, because nothing here holds a key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, case, func, join, literal, or_, outerjoin, select
from sqlalchemy.orm import Session

from vpn_registry.registry import contests
from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.history import NOW, Then, clients_held, registrations_held
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

if TYPE_CHECKING:
    import pandas as pd

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
    on: date | None = None,
    as_of: datetime | None = None,
    reveal: Callable[[str], str] | None = None,
) -> pd.DataFrame:
    """One of the views registry, clients, notices, findings, deliveries, whole or of one ISP; KeyError for others.

    `on` asks for the end of a past day, `as_of` (aware) for what was known at a past instant (history.py). Statuses,
    findings, deliveries and notices are our own records: for a past day they are those of its end. Identity numbers
    are hidden unless `reveal` turns a stored ciphertext into its text; findings keep theirs masked, as they were
    stored. Text is '' where there is nothing, days are ISO text, moments are aware.
    """

    import pandas as pd

    query, isp_column, order = _VIEWS[view](Then(on, as_of), is_open=reveal is not None)
    if isp is not None:
        query = query.where(isp_column == isp)
    frame = view_frame(db, query.order_by(*order))
    if reveal is not None:
        for name in _IDENTITY.intersection(frame.columns):
            shown = [reveal(cipher) if cipher else "" for cipher in frame[name]]
            frame[name] = pd.Series(shown, dtype=frame[name].dtype)
    return frame


BETWEEN_ISPS: Final = ("contested", "contested_case")
"""Columns of the registry view that tell of other ISPs' registrations: for the data team, never for an ISP."""


def contested_registry(then: Then = NOW, *, is_open: bool = False) -> Any:
    """The registry view with how the claim to the addresses stands, when another client makes it too."""
    contested = contests.standings(then.told_by).subquery()
    return (
        registry_view(then, is_open=is_open)
        .outerjoin(contested, contested.c.registration_id == RegistrationRow.id)
        .add_columns(contested.c.standing.label("contested"), contested.c.case_id.label("contested_case"))
    )


def registry_view(then: Then = NOW, *, is_open: bool = False) -> Any:
    version = RegistrationVersionRow
    plain = [getattr(version, name) for name in _PLAIN_REGISTRATION]
    held = registrations_held(then) if then.is_past else None
    (state, decided_seq, closed_on), joined = _as_held(RegistrationRow, version, held, "in_force", "withdrawn")
    return select(
        RegistrationRow.isp, RegistrationRow.registration_ref, RegistrationRow.national_no, version.subscriber_id,
        version.category, version.client_name, version.ntn, _identity(version, "cnic", is_open),
        _identity(version, "other_id", is_open), *plain, state, decided_seq, closed_on,
        version.learnt_at, version.delivery_id, version.row,
    ).select_from(joined)  # fmt: skip


def clients_view(then: Then = NOW, *, is_open: bool = False) -> Any:
    version, status = ClientVersionRow, ClientStatusRow
    plain = [getattr(version, name) for name in _PLAIN_CLIENT]
    held = clients_held(then) if then.is_past else None
    (state, decided_seq, _), joined = _as_held(ClientRow, version, held, "listed", "left")
    told = outerjoin(
        joined, status, and_(status.isp == ClientRow.isp, status.subscriber_id == ClientRow.subscriber_id, *stood(then))
    )
    return select(
        ClientRow.isp, ClientRow.subscriber_id, version.client_name, version.ntn,
        _identity(version, "cnic", is_open), _identity(version, "other_id", is_open), *plain,
        state, status.status, status.reason, status.registration_ref,
        decided_seq, version.learnt_at, version.delivery_id, version.row,
    ).select_from(told)  # fmt: skip


def stood(then: Then) -> list[ColumnElement[bool]]:
    """Which statuses stood then: what a comparison said at the time, whatever was learnt since."""
    status, at = ClientStatusRow, then.told_by
    current: ColumnElement[bool] = status.ended_at.is_(None)
    return [current] if at is None else [status.since_at <= at, or_(current, status.ended_at > at)]


def _as_held(current: Any, version: Any, held: Any, yes: str, no: str) -> tuple[list[Any], Any]:
    """State, deciding number and day of closing, and the join from a current row to the content shown: now, or as
    history.py tells it of the past."""
    if held is None:
        state = case((current.is_in_force, yes), else_=no).label("state")
        facts = [state, current.decided_seq, current.closed_on]
        return facts, outerjoin(current, version, version.id == current.version_id)
    state = case((held.c.is_in_force, yes), else_=no).label("state")
    joined = join(current, held, held.c.current_id == current.id)
    return [state, held.c.decided_seq, held.c.closed_on], outerjoin(joined, version, version.id == held.c.version_id)


def _identity(version: Any, name: str, is_open: bool) -> Any:
    """An identity number as `hidden`, or as its ciphertext for whoever may open it."""
    cipher = func.coalesce(getattr(version, f"{name}_cipher"), "")
    return (cipher if is_open else case((cipher != "", literal("hidden")), else_=literal(""))).label(name)


def _notices(then: Then) -> Any:
    notice, as_of = NoticeRow, then.told_by
    clients = (
        select(func.count()).where(NoticeClientRow.notice_id == notice.id).correlate(notice).scalar_subquery()
    )  # fmt: skip
    query = select(
        notice.notice_no, notice.isp, notice.campaign, notice.deadline_version, notice.ends_on, notice.stage,
        notice.stage_on, notice.state, notice.reason, clients.label("clients"), notice.planned_at,
    )  # fmt: skip
    return query if as_of is None else query.where(notice.planned_at <= as_of)


def _findings(then: Then) -> Any:
    finding, as_of = FindingRow, then.told_by
    query = select(
        DeliveryRow.isp, finding.delivery_id, DeliveryRow.file_name, finding.revision, finding.row, finding.line,
        finding.key, finding.column_name.label("column"), finding.code, finding.severity, finding.value,
        finding.message, finding.remedy, finding.suggestion,
    ).join(DeliveryRow, DeliveryRow.id == finding.delivery_id)  # fmt: skip
    return query if as_of is None else query.where(DeliveryRow.judged_at <= as_of)


def _deliveries(then: Then) -> Any:
    delivery, as_of = DeliveryRow, then.told_by
    query = select(
        delivery.id.label("delivery_id"), delivery.isp, delivery.folder, delivery.file_name, delivery.feed,
        delivery.mode, delivery.content_on, delivery.seq, delivery.state, delivery.outcome, delivery.revision,
        delivery.rows_total, delivery.rows_accepted, delivery.rows_rejected, delivery.rows_duplicate,
        delivery.rows_warned, delivery.size_bytes, delivery.sha256, delivery.first_listed_at, delivery.received_at,
        delivery.judged_at, delivery.rulebook_version,
    )  # fmt: skip
    return query if as_of is None else query.where(delivery.first_listed_at <= as_of)


_VIEWS: Final[Mapping[str, Any]] = {
    "registry": lambda then, is_open: (
        contested_registry(then, is_open=is_open), RegistrationRow.isp,
        (RegistrationRow.isp, RegistrationRow.registration_ref),
    ),
    "clients": lambda then, is_open: (
        clients_view(then, is_open=is_open), ClientRow.isp, (ClientRow.isp, ClientRow.subscriber_id)
    ),
    "notices": lambda then, is_open: (_notices(then), NoticeRow.isp, (NoticeRow.notice_no,)),
    "findings": lambda then, is_open: (_findings(then), DeliveryRow.isp, (FindingRow.delivery_id, FindingRow.id)),
    "deliveries": lambda then, is_open: (_deliveries(then), DeliveryRow.isp, (DeliveryRow.id,)),
}  # fmt: skip
VIEWS: Final = tuple(_VIEWS)
"""The names `export` knows."""

_NOT_TEXT: Final = frozenset(
    {"row", "line", "revision", "delivery_id", "client_delivery_id", "registration_delivery_id", "list_delivery_id",
      "decided_seq", "seq", "contested_case", "deadline_version", "clients", "size_bytes",
     "rows_total", "rows_accepted", "rows_rejected", "rows_duplicate", "rows_warned"}
)  # fmt: skip


ViewRow = dict[str, Any]
"""One row of a view as plain values: numbers and moments (aware) or None, everything else text, '' for nothing."""


def view_rows(db: Session, query: Any) -> list[ViewRow]:
    """A view of a few rows, for whoever looks at one client."""
    result = db.execute(query)
    names = list(result.keys())
    return [{name: _plain(name, value) for name, value in zip(names, row, strict=True)} for row in result]


def _plain(name: str, value: Any) -> Any:
    if name in _NOT_TEXT or name.endswith("_at"):
        return value
    return "" if value is None else str(value)


def view_frame(db: Session, query: Any) -> pd.DataFrame:
    """A view as a frame: numbers are nullable Int64, moments aware, everything else text."""

    import pandas as pd

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
