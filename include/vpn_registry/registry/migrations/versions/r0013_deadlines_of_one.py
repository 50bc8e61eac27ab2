"""Whom a deadline is for: everybody, one ISP, or one of its clients."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("deadlines", sa.Column("isp", sa.String(length=20), nullable=False, server_default=""))
    op.add_column("deadlines", sa.Column("subscriber_id", sa.String(length=40), nullable=False, server_default=""))
