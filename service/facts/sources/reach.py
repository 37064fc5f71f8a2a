"""Which machines and files may a source reach? Those that whoever runs the worker has allowed, no others.

Who registers a source is not who runs the worker: an address could be the worker's own neighbour, a file
anybody's. So hosts are named in LEVERBOARD_SOURCE_HOSTS, and files lie below LEVERBOARD_SOURCE_FILES.
"""

from pathlib import Path

from service.facts.sources.secrets import SourceUnusable
from service.settings import Settings
from service.sources.schemas import (
    BigQuery,
    ClickHouse,
    Connection,
    Databricks,
    DuckDBFile,
    PostgreSQL,
    Snowflake,
    Spark,
    Trino,
)

_BIGQUERY = "bigquery.googleapis.com"


def address_of(connection: Connection) -> tuple[str, int] | None:
    """The machine that is spoken to; None where there is none but our own."""
    match connection:
        case PostgreSQL() | Trino() | ClickHouse():
            return connection.host, connection.port
        case Databricks():
            return connection.host, 443
        case Snowflake():
            return f"{connection.account}.snowflakecomputing.com", 443
        case BigQuery():
            return _BIGQUERY, 443
        case DuckDBFile() | Spark():
            return None


def check_reach(settings: Settings, connection: Connection) -> None:
    """SourceUnusable unless the machine is one of those that sources may reach."""
    address = address_of(connection)
    if address is None or any(_allows(pattern, *address) for pattern in settings.source_hosts):
        return
    host, port = address
    raise SourceUnusable(
        f"{host}:{port} is not among the hosts that sources may reach. Whoever runs the worker can allow it: "
        f"LEVERBOARD_SOURCE_HOSTS={host}:{port}"
    )


def _allows(pattern: str, host: str, port: int) -> bool:
    """`host`, `host:port`, or `*.domain` with or without a port."""
    name, colon, number = pattern.rpartition(":")
    if not colon or not number.isdigit():
        name, number = pattern, str(port)
    if number != str(port):
        return False
    name, host = name.lower(), host.lower().rstrip(".")
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


def file_below(settings: Settings, relative: str) -> Path:
    """A file or folder of sources; SourceUnusable where a link or a name leads out of their folder."""
    if settings.source_files is None:
        raise SourceUnusable(f"{relative} is named, and LEVERBOARD_SOURCE_FILES names no folder.")
    folder = settings.source_files.resolve()
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder) or not path.exists():
        raise SourceUnusable(f"There is no {relative} in LEVERBOARD_SOURCE_FILES.")
    return path
