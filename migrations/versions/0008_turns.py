"""What each turn at the lake was for, and how many rows it left there."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; every turn so far was a fold, and left a number of rows that nobody wrote down."""
    op.add_column("folds", sa.Column("work", sa.String(32), nullable=False, server_default="fold"))
    op.add_column("folds", sa.Column("assignments_rows", sa.BigInteger(), nullable=True))
    op.add_column("folds", sa.Column("outcomes_rows", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop the columns."""
    for name in ("outcomes_rows", "assignments_rows", "work"):
        op.drop_column("folds", name)
