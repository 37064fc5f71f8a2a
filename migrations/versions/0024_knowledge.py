"""Notes on what is registered; questions about one customer, for minutes, and who asked them, for good."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import JsonDocument, UtcDateTime

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "notes",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
    )
    op.create_index("ix_notes_subject", "notes", ["subject", "id"])
    op.create_table(
        "unit_questions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("unit_sha256", sa.String(), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answer", JsonDocument, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_unit_questions"),
    )
    op.create_index("ix_unit_questions_unit_sha256", "unit_questions", ["unit_sha256", "asked_at"])
    op.create_table(
        "unit_readings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("unit_sha256", sa.String(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unit_readings"),
    )
    op.create_index("ix_unit_readings_unit_sha256", "unit_readings", ["unit_sha256", "id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("unit_readings")
    op.drop_table("unit_questions")
    op.drop_table("notes")
