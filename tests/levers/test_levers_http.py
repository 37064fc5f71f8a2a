"""What do leaders read? Levers with their verdicts, in the order and of the team they ask for."""

from typing import Any

import pytest

from tests.evidence.company import TWO_MECHANISMS, Company, Dealt


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


def levers(company: Company, query: str = "") -> list[dict[str, Any]]:
    answer = company.client.get(f"/v1/levers{query}")
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_a_registered_hypothesis_stands_on_the_board_before_any_verdict(company: Company) -> None:
    hypothesis = company.hypothesis()
    (lever,) = levers(company)
    assert (lever["hypothesis_id"], lever["state"], lever["verdict"]) == (hypothesis, "untested", None)
    assert (lever["cpi"]["name"], lever["kpi"]["name"], lever["increment"]) == (
        "Wait",
        "Spending",
        "1 minute less",
    )
    assert (lever["owner"], lever["team"], lever["provisional"]) == ("ada@example.com", "growth", False)


def test_a_confirmed_lever_shows_its_slope_and_what_stands_behind_it(company: Company) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    (lever,) = levers(company, "?state=confirmed")
    verdict = lever["verdict"]
    assert lever["state"] == "confirmed"
    assert verdict["proven"] is True
    assert verdict["slope"]["interval"][0] < company.slope < verdict["slope"]["interval"][1]
    assert (verdict["experiments"], verdict["mechanisms"]) == (1, 2)
    assert 0 <= verdict["age_days"] < 1
    assert verdict["sentence"].startswith("Confirmed.")


def test_a_lever_that_rests_on_an_assumption_is_not_proven(company: Company) -> None:
    hypothesis = company.hypothesis(direct_effect_bound=0.0)
    company.finish(company.experiment([hypothesis], {"fast": Dealt(shift=-2, mechanism="first")}))
    (lever,) = levers(company)
    assert (lever["state"], lever["verdict"]["label"]) == ("confirmed", "on_assumption")
    assert lever["verdict"]["proven"] is False


def test_an_amended_claim_does_not_borrow_the_verdict_on_the_old_one(company: Company) -> None:
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    (lever,) = levers(company)
    verdict = lever["verdict"]
    assert (verdict["hypothesis_version"], verdict["outdated"], verdict["proven"]) == (1, False, True)
    url = f"/v1/hypotheses/{hypothesis}"
    amended = company.client.post(
        f"{url}:amend",
        json={"reason": "The price rose", "change": {"smallest_slope": 0.4}},
        headers={"If-Match": company.client.get(url).headers["ETag"]},
    )
    assert amended.status_code == 200, amended.text
    (lever,) = levers(company)
    verdict = lever["verdict"]
    assert (verdict["hypothesis_version"], verdict["outdated"], verdict["proven"]) == (1, True, False)


def test_confirmed_levers_come_first_and_pages_follow_the_order(company: Company) -> None:
    untested = company.hypothesis(rationale="Nobody tries")
    confirmed = company.hypothesis(rationale="Who waits less buys")
    company.finish(company.experiment([confirmed], TWO_MECHANISMS))
    company.hypothesis(rationale="Another")
    first = company.client.get("/v1/levers?limit=1")
    assert first.json()["items"][0]["hypothesis_id"] == confirmed
    seen, url = [], "/v1/levers?limit=1"
    while url:
        answer = company.client.get(url)
        seen += [lever["hypothesis_id"] for lever in answer.json()["items"]]
        url = answer.links.get("next", {}).get("url")
    assert len(seen) == len(set(seen)) == 3
    newest = [lever["hypothesis_id"] for lever in levers(company, "?sort=newest")]
    assert newest == sorted(newest, reverse=True)
    assert untested in newest


def test_levers_are_filtered_by_team_and_state(company: Company) -> None:
    company.hypothesis()
    assert levers(company, "?team=ops") == []
    assert levers(company, "?state=rejected") == []
    assert len(levers(company, "?team=growth&state=untested&sort=team")) == 1
    assert company.client.get("/v1/levers?state=great").status_code == 422
