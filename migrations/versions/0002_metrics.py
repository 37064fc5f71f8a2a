"""Tables of service/metrics."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "metrics",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("unit_type", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=True),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_metrics"),
    )
    op.create_index("ix_metrics_unit_type", "metrics", ["unit_type"])
    op.create_index("ix_metrics_team", "metrics", ["team"])
    op.create_table(
        "metric_versions",
        sa.Column("metric_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["metric_id"], ["metrics.id"], name="fk_metric_versions_metric_id"),
        sa.PrimaryKeyConstraint("metric_id", "version", name="pk_metric_versions"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("metric_versions")
    op.drop_index("ix_metrics_team", table_name="metrics")
    op.drop_index("ix_metrics_unit_type", table_name="metrics")
    op.drop_table("metrics")
