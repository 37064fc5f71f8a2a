"""Is the service ready to answer? Small checks, each with its own word; the app lists them."""

from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from service.kit import schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """One check; `ready` is None where it only reports."""

    name: str
    ready: bool | None
    detail: str


def database_reachable(session: Session) -> Readiness:
    session.execute(text("SELECT 1"))
    return Readiness(name="database", ready=True, detail="reachable")


def schema_current(session: Session) -> Readiness:
    connection: Connection = session.connection()
    found, expected = schema.current(connection), schema.HEAD
    if found == expected:
        return Readiness(name="schema", ready=True, detail=f"at {found}")
    return Readiness(
        name="schema", ready=False, detail=f"at {found}, expected {expected}: run `leverboard migrate`"
    )
