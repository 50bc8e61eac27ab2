"""Room in each page of PostgreSQL's current rows, so that the number of a repeated row moves without touching an
index; and an index of the rows that were refused."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_REJECTED = sa.text("outcome = 'rejected'")


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in ("registrations", "clients"):
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")
    op.create_index(
        "ix_delivery_rows_rejected", "delivery_rows", ["delivery_id"],
        sqlite_where=_REJECTED, postgresql_where=_REJECTED,
    )  # fmt: skip
