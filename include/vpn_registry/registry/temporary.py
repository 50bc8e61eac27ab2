"""Temporary tables: made once a connection, emptied before each use; no part of the schema, they live as long as it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Table
from sqlalchemy.orm import Session


def empty(db: Session, table: Table) -> None:
    """Make the table if this connection has none yet, and empty it."""
    connection = db.connection()
    table.create(connection, checkfirst=True)
    # Rows that are only deleted would stay in PostgreSQL's table for whatever comes next.
    verb = "TRUNCATE" if connection.dialect.name == "postgresql" else "DELETE FROM"
    connection.execute(sa.text(f"{verb} {table.name}"))


def analyze(db: Session, table: Table, columns: str) -> None:
    """Let PostgreSQL know what these columns hold: of a table made a moment ago it knows nothing, and joins as if it
    were empty."""
    if db.get_bind().dialect.name == "postgresql":
        db.execute(sa.text(f"ANALYZE {table.name} ({columns})"))
