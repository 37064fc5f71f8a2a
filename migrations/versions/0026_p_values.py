"""With each verdict the p-value of there being no lever, and its E value: for false discoveries on the board.

Verdicts made before have neither: they are never changed.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns, empty."""
    op.add_column("verdicts", sa.Column("p_value", sa.Double(), nullable=True))
    op.add_column("verdicts", sa.Column("log_e_value", sa.Double(), nullable=True))


def downgrade() -> None:
    """Drop both."""
    op.drop_column("verdicts", "log_e_value")
    op.drop_column("verdicts", "p_value")
