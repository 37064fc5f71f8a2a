"""Which files the lake just lost, which folds are forgotten, how far an erasure went, whose a source is."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and let a fold say since when the inbox keeps nothing of it."""
    op.create_table(
        "deleted_files",
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("deleted_at", UtcDateTime(), nullable=False),
        sa.Column("erasure", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("path", name="pk_deleted_files"),
        sa.ForeignKeyConstraint(["erasure"], ["folds.id"], name="fk_deleted_files_erasure"),
    )
    op.create_index("ix_deleted_files_deleted_at", "deleted_files", ["deleted_at"])
    op.create_table(
        "fact_sources",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_fact_sources"),
    )
    op.add_column("erased_units", sa.Column("linked", sa.Integer(), nullable=True))
    op.add_column("folds", sa.Column("forgotten_at", UtcDateTime(), nullable=True))
    op.create_index("ix_folds_forgotten_at", "folds", ["forgotten_at", "folded_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ix_folds_forgotten_at", "folds")
    op.drop_column("folds", "forgotten_at")
    op.drop_column("erased_units", "linked")
    op.drop_table("fact_sources")
    op.drop_table("deleted_files")
