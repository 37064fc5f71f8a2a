"""Looks at all evidence on a hypothesis: which verdict was issued at which error rate, if one was due."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "verdict_looks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("verdict_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("alpha", sa.Double(), nullable=False),
        sa.Column("information", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verdict_looks"),
    )
    op.create_index("ix_verdict_looks_hypothesis_id", "verdict_looks", ["hypothesis_id", "id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("verdict_looks")
