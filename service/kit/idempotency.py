"""Was this request answered before? The answer is kept in the transaction that did the work.

So there is no state between "done" and "remembered": a crash leaves neither, and the retry does the work.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from service.kit.canonical import sha256_hex
from service.kit.clock import now
from service.kit.database import Base
from service.kit.errors import IdempotencyInFlight, IdempotencyMismatch

KEPT = timedelta(hours=24)
_in_flight: set[str] = set()
_lock = threading.Lock()


class Answer(Base):
    """The stored answer to one request."""

    __tablename__ = "idempotent_answers"

    id: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One request under one key: who asks, where, and the digest of what is asked."""

    caller: str
    route: str
    key: str
    request_sha256: str

    @property
    def id(self) -> str:
        return sha256_hex(f"{self.caller}\n{self.route}\n{self.key}")


@contextmanager
def in_flight(claim: Claim) -> Iterator[None]:
    """Within this process, one request at a time per key; `recall` sees to the other processes."""
    with _lock:
        if claim.id in _in_flight:
            raise IdempotencyInFlight
        _in_flight.add(claim.id)
    try:
        yield
    finally:
        with _lock:
            _in_flight.discard(claim.id)


def recall(session: Session, claim: Claim) -> Answer | None:
    """The answer given before, if there was one within 24 hours to the very same request."""
    _lock_across_processes(session, claim)
    session.execute(delete(Answer).where(Answer.created_at < now() - KEPT))
    return found(session, claim)


def found(session: Session, claim: Claim) -> Answer | None:
    """The same, only looked up: who does the work then asks again."""
    answer = session.get(Answer, claim.id)
    if answer is not None and answer.request_sha256 != claim.request_sha256:
        raise IdempotencyMismatch
    return answer


def remember(session: Session, claim: Claim, *, status: int, headers: dict[str, str], body: bytes) -> None:
    session.add(
        Answer(
            id=claim.id,
            request_sha256=claim.request_sha256,
            status=status,
            headers=headers,
            body=body,
            created_at=now(),
        )
    )


def _lock_across_processes(session: Session, claim: Claim) -> None:
    """SQLite has one writer anyway; on PostgreSQL a lock for as long as the transaction."""
    if session.get_bind().dialect.name != "postgresql":
        return
    number = int(claim.id[:15], 16)
    if not session.scalar(text("SELECT pg_try_advisory_xact_lock(:number)"), {"number": number}):
        raise IdempotencyInFlight
