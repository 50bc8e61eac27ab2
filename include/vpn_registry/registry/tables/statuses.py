"""What reconciliation said: its runs, and each client's status from the run that set it to the one that ended it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.model import Status
from vpn_registry.registry.tables.base import BIG, Base, LongText, Moment, Slug, Surrogate
from vpn_registry.registry.times import UtcDateTime, one_of

_CURRENT = text("ended_run_id IS NULL")


class ReconciliationRunRow(Base):
    """One comparison of one ISP's registrations with its client list; `counts` by status."""

    __tablename__ = "reconciliation_runs"
    __table_args__ = (Index(None, "isp", "run_at"),)

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    run_at: Mapped[Moment]
    rule_version: Mapped[str] = mapped_column(String(32))
    deadline_on: Mapped[date]
    judgements: Mapped[int]  # how many judgements of the ISP's deliveries and cases it rests on
    list_delivery_id: Mapped[int | None] = mapped_column(BIG)  # the newest client list
    counts: Mapped[dict[str, Any]] = mapped_column(JSON())
    orphans: Mapped[int] = mapped_column(default=0)  # registrations in force without a client on the list
    new: Mapped[int]
    resolved: Mapped[int]
    changed: Mapped[int]
    gone: Mapped[int]
    made_in: Mapped[LongText] = mapped_column(server_default="")  # the DAG run, as `dag_id/run_id`; '' if none did


class ClientStatusRow(Base):
    """One status of one client; the current one has no `ended_run_id`, the others are its history."""

    __tablename__ = "client_statuses"
    __table_args__ = (
        Index(
            "uq_client_statuses_current", "isp", "subscriber_id",
            unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT,
        ),
        Index(None, "isp", "subscriber_id"),
        Index(
            "ix_client_statuses_current_by_status", "isp", "status", "subscriber_id",
            sqlite_where=_CURRENT, postgresql_where=_CURRENT,
        ),
    )  # fmt: skip

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    subscriber_id: Mapped[LongText]
    status: Mapped[Status] = mapped_column(one_of(Status, "status"))
    reason: Mapped[LongText]
    decided_by: Mapped[str] = mapped_column(String(32))  # the key that decided: subscriber_id, ntn, address, ..
    registration_ref: Mapped[LongText]
    candidate: Mapped[LongText]  # the nearest registration that did not pair
    client_delivery_id: Mapped[int | None] = mapped_column(BIG)  # that gave the client's row
    registration_delivery_id: Mapped[int | None] = mapped_column(BIG)  # that gave the deciding registration's
    status_since_at: Mapped[datetime | None] = mapped_column(UtcDateTime())  # `since_at` is of the evidence
    since_at: Mapped[Moment]
    since_run_id: Mapped[int] = mapped_column(BIG, ForeignKey("reconciliation_runs.id"))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    ended_run_id: Mapped[int | None] = mapped_column(BIG, ForeignKey("reconciliation_runs.id"))


class ClientSuccessionRow(Base):
    """A subscriber who left a list and stood on the same one under another id; found by the run `run_id`."""

    __tablename__ = "client_successions"
    __table_args__ = (Index(None, "isp", "successor"),)

    isp: Mapped[str] = mapped_column(String(20), primary_key=True)
    subscriber_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    successor: Mapped[str] = mapped_column(String(40))
    run_id: Mapped[int] = mapped_column(BIG, ForeignKey("reconciliation_runs.id"))


class OrphanRow(Base):
    """A registration in force that no client of the newest list is paired with, as the last run saw it."""

    __tablename__ = "orphans"

    isp: Mapped[str] = mapped_column(String(20), primary_key=True)
    registration_ref: Mapped[str] = mapped_column(String(40), primary_key=True)
