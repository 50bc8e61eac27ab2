"""Responses of ISPs; file findings that can be told in either language; answers that leave after their time."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vpn_registry.registry.times import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_RESPONSES = ("registering", "registered_elsewhere", "no_vpn", "terminated", "dispute")


def upgrade() -> None:
    op.create_table(
        "responses",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("subscriber_id", sa.String(length=40), nullable=False),
        sa.Column("notice_no", sa.String(length=32), nullable=False),
        sa.Column(
            "response",
            sa.Enum(*_RESPONSES, name="response", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("responded_on", sa.Date(), nullable=False),
        sa.Column("delivery_id", _BIG, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("is_overtaken", sa.Boolean(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=False),
        sa.Column("learnt_at", UtcDateTime(), nullable=False),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_responses_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_responses")),
    )
    op.create_index(op.f("ix_responses_delivery_id"), "responses", ["delivery_id"])
    op.create_index(op.f("ix_responses_isp_subscriber_id_seq"), "responses", ["isp", "subscriber_id", "seq"])
    op.add_column("findings", sa.Column("facts", sa.JSON(), nullable=True))
    op.add_column("answers", sa.Column("removed_at", UtcDateTime(), nullable=True))
