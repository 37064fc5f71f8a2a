"""Do all ways of reading an effect reach a run's result, and does a running experiment show only some?"""

import io
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from tests.evidence.company import TWO_MECHANISMS, WINDOW, Company, Dealt

ONE = {"fast": Dealt(shift=-1, mechanism="first")}


def effects(run: dict[str, Any], metric: str, arm: str = "fast") -> dict[str, Any]:
    found = [
        one for one in run["result"]["effects"] if one["metric"].startswith(metric) and one["arm"] == arm
    ]
    assert len(found) == 1, run["result"]["effects"]
    return dict(found[0])


def checks(run: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in run["result"]["checks"]}


def test_a_running_experiment_shows_what_holds_at_any_look_and_each_planned_look_once(
    company: Company,
) -> None:
    planned = {
        "planned_size": {"units": 1000, "per": "arm"},
        "analysis": {"looks": {"fractions": [0.5, 1.0]}, "sides": "two"},
    }
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], ONE, n=600, **planned)
    company_waits()
    first = company.run(experiment)
    found = effects(first, company.ids["kpi"])
    assert found["estimate"] is None
    assert found["not_estimable"]["reason"] == found["posterior"]["not_estimable"]["reason"] == "interim"
    lower, upper = found["anytime"]["interval"]
    assert lower < 0.5 < upper
    assert found["anytime"]["planned_units"] == 2000
    assert found["look"]["crossed"] is True
    assert found["look"]["fraction"] == pytest.approx(0.6)
    assert found["multiplicity"]["primary"] is True
    assert found["multiplicity"]["e_bh"] is True
    assert first["result"]["looks"]["this"]["number"] == 1
    assert checks(first)["srm"]["passed"] is None
    assert checks(first)["sequential_srm"]["passed"] is True
    again = company.run(experiment)
    assert again["result"]["looks"]["this"] == first["result"]["looks"]["this"], "alpha is spent once a look"
    assert again["result"]["looks"]["taken_before"] == [pytest.approx(0.6)]
    look = effects(again, company.ids["kpi"])["look"]
    numbers = {name for name, one in look.items() if isinstance(one, float)}
    assert {"value", "std_error"} <= numbers
    for name, one in look.items():  # sums are formed anew, in whatever order
        inexact = name in numbers or name == "interval"
        assert one == (pytest.approx(found["look"][name], rel=1e-9) if inexact else found["look"][name])
    assert effects(again, company.ids["kpi"])["anytime"] is not None


def company_waits() -> None:
    import time

    time.sleep(2 * WINDOW.total_seconds())


