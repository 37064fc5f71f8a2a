"""Whose is a source of facts? The team's that first sent under its name.

An id counts once within its source: who could send under another team's source could use up its ids, and its
Idempotency-Keys. Names that begin with `segment:` or `api:` are a team's own by themselves.
"""

from collections.abc import Collection

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from service.access.rules import Actor, Role
from service.facts.tables import FactSource
from service.kit.clock import now
from service.kit.errors import Forbidden, excerpt

OF_SEGMENT = "segment:"
OF_THE_API = "api:"
RESERVED = (OF_SEGMENT, OF_THE_API)
SHARED = "cloudevents"  # under which events are listed that name no source: nothing is kept under it


def reserved(name: str) -> str | None:
    """What no sender may call a source: the name itself, or the reserved beginning that it begins with."""
    return name if name == SHARED else next((one for one in RESERVED if name.startswith(one)), None)


def require_own(session: Session, actor: Actor, name: str) -> None:
    """Forbidden where the source is another team's; one that is nobody's becomes this team's."""
    if reserved(name):
        return
    team = session.execute(select(FactSource.team).where(FactSource.name == name)).scalar_one_or_none()
    if team is None:
        session.execute(insert(FactSource).values(name=name, team=actor.team, since=now()))
    elif _foreign(actor, team):
        raise Forbidden(f"The source {excerpt(name)} is the team {team}'s; name another source.")


def foreign(session: Session, actor: Actor, names: Collection[str]) -> dict[str, str]:
    """Which of these sources are another team's, and whose."""
    known = select(FactSource.name, FactSource.team).where(FactSource.name.in_(names))
    return {name: team for name, team in session.execute(known) if _foreign(actor, team)}


def _foreign(actor: Actor, team: str) -> bool:
    return team != actor.team and actor.role is not Role.admin
