"""How things stand for customers: levels of metrics by day, read off the control units of runs."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables; they fill as runs are recorded."""
    op.create_table(
        "metric_days",
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("total", sa.Double(), nullable=False),
        sa.Column("count", sa.Double(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("metric", "day", "experiment_id", name="pk_metric_days"),
    )
    op.create_index("ix_metric_days_experiment_id", "metric_days", ["experiment_id"])
    op.create_table(
        "metric_levels",
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("level", sa.Double(), nullable=False),
        sa.Column("before", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("metric", name="pk_metric_levels"),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("metric_levels")
    op.drop_index("ix_metric_days_experiment_id", "metric_days")
    op.drop_table("metric_days")
