"""The ledger: deliveries, their numbers, rows, findings, verdicts and answers; leases and watches of the zones."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.model import DeliveryState, Feed, Mode, Outcome, Severity, ZoneFolder
from vpn_registry.registry.tables.base import BIG, Base, Big, LongText, Moment, Sha256, Slug, Surrogate
from vpn_registry.registry.times import UtcDateTime, one_of

_OPEN = text("state IN ('seen', 'claimed')")
_HELD = text("outcome = 'held'")
_REJECTED = text("outcome = 'rejected'")


class DeliveryRow(Base):
    """One file from its first listing to its last state; `settling_s` and `listed_s` are wall-clock seconds."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index(
            "uq_deliveries_open", "isp", "folder", "file_name",
            unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN,
        ),
        Index(None, "isp", "feed", "seq"),
        Index(
            "ix_deliveries_closing", "isp", "feed", "seq",
            sqlite_where=text("is_closing = 1"), postgresql_where=text("is_closing"),
        ),
        Index(None, "isp", "state"),
        Index(None, "isp", "folder", "file_name"),
        Index(None, "first_listed_at"),
        Index(None, "judged_at"),
        Index("ix_deliveries_held", "isp", sqlite_where=_HELD, postgresql_where=_HELD),
    )  # fmt: skip

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    folder: Mapped[ZoneFolder] = mapped_column(one_of(ZoneFolder, "folder"))
    file_name: Mapped[LongText]
    state: Mapped[DeliveryState] = mapped_column(one_of(DeliveryState, "state"))
    size_bytes: Mapped[Big]
    mtime: Mapped[Big]
    first_listed_at: Mapped[Moment]
    settling_s: Mapped[float]  # when this size and mtime were first listed
    listed_s: Mapped[float]  # when it was last listed
    claim_no: Mapped[int] = mapped_column(default=0)
    sha256: Mapped[Sha256 | None]
    declared_sha256: Mapped[Sha256 | None]  # by the file beside it; '' when that held no checksum
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    feed: Mapped[Feed | None] = mapped_column(one_of(Feed, "feed"))
    mode: Mapped[Mode | None] = mapped_column(one_of(Mode, "mode"))
    name_isp: Mapped[Slug | None]  # the code in the name; another than `isp` in a wrong zone
    content_on: Mapped[date | None]
    seq: Mapped[int | None]
    ext: Mapped[str | None] = mapped_column(String(16))
    owns_number: Mapped[bool] = mapped_column(default=False)
    outcome: Mapped[Outcome | None] = mapped_column(one_of(Outcome, "outcome"))
    revision: Mapped[int] = mapped_column(default=1)
    rows_total: Mapped[int | None]
    rows_accepted: Mapped[int | None]
    rows_rejected: Mapped[int | None]
    rows_duplicate: Mapped[int | None]
    rows_warned: Mapped[int | None]
    rulebook_version: Mapped[str | None] = mapped_column(String(32))
    judged_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    is_closing: Mapped[bool] = mapped_column(default=False)  # a full file that was allowed to close what it leaves out
    is_source_removed: Mapped[bool] = mapped_column(default=False)


class DeliveryMoveRow(Base):
    """The moves of `deliveries.state`; a revision move is allowed only for a held delivery with revision + 1."""

    __tablename__ = "delivery_moves"

    from_state: Mapped[str] = mapped_column(String(32), primary_key=True)
    to_state: Mapped[str] = mapped_column(String(32), primary_key=True)
    is_revision: Mapped[bool]


