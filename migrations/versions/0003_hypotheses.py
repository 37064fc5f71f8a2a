"""Tables of service/hypotheses."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "mechanisms",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("cpi_id", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fixed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["cpi_id"], ["metrics.id"], name="fk_mechanisms_cpi_id"),
        sa.PrimaryKeyConstraint("id", name="pk_mechanisms"),
    )
    op.create_index("ix_mechanisms_cpi_id", "mechanisms", ["cpi_id"])
    op.create_table(
        "hypotheses",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("cpi_id", sa.String(), nullable=False),
        sa.Column("kpi_id", sa.String(), nullable=False),
        sa.Column("unit_type", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("registered_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["cpi_id"], ["metrics.id"], name="fk_hypotheses_cpi_id"),
        sa.ForeignKeyConstraint(["kpi_id"], ["metrics.id"], name="fk_hypotheses_kpi_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hypotheses"),
    )
    op.create_index("ix_hypotheses_cpi_id", "hypotheses", ["cpi_id"])
    op.create_index("ix_hypotheses_kpi_id", "hypotheses", ["kpi_id"])
    op.create_index("ix_hypotheses_team", "hypotheses", ["team"])
    op.create_table(
        "hypothesis_versions",
        sa.Column("hypothesis_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["hypothesis_id"], ["hypotheses.id"], name="fk_hypothesis_versions_hypothesis_id"
        ),
        sa.PrimaryKeyConstraint("hypothesis_id", "version", name="pk_hypothesis_versions"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("hypothesis_versions")
    op.drop_index("ix_hypotheses_team", table_name="hypotheses")
    op.drop_index("ix_hypotheses_kpi_id", table_name="hypotheses")
    op.drop_index("ix_hypotheses_cpi_id", table_name="hypotheses")
    op.drop_table("hypotheses")
    op.drop_index("ix_mechanisms_cpi_id", table_name="mechanisms")
    op.drop_table("mechanisms")
