"""What may a key's role do, and to whose things?"""

from dataclasses import dataclass
from enum import StrEnum

from service.kit.errors import Forbidden


class Role(StrEnum):
    """Each role may do what the one before it may."""

    viewer = "viewer"
    editor = "editor"
    approver = "approver"
    admin = "admin"

    def reaches(self, needed: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who asks: the key, the person who answers for it, their team and role."""

    key_id: str
    owner: str
    team: str
    role: Role


def require_role(actor: Actor, needed: Role) -> None:
    if not actor.role.reaches(needed):
        raise Forbidden(f"This needs the role {needed}; the key has the role {actor.role}.")


def require_team(actor: Actor, team: str) -> None:
    """Everybody reads everything; only the owning team, or an admin, changes it."""
    require_role(actor, Role.editor)
    if actor.team != team and actor.role is not Role.admin:
        raise Forbidden(f"This belongs to the team {team}; the key belongs to the team {actor.team}.")
