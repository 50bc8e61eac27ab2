"""The two books as they are shown, with the content that holds, as of now or of any past instant.

Column names are stable: outsiders build on them. Identity numbers appear as `hidden` (given) or '' (not given), or as
their ciphertext for whoever may open it: nothing here holds a key.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal

from sqlalchemy import ColumnElement, and_, case, func, join, literal, or_, outerjoin, select
from sqlalchemy.orm import Session

from vpn_registry.model import Feed
from vpn_registry.registry import contests, deciding
from vpn_registry.registry.history import NOW, Then, clients_held, registrations_held
from vpn_registry.registry.tables import (
    ClientRow,
    ClientStatusRow,
    ClientVersionRow,
    RegistrationRow,
    RegistrationVersionRow,
)

_PLAIN_REGISTRATION: Final = (
    "secp_no", "pseb_no", "pseb_expiry", "contact_name", "contact_email", "contact_phone", "city", "province",
    "purpose", "connection_type", "local_ip", "msisdn", "remote_ip", "remote_country", "vpn_protocol", "vpn_provider",
    "valid_from", "valid_to", "undertaking_ref", "undertaking_on", "verified_on",
)  # fmt: skip
Kind = Literal["text", "number", "moment"]
"""What a column of a view holds, by its name."""
_PLAIN_CLIENT: Final = ("service_ips", "msisdn", "service_status", "active_since", "vpn_use")


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
    (state, decided_seq, closed_on), joined = _as_held(Feed.REGISTRATIONS, held)
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
    (state, decided_seq, _), joined = _as_held(Feed.CLIENTS, held)
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
    current: ColumnElement[bool] = status.ended_run_id.is_(None)  # as the index of current statuses says it
    return [current] if at is None else [status.since_at <= at, or_(current, status.ended_at > at)]


_BOOKS: Final[Mapping[Feed, tuple[Any, Any, Any, str, str]]] = {
    Feed.REGISTRATIONS: (
        RegistrationRow, RegistrationRow.registration_ref, RegistrationVersionRow, "in_force", "withdrawn",
    ),
    Feed.CLIENTS: (ClientRow, ClientRow.subscriber_id, ClientVersionRow, "listed", "left"),
}  # fmt: skip


def _as_held(feed: Feed, held: Any) -> tuple[list[Any], Any]:
    """State, deciding number and day of closing, and the join from a current row to the content shown: now, or as
    history.py tells it of the past."""
    current, key, version, yes, no = _BOOKS[feed]
    if held is None:
        closing = deciding.closings(feed)
        state = case((current.is_in_force, yes), else_=no).label("state")
        decided_seq = deciding.decided_seq(current, key, closing.c).label("decided_seq")
        shown = outerjoin(current, version, version.id == current.version_id)
        return [state, decided_seq, current.closed_on], outerjoin(shown, closing, closing.c.isp == current.isp)
    state = case((held.c.is_in_force, yes), else_=no).label("state")
    joined = join(current, held, held.c.current_id == current.id)
    return [state, held.c.decided_seq, held.c.closed_on], outerjoin(joined, version, version.id == held.c.version_id)


def _identity(version: Any, name: str, is_open: bool) -> Any:
    """An identity number as `hidden`, or as its ciphertext for whoever may open it."""
    cipher = func.coalesce(getattr(version, f"{name}_cipher"), "")
    return (cipher if is_open else case((cipher != "", literal("hidden")), else_=literal(""))).label(name)


_NOT_TEXT: Final = frozenset(
    {"row", "line", "revision", "delivery_id", "client_delivery_id", "registration_delivery_id", "list_delivery_id",
      "decided_seq", "seq", "contested_case", "deadline_version", "clients", "size_bytes",
     "rows_total", "rows_accepted", "rows_rejected", "rows_duplicate", "rows_warned"}
)  # fmt: skip


ViewRow = dict[str, Any]
"""One row of a view as plain values (see `plain_value`)."""


def view_rows(db: Session, query: Any) -> list[ViewRow]:
    """A view of a few rows, for whoever looks at one client."""
    result = db.execute(query)
    names = list(result.keys())
    return [{name: plain_value(name, value) for name, value in zip(names, row, strict=True)} for row in result]


def plain_value(name: str, value: Any) -> Any:
    """Numbers and moments (aware) as they are, None where there is none; everything else text, '' for nothing."""
    if kind_of(name) != "text":
        return value
    return "" if value is None else str(value)


@cache
def kind_of(name: str) -> Kind:
    """What a column of this name holds in every view."""
    if name in _NOT_TEXT:
        return "number"
    return "moment" if name.endswith("_at") else "text"
