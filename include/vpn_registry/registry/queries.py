"""What people ask of the registry: the overview, one client explained, and the exported views (views.py).

Column names are stable: outsiders build on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vpn_registry.model import COMPARABLE, COVERED, Status
from vpn_registry.registry import cases
from vpn_registry.registry.bulk import read_frame
from vpn_registry.registry.explanations import Explanation, explain
from vpn_registry.registry.history import NOW, Then
from vpn_registry.registry.tables import (
    ClientStatusRow,
    DeliveryRow,
    NoticeRow,
    ZoneWatchRow,
)
from vpn_registry.registry.views import BETWEEN_ISPS, VIEWS, export

__all__ = ["BETWEEN_ISPS", "NOW", "VIEWS", "Explanation", "Overview", "Then", "explain", "export", "status_overview"]


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
