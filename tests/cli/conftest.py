"""Files of units and contrasts as people have them, and a way to run the command on them."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.cli import application
from tests.cli.quotes import study


@dataclass(frozen=True)
class Answered:
    """How the command ended and what it said where."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The answer; NaN and Infinity are no JSON."""

        def refuse(word: str) -> None:
            raise AssertionError(f"{word} left the program")

        assert self.code == 0, self.err
        return json.loads(self.out, parse_constant=refuse)


@pytest.fixture
def analyze() -> Callable[..., Answered]:
    def run(*arguments: object) -> Answered:
        result = CliRunner(env={"COLUMNS": "80"}).invoke(
            application(["analyze"]), ["analyze", *map(str, arguments)]
        )
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Answered(code=result.exit_code, out=result.stdout, err=re.sub(r"\s+", " ", result.stderr))

    return run


@pytest.fixture
def units(tmp_path: Path) -> Path:
    path = tmp_path / "quotes.csv"
    study().to_csv(path, index=False)
    return path


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def file_of(content: str | bytes) -> Path:
        path = tmp_path / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return file_of
