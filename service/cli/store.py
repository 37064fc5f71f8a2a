"""How do commands open the service database? With its tables there, or with a word on how to get them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from service.kit import schema
from service.kit.database import Database
from service.kit.errors import Conflict
from service.settings import Settings


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """SQLite in our own folder is brought up to date; a PostgreSQL is its operator's to migrate."""
    database = Database.open(settings.url)
    try:
        _see_to_tables(database, settings)
        yield database
    finally:
        database.close()


def whereabouts(settings: Settings) -> str:
    """The store in words, without what would open it."""
    url = make_url(settings.url)
    if settings.embedded:
        return str(Path(url.database or "").resolve())
    return url.set(drivername="postgresql", query={}).render_as_string()


def _see_to_tables(database: Database, settings: Settings) -> None:
    with database.engine.connect() as connection:
        found = schema.current(connection)
    if found == schema.HEAD:
        return
    if not settings.embedded:
        raise Conflict(f"The database is at {found}, expected {schema.HEAD}: run `leverboard migrate` first.")
    schema.upgrade(database)
