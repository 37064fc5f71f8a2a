"""What becomes of a verdict whose question is changed?"""

from typing import Any

from tests.evidence.company import TWO_MECHANISMS, Company


def codes(verdict: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in verdict["reasons"]}


def amend(company: Company, hypothesis: str, **change: Any) -> None:
    url = f"/v1/hypotheses/{hypothesis}"
    tag = {"If-Match": company.client.get(url).headers["ETag"]}
    answer = company.client.post(
        f"{url}:amend", json={"reason": "We know better now", "change": change}, headers=tag
    )
    assert answer.status_code == 200, answer.text


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
