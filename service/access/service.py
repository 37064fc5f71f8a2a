"""How are keys made, found, listed and revoked?"""

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from service.access.rules import Actor, Role
from service.access.tables import ApiKey
from service.kit.canonical import sha256_hex
from service.kit.clock import now
from service.kit.errors import NotFound, Unauthorised, excerpt

# A secret of 192 random bits needs no slow hash: nobody can try them all, and every request checks one.
_KEY = re.compile(r"lvb_live_([0-9a-f]{16})_([0-9a-f]{48})", re.ASCII)
_NOBODY = "0" * 64
# Asked for by every request: columns, since an object of the session costs as much again.
_KNOWN = select(ApiKey.__table__).where(ApiKey.id == bindparam("id"))


def create_key(
    session: Session, *, owner: str, team: str, role: Role, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """The key's row, and its plain text, which is never seen again."""
    secret = secrets.token_hex(24)
    row = ApiKey(
        id=secrets.token_hex(8),
        secret_sha256=sha256_hex(secret),
        owner=owner,
        team=team,
        role=role,
        created_at=now(),
        expires_at=expires_at,
        revoked_at=None,
    )
    session.add(row)
    session.flush()
    return row, f"lvb_live_{row.id}_{secret}"


def actor_of(session: Session, key: str) -> Actor:
    """Whom a presented key stands for. A wrong key is not told what is wrong with it."""
    match = _KEY.fullmatch(key)
    row = session.execute(_KNOWN, {"id": match[1]}).one_or_none() if match else None
    known = hmac.compare_digest(row.secret_sha256 if row else _NOBODY, sha256_hex(match[2] if match else ""))
    if row is None or not known:
        raise Unauthorised("The API key is not known here.")
    return _valid(row)


def actor_of_key(session: Session, key_id: str) -> Actor:
    """Whom a key stands for that was presented earlier, as long as it is valid."""
    return _valid(session.get_one(ApiKey, key_id))


def _valid(row: ApiKey | Row[Any]) -> Actor:
    if row.revoked_at is not None:
        raise Unauthorised("The API key was revoked.")
    if row.expires_at is not None and row.expires_at <= now():
        raise Unauthorised("The API key has expired.")
    return Actor(key_id=row.id, owner=row.owner, team=row.team, role=row.role)


def keys(session: Session) -> Sequence[ApiKey]:
    return session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id)).all()


def revoke_key(session: Session, key_id: str) -> ApiKey:
    row = session.get(ApiKey, key_id)
    if row is None:
        raise NotFound(f"There is no key {excerpt(key_id)}.")
    row.revoked_at = row.revoked_at or now()
    return row
