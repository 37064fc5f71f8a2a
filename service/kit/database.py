"""How is the service database reached? One door for SQLite and PostgreSQL: read() and write()."""

import enum
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

from sqlalchemy import JSON, Connection, DateTime, Dialect, Engine, Enum, MetaData, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from service.kit.canonical import canonical_json

_PRAGMAS = (
    "busy_timeout=30000",
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",  # what was deleted is overwritten: erased is erased
)
POOL_SIZE = 16  # kit/http.py lets no more requests than this into their transactions at once


class UtcDateTime(TypeDecorator[datetime]):
    """An instant in UTC, to the microsecond; a time without an offset is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError(f"expected a time with an offset, got {value.isoformat()}")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# A JSON document, written canonically (the engine's serializer); None is SQL's NULL.
JsonDocument = JSON(none_as_null=True)


def _values(kind: type[enum.Enum]) -> list[str]:
    return [str(member.value) for member in kind]


class Base(DeclarativeBase):
    """What every table shares: names for constraints, and how Python's types are stored."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JsonDocument,
        list[Any]: JsonDocument,
        # Text of 32 characters on both databases: no native type that a migration would have to manage.
        enum.Enum: Enum(enum.Enum, native_enum=False, length=32, values_callable=_values),
    }


@dataclass(frozen=True, slots=True)
class Database:
    """Two views of one pool of connections: transactions that read, and transactions that write."""

    engine: Engine
    _reading: Engine
    _writing: Engine

    @classmethod
    def open(cls, url: str) -> Self:
        engine = create_engine(
            url,
            pool_size=POOL_SIZE,
            max_overflow=2,
            pool_pre_ping=not url.startswith("sqlite"),  # a file does not hang up
            json_serializer=canonical_json,
        )
        if engine.dialect.name == "sqlite":
            _prepare_sqlite(engine)
        return cls(
            engine=engine,
            _reading=engine.execution_options(postgresql_readonly=True, sqlite_begin="BEGIN"),
            _writing=engine.execution_options(sqlite_begin="BEGIN IMMEDIATE"),
        )

    def close(self) -> None:
        self.engine.dispose()

    def scrub(self) -> None:
        """Leave no copy of what was overwritten or deleted in the log beside SQLite's file.

        The file itself is overwritten as it changes (secure_delete). What PostgreSQL keeps of old rows, in
        its files and its log, is its operator's to vacuum. Raises TimeoutError while somebody reads on.
        """
        if self.engine.dialect.name != "sqlite":
            return
        connection = self.engine.raw_connection()
        try:
            busy, *_ = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
        if busy:
            raise TimeoutError("the log beside the database is still being read")

    def reader(self) -> Session:
        """A session that may only read; it takes a connection when it is first used."""
        return Session(self._reading, expire_on_commit=False)

    def writer(self) -> Session:
        """A session that may write; the transaction begins when it is first used. The caller commits."""
        return Session(self._writing, expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with self.reader() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed at the end, rolled back by an error."""
        with self.writer() as session, session.begin():
            yield session


def _prepare_sqlite(engine: Engine) -> None:
    if engine.url.database is not None:
        folder = Path(engine.url.database).parent
        event.listen(engine, "do_connect", lambda *_: folder.mkdir(parents=True, exist_ok=True))
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _configure_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    if not isinstance(connection, sqlite3.Connection):
        raise TypeError(f"expected a SQLite connection, got {type(connection).__name__}")
    connection.isolation_level = None  # the driver opens no transaction of its own: _begin_sqlite does
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once: upgrading a read lock later is refused without waiting."""
    begin = connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE")
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if begin == 'BEGIN' else 'OFF'}")
    connection.exec_driver_sql(begin)
