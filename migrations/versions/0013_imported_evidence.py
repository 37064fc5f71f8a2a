"""Experiments that were run elsewhere, as they came in, and the grades that were given by them."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import JsonDocument, UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "evidence_imports",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("experiments", sa.Integer(), nullable=False),
        sa.Column("units_per_day", sa.Double(), nullable=True),
        sa.Column("imported_by", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_evidence_imports"),
    )
    op.create_table(
        "imported_experiments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("import_id", sa.String(), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("corrects", sa.String(), nullable=True),
        sa.Column("cpi", sa.String(), nullable=False),
        sa.Column("kpi", sa.String(), nullable=False),
        sa.Column("document", JsonDocument, nullable=False),
        sa.Column("contrasts", JsonDocument, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_imported_experiments"),
        sa.ForeignKeyConstraint(
            ["import_id"], ["evidence_imports.id"], name="fk_imported_experiments_import_id"
        ),
    )
    op.create_index("ix_imported_experiments_hypothesis_id", "imported_experiments", ["hypothesis_id", "id"])
    op.create_index("ix_imported_experiments_import_id", "imported_experiments", ["import_id", "id"])
    op.create_index("ix_imported_experiments_corrects", "imported_experiments", ["corrects"])
    op.create_table(
        "retrospective_grades",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=False),
        sa.Column("grade", sa.String(32), nullable=False),
        sa.Column("document", JsonDocument, nullable=False),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("hypothesis_version", sa.Integer(), nullable=False),
        sa.Column("hypothesis_hash", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_retrospective_grades"),
    )
    op.create_index("ix_retrospective_grades_hypothesis_id", "retrospective_grades", ["hypothesis_id", "id"])
    op.create_index("ix_retrospective_grades_run_id", "retrospective_grades", ["run_id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("retrospective_grades")
    op.drop_table("imported_experiments")
    op.drop_table("evidence_imports")
