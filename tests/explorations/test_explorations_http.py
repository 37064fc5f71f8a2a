"""For whom an experiment's lever works, over HTTP: asked, computed by a worker, read, refused, cancelled."""

import io
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evidence.company import SHORT, WINDOW, Company, Dealt, summed
from tests.metrics.drafts import kpi
from tests.web.conftest import editor

ROOT = Path(__file__).parents[2]
FAST = {"fast": Dealt(mechanism="first")}
N = 1_500
__all__ = ["editor"]


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


def stopped(company: Company, *, n: int = N, unseen: int = 0, **changes: Any) -> tuple[str, str]:
    """An experiment whose arm shortens the wait of mobile customers alone."""
    hypothesis = company.hypothesis()
    size = {"units": n, "per": "arm"}
    experiment = company.experiment([hypothesis], FAST, n=0, planned_size=size, **changes)
    came, draw = company.moments[experiment], np.random.default_rng(11)
    after, before = (came + WINDOW / 2).isoformat(), (came - timedelta(days=1)).isoformat()
    rows = {name: io.StringIO() for name in ("assignments", "outcomes", "attributes")}
    rows["assignments"].write("unit,experiment,arm,time\n")
    rows["outcomes"].write("id,unit,event,time,value\n")
    rows["attributes"].write("unit,name,value,time\n")
    for place in range(2 * n):
        unit, arm = f"u{place}", ("control", "fast")[place % 2]
        device, age = ("mobile", "desktop")[int(draw.random() < 0.6)], 20 + 50 * draw.random()
        wait = 5 + draw.normal() - (2.0 if arm == "fast" and device == "mobile" else 0.0)
        spent = 20 - company.slope * wait + draw.normal()
        rows["assignments"].write(f"{unit},{experiment},{arm},{came.isoformat()}\n")
        rows["attributes"].write(f"{unit},device,{device},{before}\n{unit},age,{age},{before}\n")
        for event, value in (("waited", wait), ("spent", spent))[int(place < unseen) :]:
            rows["outcomes"].write(f"{unit}-{event},{unit},{event},{after},{value}\n")
    for name, text in rows.items():
        company.send(f"/v1/{name}", text.getvalue())
    company.stop(experiment)
    return experiment, hypothesis


def asked(company: Company, experiment: str, **body: Any) -> str:
    answer = company.client.post(f"/v1/experiments/{experiment}/explorations", json=body)
    assert answer.status_code == 202, answer.text
    assert (answer.json()["state"], answer.json()["status"]) == ("queued", "exploratory")
    return str(answer.headers["Location"])


def test_the_segment_in_which_the_lever_works_is_found_and_no_verdict_moves(company: Company) -> None:
    experiment, hypothesis = stopped(company)
    before = company.verdict(hypothesis)
    url = asked(company, experiment, attributes=["device", "age"], seed=3)
    assert company.client.get(url).json()["found"] is None
    company.drain()
    answer = company.client.get(url).json()
    assert answer["state"] == "succeeded", company.client.get(f"/v1/runs/{answer['run_id']}").json()
    assert "enters no verdict" in answer["note"]
    assert (answer["hypothesis_id"], answer["arm"]) == (hypothesis, "fast")
    found = answer["found"]
    assert (found["units"], found["share"], found["seed"]) == (2 * N, 1.0, 3)
    first = found["segments"][0]
    assert first["words"] in ("device is mobile", "device is desktop")
    assert first["held_up"] is True
    assert first["differs_in"] == "cpi"
    effect = first["confirmation"]["cpi"]["inside" if first["words"] == "device is mobile" else "outside"]
    assert effect["interval"][0] < -2.0 < effect["interval"][1]
    assert [check["name"] for check in found["checks"][:3]] == ["windows", "phases", "overlap"]
    assert {term["words"] for term in found["cpi_line"]["terms"]} == {"device is mobile", "age"}
    provenance = answer["provenance"]
    assert provenance["sample"] == {"units": 2 * N, "analysed": 2 * N, "share": 1.0, "cap": 1_000_000}
    assert {"econml", "scikit-learn", "duckdb"} <= set(provenance["versions"])
    assert company.verdict(hypothesis) == before
    (listed,) = company.client.get(f"/v1/experiments/{experiment}/explorations").json()["items"]
    assert listed["id"] == answer["id"]
    run = company.client.get(f"/v1/runs/{answer['run_id']}").json()
    assert (run["kind"], run["subject"], run["type"]) == ("exploration", answer["id"], "exploratory")


