"""What the question of a case rests on, so that a decision is taken for no other."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("evidence", sa.Text(), nullable=False, server_default=""))
