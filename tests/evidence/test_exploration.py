"""What else a run says, past the verdict: several CPIs, shapes, mediation, stand-ins, over HTTP."""

from typing import Any

import pytest

from tests.evidence.company import Company, Dealt, summed
from tests.metrics.drafts import kpi


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


DOSES = {
    "slow": Dealt(shift=-1, rival=1.0, mechanism="first"),
    "fast": Dealt(shift=-2, rival=0.2, mechanism="first"),
    "faster": Dealt(shift=-3, rival=1.5, mechanism="second"),
}


def exploration(company: Company, hypothesis: str) -> dict[str, Any]:
    answer = company.client.get(f"/v1/hypotheses/{hypothesis}/exploration")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_run_explores_past_its_verdict_and_says_that_it_does(company: Company) -> None:
    company.add_rival()
    basket = company.metric(kpi(name="Basket", definition=summed("spent") | {"aggregation": "mean"}))
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], DOSES, secondary=[{"metric": basket}])
    run = company.finish(experiment)
    kept = exploration(company, hypothesis)
    found = kept["exploration"]
    assert found == run["result"]["explorations"][hypothesis]
    assert (kept["run_id"], found["status"]) == (run["id"], "exploratory")

    lever, other = found["several_cpis"]["slopes"]
    assert lever["set"]["set"][0][0] < company.slope < lever["set"]["set"][0][1]
    assert other["set"]["set"][0][0] < 0 < other["set"]["set"][0][1]
    assert found["names"][other["metric"]] == "Options"

    spending, bought = found["several_kpis"]["slopes"]
    assert spending["adjusted"] < 1e-6
    assert spending["set"]["set"][0][0] < company.slope < spending["set"]["set"][0][1]
    assert found["names"][bought["kpi"]] == "Basket"

    (first, second) = found["dose_response"]
    assert [round(dose["shift"]) for dose in first["found"]["doses"]] == [0, 1, 2]
    assert first["found"]["linearity_stands"] is True
    assert second["found"]["not_estimable"]["reason"] == "fewer_than_three_doses"

    beside = found["mediation"]
    assert beside["status"] == "exploratory"
    assert "only that one can confirm or reject" in beside["note"]
    assert beside["randomised"]["shape"] == "interval"
    split = beside["arms"][1]["found"]
    assert split["acme"]["value"] == pytest.approx(2 * company.slope, abs=0.15)
    assert split["unit_slope"]["value"] == pytest.approx(-company.slope, abs=0.1)
    assert "cannot test it" in split["assumption"]

    steering = found["steering"]
    assert steering["status"] == "steering"
    fast = steering["surrogate_index"]["effects"][1]
    assert fast["gap"]["interval"][0] < 0 < fast["gap"]["interval"][1]
    assert steering["proxies"]["not_estimable"]["reason"] == "too_few_experiments"


def test_exploring_never_touches_the_verdict_and_says_why_where_it_cannot_answer(company: Company) -> None:
    hypothesis = company.hypothesis()
    before = exploration(company, hypothesis)
    assert (before["run_id"], before["exploration"]) == (None, None)
    company.finish(company.experiment([hypothesis], {"fast": Dealt(shift=-2, mechanism="first")}))
    found = exploration(company, hypothesis)["exploration"]
    assert company.verdict(hypothesis)["latest"]["label"] == "supported"
    assert found["several_cpis"]["not_estimable"]["reason"] == "no_other_cpi_moved"
    assert found["several_kpis"]["not_estimable"]["reason"] == "one_kpi"
    assert company.client.get("/v1/hypotheses/hyp_unheard/exploration").status_code == 404


def test_while_an_experiment_runs_nothing_is_explored(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], DOSES)
    for kind in ("interim", "exploratory"):
        assert company.run(experiment, type=kind)["result"]["explorations"] == {}
    company.stop(experiment)
    explored = company.run(experiment, type="exploratory")["result"]["explorations"]
    assert explored[hypothesis]["dose_response"][0]["found"]["linearity_stands"] is True
    assert exploration(company, hypothesis)["exploration"] is None  # it never enters a verdict


def test_a_ratio_has_no_mediation_since_no_unit_has_it_alone(company: Company) -> None:
    ratio = {
        "aggregation": "ratio",
        "numerator": {"event": {"event": "spent"}},
        "denominator": {"event": {"event": "offered"}},
        "value_type": "amount",
        "window": "PT0.2S",
        "pre_period": "P0D",
    }
    per_option = company.metric(kpi(name="Spending per option", definition=ratio))
    hypothesis = company.hypothesis(kpi=per_option)
    company.finish(company.experiment([hypothesis], {"fast": Dealt(shift=-2, mechanism="first")}))
    found = exploration(company, hypothesis)["exploration"]
    assert found["mediation"]["arms"][0]["found"]["not_estimable"]["reason"] == "not_per_unit"
    assert found["steering"]["surrogate_index"]["not_estimable"]["reason"] == "not_per_unit"
