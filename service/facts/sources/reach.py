"""Which machines and files may a source reach? Those that whoever runs the worker has allowed, no others.

Who registers a source is not who runs the worker: an address could be the worker's own neighbour, a file
anybody's. So hosts are named in LEVERBOARD_SOURCE_HOSTS, and files lie below LEVERBOARD_SOURCE_FILES.
"""

from pathlib import Path

from service.facts.sources.secrets import SourceUnusable, names_of
from service.kit.hosts import allows
from service.settings import Settings
from service.sources.schemas import (
    BigQuery,
    ClickHouse,
    Connection,
    Databricks,
    DuckDBFile,
    PostgreSQL,
    Snowflake,
    Source,
    SourceDraft,
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
    if address is None or any(allows(pattern, *address) for pattern in settings.source_hosts):
        return
    host, port = address
    raise SourceUnusable(
        f"{host}:{port} is not among the hosts that sources may reach. Whoever runs the worker can allow it: "
        f"LEVERBOARD_SOURCE_HOSTS={host}:{port}"
    )


def check_grants(settings: Settings, source: SourceDraft) -> None:
    """SourceUnusable unless each secret may go to this machine, for this team.

    Who names a secret in a source of their own need not be who was meant to use it.
    """
    address = address_of(source.connection)
    team = source.team if isinstance(source, Source) else None
    for named in names_of(source):
        if address is None or not any(_grants(one, named, team, *address) for one in settings.source_grants):
            whose, (host, port) = f"{team}:" if team else "", address or ("", 0)
            raise SourceUnusable(
                f"The secret {named} may not go to {host}:{port} for team {team}. Whoever runs the worker "
                f"can allow it: LEVERBOARD_SOURCE_GRANTS={whose}{named}={host}:{port}"
            )


def _grants(grant: str, named: str, team: str | None, host: str, port: int) -> bool:
    """`secret=host`, or `team:secret=host`; the host as in LEVERBOARD_SOURCE_HOSTS."""
    whose, _, pattern = grant.partition("=")
    owner, _, secret = whose.rpartition(":")
    return secret == named and owner in {"", team} and allows(pattern, host, port)


def file_below(settings: Settings, relative: str) -> Path:
    """A file or folder of sources; SourceUnusable where a link or a name leads out of their folder."""
    if settings.source_files is None:
        raise SourceUnusable(f"{relative} is named, and LEVERBOARD_SOURCE_FILES names no folder.")
    folder = settings.source_files.resolve()
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder) or not path.exists():
        raise SourceUnusable(f"There is no {relative} in LEVERBOARD_SOURCE_FILES.")
    return path
