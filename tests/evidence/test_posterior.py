"""Does a posterior follow each verdict, in the hypothesis' units, beside the verdict and never above it?"""

from typing import Any

import pytest

from service.evidence.posterior import job
from service.kit.clock import now
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outdated, Task
from tests.evidence.company import TWO_MECHANISMS, Company, Dealt


def posterior_of(company: Company, hypothesis: str) -> dict[str, Any]:
    answer = company.client.get(f"/v1/hypotheses/{hypothesis}/posterior")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_verdict_is_followed_by_a_posterior_of_its_evidence(
    company: Company, database: Database
) -> None:
    hypothesis = company.hypothesis()
    before = posterior_of(company, hypothesis)
    assert (before["latest"], before["audit"], before["pending_run"]) == (None, None, None)
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.finish(experiment)
    found = posterior_of(company, hypothesis)
    latest, verdict = found["latest"], company.verdict(hypothesis)["latest"]
    assert (latest["verdict_id"], latest["verdict_state"]) == (verdict["id"], "confirmed")
    assert (latest["outdated"], latest["not_estimable"], found["pending_run"]) == (False, None, None)
    told = latest["posterior"]
    low, high = told["slope"]["interval"]
    assert low < company.slope < high
    assert told["experiments"][0]["experiment"] == experiment
    assert told["experiments"][0]["name"] == "Experiment on placebo, fast, faster"
    assert told["smallest_slope"] == 0.2
    assert latest["agreement"]["text"]
    assert latest["next_study"]["units"] > 0
    run = company.client.get(f"/v1/runs/{latest['run_id']}").json()
    assert (run["kind"], run["type"], run["state"]) == ("posterior", "exploratory", "succeeded")
    assert run["provenance"]["method"] == "importance sampling"
    assert {"numpy", "scipy", "python"} <= set(run["provenance"]["versions"])
    assert company.verdict(hypothesis)["latest"] == verdict
    ranked_behind_what_nobody_tested(company, hypothesis)
    asked_anew_once(company, hypothesis)
    outdated_by_a_newer_verdict(company, hypothesis, database)


def ranked_behind_what_nobody_tested(company: Company, proven: str) -> None:
    """A proven lever has little to gain from another experiment, one that nobody tested has most."""
    untested = company.hypothesis(smallest_slope=0.4)
    found = company.client.get("/v1/program/next").json()
    assert [one["hypothesis_id"] for one in found["items"]] == [untested, proven]
    assert [one["basis"] for one in found["items"]] == ["prior", "posterior"]
    assert [one["rank"] for one in found["items"]] == [1, 2]
    assert found["items"][0]["units"] is None
    assert found["items"][1]["units"] > 0
    assert found["assumes"]
    lever = company.client.get(f"/v1/levers/{proven}").json()
    assert (lever["standing"]["rung"], lever["standing"]["name"]) == (4, "several mechanisms")
    priced = company.client.get("/v1/program/next", params={"volume": 1000}).json()["items"]
    assert [one["money"] is None for one in priced] == [True, True]
    assert priced[0]["no_money"]["reason"] == "kpi_without_worth"


def asked_anew_once(company: Company, hypothesis: str) -> None:
    """Who asks while one waits is shown that one."""
    url = f"/v1/hypotheses/{hypothesis}/posterior"
    first, again = (company.client.post(url, json={}) for _ in range(2))
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    assert posterior_of(company, hypothesis)["pending_run"] == first.json()["id"]
    company.drain()
    assert posterior_of(company, hypothesis)["latest"]["run_id"] == first.json()["id"]


def outdated_by_a_newer_verdict(company: Company, hypothesis: str, database: Database) -> None:
    """What was computed beside an older verdict is computed again, not kept."""
    task = Task(
        id="run_1",
        kind=RunKind.POSTERIOR,
        subject=hypothesis,
        type=RunType.EXPLORATORY,
        as_of=now(),
        attempt=1,
    )
    outcome = job.compute(company.settings, database, task, lambda *_: None)
    outcome.result["verdict_id"] = "ver_before"
    with database.write() as session, pytest.raises(Outdated):
        job.record(session, task, outcome)


def test_one_mechanism_stays_capped_whatever_the_posterior_says(company: Company) -> None:
    hypothesis = company.hypothesis(direct_effect_bound="unknown")
    company.finish(company.experiment([hypothesis], {"fast": Dealt(shift=-2, mechanism="first")}))
    verdict = company.verdict(hypothesis)["latest"]
    assert (verdict["state"], verdict["label"]) == ("inconclusive", "supported")
    assert verdict["standing"]["rung"] == 3
    assert verdict["standing"]["ceiling"] == ["inconclusive"]
    assert posterior_of(company, hypothesis)["latest"]["posterior"]["p_positive"]["value"] > 0.5


def test_without_a_verdict_there_is_nothing_to_compute_from(company: Company) -> None:
    answer = company.client.post(f"/v1/hypotheses/{company.hypothesis()}/posterior", json={"audit": True})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "no-verdict-yet")


def test_an_experiment_that_cannot_be_trusted_has_a_reason_and_no_numbers(company: Company) -> None:
    hypothesis = company.hypothesis()
    arms = {"fast": Dealt(shift=-2, mechanism="first"), "faster": Dealt(shift=-1, mechanism="second")}
    experiment = company.experiment([hypothesis], arms)
    company.deal(experiment, {"fast": Dealt(shift=-2)}, 1500)
    company.finish(experiment)
    latest = posterior_of(company, hypothesis)["latest"]
    assert latest["posterior"] is None
    assert latest["agreement"] is None
    assert latest["not_estimable"]["reason"] == "srm"
    assert "Experiment on fast, faster" in latest["not_estimable"]["detail"]


def test_the_ladder_is_told_with_its_reasons(client) -> None:
    rungs = client.get("/v1/evidence-ladder").json()
    assert [one["rung"] for one in rungs] == list(range(6))
    assert rungs[2]["ceiling_bounded"] == ["inconclusive"]
    assert "confirmed" in rungs[3]["ceiling_bounded"]
    assert all(one["reason"] and one["further"] for one in rungs)
