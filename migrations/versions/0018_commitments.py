"""Who carries a proven lever, with which target: every such decision, with who took it and when."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "lever_commitments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hypothesis_id", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=True),
        sa.Column("target", sa.Double(), nullable=True),
        sa.Column("by", sa.Date(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.Column("verdict_id", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lever_commitments"),
        sa.ForeignKeyConstraint(
            ["hypothesis_id"], ["hypotheses.id"], name="fk_lever_commitments_hypothesis_id"
        ),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdicts.id"], name="fk_lever_commitments_verdict_id"),
    )
    op.create_index("ix_lever_commitments_hypothesis_id", "lever_commitments", ["hypothesis_id", "id"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("lever_commitments")
