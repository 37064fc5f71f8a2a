"""Does the design helper answer on a page as the API does?"""

import re

import pytest


def test_the_design_helper_answers_as_the_api_does(browser, client) -> None:
    page = browser.get("/plan").text
    assert "The answer will stand here" in page
    asked = "noise.kind=rate&noise.rate=0,04&noise.deviation=3&effect=0.002"
    asked += "&traffic.daily=2000&traffic.window_days=7"
    page = browser.get(f"/plan?{asked}").text
    question = {"noise": {"kind": "rate", "rate": 0.04}, "effect": 0.002}
    question |= {"traffic": {"new_units": [2000] * 7, "window_days": 7}}
    answer = client.post("/v1/planning/effect", json=question).json()
    assert (
        f"<strong>{answer['units']:,}</strong> units in all, <strong>{answer['days']}</strong> days" in page
    )
    looks = browser.get(f"/plan?{asked}&watching=looks&looks.equal=4").text
    assert "Looks multiply the units by" in looks
    wrong = browser.get("/plan?noise.kind=rate&noise.rate=0,04&effect=much")
    assert wrong.status_code == 422
    assert 'value="much"' in wrong.text
    assert "A number is expected" in wrong.text


def test_the_design_helper_says_whether_a_direct_effect_would_be_noticed(browser) -> None:
    arms = "arms.0.name=placebo&arms.0.shift=0&arms.0.share=0.25"
    arms += "&arms.2.name=fast&arms.2.shift=-2&arms.2.share=.25"
    noise = "noise.cpi_deviation=5&noise.kpi_deviation=12.5&noise.correlation=0.3"
    page = browser.get(f"/plan/doses?{arms}&{noise}&slope=0.4&smallest_slope=0.2&direct_effect=0.5").text
    assert "Chance that a direct effect is noticed" in page
    assert "units in all" in page
    assert "add a second mechanism" in page


def test_the_design_helper_plans_doses_for_the_next_verdict_and_for_clusters(browser) -> None:
    arms = "arms.0.name=slow&arms.0.shift=-2&arms.0.share=.25"
    arms += "&arms.1.name=fast&arms.1.shift=-4&arms.1.share=.25"
    asked = f"/plan/doses?{arms}&noise.cpi_deviation=5&noise.kpi_deviation=12.5&slope=0.4"
    third = browser.get(f"{asked}&verdicts_so_far=2").text
    decides = re.search(r"Standard errors that decide</dt><dd>([\d.]+)", third)
    assert decides is not None
    assert float(decides[1]) == pytest.approx(2.865, abs=0.01)  # of the normal, at 0.05 / 12
    clustered = browser.get(f"{asked}&clusters.units_per_cluster=20&clusters.correlation=0.05").text
    assert "Clusters multiply the variance by" in clustered


def test_the_design_helper_says_how_likely_a_study_answers_as_far_as_is_believed(browser, client) -> None:
    arms = "arms.0.name=placebo&arms.0.shift=0&arms.0.share=0.25"
    arms += "&arms.1.name=fast&arms.1.shift=4&arms.1.share=.25"
    noise = "noise.cpi_deviation=5&noise.kpi_deviation=12.5&units=60000&slope=0.4&smallest_slope=0.2"
    belief = "belief.mean=0.3&belief.deviation=0.4&clusters.units_per_cluster=20&clusters.correlation=0.05"
    page = browser.get(f"/plan/doses?{arms}&{noise}&{belief}&watching=looks&looks.equal=4").text
    question = {
        "arms": [{"name": "placebo", "shift": 0, "share": 0.25}, {"name": "fast", "shift": 4, "share": 0.25}],
        "noise": {"cpi_deviation": 5, "kpi_deviation": 12.5},
        "units": 60000,
        "slope": 0.4,
        "smallest_slope": 0.2,
        "belief": {"mean": 0.3, "deviation": 0.4},
        "clusters": {"units_per_cluster": 20, "correlation": 0.05},
        "watching": "looks",
        "looks": {"fractions": [0.25, 0.5, 0.75, 1.0]},
    }
    answer = client.post("/v1/planning/slope", json=question).json()
    told = dict(re.findall(r"<dt>([^<]*)</dt><dd>([\d.]+) %", page))
    for label, name in (
        ("Chance of success, as far as is believed", "assurance"),
        ("Chance to refute it, as far as is believed", "assurance_to_refute"),
    ):
        assert float(told[label]) == pytest.approx(100 * answer[name], rel=1e-3)
    assert "Decided by then" in page


def test_the_design_helper_plans_guardrails_and_quantiles(browser, client) -> None:
    noise = "noise.kind=quantile&noise.probability=0.9&noise.density=0.04&noise.rate=0.1"
    page = browser.get(f"/plan?{noise}&margin=2").text
    question = {"noise": {"kind": "quantile", "probability": 0.9, "density": 0.04}, "margin": 2}
    answer = client.post("/v1/planning/effect", json=question).json()
    assert f"<strong>{answer['units']:,}</strong> units in all" in page
