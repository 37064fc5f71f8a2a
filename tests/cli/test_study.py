"""A past experiment's units in one file: do they become the contrasts that the same file is judged by?"""

import json
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from service.cli import application
from service.cli.onefile.analysis import analyse_units
from service.cli.onefile.plan import Columns, Hypothesis
from service.metrics.customer import Better
from tests.cli.quotes import DESIGN, UNITS, study
from tests.evidence.company import Company

WHENCE = ("--origin", "warehouse", "--started-on", "2025-09-01", "--ended-on", "2025-09-20")


def run(*arguments: object):
    return CliRunner(env={"COLUMNS": "80"}).invoke(application(["study"]), ["study", *map(str, arguments)])


def printed(*arguments: object) -> dict[str, object]:
    result = run(*arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout[result.stdout.index("{") :])  # before it, the log of a server in here


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


@pytest.mark.parametrize("covariates", [(), ("before",)])
def test_the_contrasts_are_those_that_the_file_is_judged_by(units: Path, covariates) -> None:
    flags = [flag for one in covariates for flag in ("--covariate", one)]
    document = printed(units, *UNITS, *DESIGN, *WHENCE, *flags, "--hypothesis", "hyp_1")
    (experiment,) = document["experiments"]
    columns = Columns(
        arm="arm", control="control", cpi="wait", kpi="sales", covariates=covariates,
        mechanisms={"form": "short form", "bot": "chat bot"},
    )  # fmt: skip
    answer = analyse_units(units, columns, Hypothesis(better=Better.LOWER, placebos=("same",)))
    wanted = {one.arm: one for one in answer.judgement.relationship.contrasts}
    assert {arm["name"] for arm in experiment["arms"]} == set(wanted)
    for arm in experiment["arms"]:
        for name in ("cpi_effect", "kpi_effect", "var_cpi", "cov", "var_kpi"):
            assert arm[name] == pytest.approx(getattr(wanted[arm["name"]], name), rel=1e-12)
        assert arm.get("mechanism") == wanted[arm["name"]].mechanism
    control = study()[lambda frame: frame.arm == "control"]
    if not covariates:
        assert experiment["control"]["var_cpi"] == pytest.approx(np.var(control.wait, ddof=1) / len(control))
    assert experiment["control"]["units"] == len(control)


def test_what_is_printed_is_imported_and_graded(company: Company, units: Path) -> None:
    hypothesis = company.hypothesis(smallest_slope=0.1)
    document = printed(units, *UNITS, *DESIGN, *WHENCE, "--hypothesis", hypothesis, "--units-per-day", 90)
    answer = company.client.post("/v1/evidence:import", json=document)
    assert answer.status_code == 201, answer.text
    company.drain()
    grade = company.client.get(f"/v1/hypotheses/{hypothesis}/retrospective").json()["latest"]
    assert grade["grade"] == "speaks_for"
    low, high = grade["slope"]["interval"]
    assert low < 0.3 < high
    assert grade["next_experiment"]["units_per_day"] == 90


def test_a_server_takes_it_under_the_key_of_a_file(company: Company, units: Path, tmp_path, monkeypatch):
    """The request goes to the application in this process: addresses and keys are the server's own."""
    hypothesis, asked = company.hypothesis(), []

    def post(url, *, json, headers, timeout):
        asked.append((urlsplit(url).netloc, timeout))
        answer = company.client.post(urlsplit(url).path, json=json, headers=headers)
        return httpx.Response(answer.status_code, content=answer.content, headers=dict(answer.headers))

    monkeypatch.setattr(httpx, "post", post)
    key, wrong = tmp_path / "key", tmp_path / "wrong"
    key.write_text(company.client.headers["Authorization"].removeprefix("Bearer ") + "\n")
    wrong.write_text("lvb_live_no")
    given = (
        units,
        *UNITS,
        *DESIGN,
        *WHENCE,
        "--hypothesis",
        hypothesis,
        "--server",
        "http://leverboard:8000/",
    )
    receipt = printed(*given, "--key-file", key)
    assert (receipt["experiments"], receipt["contrasts"]) == (1, 3)
    again = run(*given, "--key-file", key)
    assert again.exit_code == 1
    assert "answered 422: quotes of warehouse was imported before." in again.stderr
    assert "answered 401" in run(*given, "--key-file", wrong).stderr
    assert run(*given, "--key-file", tmp_path / "nothing").exit_code == 2
    assert {netloc for netloc, _ in asked} == {"leverboard:8000"}


def test_a_check_that_failed_travels_as_a_doubt_and_blocks_the_grade(company: Company, tmp_path) -> None:
    """Sales were recorded for half of one arm alone: whom it is seen for moved."""
    frame = study()
    frame.loc[(frame.arm == "bot") & (frame.index % 2 == 0), "sales"] = np.nan
    path = tmp_path / "quotes.csv"
    frame.to_csv(path, index=False)
    hypothesis = company.hypothesis()
    document = printed(path, *UNITS, *DESIGN, *WHENCE, "--hypothesis", hypothesis)
    assert [one["check"] for one in document["experiments"][0]["doubts"]] == ["observed_set_moved"]
    assert company.client.post("/v1/evidence:import", json=document).status_code == 201
    company.drain()
    grade = company.client.get(f"/v1/hypotheses/{hypothesis}/retrospective").json()["latest"]
    assert (grade["grade"], [one["code"] for one in grade["reasons"]]) == ("open", ["observed_set_moved"])


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--server", "http://x"), 2, "--server and --key-file go together"),
        (("--placebo", "nobody"), 2, "names the arm 'nobody'"),
        (("--weight", "form=1"), 2, "--weight must cover every arm"),
        (("--covariate", "lost"), 1, "has no column 'lost'"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(units: Path, arguments, code, told) -> None:
    result = run(units, *UNITS, *WHENCE, "--hypothesis", "hyp_1", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr.replace("\n", " ")


def test_clusters_are_imported_by_their_units_and_doubted_by_their_own_ratio(tmp_path) -> None:
    """40 shops of 50 customers and 40 of 100: the ratio of customers is not what anybody drew."""
    draw = np.random.default_rng(6)
    shop = np.concatenate([np.repeat(np.arange(40), 50), np.repeat(np.arange(40, 80), 100)])
    wait = 10 - 1.0 * (shop >= 40) + draw.normal(size=80)[shop] + draw.normal(size=len(shop))
    frame = pd.DataFrame({"shop": shop, "wait": wait, "sales": 20 - 0.3 * wait})
    frame["arm"] = np.where(shop < 40, "control", "form")
    frame.to_csv(tmp_path / "shops.csv", index=False)

    def told(form: int) -> tuple[int, int, list[str]]:
        weights = ("--weight", "control=1", "--weight", f"form={form}")
        document = printed(
            tmp_path / "shops.csv", *UNITS, *WHENCE, "--cluster", "shop", *weights, "--hypothesis", "hyp_1"
        )
        (one,) = document["experiments"]
        assert not any("weight" in arm for arm in (one["control"], *one["arms"]))
        doubts = [doubt["check"] for doubt in one["doubts"]]
        return one["control"]["units"], one["arms"][0]["units"], doubts

    assert told(1) == (2000, 4000, [])
    assert told(4) == (2000, 4000, ["srm"])
