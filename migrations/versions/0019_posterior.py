"""Posteriors: what the evidence of a verdict says in probabilities."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import JsonDocument, UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "posteriors",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=False),
        sa.Column("verdict_id", sa.String(), nullable=False),
        sa.Column("audit", sa.Boolean(), nullable=False),
        sa.Column("document", JsonDocument, nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_posteriors"),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdicts.id"], name="fk_posteriors_verdict_id"),
    )
    op.create_index("ix_posteriors_hypothesis_id", "posteriors", ["hypothesis_id", "audit", "id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("posteriors")
