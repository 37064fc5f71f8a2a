"""What experiments say about hypotheses, and the verdicts that followed, none of which ever changes."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import JsonDocument, UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "evidence",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=False),
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("named", sa.Boolean(), nullable=False),
        sa.Column("cpi", sa.String(), nullable=False),
        sa.Column("kpi", sa.String(), nullable=False),
        sa.Column("contrasts", JsonDocument, nullable=True),
        sa.Column("not_estimable", JsonDocument, nullable=True),
        sa.Column("unmeasured", JsonDocument, nullable=False),
        sa.Column("plan_hash", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("as_of", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
    )
    op.create_index("ix_evidence_hypothesis_id", "evidence", ["hypothesis_id", "experiment_id", "id"])
    op.create_index("uq_evidence_run_id", "evidence", ["run_id", "hypothesis_id"], unique=True)
    op.create_table(
        "verdicts",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("label", sa.String(), nullable=True),
        sa.Column("relationship", JsonDocument, nullable=False),
        sa.Column("verdict", JsonDocument, nullable=False),
        sa.Column("rule", JsonDocument, nullable=False),
        sa.Column("hypothesis_version", sa.Integer(), nullable=False),
        sa.Column("hypothesis_hash", sa.String(), nullable=False),
        sa.Column("experiments", JsonDocument, nullable=False),
        sa.Column("missing", JsonDocument, nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_verdicts"),
    )
    op.create_index("ix_verdicts_hypothesis_id", "verdicts", ["hypothesis_id", "id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("verdicts")
    op.drop_table("evidence")
