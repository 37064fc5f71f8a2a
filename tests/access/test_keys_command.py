"""`leverboard keys` and `leverboard migrate`, as somebody at a terminal uses them."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from service import cli
from service.app import create_app
from service.cli.store import whereabouts
from service.settings import Settings


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERBOARD_DATA_DIR", str(tmp_path / "data"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.application(["keys", "migrate"]), arguments)


def create(*arguments: str) -> dict:
    done = run("keys", "create", "--owner", "ada@example.com", "--team", "growth", "--json", *arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def status_with(key: str) -> int:
    with TestClient(create_app(Settings.from_environment())) as client:
        return client.get("/v1/metrics", headers={"Authorization": f"Bearer {key}"}).status_code


def test_a_key_opens_the_api_until_it_is_revoked() -> None:
    made = create()
    assert status_with(made["key"]) == 200
    revoked = json.loads(run("keys", "revoke", made["id"], "--json").stdout)
    assert revoked["revoked_at"]
    assert status_with(made["key"]) == 401


def test_the_list_names_every_key_and_no_secret() -> None:
    made = [create(), create("--role", "admin", "--days", "30")]
    listed = run("keys", "list", "--json").stdout
    assert [one["id"] for one in json.loads(listed)] == [one["id"] for one in made]
    assert all(one["key"].rpartition("_")[2] not in listed for one in made)
    assert run("keys", "list").exit_code == 0


def test_the_list_cuts_nothing_however_narrow_the_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    made = create("--owner", f"{'a' * 90}@example.com", "--days", "30")
    head, line = run("keys", "list").stdout.splitlines()
    assert head.split() == ["id", "owner", "team", "role", "created", "expires", "revoked"]
    assert line.split() == [
        made["id"], made["owner"], "growth", "editor", made["created_at"], made["expires_at"], "-",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\x1b[31mred", "x" * 201])
@pytest.mark.parametrize("flag", ["--owner", "--team"])
def test_an_owner_or_team_that_says_nothing_is_refused(flag: str, name: str) -> None:
    done = run("keys", "create", "--owner", "ada@example.com", "--team", "growth", flag, name)
    assert done.exit_code == 2
    assert flag in done.stderr
    assert json.loads(run("keys", "list", "--json").stdout) == []


def test_each_command_says_in_which_store(tmp_path: Path) -> None:
    made = run("keys", "create", "--owner", "ada@example.com", "--team", "growth", "--json")
    for done in (made, run("keys", "list"), run("keys", "revoke", json.loads(made.stdout)["id"])):
        assert done.stderr == f"In the store {tmp_path / 'data' / 'leverboard.db'}\n"


def test_the_store_is_told_without_its_password() -> None:
    url = "postgres://lever:hunter2@db:5433/board?sslpassword=hunter2"
    assert whereabouts(Settings(database_url=url)) == "postgresql://lever:***@db:5433/board"


def test_without_json_the_key_stands_alone_on_its_line() -> None:
    done = run("keys", "create", "--owner", "ada@example.com", "--team", "growth")
    assert done.stdout.startswith("lvb_live_")
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--owner", "a"),
        ("--owner", "a", "--team", "b", "--role", "king"),
        ("--owner", "a", "--team", "b", "--days", "0"),
    ],
)
def test_a_wrong_word_is_told_as_usage(arguments: tuple[str, ...]) -> None:
    assert run("keys", "create", *arguments).exit_code == 2


def test_what_is_not_there_is_told_in_one_line(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["leverboard", "keys", "revoke", "nothing"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "leverboard: There is no key nothing.\n"


def test_an_unknown_setting_is_told_in_one_line(monkeypatch, capsys) -> None:
    monkeypatch.setenv("LEVERBOARD_COLOUR", "red")
    monkeypatch.setattr("sys.argv", ["leverboard", "keys", "list"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "LEVERBOARD_COLOUR is not a setting" in capsys.readouterr().err


def test_migrate_tells_from_where_to_where() -> None:
    first, again = (json.loads(run("migrate", "--json").stdout) for _ in range(2))
    assert first["before"] is None
    assert again["before"] == again["now"] == first["now"]


def test_on_postgres_the_tables_are_the_operators_to_make(empty_postgres_url, monkeypatch) -> None:
    monkeypatch.setenv("LEVERBOARD_DATABASE_URL", empty_postgres_url)
    refused = run("keys", "list")
    assert "leverboard migrate" in str(refused.exception)
    assert run("migrate").exit_code == 0
    assert run("keys", "list", "--json").stdout == "[]\n"
