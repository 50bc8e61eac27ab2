"""The newest closing full file decides what it repeats without a word in each row: it is found by an index, and the
room that PostgreSQL kept in half of each page for those words is given back as pages are written anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in ("registrations", "clients"):
            op.execute(f"ALTER TABLE {table} SET (fillfactor = 90)")
    op.create_index(
        "ix_deliveries_closing", "deliveries", ["isp", "feed", "seq"],
        sqlite_where=sa.text("is_closing = 1"), postgresql_where=sa.text("is_closing"),
    )  # fmt: skip
