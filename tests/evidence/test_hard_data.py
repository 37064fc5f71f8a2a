"""Data that cannot answer: the result says so and why, the run succeeds, and nothing becomes an error."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.evidence.company import Company, Dealt, summed
from tests.metrics.drafts import cpi, kpi

ONE = {"fast": Dealt(mechanism="first", shift=-2)}
COLUMNS = "id,unit,event,time,value"


def seen(company: Company, experiment: str, values: Callable[[int], dict[str, float]], n: int = 50) -> None:
    """Units of both arms with just these outcomes."""
    exposed = company.moments[experiment].isoformat()
    assigned, outcomes = ["unit,experiment,arm,time"], [COLUMNS]
    for arm in ("control", "fast"):
        for i in range(n):
            unit = f"{experiment}-{arm}-{i}"
            assigned.append(f"{unit},{experiment},{arm},{exposed}")
            outcomes += [
                f"{unit}-{event},{unit},{event},{exposed},{value}" for event, value in values(i).items()
            ]
    company.send("/v1/assignments", "\n".join(assigned))
    company.send("/v1/outcomes", "\n".join(outcomes))


def judged(company: Company, hypothesis: str, experiment: str) -> dict[str, Any]:
    company.finish(experiment)
    latest: dict[str, Any] = company.verdict(hypothesis)["latest"]
    assert latest["state"] == "inconclusive"
    return latest


def planned(company: Company, hypothesis: str) -> str:
    """An experiment without units yet, whose planned size is two in all."""
    return company.experiment([hypothesis], ONE, n=0, planned_size={"units": 2, "per": "total"})


def test_units_in_one_arm_only(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = planned(company, hypothesis)
    exposed = company.moments[experiment].isoformat()
    rows = [f"unit-{i},{experiment},control,{exposed}" for i in range(50)]
    company.send("/v1/assignments", "\n".join(["unit,experiment,arm,time", *rows]))
    latest = judged(company, hypothesis, experiment)
    assert latest["slope"]["not_estimable"]["reason"] == "too_few_units"
    assert latest["reasons"][0]["code"] == "too_few_units"


def test_a_cpi_that_is_constant_in_all_arms(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = planned(company, hypothesis)
    seen(company, experiment, lambda i: {"waited": 5.0, "spent": float(i % 7)})
    latest = judged(company, hypothesis, experiment)
    assert latest["slope"]["not_estimable"]["reason"] == "constant_cpi"


def test_a_kpi_that_nobody_has(company: Company) -> None:
    rated = summed("rated") | {"aggregation": "mean", "missing": "exclude", "value_type": "amount"}
    company.ids["kpi"] = company.metric(kpi(name="Rating", definition=rated))
    hypothesis = company.hypothesis()
    experiment = planned(company, hypothesis)
    seen(company, experiment, lambda i: {"waited": float(i % 7)})
    latest = judged(company, hypothesis, experiment)
    assert latest["slope"]["not_estimable"]["reason"] == "never_observed"
    evidence = company.client.get(f"/v1/hypotheses/{hypothesis}/evidence").json()["items"]
    assert evidence[0]["contrasts"] is None
    assert "never" in evidence[0]["not_estimable"]["reason"]


def test_no_data_at_all_is_interim_and_counts_nobody(company: Company) -> None:
    hypothesis = company.hypothesis()
    run = company.finish(planned(company, hypothesis))
    assert run["type"] == "interim"
    assert [arm["n"] for arm in run["result"]["arms"]] == [0, 0]


def test_an_experiment_made_for_it_that_fails_is_not_left_out_beside_a_good_one(company: Company) -> None:
    rated = summed("rated") | {"aggregation": "mean", "missing": "exclude", "value_type": "amount"}
    company.ids["cpi"] = company.metric(cpi(name="Rating", definition=rated))
    company.ids["first"] = company.mechanism("first")
    hypothesis = company.hypothesis()
    failed = planned(company, hypothesis)
    seen(company, failed, lambda i: {"spent": float(i % 7)})
    good = planned(company, hypothesis)
    seen(company, good, lambda i: {"rated": float(i % 5), "spent": float(i % 7)})
    company.finish(good)
    latest = judged(company, hypothesis, failed)
    assert len(latest["experiments"]) == 2
    assert "never_observed" in {reason["code"] for reason in latest["reasons"]}


@pytest.mark.parametrize("body", [{"as_of": "2999-01-01T00:00:00Z"}, {"as_of": "2026-01-01"}, {"kind": "x"}])
def test_a_run_that_cannot_be_asked_for_is_a_problem(company: Company, body: dict[str, Any]) -> None:
    experiment = planned(company, company.hypothesis())
    answer = company.client.post(f"/v1/experiments/{experiment}/runs", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
