"""A study that a team ran before: read where it lies in a warehouse, and graded on day one."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner

from service.cli import application
from service.settings import PREFIX
from tests.evidence.company import Company
from tests.studies.market import summed

DAY = timedelta(days=1)
BEGAN = datetime(2025, 9, 1, tzinfo=UTC)
TIME = pa.timestamp("us", tz="UTC")
WORTH = 0.5  # spending for a minute less
MAPPED = {
    "name": "The shop",
    "connection": {"engine": "duckdb", "path": "shop.duckdb"},
    "assignments": {
        "rows": {"table": ["dealt"]},
        "experiment": {"column": "test"},
        "unit": "customer",
        "arm": "variant",
        "time": "at",
    },
    "outcomes": [
        {
            "rows": {"table": ["events"]},
            "unit": "customer",
            "event": {"column": "what"},
            "time": "at",
            "value": "value",
        }
    ],
}


def warehouse(path: Path, *, n: int = 900) -> None:
    """Customers of one experiment, a third of them without the change; and of another experiment."""
    draw = np.random.default_rng(8)
    dealt, events = [], []
    for place in range(3 * n):
        arm, at = ("control", "fast", "slow")[place % 3], BEGAN + (place % 20) * DAY
        wait = 5 + draw.normal() - {"control": 0.0, "fast": 1.0, "slow": 0.5}[arm]
        spent = 20 - WORTH * wait + draw.normal()
        dealt.append(("checkout-7", f"c{place}", arm, at))
        events += [(f"c{place}", "waited", at + DAY / 48, wait), (f"c{place}", "spent", at + DAY / 48, spent)]
    dealt.append(("another", "c0", "green", BEGAN))
    types = [pa.string(), pa.string(), pa.string(), TIME]
    tables = {
        "dealt": pa.table(
            list(map(pa.array, zip(*dealt, strict=True), types)), ["test", "customer", "variant", "at"]
        ),
        "events": pa.table(
            list(map(pa.array, zip(*events, strict=True), [pa.string(), pa.string(), TIME, pa.float64()])),
            ["customer", "what", "at", "value"],
        ),
    }
    with duckdb.connect(path) as opened:
        opened.execute("SET TimeZone = 'UTC'")
        for name, table in tables.items():
            opened.from_arrow(table).create(name)


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings, wait=summed("waited"), spending=summed("spent"))


@pytest.fixture
def imported(settings, tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    warehouse(folder / "shop.duckdb")

    def run(source: object, hypothesis: str, *more: str):
        environment = {
            f"{PREFIX}DATA_DIR": str(settings.data_dir),
            f"{PREFIX}SOURCE_FILES": str(folder),
            f"{PREFIX}LOG_LEVEL": "error",
            "COLUMNS": "80",
        }
        named = ["--past-study", str(source), "--experiment", "checkout-7", "--hypothesis", hypothesis]
        arguments = ["import", *named, "--control", "control", *more]
        return CliRunner(env=environment).invoke(application(["import"]), arguments)

    return run


HOW = ("--mechanism", "fast=Shorter form", "--mechanism", "slow=Chat bot")


def test_a_registered_source_gives_the_grade_and_the_next_experiment(company, imported):
    hypothesis = company.hypothesis(window="PT1H")
    source = company.client.post("/v1/sources", json=MAPPED).json()["id"]
    result = imported(source, hypothesis, *HOW, "--units-per-day", "200", "--json")
    assert result.exit_code == 0, (result.stdout, result.stderr, result.exception)
    grade = json.loads(result.stdout[result.stdout.index("{") :])
    assert grade["grade"] == "speaks_for"
    lower, upper = grade["slope"]["interval"]
    assert lower < WORTH < upper
    assert grade["mechanisms"] == 2
    assert grade["next_experiment"]["units"] > 0
    assert grade["next_experiment"]["days"] > 0
    (kept,) = company.client.get(f"/v1/hypotheses/{hypothesis}/imported").json()["items"]
    assert kept["report"]["started_on"] == "2025-09-01"
    assert kept["report"]["control"]["units"] == 900
    assert company.verdict(hypothesis)["latest"] is None  # a grade is no verdict
    again = imported(source, hypothesis, *HOW)
    assert again.exit_code == 1
    assert "imported before" in str(again.exception)


def test_a_described_source_is_read_without_being_registered_and_told_in_words(company, imported, tmp_path):
    hypothesis = company.hypothesis(window="PT1H")
    described = tmp_path / "shop.json"
    described.write_text(json.dumps(MAPPED))
    result = imported(described, hypothesis, *HOW)
    assert result.exit_code == 0, (result.stdout, result.stderr, result.exception)
    assert "Retrospective, no verdict:" in result.stdout
    assert "Next:" in result.stdout
    assert company.client.get("/v1/sources").json()["items"] == []


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--mechanism", "purple=Paint"), "purple: expected arms of it, which are control, fast, slow"),
        (("--experiment", "nothing"), "no assignment of an experiment called nothing"),
        (("--placebo", "control"), "control is the control"),
    ],
)
def test_what_the_warehouse_does_not_hold_is_said(company, imported, tmp_path, more, told):
    described = tmp_path / "shop.json"
    described.write_text(json.dumps(MAPPED))
    result = imported(described, company.hypothesis(window="PT1H"), *more)
    assert result.exit_code == 1
    assert told in str(result.exception)


def test_a_metric_that_the_warehouse_cannot_answer_is_named(company, imported, tmp_path):
    described = tmp_path / "shop.json"
    described.write_text(json.dumps(MAPPED))
    with duckdb.connect(tmp_path / "sources" / "shop.duckdb") as owner:
        owner.execute("UPDATE events SET value = 'inf' WHERE what = 'spent'")
    result = imported(described, company.hypothesis(window="PT1H"))
    assert result.exit_code == 1
    assert re.search(r"has no answer: .*infinite", str(result.exception))


def test_a_past_study_needs_its_flags_and_no_files(imported, tmp_path):
    result = CliRunner().invoke(application(["import"]), ["import", "--past-study", "src_1"])
    assert result.exit_code == 2
    assert "--past-study needs --experiment" in result.output.replace("\n", " ")
    assert CliRunner().invoke(application(["import"]), ["import"]).exit_code == 2
    malformed = imported("src_1", "hyp_1", "--weight", "control")
    assert malformed.exit_code == 2
    assert "ARM=SHARE" in malformed.output
    with_a_file = imported("src_1", "hyp_1", __file__)
    assert with_a_file.exit_code == 2
    assert "takes neither files nor" in with_a_file.output
