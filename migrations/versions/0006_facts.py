"""The inbox of acknowledged batches, and the folds that carry them into the lake."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "folds",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=False),
        sa.Column("planned_at", UtcDateTime(), nullable=False),
        sa.Column("folded_at", UtcDateTime(), nullable=True),
        sa.Column("assignments_version", sa.Integer(), nullable=True),
        sa.Column("outcomes_version", sa.Integer(), nullable=True),
        sa.Column("batches", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_folds"),
    )
    op.create_index("ix_folds_folded_at", "folds", ["folded_at"])
    op.create_table(
        "ingest_batches",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.Column("rejections", sa.LargeBinary(), nullable=False),
        sa.Column("received_by", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("fold_id", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_batches"),
        sa.ForeignKeyConstraint(["fold_id"], ["folds.id"], name="fk_ingest_batches_fold_id"),
        sa.UniqueConstraint(
            "kind", "source", "idempotency_key", name="uq_ingest_batches_kind_source_idempotency_key"
        ),
    )
    op.create_index("ix_ingest_batches_fold_id", "ingest_batches", ["fold_id", "id"])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("ingest_batches")
    op.drop_table("folds")
