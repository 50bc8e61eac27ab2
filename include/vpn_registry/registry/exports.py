"""The views that are exported: registry, clients, notices, findings, deliveries, as of now or of any past instant.

Column names are stable: outsiders build on them. Identity numbers appear as `hidden` (given) or '' (not given); whoever
may see them hands in what reveals them, because nothing here holds a key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, case, func, literal, select
from sqlalchemy.orm import Session

from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.history import Then
from vpn_registry.registry.tables import (
    ClientRow,
    DeliveryRow,
    FindingRow,
    NoticeClientRow,
    NoticeRow,
    OrphanRow,
    RegistrationRow,
)
from vpn_registry.registry.views import Kind, clients_view, contested_registry, kind_of, plain_value

if TYPE_CHECKING:
    import pandas as pd

_IDENTITY: Final = frozenset({"cnic", "other_id"})
_PIECE: Final = 5_000
"""Rows read from the database at a time."""


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

    frame = view_frame(db, _query(view, Then(on, as_of), isp, is_open=reveal is not None))
    if reveal is not None:
        for name in _IDENTITY.intersection(frame.columns):
            shown = [reveal(cipher) if cipher else "" for cipher in frame[name]]
            frame[name] = pd.Series(shown, dtype=frame[name].dtype)
    return frame


@dataclass(frozen=True, slots=True)
class Streamed:
    """A view of any size: what its columns hold, how many rows there are, and these in pieces (see `plain_value`)."""

    columns: dict[str, Kind]
    count: int
    pieces: Iterator[list[tuple[Any, ...]]]


def stream(
    db: Session,
    view: str,
    *,
    isp: str | None = None,
    on: date | None = None,
    as_of: datetime | None = None,
    reveal: Callable[[str], str] | None = None,
) -> Streamed:
    """The same as `export`, read from the database piece by piece, as long as its session is open."""
    query = _query(view, Then(on, as_of), isp, is_open=reveal is not None)
    names = [str(column.key) for column in query.selected_columns]
    count = db.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    return Streamed({name: kind_of(name) for name in names}, count, _pieces(db, query, names, reveal))


def _pieces(
    db: Session, query: Any, names: list[str], reveal: Callable[[str], str] | None
) -> Iterator[list[tuple[Any, ...]]]:
    is_open = [reveal is not None and name in _IDENTITY for name in names]
    for part in db.execute(query.execution_options(yield_per=_PIECE)).partitions():
        rows = [tuple(map(plain_value, names, row)) for row in part]
        if reveal is not None and any(is_open):
            rows = [
                tuple(reveal(cell) if opens and cell else cell for cell, opens in zip(row, is_open, strict=True))
                for row in rows
            ]
        yield rows


def _query(view: str, then: Then, isp: str | None, *, is_open: bool) -> Any:
    query, isp_column, order = _VIEWS[view](then, is_open=is_open)
    return (query if isp is None else query.where(isp_column == isp)).order_by(*order)


FOR_THE_TEAM: Final = ("contested", "contested_case", "orphan")
"""Columns of the registry view that tell more than the book: of other ISPs' registrations, and of the comparison."""


def _registry(then: Then, *, is_open: bool) -> Any:
    """With `orphan` where the last comparison paired a registration in force with no client; not told of the past."""
    book = contested_registry(then, is_open=is_open)
    if then.is_past:
        return book.add_columns(literal("").label("orphan"))
    is_same = and_(OrphanRow.isp == RegistrationRow.isp, OrphanRow.registration_ref == RegistrationRow.registration_ref)
    mark = case((OrphanRow.isp.is_(None), ""), else_="orphan")
    return book.outerjoin(OrphanRow, is_same).add_columns(mark.label("orphan"))


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
        _registry(then, is_open=is_open), RegistrationRow.isp,
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


def view_frame(db: Session, query: Any) -> pd.DataFrame:
    """A view as a frame: numbers are nullable Int64, moments aware, everything else text."""

    import pandas as pd

    names = [column.key for column in query.selected_columns]
    moments = [name for name in names if name.endswith("_at")]
    days = [name for name in names if name.endswith("_on")]
    frame = read_frame(
        db, query, text=[name for name in names if kind_of(name) != "number" and name not in (*moments, *days)]
    )
    for name in names:
        if kind_of(name) == "number":
            frame[name] = frame[name].astype("Int64")
        elif name in moments:
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif name in days:
            frame[name] = frame[name].map(lambda day: "" if day is None else str(day)).astype("string[pyarrow]")
    return frame
