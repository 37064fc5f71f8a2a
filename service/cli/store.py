"""How do commands open the service database? With its tables there, or with a word on how to get them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from service.kit import schema
from service.kit.database import Database
from service.kit.errors import Conflict, Unavailable, excerpt
from service.settings import PREFIX, Settings, SettingsError


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """SQLite in our own folder is brought up to date; a PostgreSQL is its operator's to migrate."""
    with reached(settings) as database:
        _see_to_tables(database, settings)
        yield database


@contextmanager
def existing(settings: Settings) -> Iterator[Database]:
    """The same, for whoever asks what is in it: in a wrong folder no empty store is made."""
    kept = Path(make_url(settings.url).database or "")
    if settings.database_url is None and not kept.exists():
        raise Conflict(
            f"There is no store in {kept.parent.resolve()}. Name the folder of `leverboard serve`: "
            f"{PREFIX}DATA_DIR."
        )
    with opened(settings) as database:
        yield database


@contextmanager
def reached(settings: Settings) -> Iterator[Database]:
    """The database as it is, or which setting is in the way of it."""
    if settings.database_url is None:
        see_to_folder(settings)
    try:
        database = Database.open(settings.url)
    except (ArgumentError, ValueError) as error:  # what it says of the address may hold the password
        raise SettingsError(f"{PREFIX}DATABASE_URL is no address of a database") from error
    try:
        _see_to_connection(database, settings)
        yield database
    finally:
        database.close()


def see_to_folder(settings: Settings) -> None:
    """Say at the start, and not at the first fact, that the data folder cannot be written."""
    folder = settings.data_dir.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"{PREFIX}DATA_DIR: {folder} cannot be made: {error.strerror}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SettingsError(f"{PREFIX}DATA_DIR: {folder} cannot be written")


def _see_to_connection(database: Database, settings: Settings) -> None:
    try:
        with database.engine.connect():
            return
    except (DBAPIError, OSError) as error:
        name = "DATA_DIR" if settings.database_url is None else "DATABASE_URL"
        why = excerpt(str(getattr(error, "orig", error)).partition("\n")[0])
        raise Unavailable(f"{PREFIX}{name}: {whereabouts(settings)} cannot be reached: {why}") from error


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
