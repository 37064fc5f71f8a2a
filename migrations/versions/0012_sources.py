"""Sources with their versions; runs that are no analysis of an experiment: what they are about, and whose."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import JsonDocument, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; a run no longer needs an experiment."""
    op.create_table(
        "sources",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(32), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
    )
    op.create_index("ix_sources_team", "sources", ["team"])
    op.create_table(
        "source_versions",
        sa.Column("source_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", JsonDocument, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", "version", name="pk_source_versions"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_source_versions_source_id"),
    )
    with op.batch_alter_table("runs") as runs:
        runs.alter_column("experiment_id", existing_type=sa.String(), nullable=True)
        runs.add_column(sa.Column("subject", sa.String(), nullable=True))
        runs.add_column(sa.Column("team", sa.String(), nullable=True))


def downgrade() -> None:
    """Drop the tables, and the runs that have no experiment."""
    op.execute("DELETE FROM runs WHERE experiment_id IS NULL")
    with op.batch_alter_table("runs") as runs:
        runs.drop_column("team")
        runs.drop_column("subject")
        runs.alter_column("experiment_id", existing_type=sa.String(), nullable=False)
    op.drop_table("source_versions")
    op.drop_table("sources")
