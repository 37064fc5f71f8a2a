"""What may be configured, by which environment variable, and what holds when nothing is said?"""

import os
import re
from collections.abc import Mapping
from datetime import time, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import ByteSize, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "LEVERBOARD_"
SECRET_PREFIX = f"{PREFIX}SOURCE_SECRET_"  # secrets of warehouses: named by sources, no settings of ours
RECEIVER_PREFIX = f"{PREFIX}RECEIVER_SECRET_"  # of those whom reports go to, named by receivers
_KEPT = "How long these facts stay, by their time; for good unless said."
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9._=-]+)*")
_SCHEMES = frozenset({"postgres", "postgresql", "postgresql+psycopg", "sqlite"})


class SettingsError(ValueError):
    """The environment asks for something that cannot be done; the message names the variable."""


class Settings(BaseSettings):
    """Every setting of the service; each is read from LEVERBOARD_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True)

    data_dir: Path = Path("data")
    database_url: str | None = Field(
        default=None, description="SQLite in the data folder unless this names a PostgreSQL."
    )
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    run_time_limit: timedelta = timedelta(hours=1)
    keep_warm: timedelta = Field(
        default=timedelta(hours=1),
        ge=timedelta(0),
        description="How long a worker keeps the libraries of explorations and studies in memory after the "
        "last of these runs, and compiled samplers after the last audit; the next one starts at once.",
    )
    warm_samplers: bool = Field(
        default=False,
        description="Compile the samplers when a worker starts and keep them for good, instead of before the "
        "first audit of a posterior.",
    )
    lease: timedelta = timedelta(seconds=60)
    heartbeat: timedelta = timedelta(seconds=10)
    lake_lease: timedelta = Field(
        default=timedelta(seconds=15),
        description="How long a killed fold keeps others waiting; one at work renews it.",
    )
    snapshots_kept: timedelta = Field(
        default=timedelta(days=30),
        ge=timedelta(0),
        description="How long files stay after compaction replaced them: a run can be read again so long.",
    )
    inbox_kept: timedelta = Field(
        default=timedelta(days=7),
        ge=timedelta(0),
        description="How long the inbox keeps rows after their fold; `lake verify` compares them by id.",
    )
    lake_url: str | None = Field(
        default=None,
        description="Object storage for the lake, such as s3://bucket/prefix; the data folder unless this "
        "names it. Credentials come from AWS_ACCESS_KEY_ID and the like, never from here.",
    )
    lake_cache: ByteSize = Field(
        default=ByteSize(10 * 1024**3),
        description="How much of a lake in object storage this machine keeps to read again, such as 10GiB. "
        "Each fold reads the whole table that it adds to: give it more than the largest one takes.",
    )
    fold_every: timedelta = Field(
        default=timedelta(minutes=1), gt=timedelta(0), description="How often workers fold what has come in."
    )
    fold_rows: int = Field(
        default=100_000, ge=1, description="Rows in the inbox that are folded without waiting for that."
    )
    compact_every: timedelta = Field(
        default=timedelta(hours=1),
        gt=timedelta(0),
        description="How often workers rewrite what lies in too many files, and remove erased units.",
    )
    nightly_at: time = Field(
        default=time(2),
        description="When, in UTC, workers rewrite closed days, and drop what is out of date.",
    )
    assignments_kept: timedelta | None = Field(default=None, gt=timedelta(0), description=_KEPT)
    outcomes_kept: timedelta | None = Field(default=None, gt=timedelta(0), description=_KEPT)
    exposures_kept: timedelta | None = Field(default=None, gt=timedelta(0), description=_KEPT)
    attributes_kept: timedelta | None = Field(default=None, gt=timedelta(0), description=_KEPT)
    identities_kept: timedelta | None = Field(default=None, gt=timedelta(0), description=_KEPT)
    ingest_waiting: ByteSize = Field(
        default=ByteSize(1024**3),
        description="How much of facts may be on its way into one process; beyond it senders must wait.",
    )
    lake_engine: Literal["duckdb", "spark"] = Field(
        default="duckdb",
        description="What reads the lake for an analysis; spark is the one of LEVERBOARD_SPARK_MASTER, which "
        "must see the lake's folder under the same path.",
    )
    duckdb_memory_limit: str | None = None
    duckdb_threads: int | None = Field(default=None, ge=1)
    source_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Which warehouses sources may reach, by commas: db.example.com:5432, *.example.com.",
    )
    source_grants: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Which secret of a source may go to which warehouse, by commas: "
        "LEVERBOARD_SOURCE_SECRET_SHOP=db.example.com:5432; growth:… for that team's sources alone.",
    )
    source_files: Path | None = Field(
        default=None, description="The folder below which sources of DuckDB files and Parquet lie."
    )
    source_secrets: Path | None = Field(
        default=None, description="The folder of mounted files that hold the secrets of sources."
    )
    spark_master: str | None = Field(
        default=None, description="The Spark that sources of Spark are read by, such as local[2]."
    )

    report_language: str = Field(default="en", description="Of reports that nobody asked for in another one.")
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/]+(/[^\s]*)?$",
        description="Where people reach this service, such as https://levers.example.com: for links.",
    )
    webhook_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Hosts of our own network that webhooks may reach all the same, by commas, such as "
        "hooks.internal:8080 or *.internal. All others must be public, and speak https.",
    )
    receiver_secrets: Path | None = Field(
        default=None, description="The folder of mounted files that hold the secrets of receivers."
    )
    receiver_grants: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Which team's receivers may use which secret, by commas: "
        "growth:LEVERBOARD_RECEIVER_SECRET_CRM, growth:crm-webhook; without a team: every team's.",
    )
    smtp_host: str | None = Field(default=None, description="The mail server; without one no mail is sent.")
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = Field(default="leverboard@localhost", description="Whom mails come from.")

    @field_validator("source_hosts", "source_grants", "webhook_hosts", "receiver_grants", mode="before")
    @classmethod
    def _by_commas(cls, hosts: object) -> object:
        if not isinstance(hosts, str):
            return hosts
        return tuple(stripped for host in hosts.split(",") if (stripped := host.strip()))

    @field_validator("database_url")
    @classmethod
    def _a_database_of_ours(cls, url: str | None) -> str | None:
        if url is not None and url.partition("://")[0] not in _SCHEMES:
            raise ValueError("expected an address such as postgresql://user:password@host/database")
        return url

    @field_validator("lake_url")
    @classmethod
    def _a_place_of_ours(cls, url: str | None) -> str | None:
        if url is not None and not _BUCKET.fullmatch(url):
            raise ValueError("expected an address such as s3://bucket/prefix")
        return url

    @classmethod
    def from_environment(cls) -> Self:
        """Read the environment; an unknown or unusable LEVERBOARD_ variable is an error that names it."""
        refuse_unknown(os.environ)
        try:
            return cls()
        except ValidationError as error:
            raise SettingsError(_told(error)) from error

    @property
    def lake_dir(self) -> Path:
        return self.data_dir / "lake"

    @property
    def lake_cache_dir(self) -> Path:
        """Where files of a lake in object storage are kept to be read again; anybody may delete it."""
        return self.data_dir / "cache" / "lake"

    @property
    def url(self) -> str:
        """The database's address, with the driver that we use."""
        if self.database_url is None:
            return f"sqlite:///{self.data_dir / 'leverboard.db'}"
        scheme, separator, rest = self.database_url.partition("://")
        driver = "postgresql+psycopg" if scheme in {"postgres", "postgresql"} else scheme
        return f"{driver}{separator}{rest}"

    @property
    def embedded(self) -> bool:
        """Whether the database is the file in our own data folder."""
        return self.url.startswith("sqlite")


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """pydantic-settings ignores names that it does not know; a typo must not pass in silence."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in environment:
        if name.upper().startswith((SECRET_PREFIX, RECEIVER_PREFIX)):
            continue
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            close = get_close_matches(name.upper(), known, n=1)
            hint = f" Did you mean {close[0]}?" if close else f" Known: {', '.join(sorted(known))}."
            raise SettingsError(f"{name} is not a setting of Leverboard.{hint}")


def _told(error: ValidationError) -> str:
    return "; ".join(
        f"{PREFIX}{str(problem['loc'][0]).upper()}: {problem['msg']}".replace(": Value error, ", ": ")
        + _HOW.get(problem["type"], "")
        for problem in error.errors()
    )


_HOW = {"time_delta_parsing": "; write seconds, as 3600, or ISO 8601, as PT1H"}
