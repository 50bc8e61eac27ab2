"""What people ask of the registry: the overview, one client explained, and the exported views (views.py).

Column names are stable: outsiders build on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from vpn_registry.model import COMPARABLE, COVERED, Status
from vpn_registry.registry import cases
from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.tables import (
    ClientRow,
    ClientStatusRow,
    DeliveryRow,
    DeliveryRowRow,
    NoticeClientRow,
    NoticeRow,
    RegistrationRow,
    RegistrationVersionRow,
    ZoneWatchRow,
)
from vpn_registry.registry.views import VIEWS, clients_view, export, registry_view, view_frame

__all__ = ["VIEWS", "Explanation", "Overview", "explain", "export", "status_overview"]


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of everything at `at`.

    `isps`: isp, listed_at, failing_since_at, error, comparable, coverage (None when nothing is comparable), then one
    column a status. `deliveries` and `notices`: isp, state (and outcome), count. `open_cases`: how many wait for a
    person.
    """

    at: datetime
    isps: pd.DataFrame
    deliveries: pd.DataFrame
    notices: pd.DataFrame
    open_cases: int


def status_overview(db: Session, now: datetime) -> Overview:
    """Counts by ISP: clients by status, coverage, deliveries and notices by state."""
    deliveries = select(
        DeliveryRow.isp, DeliveryRow.state, DeliveryRow.outcome, func.count().label("count")
    ).group_by(DeliveryRow.isp, DeliveryRow.state, DeliveryRow.outcome)  # fmt: skip
    notices = select(NoticeRow.isp, NoticeRow.state, func.count().label("count")).group_by(
        NoticeRow.isp, NoticeRow.state
    )
    return Overview(
        at=now,
        isps=_coverage(db),
        deliveries=read_frame(
            db, deliveries.order_by("isp", "state", "outcome"), text=("isp", "state", "outcome"), whole=("count",)
        ),
        notices=read_frame(db, notices.order_by("isp", "state"), text=("isp", "state"), whole=("count",)),
        open_cases=len(cases.open_cases(db)),
    )


def _coverage(db: Session) -> pd.DataFrame:
    counted = db.execute(
        select(ClientStatusRow.isp, ClientStatusRow.status, func.count())
        .where(ClientStatusRow.ended_run_id.is_(None))
        .group_by(ClientStatusRow.isp, ClientStatusRow.status)
    )
    counts: dict[str, dict[Status, int]] = {}
    for isp, status, count in counted:
        counts.setdefault(isp, {})[Status(status)] = count
    watches = {watch.isp: watch for watch in db.execute(select(ZoneWatchRow.__table__))}
    rows = []
    for isp in sorted(counts.keys() | watches.keys()):
        of_isp, watch = counts.get(isp, {}), watches.get(isp)
        comparable = sum(count for status, count in of_isp.items() if status in COMPARABLE)
        covered = sum(count for status, count in of_isp.items() if status in COVERED)
        rows.append(
            {
                "isp": isp,
                "listed_at": watch.listed_at if watch else None,
                "failing_since_at": watch.failing_since_at if watch else None,
                "error": watch.error or "" if watch else "",
                "comparable": comparable,
                "coverage": covered / comparable if comparable else None,
                **{status.value: of_isp.get(status, 0) for status in Status},
            }
        )
    watched = ["isp", "listed_at", "failing_since_at", "error"]
    columns = [*watched, "comparable", "coverage", *(status.value for status in Status)]
    return pd.DataFrame(rows, columns=columns).astype({"coverage": "object"})


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a client has his status: the present one first in `statuses`, and everything that touched him.

    `statuses`: status, reason, decided_by, registration_ref, candidate, since_at, ended_at. `registrations`: the
    registry view of his refs. `rows`: what became of rows that named him. `notices`: those he stood in.
    """

    statuses: pd.DataFrame
    client: pd.DataFrame
    registrations: pd.DataFrame
    rows: pd.DataFrame
    notices: pd.DataFrame
    cases: list[tuple[int, str, str]]


def explain(db: Session, isp: str, subscriber_id: str) -> Explanation | None:
    """Everything that decides about one client; None when neither a list nor a registration ever named him."""
    clients = clients_view(None).where(ClientRow.isp == isp, ClientRow.subscriber_id == subscriber_id)
    status = ClientStatusRow
    statuses = (
        select(
            status.status, status.reason, status.decided_by, status.registration_ref, status.candidate,
            status.since_at, status.ended_at,
        )
        .where(status.isp == isp, status.subscriber_id == subscriber_id)
        .order_by(status.id.desc())
    )  # fmt: skip
    rows = (
        select(
            DeliveryRow.id.label("delivery_id"), DeliveryRow.file_name, DeliveryRowRow.row, DeliveryRowRow.key,
            DeliveryRowRow.outcome, DeliveryRowRow.effect, DeliveryRowRow.codes,
        )
        .join(DeliveryRow, and_(DeliveryRow.id == DeliveryRowRow.delivery_id,
                                DeliveryRow.revision == DeliveryRowRow.revision))
        .where(DeliveryRow.isp == isp, DeliveryRowRow.subscriber_id == subscriber_id)
        .order_by(DeliveryRow.id, DeliveryRowRow.row)
    )  # fmt: skip
    notices = (
        select(NoticeRow.notice_no, NoticeRow.stage, NoticeRow.state, NoticeClientRow.part, NoticeClientRow.status)
        .join(NoticeRow, NoticeRow.id == NoticeClientRow.notice_id)
        .where(NoticeClientRow.isp == isp, NoticeClientRow.subscriber_id == subscriber_id)
        .order_by(NoticeRow.notice_no)
    )
    registrations = registry_view(None).where(
        RegistrationRow.isp == isp, RegistrationVersionRow.subscriber_id == subscriber_id
    )
    explanation = Explanation(
        statuses=view_frame(db, statuses),
        client=view_frame(db, clients),
        registrations=view_frame(db, registrations),
        rows=view_frame(db, rows),
        notices=view_frame(db, notices),
        cases=[(case_.id, case_.kind, case_.reason) for case_ in cases.open_cases(db, isp)
               if case_.subject == subscriber_id],
    )  # fmt: skip
    known = (explanation.client, explanation.registrations, explanation.statuses, explanation.rows)
    return explanation if any(len(frame) for frame in known) else None
