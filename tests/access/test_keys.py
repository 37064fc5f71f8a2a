"""Keys open the door to those they were made for, and to nobody else."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from service.access import service
from service.access.rules import Actor, Role, require_role, require_team
from service.kit.errors import Forbidden, NotFound, Unauthorised


def a_key(session: Session, **changes) -> str:
    _, key = service.create_key(
        session, **{"owner": "ada@example.com", "team": "growth", "role": Role.editor, **changes}
    )
    return key


def test_a_key_stands_for_its_owner_team_and_role(session: Session) -> None:
    key = a_key(session)
    actor = service.actor_of(session, key)
    assert (actor.owner, actor.team, actor.role) == ("ada@example.com", "growth", Role.editor)
    assert key.startswith(f"lvb_live_{actor.key_id}_")


def test_the_secret_is_not_kept(session: Session) -> None:
    row, key = service.create_key(session, owner="a", team="b", role=Role.viewer)
    secret = key.rpartition("_")[2]
    assert all(secret not in str(getattr(row, column.name)) for column in row.__table__.columns)


def broken(key: str) -> list[str]:
    swapped = "0" if key[-1] != "0" else "1"
    return [
        key[:-1] + swapped,
        key.upper(),
        key + "0",
        f"{key}\n",
        key.replace("live", "test"),
        "",
        "lvb_live__",
    ]


def test_a_key_that_differs_anywhere_is_not_known(session: Session) -> None:
    for wrong in broken(a_key(session)):
        with pytest.raises(Unauthorised, match="not known"):
            service.actor_of(session, wrong)


def test_an_expired_key_is_refused(session: Session) -> None:
    key = a_key(session, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(Unauthorised, match="expired"):
        service.actor_of(session, key)


def test_a_revoked_key_is_refused_and_stays_listed(session: Session) -> None:
    key = a_key(session)
    revoked = service.revoke_key(session, service.actor_of(session, key).key_id)
    with pytest.raises(Unauthorised, match="revoked"):
        service.actor_of(session, key)
    assert revoked in service.keys(session)


def test_revoking_what_is_not_there_says_so(session: Session) -> None:
    with pytest.raises(NotFound):
        service.revoke_key(session, "nothing")


def an_actor(role: Role, team: str = "growth") -> Actor:
    return Actor(key_id="k", owner="ada@example.com", team=team, role=role)


@pytest.mark.parametrize(
    ("role", "needed"),
    [(Role.viewer, Role.editor), (Role.editor, Role.approver), (Role.approver, Role.admin)],
)
def test_a_role_does_not_reach_the_one_above_it(role: Role, needed: Role) -> None:
    with pytest.raises(Forbidden, match=needed):
        require_role(an_actor(role), needed)
    require_role(an_actor(needed), role)


def test_only_the_owning_team_or_an_admin_changes_a_thing() -> None:
    require_team(an_actor(Role.editor), "growth")
    require_team(an_actor(Role.admin, team="ops"), "growth")
    for outsider in (an_actor(Role.approver, team="ops"), an_actor(Role.viewer)):
        with pytest.raises(Forbidden):
            require_team(outsider, "growth")
