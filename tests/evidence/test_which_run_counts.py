"""Which run of an experiment counts, from when on, and what do the others show?"""

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.evidence import job
from service.kit.clock import instant
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outdated, Task
from tests.evidence.company import TWO_MECHANISMS, WINDOW, Company, Dealt


def codes(verdict: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in verdict["reasons"]}


def test_what_stopped_early_is_interim_and_counts_as_one_may_after_looking(company: Company) -> None:
    hypothesis = company.hypothesis()
    planned = {"planned_size": {"units": 5000, "per": "arm"}}
    run = company.finish(company.experiment([hypothesis], TWO_MECHANISMS, **planned))
    assert run["type"] == "interim"
    assert "4,000 units were analysed of 20,000 planned" in run["result"]["why_not_final"]
    assert {effect["not_estimable"]["reason"] for effect in run["result"]["effects"]} == {"interim"}
    (finding,) = run["result"]["hypotheses"]
    assert finding["anytime"]["units"] == 4000
    assert finding["anytime"]["planned_units"] == 20_000
    ((low, high),) = finding["anytime"]["slope"]["set"]
    assert low < company.slope < high
    found = company.verdict(hypothesis)
    latest = found["latest"]
    assert (latest["state"], codes(latest), found["missing_now"]) == ("confirmed", {"stopped_early"}, [])
    evidence = company.client.get(f"/v1/hypotheses/{hypothesis}/evidence").json()["items"]
    assert [one["contrasts"]["early"] for one in evidence] == [{"units": 4000, "planned_units": 20_000}]


@pytest.mark.parametrize("units", [200, 5000])
def test_off_the_planned_size_no_run_shows_what_holds_for_one_look(company: Company, units: int) -> None:
    """Past the plan as short of it somebody may have chosen the moment: it counts with the wider set."""
    hypothesis = company.hypothesis()
    planned = {"planned_size": {"units": units, "per": "arm"}}
    experiment = company.experiment([hypothesis], TWO_MECHANISMS, **planned)
    run = company.finish(experiment)
    assert run["type"] == "interim"
    assert run["result"]["hypotheses"][0]["anytime"]["planned_units"] == 4 * units
    evidence = company.client.get(f"/v1/hypotheses/{hypothesis}/evidence").json()["items"]
    assert [one["contrasts"]["early"] for one in evidence] == [{"units": 4000, "planned_units": 4 * units}]
    explored = company.run(experiment, type="exploratory")["result"]
    assert {effect["not_estimable"]["reason"] for effect in explored["effects"]} == {"interim"}
    assert explored["explorations"] == {}


