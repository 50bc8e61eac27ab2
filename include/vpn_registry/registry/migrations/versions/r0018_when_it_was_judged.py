"""An index of when deliveries were judged: the page counts the findings of the last thirty days."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_deliveries_judged_at"), "deliveries", ["judged_at"])
