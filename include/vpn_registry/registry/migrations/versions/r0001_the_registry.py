"""The whole registry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from vpn_registry.registry.times import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("happened_at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_type", sa.String(length=32), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_table(
        "clients",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("subscriber_id", sa.String(length=40), nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("is_in_force", sa.Boolean(), nullable=False),
        sa.Column("decided_seq", sa.Integer(), nullable=False),
        sa.Column("content_seq", sa.Integer(), nullable=True),
        sa.Column("content_sha256", sa.String(length=64), nullable=True),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
        sa.UniqueConstraint("isp", "subscriber_id", name=op.f("uq_clients_isp_subscriber_id")),
    )
    op.create_table(
        "counters",
        sa.Column("series", sa.String(length=32), nullable=False),
        sa.Column("last_no", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_counters")),
    )
    op.create_table(
        "deadlines",
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "version", name=op.f("pk_deadlines")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column(
            "folder",
            sa.Enum("incoming", "check", name="folder", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "seen",
                "claimed",
                "stored",
                "judged",
                "answered",
                "vanished",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("size_bytes", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("mtime", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_listed_at", UtcDateTime(), nullable=False),
        sa.Column("settling_s", sa.Double(), nullable=False),
        sa.Column("listed_s", sa.Double(), nullable=False),
        sa.Column("claim_no", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("declared_sha256", sa.String(length=64), nullable=True),
        sa.Column("received_at", UtcDateTime(), nullable=True),
        sa.Column(
            "feed",
            sa.Enum(
                "registrations",
                "clients",
                "responses",
                name="feed",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "mode",
            sa.Enum("delta", "full", name="mode", native_enum=False, create_constraint=True, length=32),
            nullable=True,
        ),
        sa.Column("name_isp", sa.String(length=20), nullable=True),
        sa.Column("content_on", sa.Date(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=True),
        sa.Column("ext", sa.String(length=16), nullable=True),
        sa.Column("owns_number", sa.Boolean(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "accepted",
                "partial",
                "rejected",
                "duplicate",
                "held",
                "superseded",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows_accepted", sa.Integer(), nullable=True),
        sa.Column("rows_rejected", sa.Integer(), nullable=True),
        sa.Column("rows_duplicate", sa.Integer(), nullable=True),
        sa.Column("rows_warned", sa.Integer(), nullable=True),
        sa.Column("rulebook_version", sa.String(length=32), nullable=True),
        sa.Column("judged_at", UtcDateTime(), nullable=True),
        sa.Column("is_closing", sa.Boolean(), nullable=False),
        sa.Column("is_source_removed", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    with op.batch_alter_table("deliveries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deliveries_isp_feed_seq"), ["isp", "feed", "seq"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_deliveries_isp_folder_file_name"), ["isp", "folder", "file_name"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_deliveries_isp_state"), ["isp", "state"], unique=False)
        batch_op.create_index(
            "uq_deliveries_open",
            ["isp", "folder", "file_name"],
            unique=True,
            sqlite_where=sa.text("state IN ('seen', 'claimed')"),
            postgresql_where=sa.text("state IN ('seen', 'claimed')"),
        )

    op.create_table(
        "delivery_moves",
        sa.Column("from_state", sa.String(length=32), nullable=False),
        sa.Column("to_state", sa.String(length=32), nullable=False),
        sa.Column("is_revision", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_delivery_moves")),
    )
    op.create_table(
        "home",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_simulated", sa.Boolean(), nullable=False),
        sa.Column("simulated_at", UtcDateTime(), nullable=True),
        sa.Column("key_mark", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_home_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_home")),
    )
    op.create_table(
        "irregular_files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column(
            "folder",
            sa.Enum("incoming", "check", name="folder", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("first_listed_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_irregular_files")),
        sa.UniqueConstraint("isp", "folder", "file_name", name=op.f("uq_irregular_files_isp_folder_file_name")),
    )
    op.create_table(
        "leases",
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("isp", name=op.f("pk_leases")),
    )
    op.create_table(
        "message_moves",
        sa.Column("from_state", sa.String(length=32), nullable=False),
        sa.Column("to_state", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_message_moves")),
    )
    op.create_table(
        "reconciliation_runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("run_at", UtcDateTime(), nullable=False),
        sa.Column("rule_version", sa.String(length=32), nullable=False),
        sa.Column("deadline_on", sa.Date(), nullable=False),
        sa.Column("judgements", sa.Integer(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("resolved", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_runs")),
    )
    with op.batch_alter_table("reconciliation_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reconciliation_runs_isp_run_at"), ["isp", "run_at"], unique=False)

    op.create_table(
        "registrations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("registration_ref", sa.String(length=40), nullable=False),
        sa.Column("national_no", sa.String(length=16), nullable=True),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("is_in_force", sa.Boolean(), nullable=False),
        sa.Column("decided_seq", sa.Integer(), nullable=False),
        sa.Column("content_seq", sa.Integer(), nullable=True),
        sa.Column("content_sha256", sa.String(length=64), nullable=True),
        sa.Column("version_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
        sa.UniqueConstraint("isp", "registration_ref", name=op.f("uq_registrations_isp_registration_ref")),
        sa.UniqueConstraint("national_no", name=op.f("uq_registrations_national_no")),
    )
    op.create_table(
        "zone_watches",
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("listed_at", UtcDateTime(), nullable=True),
        sa.Column("failing_since_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("isp", name=op.f("pk_zone_watches")),
    )
    op.create_table(
        "answers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("written_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_answers_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answers")),
    )
    with op.batch_alter_table("answers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_answers_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_answers_isp_written_at"), ["isp", "written_at"], unique=False)

    op.create_table(
        "audit_seals",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["audit_events.id"], name=op.f("fk_audit_seals_event_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_seals_event_id")),
    )
    op.create_table(
        "cases",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_cases_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_isp_kind_subject"), ["isp", "kind", "subject"], unique=False)

    op.create_table(
        "client_statuses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("subscriber_id", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "disputed",
                "exempt",
                "registered",
                "expiring",
                "mismatch",
                "not_comparable",
                "review",
                "rejected",
                "expired",
                "withdrawn",
                "undeclared",
                "unregistered",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.String(length=32), nullable=False),
        sa.Column("registration_ref", sa.Text(), nullable=False),
        sa.Column("candidate", sa.Text(), nullable=False),
        sa.Column("since_at", UtcDateTime(), nullable=False),
        sa.Column("since_run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("ended_run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["ended_run_id"], ["reconciliation_runs.id"], name=op.f("fk_client_statuses_ended_run_id")
        ),
        sa.ForeignKeyConstraint(
            ["since_run_id"], ["reconciliation_runs.id"], name=op.f("fk_client_statuses_since_run_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_statuses")),
    )
    with op.batch_alter_table("client_statuses", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_client_statuses_isp_subscriber_id"), ["isp", "subscriber_id"], unique=False
        )
        batch_op.create_index(
            "uq_client_statuses_current",
            ["isp", "subscriber_id"],
            unique=True,
            sqlite_where=sa.text("ended_run_id IS NULL"),
            postgresql_where=sa.text("ended_run_id IS NULL"),
        )

    op.create_table(
        "client_versions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("current_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("service_ips", sa.Text(), nullable=True),
        sa.Column("service_status", sa.Text(), nullable=True),
        sa.Column("active_since", sa.Text(), nullable=True),
        sa.Column("vpn_use", sa.Text(), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("is_overtaken", sa.Boolean(), nullable=False),
        sa.Column("learnt_at", UtcDateTime(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=True),
        sa.Column("client_name", sa.Text(), nullable=True),
        sa.Column("ntn", sa.Text(), nullable=True),
        sa.Column("ntn_key", sa.Text(), nullable=True),
        sa.Column("cnic_fingerprint", sa.Text(), nullable=True),
        sa.Column("cnic_cipher", sa.Text(), nullable=True),
        sa.Column("other_id_fingerprint", sa.Text(), nullable=True),
        sa.Column("other_id_cipher", sa.Text(), nullable=True),
        sa.Column("msisdn", sa.Text(), nullable=True),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["current_id"], ["clients.id"], name=op.f("fk_client_versions_current_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_client_versions_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_client_versions")),
    )
    with op.batch_alter_table("client_versions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_client_versions_current_id"), ["current_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_client_versions_delivery_id_row"), ["delivery_id", "row"], unique=False)

    op.create_table(
        "delivery_rows",
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("subscriber_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("effect", sa.String(length=16), nullable=False),
        sa.Column("codes", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_delivery_rows_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "revision", "row", name=op.f("pk_delivery_rows")),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("column_name", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column(
            "severity",
            sa.Enum("error", "warning", name="severity", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("suggestion", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_findings_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_findings_delivery_id_revision"), ["delivery_id", "revision"], unique=False)

    op.create_table(
        "kept_keys",
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=4000), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_kept_keys_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "key", name=op.f("pk_kept_keys")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("notice_no", sa.String(length=16), nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("deadline_version", sa.Integer(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("stage_on", sa.Date(), nullable=False),
        sa.Column("form", sa.String(length=32), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "held",
                "approved",
                "sending",
                "sent",
                "failed",
                "uncertain",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["reconciliation_runs.id"], name=op.f("fk_notices_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint(
            "campaign", "deadline_version", "stage", "isp", name=op.f("uq_notices_campaign_deadline_version_stage_isp")
        ),
        sa.UniqueConstraint("notice_no", name=op.f("uq_notices_notice_no")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notices_isp_planned_at"), ["isp", "planned_at"], unique=False)

    op.create_table(
        "number_uses",
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column(
            "feed",
            sa.Enum(
                "registrations",
                "clients",
                "responses",
                name="feed",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_number_uses_delivery_id")),
        sa.PrimaryKeyConstraint("isp", "feed", "seq", name=op.f("pk_number_uses")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_number_uses_delivery_id")),
    )
    op.create_table(
        "registration_versions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("current_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber_id", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("secp_no", sa.Text(), nullable=True),
        sa.Column("pseb_no", sa.Text(), nullable=True),
        sa.Column("pseb_expiry", sa.Text(), nullable=True),
        sa.Column("contact_name", sa.Text(), nullable=True),
        sa.Column("contact_email", sa.Text(), nullable=True),
        sa.Column("contact_phone", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("province", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("connection_type", sa.Text(), nullable=True),
        sa.Column("local_ip", sa.Text(), nullable=True),
        sa.Column("remote_ip", sa.Text(), nullable=True),
        sa.Column("remote_country", sa.Text(), nullable=True),
        sa.Column("vpn_protocol", sa.Text(), nullable=True),
        sa.Column("vpn_provider", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Text(), nullable=True),
        sa.Column("valid_to", sa.Text(), nullable=True),
        sa.Column("undertaking_ref", sa.Text(), nullable=True),
        sa.Column("undertaking_on", sa.Text(), nullable=True),
        sa.Column("verified_on", sa.Text(), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("is_overtaken", sa.Boolean(), nullable=False),
        sa.Column("learnt_at", UtcDateTime(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=True),
        sa.Column("client_name", sa.Text(), nullable=True),
        sa.Column("ntn", sa.Text(), nullable=True),
        sa.Column("ntn_key", sa.Text(), nullable=True),
        sa.Column("cnic_fingerprint", sa.Text(), nullable=True),
        sa.Column("cnic_cipher", sa.Text(), nullable=True),
        sa.Column("other_id_fingerprint", sa.Text(), nullable=True),
        sa.Column("other_id_cipher", sa.Text(), nullable=True),
        sa.Column("msisdn", sa.Text(), nullable=True),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["current_id"], ["registrations.id"], name=op.f("fk_registration_versions_current_id")),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_registration_versions_delivery_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration_versions")),
    )
    with op.batch_alter_table("registration_versions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_registration_versions_current_id"), ["current_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_registration_versions_delivery_id_row"), ["delivery_id", "row"], unique=False
        )

    op.create_table(
        "validation_results",
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "accepted",
                "partial",
                "rejected",
                "duplicate",
                "held",
                "superseded",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("counts_by_code", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("rulebook_version", sa.String(length=32), nullable=False),
        sa.Column("judged_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_id"], ["deliveries.id"], name=op.f("fk_validation_results_delivery_id")),
        sa.PrimaryKeyConstraint("delivery_id", "revision", name=op.f("pk_validation_results")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_decisions_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decisions_case_id"), ["case_id"], unique=False)

    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("contact_name", sa.Text(), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column(
            "role",
            sa.Enum("compliance", "escalation", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("header_message_id", sa.String(length=200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "held",
                "approved",
                "sending",
                "sent",
                "failed",
                "uncertain",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(), nullable=True),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("body_text", sa.Text(), nullable=True),
        sa.Column("body_html", sa.Text(), nullable=True),
        sa.Column("attachment_name", sa.Text(), nullable=True),
        sa.Column("attachment", sa.LargeBinary(), nullable=True),
        sa.Column("frozen_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_messages_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("header_message_id", name=op.f("uq_messages_header_message_id")),
        sa.UniqueConstraint("notice_id", "email", name=op.f("uq_messages_notice_id_email")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_messages_state"), ["state"], unique=False)

    op.create_table(
        "notice_clients",
        sa.Column("notice_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subscriber_id", sa.String(length=40), nullable=False),
        sa.Column("isp", sa.String(length=20), nullable=False),
        sa.Column("part", sa.String(length=1), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "disputed",
                "exempt",
                "registered",
                "expiring",
                "mismatch",
                "not_comparable",
                "review",
                "rejected",
                "expired",
                "withdrawn",
                "undeclared",
                "unregistered",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_notice_clients_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", "subscriber_id", name=op.f("pk_notice_clients")),
    )
    with op.batch_alter_table("notice_clients", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_notice_clients_isp_subscriber_id"), ["isp", "subscriber_id"], unique=False)
