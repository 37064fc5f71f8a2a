"""A setting that cannot work: is it told in one line that names it, by whichever command?"""

import os
import socket
from pathlib import Path

import pytest

from service import cli

NOBODY = "postgresql://lever:hunter2@127.0.0.1:1/board?connect_timeout=5"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    monkeypatch.setenv("LEVERBOARD_DATA_DIR", str(tmp_path / "data"))
    for ours in ("service.kit.logs.configure", "signal.signal"):  # what a command sets up in its own process
        monkeypatch.setattr(ours, lambda *_: None)

    def run(*arguments: str, **settings: object) -> tuple[object, str]:
        for name, value in settings.items():
            monkeypatch.setenv(f"LEVERBOARD_{name.upper()}", str(value))
        monkeypatch.setattr("sys.argv", ["leverboard", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, capsys.readouterr().err

    return run


COMMANDS = [("keys", "list"), ("migrate",), ("serve", "--port", "0"), ("worker", "--once")]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
@pytest.mark.parametrize(
    ("url", "code", "said"),
    [
        ("mysql://u:hunter2@db/x", 2, "LEVERBOARD_DATABASE_URL: expected an address such as postgresql://"),
        ("postgresql://u:hunter2@db:port/x", 2, "LEVERBOARD_DATABASE_URL is no address of a database"),
        (NOBODY, 1, "LEVERBOARD_DATABASE_URL: postgresql://lever:***@127.0.0.1:1/board cannot be reached: "),
        ("sqlite:////dev/null/x.db", 1, "LEVERBOARD_DATABASE_URL: /dev/null/x.db cannot be reached: "),
    ],
)
def test_a_database_that_cannot_be_had(told, command, url, code, said) -> None:
    ended, err = told(*command, database_url=url)
    assert err.startswith(f"leverboard: {said}")
    assert (ended, err.count("\n")) == (code, 1)
    assert "hunter2" not in err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_data_folder_that_cannot_be_made(told, command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "data"
    code, err = told(*command, data_dir=folder)
    assert (code, err) == (2, f"leverboard: LEVERBOARD_DATA_DIR: {folder} cannot be made: Not a directory\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_data_folder_that_cannot_be_written(told, command, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    code, err = told(*command, data_dir=tmp_path)
    assert (code, err) == (2, f"leverboard: LEVERBOARD_DATA_DIR: {tmp_path} cannot be written\n")


def test_a_port_that_is_taken(told) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, err = told("serve", port=port)
    assert (code, err.count("\n")) == (1, 1)
    assert f"LEVERBOARD_PORT: cannot listen on 127.0.0.1, port {port}: Address already in use" in err


def test_a_host_that_is_not_of_this_machine(told) -> None:
    code, err = told("serve", "--port", "0", host="192.0.2.1")
    assert (code, err.count("\n")) == (1, 1)
    assert "LEVERBOARD_HOST" in err
