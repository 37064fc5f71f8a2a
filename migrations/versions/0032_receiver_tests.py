"""Test messages to receivers of reports, and what came of each: before the first report is due."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0032"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "receiver_trials",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("receiver_id", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("tried_at", UtcDateTime(), nullable=True),
        sa.Column("took", sa.Double(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_receiver_trials"),
        sa.ForeignKeyConstraint(
            ["receiver_id"], ["report_receivers.id"], name="fk_receiver_trials_receiver_id"
        ),
    )
    op.create_index("ix_receiver_trials_receiver_id", "receiver_trials", ["receiver_id", "id"])
    op.create_index("ix_receiver_trials_state", "receiver_trials", ["state", "id"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("receiver_trials")
