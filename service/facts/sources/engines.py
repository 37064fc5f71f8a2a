"""How is each engine opened: read-only, for so long, for so much, with nothing said that would be a secret?

DuckDB files, PostgreSQL and Spark are run by the tests. The others are opened as their drivers' manuals say.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import batched
from threading import Event, Thread
from typing import Any

from service.facts import spill
from service.facts.sources import spark
from service.facts.sources.reach import check_grants, check_reach, file_below
from service.facts.sources.secrets import SourceUnusable, secret_of
from service.settings import Settings
from service.sources.schemas import (
    BigQuery,
    ClickHouse,
    Databricks,
    DuckDBFile,
    Engine,
    PostgreSQL,
    Snowflake,
    SourceDraft,
    Trino,
)

type Row = tuple[Any, ...]
type Ask = Callable[[str], list[Row]]
type Read = Callable[[str], Iterator[Sequence[Row]]]

CONNECT_SECONDS = 15
AT_ONCE = 10_000  # rows of a long answer that are held as the driver gives them
_STOP_AGAIN = 0.5  # seconds


class MissingDriver(SourceUnusable):
    """The library that speaks to the engine is not installed."""

    def __init__(self, engine: Engine, error: ImportError) -> None:
        super().__init__(
            f"The driver of {engine} is not installed where the worker runs ({error}): "
            f"pip install 'leverboard[{engine}]'"
        )


class TookTooLong(SourceUnusable):
    """A statement had no answer within the source's seconds."""

    def __init__(self, source: SourceDraft) -> None:
        super().__init__(
            f"{source.engine} had no answer within {source.limits.seconds} seconds, the limit for one "
            "of the source's statements. Narrow the tables by a view, or raise limits.seconds."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """An opened engine. ``read`` gives a long answer in parts, of which one is held at a time.

    ``keep`` keeps a query's rows under a name, where that needs no right to write.
    """

    ask: Ask
    read: Read
    keep: Callable[[str, str], None] | None = None


@contextmanager
def opened(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    """The source's engine, closed at the end; SourceUnusable where this deployment does not allow it."""
    check_reach(settings, source.connection)
    check_grants(settings, source)
    with ExitStack() as stack:
        try:
            warehouse = stack.enter_context(_OPENERS[source.engine](settings, source))
        except ImportError as error:
            raise MissingDriver(source.engine, error) from error
        yield warehouse


@contextmanager
def _duckdb(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    """No other file, no network, no extension; once set, nothing of that can be unset."""
    import ibis

    connection = _expected(source.connection, DuckDBFile)
    path = file_below(settings, connection.path)
    with spill.folder(settings) as folder:
        options = _duckdb_options(settings) | {"temp_directory": str(folder)}
        backend = ibis.duckdb.connect(path, read_only=True, **options)
        try:
            for setting in (
                "TimeZone = 'UTC'",
                "enable_external_access = false",
                "lock_configuration = true",
            ):
                backend.con.execute(f"SET {setting}")
            yield _watched(
                source,
                backend.con.interrupt,
                ask=lambda sql: backend.con.execute(sql).fetchall(),
                read=lambda sql: _parts(backend.con.execute(sql)),
                keep=lambda name, sql: backend.con.execute(f'CREATE OR REPLACE TEMP TABLE "{name}" AS {sql}'),
            )
        finally:
            backend.disconnect()


def _duckdb_options(settings: Settings) -> dict[str, Any]:
    limits = {"memory_limit": settings.duckdb_memory_limit, "threads": settings.duckdb_threads}
    fixed = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "preserve_insertion_order": False,
    }
    return fixed | {name: value for name, value in limits.items() if value is not None}


@contextmanager
def _postgres(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    """One transaction that can only read, so that every statement sees the same rows."""
    import ibis

    connection = _expected(source.connection, PostgreSQL)
    milliseconds = source.limits.seconds * 1000
    backend = ibis.postgres.connect(
        host=connection.host,
        port=connection.port,
        user=connection.user,
        password=secret_of(settings, connection.password),
        database=connection.database,
        sslmode=connection.ssl,
        connect_timeout=CONNECT_SECONDS,
        application_name="leverboard",
        options=f"-c default_transaction_read_only=on -c statement_timeout={milliseconds} "
        f"-c lock_timeout={milliseconds}",
    )
    try:
        backend.con.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield Warehouse(
            ask=lambda sql: backend.con.execute(sql).fetchall(),
            read=lambda sql: batched(backend.con.cursor().stream(sql), AT_ONCE, strict=False),
        )
    finally:
        backend.con.close()


@contextmanager
def _spark(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    with spark.opened(settings, source) as session:
        yield _watched(
            source,
            session.sparkContext.cancelAllJobs,
            ask=lambda sql: [tuple(row) for row in session.sql(sql).collect()],
            read=lambda sql: batched(map(tuple, session.sql(sql).toLocalIterator()), AT_ONCE, strict=False),
            keep=lambda name, sql: session.sql(sql).cache().createOrReplaceTempView(name),
        )


@contextmanager
def _trino(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    import ibis

    connection, limits = _expected(source.connection, Trino), source.limits
    properties = {"query_max_run_time": f"{limits.seconds}s"}
    if limits.bytes is not None:
        properties["query_max_scan_physical_bytes"] = f"{limits.bytes}B"
    backend = ibis.trino.connect(
        host=connection.host,
        port=connection.port,
        user=connection.user,
        auth=secret_of(settings, connection.password),
        database=connection.catalog,
        source="leverboard",
        timezone="UTC",
        http_scheme="https",
        session_properties=properties,
    )
    try:
        yield _by_cursors(backend.raw_sql)
    finally:
        backend.disconnect()


@contextmanager
def _bigquery(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    """What a statement may bill is a limit of BigQuery's own; without one, of our own: 100 GB."""
    import ibis
    from google.cloud import bigquery  # noqa: PLC0415 - an extra
    from google.oauth2 import service_account  # noqa: PLC0415

    connection, limits = _expected(source.connection, BigQuery), source.limits
    credentials = None
    if connection.credentials is not None:
        given = json.loads(secret_of(settings, connection.credentials) or "{}")
        credentials = service_account.Credentials.from_service_account_info(given)
    backend = ibis.bigquery.connect(
        project_id=connection.project, dataset_id=connection.dataset, credentials=credentials
    )
    job = bigquery.QueryJobConfig(
        maximum_bytes_billed=limits.bytes or 10**11,
        job_timeout_ms=limits.seconds * 1000,
        labels={"by": "leverboard"},
    )
    try:

        def rows(sql: str) -> Iterator[Row]:
            return (tuple(row.values()) for row in backend.raw_sql(sql, query_job_config=job))

        yield Warehouse(
            ask=lambda sql: list(rows(sql)), read=lambda sql: batched(rows(sql), AT_ONCE, strict=False)
        )
    finally:
        backend.disconnect()


@contextmanager
def _snowflake(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    """Ibis would make functions of its own in the warehouse unless told not to."""
    import ibis

    connection = _expected(source.connection, Snowflake)
    backend = ibis.snowflake.connect(
        create_object_udfs=False,
        account=connection.account,
        user=connection.user,
        password=secret_of(settings, connection.password),
        database=connection.database,
        warehouse=connection.warehouse,
        role=connection.role,
        login_timeout=CONNECT_SECONDS,
        session_parameters={
            "STATEMENT_TIMEOUT_IN_SECONDS": source.limits.seconds,
            "QUERY_TAG": "leverboard",
        },
    )
    try:
        yield _by_cursors(lambda sql: backend.con.cursor().execute(sql))
    finally:
        backend.disconnect()


@contextmanager
def _databricks(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    """By Databricks' own driver: Ibis' backend makes a volume when it connects, and this only reads."""
    from databricks import sql as driver  # noqa: PLC0415 - an extra

    connection = _expected(source.connection, Databricks)
    with (
        driver.connect(
            server_hostname=connection.host,
            http_path=connection.http_path,
            access_token=secret_of(settings, connection.token),
            catalog=connection.catalog,
            session_configuration={"TIMEZONE": "UTC", "STATEMENT_TIMEOUT": str(source.limits.seconds)},
        ) as session,
        session.cursor() as cursor,
    ):
        yield _by_cursors(cursor.execute)


@contextmanager
def _clickhouse(settings: Settings, source: SourceDraft) -> Iterator[Warehouse]:
    """readonly=2: no writing, and the settings below may be given; outer joins give nulls, as SQL says."""
    import ibis

    connection, limits = _expected(source.connection, ClickHouse), source.limits
    given = {
        "readonly": 2,
        "join_use_nulls": 1,
        "max_execution_time": limits.seconds,
        "max_rows_to_read": limits.rows,
        "session_timezone": "UTC",
    }
    backend = ibis.clickhouse.connect(
        host=connection.host,
        port=connection.port,
        database=connection.database,
        user=connection.user,
        password=secret_of(settings, connection.password) or "",
        secure=connection.secure,
        client_name="leverboard",
        settings=given if limits.bytes is None else given | {"max_bytes_to_read": limits.bytes},
    )
    try:

        def blocks(sql: str) -> Iterator[Sequence[Row]]:
            with backend.con.query_row_block_stream(sql) as stream:
                yield from stream

        yield Warehouse(
            ask=lambda sql: [tuple(row) for row in backend.con.query(sql).result_rows], read=blocks
        )
    finally:
        backend.disconnect()


def _expected[T](connection: object, kind: type[T]) -> T:
    if not isinstance(connection, kind):
        raise TypeError(f"expected a connection of {kind.__name__}, got {type(connection).__name__}")
    return connection


def _by_cursors(execute: Callable[[str], Any]) -> Warehouse:
    """Of an engine that answers each statement with a cursor of PEP 249."""
    return Warehouse(
        ask=lambda sql: [tuple(row) for row in execute(sql).fetchall()],
        read=lambda sql: _parts(execute(sql)),
    )


def _parts(cursor: Any) -> Iterator[Sequence[Row]]:
    """What a cursor of PEP 249 still has, some rows at a time."""
    while rows := cursor.fetchmany(AT_ONCE):
        yield [tuple(row) for row in rows]


def _watched(
    source: SourceDraft,
    stop: Callable[[], object],
    *,
    ask: Ask,
    read: Read,
    keep: Callable[[str, str], object],
) -> Warehouse:
    """For engines that end no statement by themselves: each has the source's seconds from its own start."""

    def asked(sql: str) -> list[Row]:
        with _until(source, stop):
            return ask(sql)

    def told(sql: str) -> Iterator[Sequence[Row]]:
        with _until(source, stop):
            yield from read(sql)

    def kept(name: str, sql: str) -> None:
        with _until(source, stop):
            keep(name, sql)

    return Warehouse(ask=asked, read=told, keep=kept)


@contextmanager
def _until(source: SourceDraft, stop: Callable[[], object]) -> Iterator[None]:
    """Told to stop again and again: at first it may be about to start, with nothing yet to stop."""
    ended, late = Event(), Event()

    def watch() -> None:
        if not ended.wait(source.limits.seconds):
            late.set()
            while not ended.is_set():
                stop()
                ended.wait(_STOP_AGAIN)

    watching = Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    except Exception:
        if late.is_set():
            raise TookTooLong(source) from None
        raise
    finally:
        ended.set()
        watching.join()


_OPENERS: Mapping[Engine, Callable[[Settings, SourceDraft], AbstractContextManager[Warehouse]]] = {
    Engine.DUCKDB: _duckdb,
    Engine.POSTGRES: _postgres,
    Engine.SPARK: _spark,
    Engine.TRINO: _trino,
    Engine.BIGQUERY: _bigquery,
    Engine.SNOWFLAKE: _snowflake,
    Engine.DATABRICKS: _databricks,
    Engine.CLICKHOUSE: _clickhouse,
}
