"""How does Alembic reach our database and our tables? By the connection it is handed, or by the settings."""

from importlib import import_module
from pathlib import Path

from alembic import context
from sqlalchemy import Connection

import service
from service.kit.database import Base, Database
from service.settings import Settings


def load_tables() -> None:
    """Every room that has tables declares them in its tables.py; kit keeps the answers of idempotency."""
    import_module("service.kit.idempotency")
    for path in Path(service.__path__[0]).glob("*/tables.py"):
        import_module(f"service.{path.parent.name}.tables")


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
    )
    with context.begin_transaction():
        context.run_migrations()


load_tables()
if (handed := context.config.attributes.get("connection")) is not None:
    migrate(handed)
else:  # the alembic command line, when a new revision is written
    database = Database.open(Settings.from_environment().url)
    with database.engine.begin() as own:
        migrate(own)
    database.close()
