"""Addresses of open registrations as comparable spans, and the claims that several clients make at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vpn_registry.registry.times import UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "registration_addresses",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("registration_id", _BIG, nullable=False),
        sa.Column("first", sa.String(length=32), nullable=False),
        sa.Column("last", sa.String(length=32), nullable=False),
        sa.Column("bits", sa.Integer(), nullable=False),
        sa.Column("begins_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("is_holding", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.id"], name=op.f("fk_registration_addresses_registration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration_addresses")),
    )
    op.create_index(op.f("ix_registration_addresses_bits_first"), "registration_addresses", ["bits", "first"])
    op.create_index(op.f("ix_registration_addresses_registration_id"), "registration_addresses", ["registration_id"])
    op.create_table(
        "contested_claims",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("registration_id", _BIG, nullable=False),
        sa.Column("case_id", _BIG, nullable=False),
        sa.Column("since_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registrations.id"], name=op.f("fk_contested_claims_registration_id")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_contested_claims_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contested_claims")),
    )
    op.create_index(op.f("ix_contested_claims_case_id"), "contested_claims", ["case_id"])
    op.create_index(
        "uq_contested_claims_current",
        "contested_claims",
        ["registration_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "surveyed_deliveries",
        sa.Column("delivery_id", _BIG, nullable=False),
        sa.Column("surveyed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_surveyed_deliveries_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_surveyed_deliveries")),
    )
