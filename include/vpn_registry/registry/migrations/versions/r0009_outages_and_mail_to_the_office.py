"""When zones could not be listed, and the mails to the office itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vpn_registry.registry.times import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "zone_outages",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("began_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_outages")),
    )
    op.create_index(op.f("ix_zone_outages_isp_ended_at"), "zone_outages", ["isp", "ended_at"])
    op.create_table(
        "office_mails",
        sa.Column("id", _BIG, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("occurrences", sa.Integer(), nullable=False),
        sa.Column("queued_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body_text", sa.Text(), nullable=False),
        sa.Column("body_html", sa.Text(), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_mails")),
        sa.UniqueConstraint("kind", "about", name=op.f("uq_office_mails_kind_about")),
    )
    op.create_index(op.f("ix_office_mails_state"), "office_mails", ["state"])
