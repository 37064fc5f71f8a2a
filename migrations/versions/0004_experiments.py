"""Tables of service/experiments."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "experiments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("unit_type", sa.String(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("hypothesis_versions", sa.JSON(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("concluded_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_experiments"),
    )
    op.create_index("ix_experiments_unit_type", "experiments", ["unit_type"])
    op.create_index("ix_experiments_team", "experiments", ["team"])
    op.create_table(
        "experiment_transitions",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name="fk_experiment_transitions_experiment_id"
        ),
        sa.PrimaryKeyConstraint("experiment_id", "state", name="pk_experiment_transitions"),
    )
    op.create_table(
        "experiment_phases",
        sa.Column("experiment_id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["experiment_id"], ["experiments.id"], name="fk_experiment_phases_experiment_id"
        ),
        sa.PrimaryKeyConstraint("experiment_id", "number", name="pk_experiment_phases"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("experiment_phases")
    op.drop_table("experiment_transitions")
    op.drop_index("ix_experiments_team", table_name="experiments")
    op.drop_index("ix_experiments_unit_type", table_name="experiments")
    op.drop_table("experiments")
