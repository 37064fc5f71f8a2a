"""Effects of final runs, from which priors are estimated; and planned looks that were taken."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "published_effects",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("placebo", sa.Boolean(), nullable=False),
        sa.Column("estimate", sa.Double(), nullable=False),
        sa.Column("std_error", sa.Double(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "metric", "arm", name="pk_published_effects"),
    )
    op.create_index("ix_published_effects_metric", "published_effects", ["metric", "experiment_id"])
    op.create_table(
        "taken_looks",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fraction", sa.Double(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("experiment_id", "number", name="pk_taken_looks"),
    )


def downgrade() -> None:
    """Drop both."""
    op.drop_table("taken_looks")
    op.drop_table("published_effects")
