"""A run reserves the ISPs it will come to, so that the next look does not queue them again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vpn_registry.registry.times import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("zone_watches", sa.Column("reserved_until", UtcDateTime(), nullable=True))
