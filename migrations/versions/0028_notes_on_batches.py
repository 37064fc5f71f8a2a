"""What a batch's sender should know of rows that were kept, in sentences."""

import sqlalchemy as sa
from alembic import op

from service.kit.database import JsonDocument

revision = "0028"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; of batches that are there nothing is said."""
    op.add_column("ingest_batches", sa.Column("notes", JsonDocument, nullable=True))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("ingest_batches", "notes")
