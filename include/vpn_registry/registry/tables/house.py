"""The house's own tables: the home row, counters of issued numbers, cases and decisions, the audit trail."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.registry.tables.base import BIG, Base, LongText, Moment, Sha256, Slug, Surrogate
from vpn_registry.registry.times import UtcDateTime


class HomeRow(Base):
    """The one row about this registry: whether it lives on a simulated clock, and the mark of its key file."""

    __tablename__ = "home"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    is_simulated: Mapped[bool]
    simulated_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    key_mark: Mapped[LongText]  # a fingerprint of fixed text: tells a wrong key file from the right one


class KeyMarkRow(Base):
    """A key that has encrypted for this registry: a key file without it, or with another under its id, is refused."""

    __tablename__ = "key_marks"

    key_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    mark: Mapped[Sha256]


class CounterRow(Base):
    """The last number issued of a series, such as `VPN-2026` or `N-2026`."""

    __tablename__ = "counters"

    series: Mapped[str] = mapped_column(String(32), primary_key=True)
    last_no: Mapped[int] = mapped_column(BIG)


class CaseRow(Base):
    """Something a person has to decide; at most one open case of a kind about one subject."""

    __tablename__ = "cases"
    __table_args__ = (Index(None, "isp", "kind", "subject"),)

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    kind: Mapped[str] = mapped_column(String(32))
    subject: Mapped[LongText]  # an id of ours or of the ISP's: delivery, subscriber, notice
    delivery_id: Mapped[int | None] = mapped_column(BIG, ForeignKey("deliveries.id"))
    reason: Mapped[LongText]
    opened_at: Mapped[Moment]
    opened_by: Mapped[LongText] = mapped_column(server_default="")  # the person who entered it; '' when nobody did
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    evidence: Mapped[LongText] = mapped_column(server_default="")  # of a review: the key that pairs in part
    opened_in: Mapped[LongText] = mapped_column(server_default="")  # the DAG run, as `dag_id/run_id`; '' if none did


class DecisionRow(Base):
    """What a person decided on a case, and why; decisions are only added."""

    __tablename__ = "decisions"
    __table_args__ = (Index(None, "case_id"),)

    id: Mapped[Surrogate]
    case_id: Mapped[int] = mapped_column(BIG, ForeignKey("cases.id"))
    outcome: Mapped[str] = mapped_column(String(32))
    reason: Mapped[LongText]
    actor: Mapped[LongText]
    decided_at: Mapped[Moment]
    until_on: Mapped[date | None]  # the last day the decision holds; empty = until another one


class AuditEventRow(Base):
    """Who did what to which object, inserted in the business transaction; `detail` holds ids and counts only."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "object_type", "object_id"),)

    id: Mapped[Surrogate]
    happened_at: Mapped[Moment]
    actor: Mapped[LongText]
    action: Mapped[str] = mapped_column(String(64))
    object_type: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[LongText]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON())


class AuditSealRow(Base):
    """One link of the hash chain over committed events; apart from them, so that an event is never updated."""

    __tablename__ = "audit_seals"

    id: Mapped[int] = mapped_column(BIG, primary_key=True, autoincrement=False)  # position in the chain, from 1
    event_id: Mapped[int] = mapped_column(BIG, ForeignKey("audit_events.id"), unique=True)
    previous_sha256: Mapped[Sha256]
    sha256: Mapped[Sha256]
    scheme: Mapped[int] = mapped_column(server_default="1")  # how the link was made (audit.py)
    sealed_at: Mapped[Moment]
