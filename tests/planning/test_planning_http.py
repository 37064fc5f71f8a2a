"""Is what is planned over HTTP what the estimators later find, and what other tools say?"""

import json
import math
import subprocess
import sys
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from analyses import boundaries, stopping_chances
from service.planning.schemas import DOSES, EFFECT, SlopeQuestion
from service.planning.service import plan_slope


def ask(client: Any, what: str, document: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = client.post(f"/v1/planning/{what}", json=document)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


MEAN = {"noise": {"kind": "mean", "deviation": 1.0}}


def test_units_power_and_smallest_effect_agree_with_statsmodels_and_each_other(client):
    from statsmodels.stats.power import NormalIndPower

    found = ask(client, "effect", MEAN | {"effect": 0.1})
    theirs = NormalIndPower().solve_power(effect_size=0.1, alpha=0.05, power=0.8)
    assert found["units"] == pytest.approx(2 * theirs, abs=2)
    back = ask(client, "effect", MEAN | {"effect": 0.1, "units": found["units"]})
    assert back["power"] == pytest.approx(0.8, abs=1e-3)
    assert back["smallest_effect"] == pytest.approx(0.1, abs=1e-4)
    assert (found["inflation"], found["design_effect"], found["days"]) == (1.0, 1.0, None)


def test_a_third_arm_covariates_clusters_and_looks_each_cost_or_save_what_they_should(client):
    plain = ask(client, "effect", MEAN | {"effect": 0.1})["units"]
    assert ask(client, "effect", MEAN | {"effect": 0.1, "arms": 3})["units"] == pytest.approx(
        1.5 * plain, abs=2
    )
    assert ask(client, "effect", MEAN | {"effect": 0.1, "explained": 0.5})["units"] == pytest.approx(
        plain / 2, abs=2
    )
    clusters = {"units_per_cluster": 20, "correlation": 0.05}
    grouped = ask(client, "effect", MEAN | {"effect": 0.1, "clusters": clusters})
    assert grouped["design_effect"] == pytest.approx(1.95)
    assert grouped["units"] == pytest.approx(1.95 * plain, abs=3)
    assert grouped["clusters"] == -(-grouped["units"] // 20)
    looks = {"watching": "looks", "looks": {"fractions": [0.25, 0.5, 0.75, 1.0]}}
    planned = ask(client, "effect", MEAN | {"effect": 0.1} | looks)
    assert 1.01 < planned["inflation"] < 1.03
    assert planned["units"] == pytest.approx(planned["inflation"] * plain, abs=2)
    watched = ask(client, "effect", MEAN | {"effect": 0.1, "watching": "any_time"})
    assert watched["critical"] == pytest.approx(1.549 * 1.96, rel=1e-3)
    assert 1.9 < watched["units"] / plain < 2.3


def test_looks_decide_on_two_sides_and_one_sided_units_leave_them_their_power(client):
    """Units for one side at a two-sided boundary, which is what looks judge by, would give .70 for .80."""
    fractions = [0.25, 0.5, 0.75, 1.0]
    looks = {"watching": "looks", "looks": {"fractions": fractions}}
    one = ask(client, "effect", MEAN | {"effect": 0.1, "sides": "one"} | looks)
    drift = 0.1 * (one["units"] / 4) ** 0.5
    assert stopping_chances(boundaries(fractions), drift)[-1] == pytest.approx(0.8, abs=1e-3)
    assert (one["sides"], one["power"]) == ("two", pytest.approx(0.8, abs=1e-3))
    assert one == ask(client, "effect", MEAN | {"effect": 0.1} | looks)
    once = ask(client, "effect", MEAN | {"effect": 0.1, "sides": "one"})
    assert (once["sides"], once["units"] < one["units"]) == ("one", True)


def test_rates_beliefs_and_traffic(client):
    found = ask(client, "effect", EFFECT | {"belief": {"mean": 0.002, "deviation": 0.002}})
    assert found["units"] > 100_000
    assert found["days"] > found["units"] / 3000
    assert 0.5 < found["assurance"] < 0.8
    none = ask(client, "effect", EFFECT | {"traffic": {"new_units": [100, 0, 0, 0, 0, 0, 0, 0]}})
    assert none["days"] is None
    assert none["not_estimable"]["reason"] == "no_arrivals"


def test_a_dose_design_says_what_it_can_confirm_refute_and_notice(client):
    found = ask(client, "slope", DOSES | {"direct_effect": 0.5})
    assert found["power"] == pytest.approx(0.8, abs=1e-3)
    assert found["smallest_slope_shown"] == pytest.approx(0.4, abs=1e-3)
    assert found["units_to_refute"] > found["units"], "0.2 is harder to tell from 0 than 0.4"
    assert 0 < found["exclusion_power"] < 1
    bounded = ask(client, "slope", DOSES | {"direct_effect_bounded": True})
    assert bounded["units"] < found["units"]


BELIEF = {"mean": 0.4, "deviation": 0.3}
GRID = np.linspace(0.001, 1.5, 120)


def power_of(question, slope):
    return plan_slope(question.model_copy(update={"slope": slope, "belief": None})).power


def test_assurance_of_a_slope_is_the_power_averaged_over_the_belief_with_clusters_and_looks_too(client):
    """2,000 even steps of the belief, each slope with its own power; a slope of the other sign fails."""
    steps = NormalDist(0.4, 0.3).inv_cdf
    slopes = [steps((k + 0.5) / 2_000) for k in range(2_000)]
    clusters = {"units_per_cluster": 20, "correlation": 0.05}
    looks = {"watching": "looks", "looks": {"fractions": [0.5, 1.0]}}
    for more in ({}, {"clusters": clusters}, looks, {"clusters": clusters, "watching": "any_time"}):
        asked = DOSES | more | {"units": 60_000, "belief": BELIEF}
        found = ask(client, "slope", asked)
        question = SlopeQuestion.model_validate_json(json.dumps(asked))
        power = np.interp(slopes, GRID, [power_of(question, slope) for slope in GRID], left=0.0)
        assert found["assurance"] == pytest.approx(power.mean(), abs=2e-3)
        sure = ask(client, "slope", asked | {"belief": BELIEF | {"deviation": 0.0}})
        assert sure["assurance"] == pytest.approx(sure["power"], abs=1e-9)


def test_a_lever_that_is_to_lower_its_kpi_is_planned_like_its_mirror_image(client):
    """Cost falls with the CPI: slope, belief and smallest slope turn, and so does the correlation."""
    up = DOSES | {"units": 60_000, "belief": BELIEF}
    down = up | {
        "slope": -up["slope"],
        "belief": {"mean": -0.4, "deviation": 0.3},
        "noise": DOSES["noise"] | {"correlation": -0.3},
    }
    assert ask(client, "slope", up) == ask(client, "slope", down)
    one = MEAN | {"units": 4000, "effect": 0.1, "belief": {"mean": 0.1, "deviation": 0.1}}
    less = one | {"effect": -0.1, "belief": {"mean": -0.1, "deviation": 0.1}}
    assert ask(client, "effect", one) == ask(client, "effect", less)


def test_looks_say_what_each_takes_and_how_likely_it_decides(client):
    asked = {"watching": "looks", "looks": {"fractions": [0.5, 1.0]}}
    found = ask(client, "effect", MEAN | {"effect": 0.1} | asked)
    half, end = found["looks"]
    assert (half["critical"], end["critical"]) == (pytest.approx(2.963, abs=1e-3), found["critical"])
    assert end["decided"] == found["power"] == pytest.approx(0.8, abs=2e-4)
    assert half["decided"] == pytest.approx(0.16, abs=0.01)
    slope = ask(client, "slope", DOSES | asked)
    assert slope["critical"] == pytest.approx(1.96, abs=1e-3), "at the planned end its set is the fixed one"
    assert slope["looks"][-1]["decided"] == pytest.approx(0.8, abs=1e-4)
    assert 0.97 < slope["inflation"] < 1, "what an early look decides is not needed at the end"


def test_a_guardrails_margin_is_planned_as_statsmodels_plans_an_equivalence_on_one_side(client):
    from statsmodels.stats.power import NormalIndPower

    theirs = NormalIndPower().solve_power(effect_size=0.05, alpha=0.05, power=0.8, alternative="larger")
    found = ask(client, "effect", MEAN | {"margin": 0.05})
    assert (found["sides"], found["units"]) == ("one", pytest.approx(2 * theirs, abs=2))
    worse = ask(client, "effect", MEAN | {"margin": 0.05, "effect": -0.01})
    assert worse["units"] == pytest.approx(found["units"] * (0.05 / 0.04) ** 2, rel=1e-3)
    hoped = {"margin": 0.05, "belief": {"mean": 0.0, "deviation": 0.0}}
    assert ask(client, "effect", MEAN | hoped)["assurance"] == pytest.approx(0.8, abs=1e-3)
    ask(client, "effect", MEAN | {"margin": 0.05, "effect": -0.05}, status=422)
    ask(client, "effect", MEAN | {"margin": 0.05, "watching": "any_time"}, status=422)


def test_a_quantile_is_planned_with_the_noise_that_its_readings_have(client):
    """Medians of 4,000 normal draws differ by sqrt(pi / 2) of what their means do."""
    density = 1 / (2 * math.pi) ** 0.5
    noise = {"noise": {"kind": "quantile", "probability": 0.5, "density": density}}
    median, mean = (ask(client, "effect", one | {"effect": 0.1}) for one in (noise, MEAN))
    assert median["units"] / mean["units"] == pytest.approx(math.pi / 2, rel=1e-3)


def test_equal_doses_without_a_placebo_cannot_be_planned_for_and_it_says_why(client):
    arms = [{"name": name, "shift": 2, "share": 0.3} for name in ("a", "b")]
    found = ask(client, "slope", DOSES | {"arms": arms})
    assert found["units"] is None
    assert found["not_estimable"]["reason"] == "doses_do_not_differ"
    assert any("placebo" in advice for advice in found["advice"])


def test_a_weak_dose_is_told(client):
    arms = [{"name": "only", "shift": 0.01, "share": 0.5}]
    found = ask(client, "slope", DOSES | {"arms": arms, "units": 10_000, "direct_effect_bounded": True})
    assert any("standard errors of the CPI" in advice for advice in found["advice"])
    single = ask(client, "slope", DOSES | {"arms": arms, "units": 10_000})
    assert any("second mechanism" in advice for advice in single["advice"])


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("effect", {"effect": None}),
        ("effect", {"effect": 0.0}),
        ("effect", {"effect": 1e-300}),
        ("effect", {"effect": -1e-16}),
        ("effect", {"effect": 0.99}),
        ("effect", {"watching": "looks"}),
        ("effect", {"looks": {"fractions": [0.5, 0.9]}, "watching": "looks"}),
        (
            "slope",
            {"arms": [{"name": "a", "shift": 1, "share": 0.6}, {"name": "b", "shift": 2, "share": 0.5}]},
        ),
        ("slope", {"arms": [{"name": "a", "shift": 0, "share": 0.5}]}),
        ("slope", {"arms": [{"name": "a", "shift": 1e-300, "share": 0.5}]}),
        ("slope", {"slope": None}),
        ("slope", {"slope": 1e-300}),
    ],
)
def test_a_question_that_has_no_answer_is_refused(client, what, change):
    ask(client, what, (EFFECT if what == "effect" else DOSES) | change, status=422)


def test_a_study_may_be_planned_at_the_error_rate_of_the_next_verdict(client):
    alone = ask(client, "slope", DOSES)
    first, third = (ask(client, "slope", DOSES | {"verdicts_so_far": k}) for k in (0, 2))
    half = ask(client, "slope", DOSES | {"alpha": 0.025})
    assert first["units"] == half["units"]
    assert alone["units"] < first["units"] < third["units"]


def test_planning_needs_no_scipy(tmp_path):
    script = tmp_path / "plan.py"
    script.write_text(
        """
import json, sys
from service.planning.schemas import DOSES, EffectQuestion, SlopeQuestion
from service.planning.service import plan_effect, plan_slope

looks = {"watching": "looks", "looks": {"fractions": [0.5, 1.0]}}
effect = {"noise": {"kind": "mean", "deviation": 1}, "effect": 0.1} | looks
plan_effect(EffectQuestion.model_validate_json(json.dumps(effect)))
plan_slope(SlopeQuestion.model_validate_json(json.dumps(DOSES | {"direct_effect": 1})))
assert "scipy" not in sys.modules
"""
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
