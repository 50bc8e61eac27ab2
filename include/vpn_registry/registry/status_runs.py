"""One run of the reconciliation, stored set-based: its statuses, what moved, who changed his id, what is orphaned.

A status that changes is ended, never overwritten; one whose evidence stays as it was keeps its row.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import and_, delete, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session

from vpn_registry.registry import statuses
from vpn_registry.registry.behind import run_of
from vpn_registry.registry.bulk import insert_frame
from vpn_registry.registry.tables import (
    ClientRow,
    ClientStatusRow,
    ClientSuccessionRow,
    ClientVersionRow,
    OrphanRow,
    ReconciliationRunRow,
    RegistrationRow,
    RegistrationVersionRow,
)
from vpn_registry.registry.tables.base import BIG
from vpn_registry.registry.temporary import analyze, empty

if TYPE_CHECKING:
    import pandas as pd

_TOLD: Final = ("status", "reason", "decided_by", "registration_ref", "candidate")
_DELIVERIES: Final = ("client_delivery_id", "registration_delivery_id")
STAGED: Final = sa.Table(
    "staged_statuses",
    sa.MetaData(),
    sa.Column("subscriber_id", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text) for name in _TOLD),
    sa.Column("predecessor", sa.Text),  # whose history he goes on with; himself, unless his id is new
    *(sa.Column(name, BIG) for name in _DELIVERIES),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Moves:
    """How many clients differ from the run before (contract section 7)."""

    new: int = 0
    resolved: int = 0
    changed: int = 0
    gone: int = 0


NO_MOVES: Final = Moves()


@dataclass(frozen=True, slots=True)
class Run:
    """One comparison as it is stored; `counts` are clients by status."""

    run_at: datetime
    rule_version: str
    deadline_on: date
    counts: dict[str, int]
    orphans: int
    moves: Moves


def store(
    db: Session,
    isp: str,
    found: pd.DataFrame,
    *,
    at: datetime,
    rule_version: str,
    deadline_on: date,
    moves: Moves = NO_MOVES,
    successors: Mapping[str, str] = MappingProxyType({}),
    orphans: Collection[str] = (),
) -> Run:
    """Store one comparison. `found` has reconciliation.STATUS_COLUMNS, `successors` old subscriber ids with the new."""

    import pandas as pd

    counts = {str(status): int(count) for status, count in found["status"].value_counts().sort_index().items()}
    run = Run(at, rule_version, deadline_on, counts, len(orphans), moves)
    run_id = _add_run(db, isp, run)
    _stage(db, isp, found, successors)
    _end(db, isp, run_id, at)
    _begin(db, isp, run_id, at)
    db.execute(delete(OrphanRow).where(OrphanRow.isp == isp))
    insert_frame(db, OrphanRow, pd.DataFrame({"isp": isp, "registration_ref": sorted(orphans)}))
    if successors:
        followed = [{"isp": isp, "subscriber_id": old, "successor": new} for old, new in sorted(successors.items())]
        db.execute(
            delete(ClientSuccessionRow).where(
                ClientSuccessionRow.isp == isp, ClientSuccessionRow.subscriber_id.in_(list(successors))
            )
        )
        db.execute(insert(ClientSuccessionRow), [one | {"run_id": run_id} for one in followed])
    return run


def last(db: Session) -> dict[str, Run]:
    """The last run of each ISP."""
    run = ReconciliationRunRow
    newest = select(func.max(run.id)).group_by(run.isp)
    columns = (run.isp, run.run_at, run.rule_version, run.deadline_on, run.counts, run.orphans,
               run.new, run.resolved, run.changed, run.gone)  # fmt: skip
    rows = db.execute(select(*columns).where(run.id.in_(newest)).order_by(run.isp))
    return {
        row.isp: Run(
            row.run_at, row.rule_version, row.deadline_on, dict(row.counts), row.orphans,
            Moves(row.new, row.resolved, row.changed, row.gone),
        )
        for row in rows
    }  # fmt: skip


def orphans(db: Session) -> dict[str, list[str]]:
    """ISP -> the refs of its registrations in force without a client, as of its last run."""
    found: dict[str, list[str]] = {}
    for isp, ref in db.execute(select(OrphanRow.isp, OrphanRow.registration_ref).order_by(*OrphanRow.__table__.c)):
        found.setdefault(isp, []).append(ref)
    return found


def orphans_among(db: Session, isp: str, refs: Collection[str]) -> list[str]:
    """Those of these refs of the ISP that are without a client, as of its last run."""
    orphan = OrphanRow
    query = select(orphan.registration_ref).where(orphan.isp == isp, orphan.registration_ref.in_(refs))
    return list(db.scalars(query.order_by(orphan.registration_ref)))


def _add_run(db: Session, isp: str, run: Run) -> int:
    values: dict[str, Any] = {
        "isp": isp,
        "run_at": run.run_at,
        "rule_version": run.rule_version,
        "deadline_on": run.deadline_on,
        "judgements": statuses.judgements(db, isp),
        "list_delivery_id": statuses.list_delivery(db, isp),
        "counts": run.counts,
        "orphans": run.orphans,
        **{name: getattr(run.moves, name) for name in Moves.__slots__},
        "made_in": run_of(db),
    }
    return db.scalars(insert(ReconciliationRunRow).values(**values).returning(ReconciliationRunRow.id)).one()


def _stage(db: Session, isp: str, found: pd.DataFrame, successors: Mapping[str, str]) -> None:
    """Load the statuses, and add the deliveries each rests on."""
    empty(db, STAGED)
    rows = found.rename(columns={"key": "decided_by"})[["subscriber_id", *_TOLD]]
    was = {new: old for old, new in successors.items()}
    insert_frame(db, STAGED, rows.assign(predecessor=rows["subscriber_id"].replace(was)))
    analyze(db, STAGED, "subscriber_id, registration_ref")
    client, registration = ClientVersionRow, RegistrationVersionRow
    db.execute(
        update(STAGED)
        .where(
            ClientRow.isp == isp, ClientRow.subscriber_id == STAGED.c.subscriber_id, client.id == ClientRow.version_id
        )
        .values(client_delivery_id=client.delivery_id)
    )
    db.execute(
        update(STAGED)
        .where(
            RegistrationRow.isp == isp,
            RegistrationRow.registration_ref == STAGED.c.registration_ref,
            registration.id == RegistrationRow.version_id,
        )
        .values(registration_delivery_id=registration.delivery_id)
    )


def _end(db: Session, isp: str, run_id: int, at: datetime) -> None:
    """End every current status that this run does not say again."""
    row = ClientStatusRow
    same = [getattr(row, name) == STAGED.c[name] for name in ("subscriber_id", *_TOLD)]
    same += [func.coalesce(getattr(row, name), 0) == func.coalesce(STAGED.c[name], 0) for name in _DELIVERIES]
    said_again = exists(select(literal(1)).select_from(STAGED).where(*same).correlate(row.__table__))
    db.execute(
        update(row)
        .where(row.isp == isp, row.ended_run_id.is_(None), ~said_again)
        .values(ended_at=at, ended_run_id=run_id)
    )


def _begin(db: Session, isp: str, run_id: int, at: datetime) -> None:
    """Begin what is new; a status that only changes its evidence, or its client's id, holds since it did before."""
    row, before = ClientStatusRow.__table__, ClientStatusRow.__table__.alias("before")
    current = exists(
        select(literal(1)).where(
            row.c.isp == isp, row.c.subscriber_id == STAGED.c.subscriber_id, row.c.ended_run_id.is_(None)
        )
    )
    goes_on = and_(
        before.c.isp == isp,
        before.c.subscriber_id == STAGED.c.predecessor,
        before.c.ended_run_id == run_id,
        before.c.status == STAGED.c.status,
    )
    since = literal(at, row.c.since_at.type)
    names = ("subscriber_id", *_TOLD, *_DELIVERIES)
    begun = (
        select(
            literal(isp),
            *(STAGED.c[name] for name in names),
            func.coalesce(before.c.status_since_at, before.c.since_at, since),
            since,
            literal(run_id),
        )
        .select_from(STAGED.outerjoin(before, goes_on))
        .where(~current)
        .order_by(STAGED.c.subscriber_id)
    )
    columns = ["isp", *names, "status_since_at", "since_at", "since_run_id"]
    db.execute(insert(ClientStatusRow).from_select(columns, begun, include_defaults=False))
