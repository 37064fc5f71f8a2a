"""Which explorations of an experiment were asked for: for whom does its lever work?"""

import sqlalchemy as sa
from alembic import op

from service.kit.database import JsonDocument, UtcDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "explorations",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=True),
        sa.Column("cpi", sa.String(), nullable=False),
        sa.Column("kpi", sa.String(), nullable=False),
        sa.Column("arm", sa.String(), nullable=False),
        sa.Column("asked", JsonDocument, nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_explorations"),
        sa.ForeignKeyConstraint(["experiment_id"], ["experiments.id"], name="fk_explorations_experiment_id"),
    )
    op.create_index("ix_explorations_experiment_id", "explorations", ["experiment_id", "id"])
    op.create_index("ix_explorations_hypothesis_id", "explorations", ["hypothesis_id"])
    op.create_index("ix_explorations_run_id", "explorations", ["run_id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("explorations")
