"""Indexes for what people look up: a client's rows, clients by status, events of one object, recent deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CURRENT = sa.text("ended_run_id IS NULL")


def upgrade() -> None:
    op.create_index(op.f("ix_delivery_rows_subscriber_id"), "delivery_rows", ["subscriber_id"])
    op.create_index(op.f("ix_registration_versions_subscriber_id"), "registration_versions", ["subscriber_id"])
    op.create_index(op.f("ix_audit_events_object_type_object_id"), "audit_events", ["object_type", "object_id"])
    op.create_index(op.f("ix_deliveries_first_listed_at"), "deliveries", ["first_listed_at"])
    op.create_index(
        "ix_client_statuses_current_by_status",
        "client_statuses",
        ["isp", "status", "subscriber_id"],
        sqlite_where=_CURRENT,
        postgresql_where=_CURRENT,
    )
