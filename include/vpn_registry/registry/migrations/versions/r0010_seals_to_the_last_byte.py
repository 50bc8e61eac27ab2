"""How a link of the audit chain was made: new ones stand on every stored byte of the event."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit_seals", sa.Column("scheme", sa.Integer(), nullable=False, server_default="1"))
