"""How does a person stay signed in? A cookie with a secret, which stands for the key they signed in with."""

import hmac
import secrets
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from service.access.rules import Actor
from service.access.service import actor_of, actor_of_key
from service.access.tables import BrowserSession
from service.kit.canonical import sha256_hex
from service.kit.clock import now
from service.kit.errors import Forbidden, Unauthorised

LASTS = timedelta(hours=12)


def sign_in(session: Session, key: str) -> str:
    """The cookie's secret for whoever presents a valid key; sessions that have ended are cleared away."""
    actor = actor_of(session, key.strip())
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at <= now()))
    token = secrets.token_urlsafe(32)
    session.add(
        BrowserSession(
            token_sha256=sha256_hex(token),
            key_id=actor.key_id,
            created_at=now(),
            expires_at=now() + LASTS,
        )
    )
    session.flush()
    return token


def actor_of_browser(session: Session, token: str) -> Actor:
    """Whom a cookie stands for; a key that was revoked or has expired signs out every browser."""
    row = session.get(BrowserSession, sha256_hex(token))
    if row is None or row.expires_at <= now():
        raise Unauthorised("Sign in again.")
    return actor_of_key(session, row.key_id)


def sign_out(session: Session, token: str) -> None:
    session.execute(delete(BrowserSession).where(BrowserSession.token_sha256 == sha256_hex(token)))


def form_token(token: str) -> str:
    """What a form of this browser's must carry: another site can send the cookie, but cannot know this."""
    return sha256_hex(f"form:{token}")


def require_form_token(token: str, presented: str) -> None:
    if not hmac.compare_digest(form_token(token).encode(), presented.encode()):
        raise Forbidden("This form was not made for this browser; load the page again.")
