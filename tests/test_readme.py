"""Does what the README shows do what it says?"""

import json
import re
import shlex
from pathlib import Path

from fastapi.testclient import TestClient
from typer.testing import CliRunner

from service.access.rules import Role
from service.cli import application

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_request_that_it_shows_registers_a_metric(client: TestClient) -> None:
    shown = re.search(r"curl http://127.0.0.1:8000(\S+) .*? -d '(.*?)'", README, re.DOTALL)
    assert shown
    answer = client.post(shown[1], json=json.loads(shown[2]))
    assert answer.status_code == 201, answer.text
    assert answer.json()["name"] == "Conversion"


def test_the_file_that_it_names_is_there_and_gives_the_verdict_that_it_says(monkeypatch) -> None:
    shown = re.search(r"^\.venv/bin/leverboard (analyze (?:.*\\\n)*.*)$", README, re.MULTILINE)
    assert shown
    monkeypatch.chdir(Path(__file__).parents[1])
    answer = CliRunner().invoke(
        application(["analyze", "aa"]), [*shlex.split(shown[1].replace("\\\n", " ")), "--json"]
    )
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["verdict"]["state"] == "confirmed"
    assert "here *confirmed*" in README


def test_every_role_is_told() -> None:
    assert all(f"| `{role}`" in README for role in Role)
