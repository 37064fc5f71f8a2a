"""From registration to a verdict, through HTTP and the worker, where the truth is known."""

import time
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.evidence import job
from service.kit.clock import instant
from service.kit.database import Database
from service.runs.rules import RunKind, RunType
from service.runs.task import Outdated, Task
from tests.evidence.company import TWO_MECHANISMS, WINDOW, Company, Dealt, summed


def codes(verdict: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in verdict["reasons"]}


def test_a_true_lever_that_two_mechanisms_move_is_confirmed(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    run = company.finish(experiment)
    assert run["type"] == "final"
    assert run["provenance"]["method"] == "rule E"
    assert run["result"]["units"]["unassigned"] == 0
    found = company.verdict(hypothesis)
    latest = found["latest"]
    assert latest["state"] == "confirmed", latest
    low, high = latest["slope"]["interval"]
    assert low < company.slope < high
    assert latest["experiments"] == [{"experiment_id": experiment, "run_id": run["id"], "used": True}]
    assert found["missing_now"] == []
    evidence = company.client.get(f"/v1/hypotheses/{hypothesis}/evidence").json()["items"]
    assert [(one["run_id"], one["counts"], one["named"]) for one in evidence] == [(run["id"], True, True)]


def test_a_correlation_without_a_lever_is_rejected(company: Company) -> None:
    company.slope = 0.0
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    latest = company.verdict(hypothesis)["latest"]
    assert latest["state"] == "rejected", latest


def test_a_rival_that_moved_alike_shares_the_credit(company: Company) -> None:
    company.add_rival()
    hypothesis = company.hypothesis()
    arms = {
        "placebo": Dealt(placebo=True),
        "fast": Dealt(shift=-2, rival=2, mechanism="first"),
        "faster": Dealt(shift=-1, rival=1, mechanism="second"),
    }
    company.finish(company.experiment([hypothesis], arms))
    latest = company.verdict(hypothesis)["latest"]
    assert (latest["state"], codes(latest)) == ("inconclusive", {"credit_shared"})
    assert "“Options”" in latest["sentence"]


def test_a_cpi_that_is_registered_after_the_start_is_no_rival(company: Company) -> None:
    """Or anybody could undo a verdict by registering a metric that moved along."""
    hypothesis = company.hypothesis()
    arms = {
        "placebo": Dealt(placebo=True),
        "fast": Dealt(shift=-2, rival=2, mechanism="first"),
        "faster": Dealt(shift=-1, rival=1, mechanism="second"),
    }
    experiment = company.experiment([hypothesis], arms)
    company.add_rival()
    company.finish(experiment)
    latest = company.verdict(hypothesis)["latest"]
    assert latest["state"] == "confirmed", latest


def test_one_mechanism_stays_inconclusive_and_says_what_to_do(company: Company) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], {"fast": Dealt(shift=-2, mechanism="first")}))
    latest = company.verdict(hypothesis)["latest"]
    assert (latest["state"], latest["label"]) == ("inconclusive", "supported")
    assert "one_mechanism" in codes(latest)


def test_an_experiment_that_never_reported_blocks_the_verdict(company: Company) -> None:
    hypothesis = company.hypothesis()
    silent = company.experiment(
        [hypothesis], {"slow": Dealt(shift=1, mechanism="first")}, name="The silent one"
    )
    reporting = company.experiment([hypothesis], TWO_MECHANISMS)
    company.finish(reporting)
    found = company.verdict(hypothesis)
    assert (found["latest"]["state"], codes(found["latest"])) == ("inconclusive", {"experiment_missing"})
    assert "The silent one" in found["latest"]["sentence"]
    (awaited,) = found["missing_now"]
    assert (awaited["experiment_id"], awaited["run_id"]) == (silent, None)
    assert awaited["reason"] == {"code": "not_stopped", "text": "“The silent one” still runs."}
    company.finish(silent)
    found = company.verdict(hypothesis)
    assert found["missing_now"] == []
    assert found["latest"]["state"] == "confirmed", found["latest"]
    assert len(found["latest"]["experiments"]) == 2
    assert [verdict["state"] for verdict in found["history"]] == ["confirmed", "inconclusive"]