class NumberUseRow(Base):
    """Which delivery used the number `seq` of a series (isp, feed) up; for ever."""

    __tablename__ = "number_uses"

    isp: Mapped[str] = mapped_column(String(20), primary_key=True)
    feed: Mapped[Feed] = mapped_column(one_of(Feed, "feed"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"), unique=True)
    sha256: Mapped[Sha256 | None]


class DeliveryRowRow(Base):
    """The outcome of one data row of a delivery, as it was judged in one revision."""

    __tablename__ = "delivery_rows"
    __table_args__ = (
        Index(None, "subscriber_id"),
        Index("ix_delivery_rows_rejected", "delivery_id", sqlite_where=_REJECTED, postgresql_where=_REJECTED),
    )

    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[int]
    key: Mapped[LongText]
    subscriber_id: Mapped[LongText]
    outcome: Mapped[str] = mapped_column(String(16))  # accepted, rejected or duplicate
    effect: Mapped[str] = mapped_column(String(16))  # '' unless merged
    codes: Mapped[LongText]  # of its findings, separated by a blank


class FindingRow(Base):
    """One judgement; file-level ones have no row. Identity numbers are masked before they come here."""

    __tablename__ = "findings"
    __table_args__ = (Index(None, "delivery_id", "revision"),)

    id: Mapped[Surrogate]
    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"))
    revision: Mapped[int]
    row: Mapped[int | None]
    line: Mapped[int | None]
    key: Mapped[LongText]
    column_name: Mapped[str] = mapped_column(String(64))
    code: Mapped[str] = mapped_column(String(8))
    severity: Mapped[Severity] = mapped_column(one_of(Severity, "severity"))
    value: Mapped[LongText]
    message: Mapped[LongText]
    remedy: Mapped[LongText]
    suggestion: Mapped[LongText]
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSON())  # of file-level ones: tells them in another language


class ValidationResultRow(Base):
    """The stored validation result a delivery's outcome was derived from; it holds no identifier."""

    __tablename__ = "validation_results"

    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"), primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[Outcome] = mapped_column(one_of(Outcome, "outcome"))
    counts_by_code: Mapped[dict[str, Any]] = mapped_column(JSON())
    result: Mapped[dict[str, Any]] = mapped_column(JSON())
    rulebook_version: Mapped[str] = mapped_column(String(32))
    judged_at: Mapped[Moment]


class AnswerRow(Base):
    """One file for an ISP's `outgoing/`, queued with what caused it, written afterwards."""

    __tablename__ = "answers"
    __table_args__ = (Index(None, "isp", "written_at"), Index(None, "delivery_id"))

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    delivery_id: Mapped[int | None] = mapped_column(BIG, ForeignKey("deliveries.id"))
    path: Mapped[LongText]
    content: Mapped[bytes] = mapped_column(LargeBinary())
    written_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())  # from `outgoing/`, when its time was over


class LeaseRow(Base):
    """Who works on an ISP's zone at present; one that has run out, or whose process has died, may be taken over."""

    __tablename__ = "leases"

    isp: Mapped[str] = mapped_column(String(20), primary_key=True)
    holder: Mapped[LongText]
    process: Mapped[LongText | None]
    expires_at: Mapped[Moment]


class ZoneWatchRow(Base):
    """When an ISP's zone was last listed, since when that fails, and which run is expected to come to it."""

    __tablename__ = "zone_watches"

    isp: Mapped[str] = mapped_column(String(20), primary_key=True)
    listed_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    failing_since_at: Mapped[datetime | None] = mapped_column(UtcDateTime())
    error: Mapped[LongText | None]
    # A run that is about to come, by the clock of leases: until when it is waited for, and when it was at the zone.
    reserved_by: Mapped[LongText | None]
    reserved_until: Mapped[datetime | None] = mapped_column(UtcDateTime())
    visited_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class ZoneOutageRow(Base):
    """A time during which we did not list an ISP's zone: the filer's clock stands still so long."""

    __tablename__ = "zone_outages"
    __table_args__ = (Index(None, "isp", "ended_at"),)

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    began_at: Mapped[Moment]
    ended_at: Mapped[Moment]


class IrregularFileRow(Base):
    """A link, directory, FIFO, device, unreadable name, unfinished upload or lone checksum in a zone: left alone."""

    __tablename__ = "irregular_files"
    __table_args__ = (UniqueConstraint("isp", "folder", "file_name"),)

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    folder: Mapped[ZoneFolder] = mapped_column(one_of(ZoneFolder, "folder"))
    file_name: Mapped[LongText]
    kind: Mapped[str] = mapped_column(String(16))
    first_listed_at: Mapped[Moment]
