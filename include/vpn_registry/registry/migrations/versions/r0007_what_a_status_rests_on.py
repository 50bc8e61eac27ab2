"""What a status rests on and since when it holds; orphans; subscribers with a new id; indexes of keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vpn_registry.registry.times import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("reconciliation_runs", sa.Column("list_delivery_id", _BIG, nullable=True))
    op.add_column("reconciliation_runs", sa.Column("orphans", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("client_statuses", sa.Column("client_delivery_id", _BIG, nullable=True))
    op.add_column("client_statuses", sa.Column("registration_delivery_id", _BIG, nullable=True))
    op.add_column("client_statuses", sa.Column("status_since_at", UtcDateTime(), nullable=True))
    op.execute("UPDATE client_statuses SET status_since_at = since_at")
    op.create_table(
        "client_successions",
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("subscriber_id", sa.String(length=40), nullable=False),
        sa.Column("successor", sa.String(length=40), nullable=False),
        sa.Column("run_id", _BIG, nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["reconciliation_runs.id"], name=op.f("fk_client_successions_run_id")),
        sa.PrimaryKeyConstraint("isp", "subscriber_id", name=op.f("pk_client_successions")),
    )
    op.create_index(op.f("ix_client_successions_isp_successor"), "client_successions", ["isp", "successor"])
    op.create_table(
        "orphans",
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("registration_ref", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("isp", "registration_ref", name=op.f("pk_orphans")),
    )
    for key in ("ntn_key", "cnic_fingerprint", "other_id_fingerprint"):
        op.create_index(op.f(f"ix_registration_versions_{key}"), "registration_versions", [key])