def test_an_experiment_counts_though_it_names_another_hypothesis(company: Company) -> None:
    """It measures both metrics and started after the registration: nobody leaves it out."""
    hypothesis, other = company.hypothesis(), company.hypothesis(rationale="The same, said again")
    company.finish(company.experiment([other], TWO_MECHANISMS))
    evidence = company.client.get(f"/v1/hypotheses/{hypothesis}/evidence").json()["items"]
    assert [one["named"] for one in evidence] == [False]
    assert {arm["mechanism"] for arm in evidence[0]["contrasts"]["arms"]} == {None}
    latest = company.verdict(hypothesis)["latest"]
    assert (latest["state"], "one_mechanism" in codes(latest)) == ("inconclusive", True)
    assert company.verdict(other)["latest"]["state"] == "confirmed"


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


def test_a_verdict_is_issued_when_the_evidence_has_doubled_and_each_has_its_own_error_rate(
    company: Company,
) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    first = company.verdict(hypothesis)
    assert (first["latest"]["look"]["number"], first["latest"]["look"]["alpha"]) == (1, 0.025)
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS, n=400))
    waits = company.verdict(hypothesis)
    assert [verdict["id"] for verdict in waits["history"]] == [first["latest"]["id"]]
    assert waits["last_look"]["state"] == "waits"
    assert "no verdict is due yet" in waits["last_look"]["text"]
    assert waits["last_look"]["information"] < waits["last_look"]["due_at"]
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS, n=1000))
    second = company.verdict(hypothesis)["latest"]
    assert (second["state"], second["look"]["state"], second["look"]["number"]) == ("confirmed", "taken", 2)
    assert second["look"]["alpha"] == pytest.approx(0.05 / 6)
    assert len(second["experiments"]) == 3
    assert "99.17 % interval" in second["sentence"]


def test_an_analysis_of_the_same_experiments_corrects_the_verdict_and_a_gate_spends_nothing(
    company: Company,
) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.finish(experiment)
    company.run(experiment)
    looks = [verdict["look"] for verdict in company.verdict(hypothesis)["history"]]
    assert [(look["state"], look["number"], look["alpha"]) for look in looks] == [
        ("corrected", 1, 0.025),
        ("taken", 1, 0.025),
    ]
    waiting = company.experiment([hypothesis], TWO_MECHANISMS, n=100)
    company.run(experiment)
    blocked = company.verdict(hypothesis)["latest"]
    assert (blocked["state"], codes(blocked)) == ("inconclusive", {"experiment_missing"})
    assert blocked["look"] is None
    company.finish(waiting)
    restated = company.verdict(hypothesis)["latest"]
    assert (restated["state"], restated["look"]["state"], restated["look"]["number"]) == (
        "confirmed",
        "corrected",  # its run was superseded while it was blocked
        1,
    )


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


def test_shared_capacity_cannot_decide(company: Company) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS, shared_capacity=["agents"]))
    latest = company.verdict(hypothesis)["latest"]
    assert (latest["state"], codes(latest)) == ("inconclusive", {"interference_possible"})


def test_an_amendment_is_shown_beside_the_verdict(company: Company) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    url = f"/v1/hypotheses/{hypothesis}"
    amendment = {"reason": "The price rose", "change": {"smallest_slope": 0.25}}
    answer = company.client.post(
        f"{url}:amend", json=amendment, headers={"If-Match": company.client.get(url).headers["ETag"]}
    )
    assert answer.status_code == 200, answer.text
    found = company.verdict(hypothesis)
    assert [one["reason"] for one in found["amendments"]] == ["The price rose"]
    assert found["latest"]["rule"]["smallest_slope"] == 0.2
    assert found["latest"]["hypothesis_version"] == 1


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


def amend(company: Company, hypothesis: str, **change: Any) -> None:
    url = f"/v1/hypotheses/{hypothesis}"
    tag = {"If-Match": company.client.get(url).headers["ETag"]}
    answer = company.client.post(
        f"{url}:amend", json={"reason": "We know better now", "change": change}, headers=tag
    )
    assert answer.status_code == 200, answer.text