def test_exploratory_runs_show_everything_and_decide_nothing(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.stop(experiment)
    run = company.run(experiment, type="exploratory")
    assert (run["state"], run["type"]) == ("succeeded", "exploratory")
    assert all("estimate" in effect for effect in run["result"]["effects"])
    assert company.verdict(hypothesis)["latest"] is None


def test_no_run_shows_effects_while_the_experiment_runs(company: Company) -> None:
    """Whatever it is called: intervals of one look are not to be looked at every day."""
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    time.sleep(2 * WINDOW.total_seconds())
    run = company.run(experiment, type="exploratory")
    assert run["type"] == "exploratory"
    assert {effect["not_estimable"]["reason"] for effect in run["result"]["effects"]} == {"interim"}
    assert [finding["contrasts"] for finding in run["result"]["hypotheses"]] == [None]
    (stage,) = (check for check in run["result"]["checks"] if check["name"] == "first_stage")
    assert stage["passed"] is None
    assert not any(character.isdigit() for character in stage["detail"])


def test_a_later_final_run_supersedes_and_both_are_kept(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    first, second = company.finish(experiment), company.run(experiment)
    evidence = company.client.get(f"/v1/hypotheses/{hypothesis}/evidence").json()["items"]
    assert [(one["run_id"], one["counts"]) for one in evidence] == [
        (second["id"], True),
        (first["id"], False),
    ]
    history = company.verdict(hypothesis)["history"]
    assert [verdict["run_id"] for verdict in history] == [second["id"], first["id"]]
    first_slope, second_slope = (verdict["slope"]["interval"] for verdict in history)
    assert first_slope == pytest.approx(second_slope, rel=1e-6)


def test_while_an_experiment_runs_its_slope_has_the_set_that_holds_at_any_look(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    time.sleep(2 * WINDOW.total_seconds())
    run = company.run(experiment, type="interim")
    (finding,) = run["result"]["hypotheses"]
    assert (finding["contrasts"], finding["not_estimable"]["reason"]) == (None, "interim")
    shown = finding["anytime"]
    assert shown["units"] > 0
    assert shown["alpha"] == 0.05
    assert "set" in shown["slope"]


def test_who_came_before_the_start_or_after_the_stop_is_counted_and_not_analysed(company: Company) -> None:
    """Nobody registers a hypothesis on data that are there already."""
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS, n=100)
    early = company.moments[experiment] - timedelta(days=3)
    rows = [f"early-{i},{experiment},fast,{early.isoformat()}" for i in range(30)]
    company.send("/v1/assignments", "\n".join(["unit,experiment,arm,time", *rows]))
    run = company.finish(experiment)
    assert run["result"]["units"]["outside_dates"] == 30
    assert [arm["n"] for arm in run["result"]["arms"]] == [100] * 4


def test_a_final_run_cannot_choose_an_earlier_moment(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.finish(experiment)
    early = company.run(experiment, as_of=(company.moments[experiment] + WINDOW).isoformat())
    assert early["type"] == "interim"
    assert len(company.verdict(hypothesis)["history"]) == 1


def test_a_final_run_waits_until_nobody_s_window_is_open(company: Company) -> None:
    """Between the stop and the last window's end, every moment would analyse other units."""
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.stop(experiment)
    stopped = datetime.fromisoformat(company.client.get(f"/v1/experiments/{experiment}").json()["stopped_at"])
    early = company.run(experiment, as_of=(stopped + WINDOW / 2).isoformat())
    assert early["type"] == "interim"
    closed = (stopped + WINDOW).replace(second=0, microsecond=0) + timedelta(minutes=1)
    told = f"Windows were still open: it can be final as of {instant(closed)}, or later."
    assert early["result"]["why_not_final"] == told
    assert company.verdict(hypothesis)["latest"] is None
    assert company.run(experiment, as_of=(stopped + WINDOW).isoformat())["type"] == "final"


def test_no_final_run_is_promised_where_more_units_came_than_were_planned(company: Company) -> None:
    hypothesis = company.hypothesis()
    planned = {"planned_size": {"units": 10, "per": "arm"}}
    experiment = company.experiment([hypothesis], TWO_MECHANISMS, n=20, **planned)
    company.stop(experiment)
    stopped = datetime.fromisoformat(company.client.get(f"/v1/experiments/{experiment}").json()["stopped_at"])
    company.run(experiment, as_of=stopped.isoformat())
    (awaited,) = company.verdict(hypothesis)["missing_now"]
    assert "can be final as of" not in awaited["reason"]["text"]
    assert "no run can be final: 80 units came of 40 planned." in awaited["reason"]["text"]


def test_the_latest_moment_counts_whichever_was_asked_last(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    latest = company.finish(experiment)
    stopped = datetime.fromisoformat(company.client.get(f"/v1/experiments/{experiment}").json()["stopped_at"])
    earlier = company.run(experiment, as_of=(stopped + WINDOW).isoformat())
    assert earlier["type"] == "final"
    counting = company.verdict(hypothesis)["latest"]["experiments"]
    assert [one["run_id"] for one in counting] == [latest["id"]]


def test_a_verdict_that_others_overtook_is_not_kept(company: Company, database: Database) -> None:
    """Between what the child read and what the parent keeps, another experiment started."""
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.stop(experiment)
    asked = company.client.post(f"/v1/experiments/{experiment}/runs", json={}).json()
    task = Task(
        id=asked["id"],
        kind=RunKind.ANALYSIS,
        subject=experiment,
        type=RunType.FINAL,
        as_of=datetime.fromisoformat(asked["as_of"]),
        attempt=1,
    )
    outcome = job.compute(company.settings, database, task, lambda *_: None)
    company.experiment([hypothesis], {"slow": Dealt(shift=1, mechanism="first")}, n=2)
    with pytest.raises(Outdated), database.write() as session:
        job.record(session, task, outcome)
    assert company.verdict(hypothesis)["latest"] is None
    company.run(experiment)
    assert codes(company.verdict(hypothesis)["latest"]) == {"experiment_missing"}
