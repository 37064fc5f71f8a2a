"""One migration tree, two databases: up, down and up again, and nothing left for autogenerate to find."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from service.kit import schema
from service.kit.database import Base, Database


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'empty.db'}"
    else:
        url = request.getfixturevalue("empty_postgres_url")
    database = Database.open(url)
    yield database
    database.close()


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names()) - {"alembic_version"}


def revision(database: Database) -> str | None:
    with database.engine.connect() as connection:
        return schema.current(connection)


def test_up_down_and_up_again(empty_database: Database) -> None:
    assert revision(empty_database) is None
    schema.upgrade(empty_database)
    made = tables(empty_database)
    assert made == set(Base.metadata.tables)
    schema.downgrade(empty_database, "base")
    assert tables(empty_database) == set()
    schema.upgrade(empty_database)
    assert tables(empty_database) == made
    assert revision(empty_database) == schema.HEAD


def test_every_single_step_can_be_taken_back(empty_database: Database) -> None:
    before, below = tables(empty_database), "base"
    for path in sorted((schema.MIGRATIONS / "versions").glob("[0-9]*.py")):
        number = path.name.split("_")[0]
        schema.upgrade(empty_database, number)
        schema.downgrade(empty_database, below)
        assert tables(empty_database) == before
        schema.upgrade(empty_database, number)
        before, below = tables(empty_database), number


def test_autogenerate_finds_nothing_afterwards(empty_database: Database) -> None:
    schema.upgrade(empty_database)
    with empty_database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_head_that_readiness_expects_is_alembics() -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [schema.HEAD]