def test_what_it_cannot_answer_is_said_and_what_it_does_not_know_refused(company: Company) -> None:
    experiment, _ = stopped(company, n=60)
    url = asked(company, experiment)
    few = asked(company, experiment, attributes=["device"])
    company.drain()
    assert company.client.get(url).json()["found"]["not_estimable"]["reason"] == "too_few_units"
    assert company.client.get(few).json()["found"]["not_estimable"]["reason"] == "too_few_units"
    base = f"/v1/experiments/{experiment}/explorations"
    for body, field in (
        ({"arm": "slow"}, "arm"),
        ({"hypothesis": "hyp_unheard"}, "hypothesis"),
        ({"cpi": "met_unheard", "kpi": company.ids["kpi"]}, "cpi"),
        ({"cpi": company.ids["cpi"], "kpi": "met_unheard"}, "kpi"),
    ):
        answer = company.client.post(base, json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == field
    assert company.client.post(base, json={"cpi": company.ids["cpi"]}).status_code == 422
    assert company.client.post(base, json={"attributes": ["a", "a"]}).status_code == 422
    assert company.client.post("/v1/experiments/exp_unheard/explorations").status_code == 404
    assert company.client.get(f"{base}/xpl_unheard").status_code == 404
    other = company.experiment([company.hypothesis()], FAST, n=2)
    moved = url.replace(experiment, other)
    assert company.client.get(moved).status_code == 404


@pytest.mark.parametrize("lacking", [0, 7])
def test_a_cpi_that_every_unit_was_seen_with_is_explored_however_it_is_defined(
    client, settings, editor, lacking: int
) -> None:
    seen_only = summed("waited") | {"aggregation": "mean", "missing": "exclude"}
    company = Company(client=client, settings=settings, wait=seen_only)
    experiment, _ = stopped(company, n=400, unseen=lacking)
    url = asked(company, experiment, attributes=["device"])
    company.drain()
    answer = company.client.get(url).json()
    assert answer["state"] == "succeeded"
    page = editor.get(f"/experiments/{experiment}").text
    (listed,) = company.client.get(f"/v1/experiments/{experiment}/explorations").json()["items"]
    assert listed["no_answer"] == answer["no_answer"]
    if not lacking:
        assert answer["found"]["units"] == 800
        assert (answer["no_answer"], "No answer" in page) == (None, False)
        return
    assert answer["found"]["not_estimable"]["reason"] == "not_per_unit"
    assert "Wait has no value for 7 of 800 units" in answer["no_answer"]
    assert "No answer: Wait has no value for 7 of 800 units" in page


STORES, CUSTOMERS = 240, 5
IN_STORES = {
    "randomised_by": "cluster",
    "cluster": "store",
    "planned_size": {"units": CUSTOMERS * STORES // 2, "per": "arm"},
}


def in_stores(company: Company, *, outside: int = 0) -> str:
    """Stores were drawn, five customers each; the arm shortens the wait in cities, which whole stores are in.

    ``outside`` customers belong to no store that anybody told of.
    """
    experiment = company.experiment([company.hypothesis()], FAST, n=0, **IN_STORES)
    came, draw = company.moments[experiment], np.random.default_rng(12)
    after, before = (came + WINDOW / 2).isoformat(), (came - timedelta(days=1)).isoformat()
    rows = {name: io.StringIO() for name in ("assignments", "outcomes", "attributes")}
    rows["assignments"].write("unit,experiment,arm,time\n")
    rows["outcomes"].write("id,unit,event,time,value\n")
    rows["attributes"].write("unit,name,value,time\n")
    for store in range(STORES):
        arm, place = ("control", "fast")[store % 2], ("city", "village")[store // 2 % 2]
        level = draw.normal()
        for customer in range(CUSTOMERS):
            unit = f"u{store}-{customer}"
            wait = 5 + level + draw.normal() - (3.0 if (arm, place) == ("fast", "city") else 0.0)
            spent = 20 - company.slope * wait + draw.normal()
            rows["assignments"].write(f"{unit},{experiment},{arm},{came.isoformat()}\n")
            if CUSTOMERS * store + customer >= outside:
                rows["attributes"].write(f"{unit},store,s{store},{before}\n")
            rows["attributes"].write(f"{unit},place,{place},{before}\n{unit},age,{draw.random()},{before}\n")
            for event, value in (("waited", wait), ("spent", spent)):
                rows["outcomes"].write(f"{unit}-{event},{unit},{event},{after},{value}\n")
    for name, text in rows.items():
        company.send(f"/v1/{name}", text.getvalue())
    company.stop(experiment)
    return experiment


def test_where_stores_were_drawn_their_customers_are_explored_by_stores(company: Company, editor) -> None:
    experiment = in_stores(company, outside=3)
    url = asked(company, experiment, attributes=["place", "age"])
    company.drain()
    answer = company.client.get(url).json()
    assert answer["state"] == "succeeded", company.client.get(f"/v1/runs/{answer['run_id']}").json()
    found = answer["found"]
    assert (found["units"], found["clusters"]) == (CUSTOMERS * STORES - 3, STORES)
    checks = {check["name"]: check for check in found["checks"]}
    assert (checks["clusters"]["passed"], checks["clusters"]["detail"][:21]) == (
        False,
        "3 units are left out:",
    )
    first = found["segments"][0]
    assert first["words"] in ("place is city", "place is village")
    assert (first["differs_in"], first["held_up"]) == ("cpi", True)
    side = "inside" if first["words"] == "place is city" else "outside"
    effect = first["confirmation"]["cpi"][side]
    assert effect["interval"][0] < -3.0 < effect["interval"][1]
    width = effect["interval"][1] - effect["interval"][0]
    assert width > 0.9  # of some thirty stores an arm, not of a hundred and fifty customers
    assert found["slope_line"]["not_estimable"]["reason"] == "clusters_randomised"
    assert answer["provenance"]["sample"]["units"] == CUSTOMERS * STORES
    page = editor.get(url.removeprefix("/v1")).text
    assert f"in {STORES} clusters" in page
    assert "3 units are left out" in page


def test_a_quantile_is_never_what_is_explored(company: Company) -> None:
    """No registered segment is of one either: a hypothesis takes means, and a CPI is never a quantile."""
    late = summed("spent") | {"aggregation": "quantile", "quantile": 0.9}
    middle = company.metric(kpi(name="Ninth decile of spending", definition=late))
    claim = {
        "cpi": company.ids["cpi"],
        "kpi": middle,
        "direction": "increase",
        "smallest_slope": 0.2,
        "direct_effect_bound": "unknown",
        "rationale": "Who waits less stays",
        "unit_type": "customer",
        "window": SHORT,
        "segments": ["device"],
    }
    refused = company.client.post("/v1/hypotheses", json=claim)
    assert refused.status_code == 422
    assert [one["rule"] for one in refused.json()["errors"]] == ["relationship_needs_means"]

    experiment, _ = stopped(company, n=10, secondary=[{"metric": middle}])
    pair = {"cpi": company.ids["cpi"], "kpi": middle}
    refused = company.client.post(f"/v1/experiments/{experiment}/explorations", json=pair)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["field"], error["rule"]) == ("kpi", "no_quantile")
    assert "Ninth decile of spending is a quantile, which no single unit has" in error["message"]
    assert "share of units beyond a level" in error["how"]


def test_a_ratio_is_refused_when_it_is_asked(client, settings) -> None:
    ratio = {
        "aggregation": "ratio",
        "value_type": "amount",
        "numerator": {"event": {"event": "waited"}},
        "denominator": {"event": {"event": "waited"}},
        "window": SHORT,
        "pre_period": "P0D",
    }
    company = Company(client=client, settings=settings, wait=ratio)
    experiment, _ = stopped(company, n=10)
    answer = company.client.post(f"/v1/experiments/{experiment}/explorations", json={})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["rule"]) == ("hypothesis", "no_ratio")
    assert "Wait is a ratio of sums, which no single unit has" in error["message"]


def test_while_it_runs_nothing_is_explored_and_only_the_team_may_ask(
    company, other_team_client, viewer_client
):
    experiment = company.experiment([company.hypothesis()], FAST, n=10)
    url = f"/v1/experiments/{experiment}/explorations"
    refused = company.client.post(url)
    assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (
        409,
        "experiment-still-running",
    )
    company.stop(experiment)
    assert other_team_client.post(url).status_code == 403
    assert viewer_client.post(url).status_code == 403
    assert viewer_client.get(url).json()["items"] == []


def test_cancelled_in_the_middle_it_leaves_no_answer(company: Company) -> None:
    experiment, _ = stopped(company)
    url = asked(company, experiment, attributes=["device", "age"])
    run = company.client.get(url).json()["run_id"]
    environment = os.environ | {"LEVERBOARD_DATA_DIR": str(company.settings.data_dir)}
    worker = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "worker", "--json"],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            if company.client.get(f"/v1/runs/{run}").json()["stage"] in (
                "reading",
                "searching",
                "fitting lines",
            ):
                break
            time.sleep(0.05)
        assert company.client.post(f"/v1/runs/{run}:cancel").status_code == 200
        time.sleep(0.5)
    finally:
        worker.terminate()
        worker.wait(20)
    answer = company.client.get(url).json()
    assert (answer["state"], answer["found"]) == ("cancelled", None)