def test_a_question_that_is_changed_after_its_data_came_decides_by_new_experiments(company: Company) -> None:
    """Rejected at 0.8, the team amends to what the data gave: only experiments started after that count."""
    hypothesis = company.hypothesis(smallest_slope=0.8)
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.finish(experiment)
    assert company.verdict(hypothesis)["latest"]["state"] == "rejected"
    amend(company, hypothesis, smallest_slope=0.2)
    company.run(experiment)
    latest = company.verdict(hypothesis)["latest"]
    assert (latest["state"], codes(latest)) == ("inconclusive", {"amended_after_start"})
    assert "smallest_slope" in latest["sentence"]
    again = company.experiment([hypothesis], TWO_MECHANISMS, n=900)
    company.finish(again)
    latest = company.verdict(hypothesis)["latest"]
    assert latest["state"] == "confirmed", latest
    assert [one["experiment_id"] for one in latest["experiments"]] == [again]


def test_an_amendment_that_changes_no_answer_stops_none(company: Company) -> None:
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    amend(company, hypothesis, smallest_slope=0.25)
    company.finish(experiment)
    latest = company.verdict(hypothesis)["latest"]
    assert (latest["state"], latest["hypothesis_version"]) == ("confirmed", 2)


ASKED = {"population": {"triggered": {"event": "asked"}}, "missing": "exclude"}
OF_ASKERS = summed("waited") | ASKED | {"aggregation": "mean", "value_type": "duration"}


def test_an_arm_that_draws_more_customers_in_is_gated_and_named(client, settings) -> None:
    """A wait that only askers have; the fast arm makes more customers ask."""
    company = Company(client=client, settings=settings, wait=OF_ASKERS)
    hypothesis = company.hypothesis()
    arms = {name: replace(dealt, asking=0.3) for name, dealt in TWO_MECHANISMS.items()}
    arms["fast"] = replace(arms["fast"], asking=0.5)
    run = company.finish(company.experiment([hypothesis], arms, asking=0.3))
    latest = company.verdict(hypothesis)["latest"]
    assert (latest["state"], codes(latest)) == ("inconclusive", {"observed_set_moved", "bounds_undecided"})
    assert "Wait was seen for different shares" in latest["sentence"]
    evidence = company.client.get(f"/v1/hypotheses/{hypothesis}/evidence").json()["items"]
    corners = evidence[0]["contrasts"]["corners"]
    assert len(corners) == 2 ** len(evidence[0]["contrasts"]["arms"])
    waits = [corner["effects"][0][0] for corner in corners]
    rounding = 1e-9  # an end that nobody was cut from is the effect itself
    assert min(waits) - rounding < evidence[0]["contrasts"]["effects"][0][0] < max(waits) + rounding
    trigger = next(name for name in evidence[0]["contrasts"]["metrics"] if name.startswith("trigger:"))
    assert run["result"]["names"][trigger] == "share of units with asked"


def test_a_wait_of_askers_that_moves_alone_is_a_lever(client, settings) -> None:
    company = Company(client=client, settings=settings, wait=OF_ASKERS, spending=summed("spent") | ASKED)
    hypothesis = company.hypothesis()
    arms = {name: replace(dealt, asking=0.5) for name, dealt in TWO_MECHANISMS.items()}
    company.finish(company.experiment([hypothesis], arms, asking=0.5))
    latest = company.verdict(hypothesis)["latest"]
    assert latest["state"] == "confirmed", latest
    low, high = latest["slope"]["interval"]
    assert low < company.slope < high


def test_evidence_on_another_version_of_a_metric_has_to_be_computed_again(company: Company) -> None:
    """The outcomes are the same; what is read off them is not."""
    hypothesis = company.hypothesis()
    experiment = company.experiment([hypothesis], TWO_MECHANISMS)
    company.finish(experiment)
    metric, url = f"/v1/metrics/{company.ids['cpi']}", f"/v1/hypotheses/{hypothesis}"
    capped = company.wait | {"cap": {"upper": 30}}
    changed = company.client.patch(metric, json={"definition": capped}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    amendment = {"reason": "Capped", "change": {"cpi_version": 2}}
    tag = {"If-Match": company.client.get(url).headers["ETag"]}
    assert company.client.post(f"{url}:amend", json=amendment, headers=tag).status_code == 200
    assert [one["experiment_id"] for one in company.verdict(hypothesis)["missing_now"]] == [experiment]
    company.run(experiment)
    found = company.verdict(hypothesis)
    assert found["missing_now"] == []
    assert (found["latest"]["hypothesis_version"], found["latest"]["state"]) == (2, "confirmed")
    evidence = company.client.get(f"{url}/evidence").json()["items"]
    assert [(one["cpi"][-2:], one["counts"]) for one in evidence] == [("@2", True), ("@1", False)]
