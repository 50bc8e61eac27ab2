"""The two books: registrations and client lists, each a current row a key plus versions that are only added.

A version is what one row of one delivery said. A closing version (`withdraw`, or `absent` when a full file left the
key out) holds no content. `content_seq` is the number whose content is shown, `decided_seq` the one that last
decided whether the key is in force (contract section 3), as far as the row itself says: read both by deciding.py.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.registry.tables.base import BIG, Base, LongText, Moment, Ref, Sha256, Slug, Surrogate
from vpn_registry.registry.times import UtcDateTime


class _Current:
    """Columns of a current row."""

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    is_in_force: Mapped[bool]
    decided_seq: Mapped[int]
    content_seq: Mapped[int | None]
    content_sha256: Mapped[Sha256 | None]
    version_id: Mapped[int | None] = mapped_column(BIG)  # the version whose content is shown
    closed_on: Mapped[date | None]  # the day described by the file that closed it


class _Version:
    """Columns of a version beside its content; identity numbers as keyed hash and ciphertext only."""

    id: Mapped[Surrogate]
    row: Mapped[int | None]
    seq: Mapped[int]
    action: Mapped[str] = mapped_column(String(16))  # add, update, withdraw, absent, listed
    is_overtaken: Mapped[bool]
    learnt_at: Mapped[Moment]
    content_sha256: Mapped[Sha256 | None]
    client_name: Mapped[LongText | None]
    ntn: Mapped[LongText | None]
    ntn_key: Mapped[LongText | None]
    cnic_fingerprint: Mapped[LongText | None]
    cnic_cipher: Mapped[LongText | None]
    other_id_fingerprint: Mapped[LongText | None]
    other_id_cipher: Mapped[LongText | None]
    msisdn: Mapped[LongText | None]
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime())


class RegistrationRow(_Current, Base):
    """One registration as it stands; the national number is issued once and never changes."""

    __tablename__ = "registrations"
    __table_args__ = (UniqueConstraint("isp", "registration_ref"),)

    registration_ref: Mapped[Ref]
    national_no: Mapped[str | None] = mapped_column(String(16), unique=True)


class RegistrationVersionRow(_Version, Base):
    __tablename__ = "registration_versions"
    __table_args__ = (
        Index(None, "current_id"),
        Index(None, "delivery_id", "row"),
        Index(None, "subscriber_id"),
        Index(None, "ntn_key"),
        Index(None, "cnic_fingerprint"),
        Index(None, "other_id_fingerprint"),
    )

    current_id: Mapped[int] = mapped_column(BIG, ForeignKey("registrations.id"))
    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"))
    subscriber_id: Mapped[LongText | None]
    category: Mapped[LongText | None]
    secp_no: Mapped[LongText | None]
    pseb_no: Mapped[LongText | None]
    pseb_expiry: Mapped[LongText | None]
    contact_name: Mapped[LongText | None]
    contact_email: Mapped[LongText | None]
    contact_phone: Mapped[LongText | None]
    city: Mapped[LongText | None]
    province: Mapped[LongText | None]
    purpose: Mapped[LongText | None]
    connection_type: Mapped[LongText | None]
    local_ip: Mapped[LongText | None]
    remote_ip: Mapped[LongText | None]
    remote_country: Mapped[LongText | None]
    vpn_protocol: Mapped[LongText | None]
    vpn_provider: Mapped[LongText | None]
    valid_from: Mapped[LongText | None]
    valid_to: Mapped[LongText | None]
    undertaking_ref: Mapped[LongText | None]
    undertaking_on: Mapped[LongText | None]
    verified_on: Mapped[LongText | None]


class ClientRow(_Current, Base):
    """One subscriber of an ISP's client list; `is_in_force` says that the newest list names him."""

    __tablename__ = "clients"
    __table_args__ = (UniqueConstraint("isp", "subscriber_id"),)

    subscriber_id: Mapped[Ref]


class ClientVersionRow(_Version, Base):
    __tablename__ = "client_versions"
    __table_args__ = (Index(None, "current_id"), Index(None, "delivery_id", "row"))

    current_id: Mapped[int] = mapped_column(BIG, ForeignKey("clients.id"))
    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"))
    service_ips: Mapped[LongText | None]
    service_status: Mapped[LongText | None]
    active_since: Mapped[LongText | None]
    vpn_use: Mapped[LongText | None]


class KeptKeyRow(Base):
    """A key that a closing full file held in a rejected row: the file closed everything it left out, but not this."""

    __tablename__ = "kept_keys"

    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(4000), primary_key=True)
