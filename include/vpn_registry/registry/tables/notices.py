"""Deadlines, notices, the clients each names, and the messages: the outbox to the mail relay."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.model import ContactRole, NoticeState
from vpn_registry.registry.tables.base import BIG, Base, LongText, Moment, Slug, Surrogate
from vpn_registry.registry.times import UtcDateTime, one_of


class DeadlineRow(Base):
    """One entry of a campaign's deadline history; an extension is a new version, for everybody ('') or not."""

    __tablename__ = "deadlines"

    campaign: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ends_on: Mapped[date]
    entered_on: Mapped[date]
    source: Mapped[LongText]
    isp: Mapped[Slug] = mapped_column(server_default="")
    subscriber_id: Mapped[str] = mapped_column(String(40), server_default="")


class NoticeRow(Base):
    """One letter to one ISP at one stage of one deadline."""

    __tablename__ = "notices"
    __table_args__ = (
        UniqueConstraint("campaign", "deadline_version", "stage", "isp"),
        Index(None, "isp", "planned_at"),
    )

    id: Mapped[Surrogate]
    notice_no: Mapped[str] = mapped_column(String(16), unique=True)
    isp: Mapped[Slug]
    campaign: Mapped[str] = mapped_column(String(64))
    deadline_version: Mapped[int]
    ends_on: Mapped[date]  # the deadline as told in this letter
    stage: Mapped[str] = mapped_column(String(16))
    stage_on: Mapped[date]
    form: Mapped[str] = mapped_column(String(32))  # which letter
    state: Mapped[NoticeState] = mapped_column(one_of(NoticeState, "state"))
    reason: Mapped[LongText]  # why it is held or cancelled
    counts: Mapped[dict[str, Any]] = mapped_column(JSON())
    run_id: Mapped[int | None] = mapped_column(BIG, ForeignKey("reconciliation_runs.id"))
    planned_at: Mapped[Moment]
    approved_by: Mapped[LongText]
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class NoticeClientRow(Base):
    """One client named in a notice, as it stood when the notice was composed."""

    __tablename__ = "notice_clients"
    __table_args__ = (Index(None, "isp", "subscriber_id"),)

    notice_id: Mapped[int] = mapped_column(BIG, ForeignKey("notices.id"), primary_key=True)
    subscriber_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    isp: Mapped[Slug]
    part: Mapped[str] = mapped_column(String(1))  # A to register, B please check
    status: Mapped[str] = mapped_column(String(32))  # as the letter named it: `registering` is none of Status
    reason: Mapped[LongText]


class MessageMoveRow(Base):
    """The moves of `messages.state` and `notices.state`."""

    __tablename__ = "message_moves"

    from_state: Mapped[str] = mapped_column(String(32), primary_key=True)
    to_state: Mapped[str] = mapped_column(String(32), primary_key=True)


class MessageRow(Base):
    """One copy of a notice to one recipient; its bytes are frozen when it starts sending."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("notice_id", "email"), Index(None, "state"))

    id: Mapped[Surrogate]
    notice_id: Mapped[int] = mapped_column(BIG, ForeignKey("notices.id"))
    contact_name: Mapped[LongText]
    email: Mapped[str] = mapped_column(String(320))
    role: Mapped[ContactRole] = mapped_column(one_of(ContactRole, "role"))
    header_message_id: Mapped[str] = mapped_column(String(200), unique=True)
    state: Mapped[NoticeState] = mapped_column(one_of(NoticeState, "state"))
    attempts: Mapped[int]
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    reply: Mapped[LongText]
    subject: Mapped[LongText | None]
    body_text: Mapped[LongText | None]
    body_html: Mapped[LongText | None]
    attachment_name: Mapped[LongText | None]
    attachment: Mapped[bytes | None] = mapped_column(LargeBinary())
    frozen_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
