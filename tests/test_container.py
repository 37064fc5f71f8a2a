"""The image and compose.yaml, checked step by step: no Docker engine runs here, so nothing is built.

What is checked: every source that is copied exists and passes .dockerignore, the step that imports every
module succeeds with the packages of the runtime lock alone, the commands exist, and the image's user,
settings and services fit each other.
"""

import os
import re
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.utils import canonicalize_name

from service import cli
from service.settings import PREFIX, Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, str]]:
    """The Dockerfile's instructions: keyword and argument, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


@pytest.fixture(scope="module")
def services() -> dict:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def copied_from_the_repository(steps: list[tuple[str, str]]) -> list[str]:
    copies = [rest.split() for word, rest in steps if word == "COPY" and "--from" not in rest]
    return [source for words in copies for source in words[:-1]]


def test_every_copied_source_exists_and_is_not_ignored(steps) -> None:
    sources = copied_from_the_repository(steps)
    assert sources
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in kept, source


def test_what_the_build_made_is_what_the_image_takes(steps) -> None:
    taken = [rest.split()[1] for word, rest in steps if word == "COPY" and "--from=build" in rest]
    made = {f"/app/{source}" for source in copied_from_the_repository(steps)} | {"/opt/leverboard"}
    assert taken
    assert set(taken) <= made


def test_the_image_runs_as_nobody_special(steps) -> None:
    users = [rest for word, rest in steps if word == "USER"]
    last = max(number for number, (word, _) in enumerate(steps) if word == "FROM")
    assert users == ["leverboard"]
    assert ("USER", "leverboard") in steps[last:]


def locked(name: str) -> set[str]:
    lines = (ROOT / name).read_text().splitlines()
    return {canonicalize_name(line.partition("==")[0]) for line in lines if re.match(r"[\w.-]+==", line)}


def modules_outside_the_runtime() -> list[str]:
    """Top-level modules that only the packages of the other locks bring."""
    runtime, inside, outside = locked("requirements.lock"), set(), set()
    for distribution in distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        tops = {str(file).partition("/")[0].removesuffix(".py") for file in distribution.files or ()}
        (inside if name in runtime or name == "leverboard" else outside).update(tops)
    return sorted(top for top in outside - inside if top.isidentifier())


def test_every_module_imports_with_the_runtime_packages_alone(steps) -> None:
    (step,) = [rest for word, rest in steps if word == "RUN" and "walk_packages" in rest]
    program = re.search(r'-c "(.*)"', step)[1]
    hidden = modules_outside_the_runtime()
    assert "pytest" in hidden
    hiding = f"import sys; sys.modules.update(dict.fromkeys({hidden!r}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{hiding}; {program}"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_image_has_what_reports_as_pdf_want(steps) -> None:
    assert "weasyprint" in locked("requirements.lock")
    last = max(number for number, (word, _) in enumerate(steps) if word == "FROM")
    (installs,) = [rest for word, rest in steps[last:] if word == "RUN" and "apt-get install" in rest]
    assert {"libpango-1.0-0", "libpangoft2-1.0-0", "fonts-noto-cjk"} <= set(installs.split())


def test_both_commands_of_the_image_exist(steps, services) -> None:
    known = set(cli.COMMANDS)
    default = next(rest for word, rest in steps if word == "CMD")
    assert yaml.safe_load(default)[0] in known
    commands = [service["command"] for service in services.values() if "command" in service]
    assert {command[0] for command in commands} == {"migrate", "serve", "worker"}
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", "service.cli", command[0], "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"},
        )
        assert all(option in done.stdout for option in command[1:])


def test_every_setting_that_the_image_or_compose_gives_is_one(steps, services) -> None:
    given = {name for word, rest in steps if word == "ENV" for name in re.findall(rf"({PREFIX}\w+)=", rest)}
    for service in services.values():
        given |= {name for name in service.get("environment", {}) if name.startswith(PREFIX)}
    assert given
    assert given <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def test_api_and_worker_share_their_data_and_wait_for_the_tables(services) -> None:
    for name in ("api", "worker"):
        assert services[name]["volumes"] == ["data:/data"]
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["api"]["ports"] == ["127.0.0.1:8000:8000"]


def test_the_database_password_is_nobodys_default() -> None:
    assert ":?" in (ROOT / "compose.yaml").read_text()
    assert not re.search(r"PASSWORD: (?!\$)", (ROOT / "compose.yaml").read_text())
