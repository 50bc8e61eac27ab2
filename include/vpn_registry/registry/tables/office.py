"""Mails to the office itself: the daily report and word of our own failures."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.registry.tables.base import Base, LongText, Moment, Surrogate
from vpn_registry.registry.times import UtcDateTime


class OfficeMailRow(Base):
    """One mail about one thing; what happens again while it is known only counts up. Ids and counts only."""

    __tablename__ = "office_mails"
    __table_args__ = (UniqueConstraint("kind", "about"), Index(None, "state"))

    id: Mapped[Surrogate]
    kind: Mapped[str] = mapped_column(String(16))  # report, failure or late
    about: Mapped[str] = mapped_column(String(200))  # `2026-06-16`, `2026-06-16/collect_deliveries.take/indus`
    state: Mapped[str] = mapped_column(String(16))  # queued, withheld, sending, sent or uncertain
    occurrences: Mapped[int]
    queued_at: Mapped[Moment]
    last_at: Mapped[Moment]  # when it happened last
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    recipient: Mapped[str] = mapped_column(String(320))
    subject: Mapped[LongText]
    body_text: Mapped[LongText]
    body_html: Mapped[LongText]
    reply: Mapped[LongText]  # the relay's words
