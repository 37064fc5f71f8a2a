"""How does a request say who asks? By `Authorization: Bearer lvb_live_…`.

Or by Basic with the key as the user name and no password, which is how clients of Segment send theirs.
"""

from base64 import b64decode
from typing import Annotated

from fastapi import Depends, Request

from service.access.rules import Actor, Role, require_role
from service.access.service import actor_of
from service.kit.database import Database
from service.kit.errors import Unauthorised


def authenticate(request: Request) -> Actor:
    """Runs before the body is read (kit/http.py), in a short transaction of its own."""
    key = _presented(request.headers.get("authorization", ""))
    if not key:
        raise Unauthorised("Send an API key: Authorization: Bearer lvb_live_….")
    database: Database = request.app.state.database
    with database.read() as session:
        return actor_of(session, key)


def _presented(header: str) -> str:
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() == "basic":
        return _user_name(credentials.strip())
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _user_name(credentials: str) -> str:
    """Only where there is no password: whoever sends one means another kind of account."""
    try:
        name, colon, password = b64decode(credentials, validate=True).decode().partition(":")
    except ValueError:
        return ""
    return name if colon and not password else ""


async def _actor(request: Request) -> Actor:
    actor: Actor = request.state.caller
    return actor


CurrentActor = Annotated[Actor, Depends(_actor)]


async def _editor(actor: CurrentActor) -> Actor:
    require_role(actor, Role.editor)
    return actor


Editor = Annotated[Actor, Depends(_editor)]