def test_a_final_run_says_all_that_the_plan_asked_for(company: Company) -> None:
    capped = {
        "aggregation": "sum", "event": {"event": "spent"}, "value_type": "amount", "window": "PT0.2S",
        "pre_period": "P0D", "cap": {"upper": 18.0},
    }  # fmt: skip
    quantile = {
        "aggregation": "quantile", "event": {"event": "spent"}, "value_type": "amount", "window": "PT0.2S",
        "quantile": 0.5,
    }  # fmt: skip
    from tests.metrics.drafts import kpi

    ids = {
        name: company.metric(kpi(name=name, definition=definition, better="higher"))
        for name, definition in (("capped", capped), ("middle", quantile))
    }
    analysis = {
        "sides": "one",
        "margins": [{"metric": ids["capped"], "amount": 0.5}],
        "priors": [
            {"metric": ids["capped"], "prior": {"kind": "normal", "mean": 0, "deviation": 0.2}},
            {"metric": company.ids["kpi"], "prior": {"kind": "past_experiments"}},
        ],
        "negligible": [{"metric": company.ids["kpi"], "amount": 0.01}],
    }
    plan = {
        "guardrails": [{"metric": ids["capped"]}],
        "secondary": [{"metric": ids["middle"]}],
        "analysis": analysis,
    }
    run = company.finish(company.experiment([company.hypothesis()], TWO_MECHANISMS, **plan))
    own = effects(run, company.ids["kpi"])
    assert own["improvement"]["p_value"] == pytest.approx(own["p_value"] / 2, rel=1e-6)
    assert own["fieller"]["estimate"] == pytest.approx(own["relative"]["estimate"])
    assert own["anytime"]["interval"][0] < own["interval"][0]
    assert own["posterior"]["prior"]["source"] == "none"
    assert own["posterior"]["prior"]["why_not"]["not_estimable"]["reason"] == "too_few_past_effects"
    assert own["posterior"]["belief"]["p_better"] > 0.99
    assert own["posterior"]["belief"]["p_negligible"] < 0.01
    assert own["multiplicity"]["primary"] is True
    guardrail = effects(run, ids["capped"])
    assert guardrail["guardrail"]["harm_beyond_margin"] == "ruled_out"
    assert guardrail["guardrail"]["test"]["holds"] is True
    assert guardrail["uncapped"]["estimate"] == pytest.approx(own["estimate"])
    assert guardrail["uncapped"]["estimate"] > guardrail["estimate"] > 0
    assert guardrail["posterior"]["prior"]["source"] == "registered"
    assert guardrail["posterior"]["belief"]["mean"] < guardrail["estimate"]
    assert guardrail["multiplicity"]["primary"] is False
    middle = effects(run, ids["middle"])
    assert middle["estimate"] == pytest.approx(own["estimate"], abs=0.3)
    assert run["result"]["best_arm"][own["metric"]]["fast"]["p_best"] > 0.9
    assert set(run["result"]["best_arm"][own["metric"]]) == {"control", *TWO_MECHANISMS}
    asked = checks(run)
    assert asked["srm"]["passed"] is True
    assert asked["clusters"]["passed"] is True
    assert asked["outlier_influence"]["passed"] is True
    assert {"srm_by_day", "srm_by_segment", "covariate_balance", "novelty", "weekday_drift"} <= set(asked)


def deal_clusters(company: Company, experiment: str, stores: int, size: int) -> None:
    """Stores are alike inside; every other store is fast."""
    draw = np.random.default_rng(7)
    at = company.moments[experiment]
    rows = {name: io.StringIO() for name in ("assignments", "outcomes", "attributes")}
    rows["assignments"].write("unit,experiment,arm,time\n")
    rows["outcomes"].write("id,unit,event,time,value\n")
    rows["attributes"].write("unit,name,value,time\n")
    for store in range(stores):
        arm, level = ("control", "fast")[store % 2], draw.normal()
        for n in range(size):
            unit = f"{experiment}-{store}-{n}"
            wait = 5 - (store % 2) + level + 0.3 * draw.normal()
            rows["assignments"].write(f"{unit},{experiment},{arm},{at.isoformat()}\n")
            rows["attributes"].write(f"{unit},store,s{store},{(at - timedelta(days=1)).isoformat()}\n")
            for event, value in (("waited", wait), ("spent", 20 - 0.5 * wait + 0.3 * draw.normal())):
                after = (at + WINDOW / 2).isoformat()
                rows["outcomes"].write(f"{unit}-{event},{unit},{event},{after},{value}\n")
    for name, text in rows.items():
        company.send(f"/v1/{name}", text.getvalue())


def test_an_experiment_on_clusters_is_analysed_by_clusters(company: Company) -> None:
    plan = {
        "randomised_by": "cluster",
        "cluster": "store",
        "planned_size": {"units": 240, "per": "arm"},
    }
    experiment = company.experiment([company.hypothesis()], ONE, n=0, **plan)
    deal_clusters(company, experiment, stores=40, size=12)
    run = company.finish(experiment)
    assert checks(run)["clusters"]["passed"] is True, checks(run)["clusters"]
    assert "fast 20" in checks(run)["clusters"]["detail"]
    found = effects(run, company.ids["cpi"])
    assert found["std_error"] == pytest.approx(np.sqrt(2 / 20), rel=0.4), "of 20 stores, not of 240 customers"
    (finding,) = run["result"]["hypotheses"]
    assert [arm["units"] for arm in finding["contrasts"]["arms"]] == [240]
