"""`leverboard keys`: who may ask the API, for which team and in which role."""

import json
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from service.access import service
from service.access.rules import Role
from service.access.tables import ApiKey
from service.cli.store import opened, whereabouts
from service.kit.clock import now
from service.kit.text import Name
from service.settings import Settings

ROLES = (
    "What it may do, each what the one before it may: viewer reads; editor registers, plans, analyses and "
    "sends facts; approver sees what happened to one customer; admin changes what belongs to any team."
)
command = typer.Typer(no_args_is_help=True, help="Create, list and revoke API keys.")
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
_NAME: TypeAdapter[str] = TypeAdapter(Name)


def _name(text: str) -> str:
    """What the API takes for a name, and nothing else."""
    try:
        return _NAME.validate_python(text)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from error


@command.command("create")
def create(
    owner: Annotated[str, typer.Option(callback=_name, help="Who answers for it, as ada@example.com.")],
    team: Annotated[str, typer.Option(callback=_name, help="The team whose things it may change.")],
    role: Annotated[Role, typer.Option(help=ROLES)] = Role.editor,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; without, never.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. Its text is shown once and kept nowhere."""
    expires_at = now() + timedelta(days=days) if days else None
    settings = Settings.from_environment()
    with opened(settings) as database, database.write() as session:
        row, key = service.create_key(session, owner=owner, team=team, role=role, expires_at=expires_at)
        told = _told(row)
    _tell_where(settings)
    print(json.dumps({**told, "key": key}) if as_json else key)


@command.command("list")
def listing(as_json: AsJson = False) -> None:
    """Every key, never its secret."""
    settings = Settings.from_environment()
    with opened(settings) as database, database.read() as session:
        told = [_told(row) for row in service.keys(session)]
    _tell_where(settings)
    print(json.dumps(told) if as_json else "\n".join(_lines(told)))


def _lines(told: Sequence[dict[str, str | None]]) -> list[str]:
    """A key a line, cut nowhere, however narrow the terminal: ids are there to be copied."""
    heads = ("id", "owner", "team", "role", "created", "expires", "revoked")
    rows = [heads, *(tuple(value or "-" for value in one.values()) for one in told)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


@command.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The id of the key.")], as_json: AsJson = False
) -> None:
    """From now on the key opens nothing."""
    settings = Settings.from_environment()
    with opened(settings) as database, database.write() as session:
        told = _told(service.revoke_key(session, key_id))
    _tell_where(settings)
    print(json.dumps(told) if as_json else f"{key_id} is revoked.")


def _tell_where(settings: Settings) -> None:
    """Beside the answer: a key of another folder's store opens nothing here."""
    print(f"In the store {whereabouts(settings)}", file=sys.stderr)


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
