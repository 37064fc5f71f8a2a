"""Tables of facts by kind: what a turn left of each is a row of its own. Batches that are kept in parts."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KINDS = ("assignments", "outcomes")  # those that folds knew before


def upgrade() -> None:
    """Move what finished turns left out of their rows."""
    op.create_table(
        "fold_tables",
        sa.Column("fold_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("fold_id", "kind", name="pk_fold_tables"),
        sa.ForeignKeyConstraint(["fold_id"], ["folds.id"], name="fk_fold_tables_fold_id"),
    )
    for kind in _KINDS:
        op.execute(
            f"INSERT INTO fold_tables (fold_id, kind, version, rows) SELECT id, '{kind}', {kind}_version, "  # noqa: S608
            f"{kind}_rows FROM folds WHERE {kind}_version IS NOT NULL"
        )
    for kind in _KINDS:
        op.drop_column("folds", f"{kind}_rows")
        op.drop_column("folds", f"{kind}_version")
    op.add_column("ingest_batches", sa.Column("part_of", sa.String(), nullable=True))
    op.create_index("ix_ingest_batches_part_of", "ingest_batches", ["part_of"])


def downgrade() -> None:
    """Move it back; what is known of other kinds is lost."""
    for kind in _KINDS:
        op.add_column("folds", sa.Column(f"{kind}_version", sa.Integer(), nullable=True))
        op.add_column("folds", sa.Column(f"{kind}_rows", sa.BigInteger(), nullable=True))
        for name in ("version", "rows"):
            op.execute(
                f"UPDATE folds SET {kind}_{name} = (SELECT t.{name} FROM fold_tables t "  # noqa: S608
                f"WHERE t.fold_id = folds.id AND t.kind = '{kind}')"
            )
    op.drop_table("fold_tables")
    op.drop_index("ix_ingest_batches_part_of", table_name="ingest_batches")
    op.drop_column("ingest_batches", "part_of")
