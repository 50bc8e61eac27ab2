"""Which deliveries' stored bytes were deleted when their time was over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vpn_registry.registry.times import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "discarded_deliveries",
        sa.Column("delivery_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("discarded_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_discarded_deliveries_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_discarded_deliveries")),
    )
