"""A run reserves the ISPs it will come to, so that the next look does not queue them again; and a lease tells its
process, so that a dead one isn't waited for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vpn_registry.registry.times import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("zone_watches", sa.Column("reserved_by", sa.Text(), nullable=True))
    for name in ("reserved_until", "visited_at"):
        op.add_column("zone_watches", sa.Column(name, UtcDateTime(), nullable=True))
    op.add_column("leases", sa.Column("process", sa.Text(), nullable=True))
