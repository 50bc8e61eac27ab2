"""Who entered a case that another person must decide; notices name clients as their letters did, `registering` too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("opened_by", sa.Text(), nullable=False, server_default=""))
    with op.batch_alter_table("notice_clients") as batch:
        batch.drop_constraint(op.f("ck_notice_clients_status"), type_="check")
        batch.alter_column("status", type_=sa.String(length=32), existing_nullable=False)
