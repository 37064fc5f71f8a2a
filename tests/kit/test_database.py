"""Transactions, on both databases."""

import contextlib
import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from service.kit.database import Database, UtcDateTime
from service.kit.idempotency import Answer


def an_answer(name: str = "a") -> Answer:
    at = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    return Answer(
        id=name, request_sha256="", status=200, headers={"b": 1, "a": [1.5]}, body=b"\x00", created_at=at
    )


def test_what_is_written_is_read_back_the_same(each_database: Database) -> None:
    with each_database.write() as session:
        session.add(an_answer())
    with each_database.read() as session:
        found = session.get_one(Answer, "a")
    assert found.created_at == datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    assert found.created_at.tzinfo is not None
    assert found.headers == {"a": [1.5], "b": 1}


def test_an_error_rolls_everything_back(each_database: Database) -> None:
    with contextlib.suppress(KeyError), each_database.write() as session:
        session.add(an_answer())
        session.flush()
        raise KeyError
    with each_database.read() as session:
        assert session.scalars(select(Answer)).all() == []


def test_a_read_session_cannot_write(each_database: Database) -> None:
    with each_database.read() as session:
        session.add(an_answer())
        with pytest.raises(DBAPIError, match=r"(?i)read-?only"):
            session.flush()
    with each_database.write() as session:
        session.add(an_answer())


def test_writers_wait_for_each_other(each_database: Database) -> None:
    def write(name: str) -> None:
        with each_database.write() as session:
            session.scalars(select(Answer)).all()
            session.add(an_answer(name))

    writers = [threading.Thread(target=write, args=(f"{n}",)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with each_database.read() as session:
        assert len(session.scalars(select(Answer)).all()) == 8


def test_a_time_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        UtcDateTime().process_bind_param(datetime(2026, 1, 1), None)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 30000)],
)
def test_sqlite_is_set_to_keep_what_it_acknowledged(database: Database, pragma: str, value: object) -> None:
    with database.read() as session:
        assert session.connection().exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
