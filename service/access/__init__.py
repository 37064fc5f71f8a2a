"""Who asks, for which team, and in which role?"""

from service.access.endpoints import CurrentActor, Editor, authenticate
from service.access.rules import Actor, Role, require_role, require_team

__all__ = ["Actor", "CurrentActor", "Editor", "Role", "authenticate", "require_role", "require_team"]
