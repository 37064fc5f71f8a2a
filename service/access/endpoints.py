"""How does a request say who asks? By `Authorization: Bearer lvb_live_…`."""

from typing import Annotated

from fastapi import Depends, Request

from service.access.rules import Actor, Role, require_role
from service.access.service import actor_of
from service.kit.database import Database
from service.kit.errors import Unauthorised


def authenticate(request: Request) -> Actor:
    """Runs before the body is read (kit/http.py), in a short transaction of its own."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        raise Unauthorised("Send an API key: Authorization: Bearer lvb_live_….")
    database: Database = request.app.state.database
    with database.read() as session:
        return actor_of(session, key.strip())


async def _actor(request: Request) -> Actor:
    actor: Actor = request.state.caller
    return actor


CurrentActor = Annotated[Actor, Depends(_actor)]


async def _editor(actor: CurrentActor) -> Actor:
    require_role(actor, Role.editor)
    return actor


Editor = Annotated[Actor, Depends(_editor)]
