"""`leverboard keys`: who may ask the API, for which team and in which role."""

import json
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from service.access import service
from service.access.rules import Role
from service.access.tables import ApiKey
from service.cli.store import opened
from service.kit.clock import now
from service.settings import Settings

command = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@command.command("create")
def create(
    owner: Annotated[str, typer.Option(help="Who answers for it, as ada@example.com.")],
    team: Annotated[str, typer.Option(help="The team whose things it may change.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.editor,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; without, never.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its text is shown once and kept nowhere."""
    expires_at = now() + timedelta(days=days) if days else None
    with opened(Settings.from_environment()) as database, database.write() as session:
        row, key = service.create_key(session, owner=owner, team=team, role=role, expires_at=expires_at)
        told = _told(row)
    print(json.dumps({**told, "key": key}) if as_json else key)


@command.command("list")
def listing(as_json: AsJson = False) -> None:
    """Every key, never its secret."""
    with opened(Settings.from_environment()) as database, database.read() as session:
        told = [_told(row) for row in service.keys(session)]
    if as_json:
        print(json.dumps(told))
        return
    table = Table("id", "owner", "team", "role", "created", "expires", "revoked")
    for one in told:
        table.add_row(*(value or "" for value in one.values()))
    Console().print(table)


@command.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id of the key.")], as_json: AsJson = False
) -> None:
    """From now on the key opens nothing."""
    with opened(Settings.from_environment()) as database, database.write() as session:
        told = _told(service.revoke_key(session, key_id))
    print(json.dumps(told) if as_json else f"{key_id} is revoked.")


def _told(row: ApiKey) -> dict[str, str | None]:
    return {
        "id": row.id,
        "owner": row.owner,
        "team": row.team,
        "role": row.role.value,
        "created_at": _time(row.created_at),
        "expires_at": _time(row.expires_at),
        "revoked_at": _time(row.revoked_at),
    }


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
