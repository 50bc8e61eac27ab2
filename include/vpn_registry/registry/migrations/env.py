"""Alembic's entry: the connection is handed in by `home.upgrade`; there is no way to run this from a shell."""

from __future__ import annotations

from alembic import context

from vpn_registry.registry.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
