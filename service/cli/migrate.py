"""`leverboard migrate`: gives the database the tables of this release."""

import json
from typing import Annotated

import typer

from service.cli.store import reached
from service.kit import schema
from service.kit.database import Database
from service.settings import Settings


def command(
    as_json: Annotated[bool, typer.Option("--json", help="Say in JSON what was done.")] = False,
) -> None:
    """Bring the database to this release. Safe to repeat, and to run from several machines at once."""
    with reached(Settings.from_environment()) as database:
        before = _revision(database)
        schema.upgrade(database)
    told = {"before": before, "now": schema.HEAD}
    print(
        json.dumps(told)
        if as_json
        else f"The database is at {schema.HEAD} (it was at {before or 'nothing'})."
    )


def _revision(database: Database) -> str | None:
    with database.engine.connect() as connection:
        return schema.current(connection)
