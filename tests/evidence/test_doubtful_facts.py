"""Facts that come late, from others, or of other units than in the control: what becomes of a verdict?"""

from typing import Any

from service.kit.clock import now
from tests.evidence.company import SHORT, TWO_MECHANISMS, Company, Dealt
from tests.metrics.drafts import cpi

PER_ANSWER = {
    "aggregation": "ratio",
    "numerator": {"event": {"event": "waited"}},
    "denominator": {"event": {"event": "asked"}, "count": True},
    "value_type": "duration",
    "window": SHORT,
    "pre_period": "P0D",
}


def rolled_out(company: Company, experiment: str, arm: str, units: list[str]) -> None:
    """Everybody gets the arm, under the same experiment, after it has stopped."""
    later = now().isoformat()
    rows = [f"{unit},{experiment},{arm},{later}" for unit in units]
    company.send("/v1/assignments", "\n".join(["unit,experiment,arm,time", *rows]))


def check(run: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in run["result"]["checks"] if one["name"] == name)


def test_a_rollout_after_the_stop_takes_no_verdict_back(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    first = company.finish(experiment)
    assert company.verdict(hypothesis)["latest"]["state"] == "confirmed"
    known = [f"{experiment}-{arm}-{i}" for arm in ("control", *TWO_MECHANISMS) for i in range(1000)]
    rolled_out(company, experiment, "fast", [*known, *(f"new-{i}" for i in range(1000))])
    second = company.run(experiment)
    assert second["result"]["arms"] == first["result"]["arms"]
    assert second["result"]["units"]["multiple_arms"] == 0
    assert second["result"]["units"]["outside_dates"] == 1000
    assert check(second, "srm")["passed"]
    assert company.verdict(hypothesis)["latest"]["state"] == "confirmed"


def test_what_another_team_assigns_changes_no_verdict(company: Company, other_team_client) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    time = company.moments[experiment].isoformat()
    rows = [f"{experiment}-control-{i},{experiment},fast,{time},{i % 2 * 6 + 1}" for i in range(1000)]
    csv = "\n".join(["unit,experiment,arm,time,phase", *rows])
    answer = other_team_client.post("/v1/assignments", content=csv, headers={"Content-Type": "text/csv"})
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (0, 1000)
    run = company.finish(experiment)
    assert run["result"]["units"]["multiple_arms"] == 0
    assert company.verdict(hypothesis)["latest"]["state"] == "confirmed"


def test_units_of_a_phase_that_was_never_open_leave_the_sample_ratio_alone(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    row = {"unit": "u1", "experiment": experiment, "arm": "fast", "phase": 7}
    sent = [{**row, "time": company.moments[experiment].isoformat()}]
    answer = company.client.post("/v1/assignments", json=sent)
    assert [one["field"] for one in answer.json()["rejections"]] == ["phase"]
    run = company.finish(experiment)
    assert run["result"]["units"]["unknown_phase"] == 0
    assert check(run, "srm")["passed"]


def test_a_cpi_written_as_a_ratio_does_not_escape_who_is_seen(company: Company) -> None:
    """Waiting per question asked: the arms change who asks."""
    company.ids["cpi"] = company.metric(cpi(name="Wait for each question", definition=PER_ANSWER))
    for name in ("first", "second"):
        company.ids[name] = company.mechanism(name)
    hypothesis = company.hypothesis()
    arms = {
        "fast": Dealt(shift=-2, mechanism="first", asking=0.9),
        "faster": Dealt(shift=-1, mechanism="second", asking=0.7),
    }
    run = company.finish(company.experiment([hypothesis], arms, asking=0.5))
    latest = company.verdict(hypothesis)["latest"]
    assert latest["state"] == "inconclusive"
    assert check(run, "observed_set_moved")["passed"] is False
    assert "share of units with asked" in run["result"]["names"].values()
    (finding,) = run["result"]["hypotheses"]
    assert any(name.startswith("trigger:") for name in finding["contrasts"]["metrics"])
