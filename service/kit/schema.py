"""Which tables does the database have, and how does it get the ones it lacks?"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from service.kit.database import Database

MIGRATIONS = Path(__file__).parents[2] / "migrations"
HEAD = max(path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def current(connection: Connection) -> str | None:
    """The revision that the database is at; read without Alembic, which the API process need not load."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def upgrade(database: Database, revision: str = "head") -> None:
    _run(database, "upgrade", revision)


def downgrade(database: Database, revision: str) -> None:
    _run(database, "downgrade", revision)


def _run(database: Database, command: str, revision: str) -> None:
    from alembic import command as alembic  # noqa: PLC0415 - serving needs no Alembic
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        getattr(alembic, command)(config, revision)
