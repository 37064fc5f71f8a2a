"""What was asked of unrandomised data, and what each run found."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import JsonDocument, UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "studies",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("design", sa.String(length=32), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=True),
        sa.Column("cpi", sa.String(), nullable=False),
        sa.Column("kpi", sa.String(), nullable=False),
        sa.Column("document", JsonDocument, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_studies"),
        sa.ForeignKeyConstraint(["hypothesis_id"], ["hypotheses.id"], name="fk_studies_hypothesis_id"),
    )
    op.create_index("ix_studies_hypothesis_id", "studies", ["hypothesis_id", "id"])
    op.create_index("ix_studies_team", "studies", ["team"])
    op.create_table(
        "study_results",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("study_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("document", JsonDocument, nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_study_results"),
        sa.UniqueConstraint("run_id", name="uq_study_results_run_id"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="fk_study_results_study_id"),
    )
    op.create_index("ix_study_results_study_id", "study_results", ["study_id", "id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("study_results")
    op.drop_table("studies")
