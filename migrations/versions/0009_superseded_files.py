"""Files that compaction replaced, and since when: they stay for older snapshots, until they are vacuumed."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "superseded_files",
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("superseded_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_superseded_files"),
    )
    op.create_index("ix_superseded_files_superseded_at", "superseded_files", ["superseded_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("superseded_files")
