"""Reports that were made, who gets them when, and what became of every message."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "reports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=True),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_reports"),
    )
    op.create_index("ix_reports_run_id", "reports", ["run_id"])
    op.create_index("ix_reports_subject", "reports", ["subject", "id"])
    op.create_index("uq_reports_sha256", "reports", ["sha256"], unique=True)
    op.create_table(
        "report_forms",
        sa.Column("report_sha256", sa.String(), nullable=False),
        sa.Column("form", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("content_sha256", sa.String(), nullable=True),
        sa.Column("why_not", sa.String(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("report_sha256", "form", "language", name="pk_report_forms"),
        sa.ForeignKeyConstraint(["report_sha256"], ["reports.sha256"], name="fk_report_forms_report_sha256"),
    )
    op.create_table(
        "report_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("of_run", sa.String(), nullable=True),
        sa.Column("awaits", sa.String(), nullable=True),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("schedule_id", sa.String(), nullable=True),
        sa.Column("receivers", sa.JSON(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=True),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=True),
        sa.Column("report_sha256", sa.String(), nullable=True),
        sa.Column("why_not", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_report_requests"),
    )
    op.create_index("ix_report_requests_awaits", "report_requests", ["awaits"])
    op.create_index("ix_report_requests_job_id", "report_requests", ["job_id"])
    op.create_table(
        "report_schedules",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("cron", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("receivers", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("last_at", UtcDateTime(), nullable=True),
        sa.Column("ended", sa.String(), nullable=True),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_schedules"),
    )
    op.create_index("ix_report_schedules_next_at", "report_schedules", ["next_at"])
    op.create_index("ix_report_schedules_subject", "report_schedules", ["subject"])
    op.create_table(
        "report_receivers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("secret", sa.String(), nullable=True),
        sa.Column("secret_named", sa.JSON(), nullable=True),
        sa.Column("causes", sa.JSON(), nullable=False),
        sa.Column("attach", sa.JSON(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_receivers"),
    )
    op.create_index("ix_report_receivers_team", "report_receivers", ["team"])
    op.create_table(
        "report_deliveries",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("receiver_id", sa.String(), nullable=False),
        sa.Column("report_sha256", sa.String(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_report_deliveries"),
        sa.ForeignKeyConstraint(
            ["report_sha256"], ["reports.sha256"], name="fk_report_deliveries_report_sha256"
        ),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["report_receivers.id"], name="fk_report_deliveries_receiver_id"
        ),
    )
    op.create_index("ix_report_deliveries_due", "report_deliveries", ["state", "next_at"])
    op.create_index("ix_report_deliveries_receiver_id", "report_deliveries", ["receiver_id", "id"])
    op.create_table(
        "report_attempts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("delivery_id", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("took", sa.Double(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_report_attempts"),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["report_deliveries.id"], name="fk_report_attempts_delivery_id"
        ),
    )
    op.create_index("ix_report_attempts_delivery_id", "report_attempts", ["delivery_id", "id"])
    op.create_table(
        "report_changes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("act", sa.String(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_report_changes"),
    )
    op.create_index("ix_report_changes_subject", "report_changes", ["subject", "id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("report_changes")
    op.drop_table("report_attempts")
    op.drop_table("report_deliveries")
    op.drop_table("report_receivers")
    op.drop_table("report_schedules")
    op.drop_table("report_requests")
    op.drop_table("report_forms")
    op.drop_table("reports")
