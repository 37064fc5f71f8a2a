"""From registration to a verdict, through HTTP and the worker, where the truth is known."""

from dataclasses import replace
from typing import Any

import pytest

from tests.evidence.company import TWO_MECHANISMS, Company, Dealt, summed


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


def test_shared_capacity_cannot_decide(company: Company) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS, shared_capacity=["agents"]))
    latest = company.verdict(hypothesis)["latest"]
    assert (latest["state"], codes(latest)) == ("inconclusive", {"interference_possible"})


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
