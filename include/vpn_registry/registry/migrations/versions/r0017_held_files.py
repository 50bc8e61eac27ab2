"""An index of the files that are held for a person: few, and asked for with each look at who is silent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_HELD = sa.text("outcome = 'held'")


def upgrade() -> None:
    op.create_index("ix_deliveries_held", "deliveries", ["isp"], sqlite_where=_HELD, postgresql_where=_HELD)
