"""Which buttons does a page show? Those that role and team allow; the functions behind them ask again."""

from fastapi import Request

from service.access import Actor, Role


def may_edit(request: Request) -> bool:
    """Whether whoever looks at the page may register things."""
    actor: Actor = request.state.caller
    return actor.role.reaches(Role.editor)


def may_change(request: Request, team: str) -> bool:
    """Whether they may change what belongs to this team."""
    actor: Actor = request.state.caller
    return may_edit(request) and (actor.team == team or actor.role is Role.admin)
