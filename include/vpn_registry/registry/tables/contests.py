"""Who claims which addresses, as far as that is known, and the claims that several clients make at once."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.registry.tables.base import BIG, Base, Moment, Surrogate
from vpn_registry.registry.times import UtcDateTime

_CURRENT = text("ended_at IS NULL")


class RegistrationAddressRow(Base):
    """One span of addresses of an open registration; `first` and `last` are 16 bytes as 32 hexadecimal digits, which
    compare as text like the addresses do. IPv4 stands there as `::ffff:a.b.c.d`."""

    __tablename__ = "registration_addresses"
    __table_args__ = (Index(None, "bits", "first"), Index(None, "registration_id"))

    id: Mapped[Surrogate]
    registration_id: Mapped[int] = mapped_column(BIG, ForeignKey("registrations.id"))
    first: Mapped[str] = mapped_column(String(32))
    last: Mapped[str] = mapped_column(String(32))
    bits: Mapped[int]  # last - first is below 2 ** bits
    begins_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    is_holding: Mapped[bool]  # whether the registration held on the day of the last survey


class ContestedClaimRow(Base):
    """A registration whose addresses another client claims as well; the current one has no `ended_at`."""

    __tablename__ = "contested_claims"
    __table_args__ = (
        Index(
            "uq_contested_claims_current", "registration_id",
            unique=True, sqlite_where=_CURRENT, postgresql_where=_CURRENT,
        ),
        Index(None, "case_id"),
    )  # fmt: skip

    id: Mapped[Surrogate]
    registration_id: Mapped[int] = mapped_column(BIG, ForeignKey("registrations.id"))
    case_id: Mapped[int] = mapped_column(BIG, ForeignKey("cases.id"))
    since_at: Mapped[Moment]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class SurveyedDeliveryRow(Base):
    """A delivery of registrations whose addresses have been compared with those of everybody else."""

    __tablename__ = "surveyed_deliveries"

    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"), primary_key=True, autoincrement=False)
    surveyed_at: Mapped[Moment]
