"""How is a warehouse described? Where it is, what is read there, and by which names; never with a secret."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, Strict, StrictBool, StringConstraints
from pydantic.config import JsonDict

from service.kit.text import Name, Note, Wire
from service.settings import SECRET_PREFIX

type Version = Annotated[int, Strict(), Field(ge=1, le=2**31 - 1)]
type Port = Annotated[int, Strict(), Field(ge=1, le=65535)]
type Host = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=253, pattern=r"^(/[\w./-]+|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)$"
    ),
    Field(examples=["warehouse.example.com"]),
]
type Word = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$")
]


def _inside(path: str) -> str:
    """A path that stays below the folder it is relative to; the worker asks the disk once more."""
    if path.startswith("/") or ".." in path.split("/") or "\\" in path:
        raise ValueError("expected a path below the configured folder, without ..")
    return path


type RelativePath = Annotated[Name, AfterValidator(_inside)]


class Engine(StrEnum):
    DUCKDB = "duckdb"
    POSTGRES = "postgres"
    SPARK = "spark"
    TRINO = "trino"
    BIGQUERY = "bigquery"
    SNOWFLAKE = "snowflake"
    DATABRICKS = "databricks"
    CLICKHOUSE = "clickhouse"


class FromEnvironment(Wire):
    """A secret in an environment variable of the worker."""

    environment: Annotated[
        str, StringConstraints(max_length=128, pattern=rf"^{SECRET_PREFIX}[A-Z0-9_]+$")
    ] = Field(examples=[f"{SECRET_PREFIX}WAREHOUSE"])


class FromFile(Wire):
    """A secret in a file of the worker's folder of secrets; the last line break is no part of it."""

    file: RelativePath = Field(examples=["warehouse-password"])


type Secret = FromEnvironment | FromFile


class DuckDBFile(Wire):
    engine: Literal[Engine.DUCKDB]
    path: RelativePath = Field(
        description="below the worker's folder of sources, LEVERBOARD_SOURCE_FILES", examples=["shop.duckdb"]
    )


class PostgreSQL(Wire):
    engine: Literal[Engine.POSTGRES]
    host: Host
    port: Port = 5432
    database: Name
    user: Name
    password: Secret | None = None
    ssl: Literal["prefer", "require", "verify-full"] = "require"


class Spark(Wire):
    """The Spark that LEVERBOARD_SPARK_MASTER names; tables of its catalogs, or Parquet files."""

    engine: Literal[Engine.SPARK]


class Trino(Wire):
    engine: Literal[Engine.TRINO]
    host: Host
    port: Port = 443
    catalog: Name
    user: Name
    password: Secret | None = None


class BigQuery(Wire):
    engine: Literal[Engine.BIGQUERY]
    project: Word
    dataset: Word
    credentials: FromFile | None = Field(
        default=None, description="a service account's key; null: what the worker's machine is allowed"
    )


class Snowflake(Wire):
    engine: Literal[Engine.SNOWFLAKE]
    account: Annotated[Word, Field(examples=["myorg-account123"])]
    user: Name
    password: Secret
    database: Name
    warehouse: Name
    role: Name | None = None


class Databricks(Wire):
    engine: Literal[Engine.DATABRICKS]
    host: Host
    http_path: Annotated[str, StringConstraints(pattern=r"^/sql/[\w/.-]+$", max_length=200)]
    token: Secret
    catalog: Name


class ClickHouse(Wire):
    engine: Literal[Engine.CLICKHOUSE]
    host: Host
    port: Port = 8443
    database: Name
    user: Name
    password: Secret | None = None
    secure: StrictBool = True


type Connection = Annotated[
    DuckDBFile | PostgreSQL | Spark | Trino | BigQuery | Snowflake | Databricks | ClickHouse,
    Field(discriminator="engine"),
]


class FromTable(Wire):
    """A table or view by the parts of its name, such as schema and table; quoted, so that any name works."""

    table: Annotated[tuple[Name, ...], Field(min_length=1, max_length=3)] = Field(
        examples=[["shop", "orders"]]
    )


class FromQuery(Wire):
    """One SELECT in the engine's own SQL; it may join and group, and names no file or unknown function."""

    query: Annotated[str, StringConstraints(min_length=1, max_length=20_000, strip_whitespace=True)]


class FromParquet(Wire):
    """Parquet files, Spark's alone: a folder below LEVERBOARD_SOURCE_FILES."""

    parquet: RelativePath


type Rows = FromTable | FromQuery | FromParquet


class Column(Wire):
    """A column of the table or query."""

    column: Name


class Always(Wire):
    """The same text in every row."""

    always: Name


class Assignments(Wire):
    """Who was assigned which arm, and when; what is read, and by which columns."""

    rows: Rows
    experiment: Column | Always
    unit: Name
    arm: Name
    time: Name = Field(description="a time without an offset is UTC")
    phase: Name | None = Field(default=None, description="null: everything is phase 1")


