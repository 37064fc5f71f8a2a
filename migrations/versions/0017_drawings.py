"""Charts that somebody wanted to see, and how they were drawn."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "drawings",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("light", sa.Text(), nullable=True),
        sa.Column("dark", sa.Text(), nullable=True),
        sa.Column("wanted_at", UtcDateTime(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("sha256", name="pk_drawings"),
    )
    op.create_index("ix_drawings_drawn_at", "drawings", ["drawn_at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("drawings")
