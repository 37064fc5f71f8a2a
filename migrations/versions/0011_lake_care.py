"""What workers do by the clock; units that were erased; facts that were kept long enough; lost snapshots."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; a batch says how many of its rows were erased, a run whether its data are gone."""
    op.create_table(
        "duty_turns",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=True),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_duty_turns"),
    )
    op.create_table(
        "erased_units",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", UtcDateTime(), nullable=False),
        sa.Column("fold_id", sa.Integer(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_erased_units"),
        sa.ForeignKeyConstraint(["fold_id"], ["folds.id"], name="fk_erased_units_fold_id"),
    )
    op.create_index("ix_erased_units_removed_at", "erased_units", ["removed_at"])
    op.create_table(
        "retired_facts",
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("before", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name="pk_retired_facts"),
    )
    op.add_column("ingest_batches", sa.Column("erased", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("snapshot_gone_at", UtcDateTime(), nullable=True))
    op.add_column("runs", sa.Column("snapshot_erased_at", UtcDateTime(), nullable=True))


def downgrade() -> None:
    """Drop what was added."""
    op.drop_column("runs", "snapshot_erased_at")
    op.drop_column("runs", "snapshot_gone_at")
    op.drop_column("ingest_batches", "erased")
    op.drop_table("retired_facts")
    op.drop_table("erased_units")
    op.drop_table("duty_turns")