class Outcomes(Wire):
    """What happened, one row each; give several where events lie in several tables."""

    rows: Rows
    unit: Name
    event: Column | Always
    time: Name = Field(description="a time without an offset is UTC")
    value: Name | None = None
    properties: Name | None = Field(
        default=None, description="a column of JSON objects, as text or as the engine's JSON"
    )


class Exposures(Wire):
    """Who met the difference, and when; for plans whose exposure is what was sent."""

    rows: Rows
    experiment: Column | Always
    unit: Name
    time: Name


class Attributes(Wire):
    """What was known of a unit, since when; one of text, number and truth holds the value."""

    rows: Rows
    unit: Name
    name: Column | Always
    time: Name
    text: Name | None = None
    number: Name | None = None
    truth: Name | None = None


class Identities(Wire):
    """Which unit an id is, where one customer goes by several; the links are followed already.

    Each id stands there once, and what it is a name of is no id itself: an analysis asks first, and refuses.
    """

    rows: Rows
    id: Name = Field(description="as it stands in the unit columns of the other tables")
    unit: Name
    time: Name | None = Field(default=None, description="since when it is known; null: always")


class Limits(Wire):
    """What one analysis may cost; where the engine knows no such limit, it is refused or counted first."""

    seconds: Annotated[int, Strict(), Field(ge=1, le=86_400)] = Field(
        default=600, description="for one statement"
    )
    rows: Annotated[int, Strict(), Field(ge=1, le=10**12)] = Field(
        default=1_000_000_000,
        description="outcomes in the experiment's time, counted before the analysis",
    )
    bytes: Annotated[int, Strict(), Field(ge=1, le=10**15)] | None = Field(
        default=None,
        description="scanned or billed by one statement: BigQuery, ClickHouse and Trino know such a limit",
    )


EXAMPLE: JsonDict = {
    "name": "The shop's warehouse",
    "connection": {
        "engine": "postgres",
        "host": "warehouse.example.com",
        "database": "shop",
        "user": "leverboard_reader",
        "password": {"environment": f"{SECRET_PREFIX}WAREHOUSE"},
    },
    "assignments": {
        "rows": {"table": ["experiments", "assignments"]},
        "experiment": {"column": "experiment_key"},
        "unit": "customer_id",
        "arm": "variant",
        "time": "assigned_at",
    },
    "outcomes": [
        {
            "rows": {"table": ["shop", "orders"]},
            "unit": "customer_id",
            "event": {"always": "ordered"},
            "time": "created_at",
            "value": "amount",
        },
        {
            "rows": {"query": "SELECT caller, started_at, seconds / 60.0 AS minutes FROM calls.answered"},
            "unit": "caller",
            "event": {"always": "called"},
            "time": "started_at",
            "value": "minutes",
        },
    ],
}


class SourceDraft(Wire):
    """A warehouse in which assignments and outcomes already live. It is only ever read."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: Name
    description: Note | None = None
    connection: Connection
    assignments: Assignments
    outcomes: Annotated[tuple[Outcomes, ...], Field(min_length=1, max_length=50)]
    exposures: Annotated[tuple[Exposures, ...], Field(max_length=10)] = ()
    attributes: Annotated[tuple[Attributes, ...], Field(max_length=50)] = ()
    identities: Identities | None = None
    limits: Limits = Limits()

    @property
    def engine(self) -> Engine:
        return self.connection.engine

    @property
    def relations(self) -> tuple[tuple[str, Rows], ...]:
        """Every table, query or folder that is read, by the field that names it."""
        found = [
            *((f"outcomes.{place}.rows", one.rows) for place, one in enumerate(self.outcomes)),
            *((f"exposures.{place}.rows", one.rows) for place, one in enumerate(self.exposures)),
            *((f"attributes.{place}.rows", one.rows) for place, one in enumerate(self.attributes)),
            *((("identities.rows", self.identities.rows),) if self.identities else ()),
        ]
        return (("assignments.rows", self.assignments.rows), *found)


class Source(SourceDraft):
    """One version of a source; a run names the version that it read."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                EXAMPLE
                | {
                    "id": "src_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "version": 1,
                    "sha256": "0" * 64,
                    "team": "growth",
                    "owner": "ada@example.com",
                    "author": "ada@example.com",
                    "created_at": "2026-04-01T09:00:00Z",
                    "updated_at": "2026-04-01T09:00:00Z",
                }
            ]
        }
    )

    id: str
    version: int
    sha256: str = Field(description="of this version's canonical JSON")
    team: str
    owner: str
    author: str = Field(description="who made this version")
    created_at: datetime
    updated_at: datetime = Field(description="when this version was made")
