"""The DAG run that opened a case, and the one that made a comparison."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("opened_in", sa.Text(), nullable=False, server_default=""))
    op.add_column("reconciliation_runs", sa.Column("made_in", sa.Text(), nullable=False, server_default=""))
