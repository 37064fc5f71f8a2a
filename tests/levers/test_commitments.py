"""Who answers for a proven lever? One decision after another, each kept, none without proof."""

import re

import pytest

from tests.evidence.company import TWO_MECHANISMS, Company


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


@pytest.fixture
def proven(company: Company) -> str:
    hypothesis: str = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    return hypothesis


def test_a_proven_lever_is_carried_by_whom_was_named_last_and_the_others_stay(client, proven) -> None:
    address = f"/v1/levers/{proven}/commitments"
    first = client.post(address, json={"team": "growth", "person": "ada@example.com", "target": 2.5})
    assert first.status_code == 201, first.text
    assert first.headers["location"] == address
    second = client.post(address, json={"team": "claims", "by": "2027-06-30"})
    assert [one["team"] for one in client.get(address).json()] == ["claims", "growth"]
    (lever,) = client.get("/v1/levers").json()["items"]
    assert lever["carried_by"] == second.json()
    assert second.json()["author"] == "ada@example.com"
    assert second.json()["verdict_id"] == lever["verdict"]["id"]


def test_nobody_answers_for_what_is_not_proven(client, company: Company) -> None:
    hypothesis = company.hypothesis()
    refused = client.post(f"/v1/levers/{hypothesis}/commitments", json={"team": "growth"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:leverboard:problem:lever-not-proven")
    (lever,) = client.get("/v1/levers").json()["items"]
    assert lever["carried_by"] is None


def test_only_the_team_that_claimed_it_decides(other_team_client, viewer_client, proven) -> None:
    for client in (other_team_client, viewer_client):
        assert client.post(f"/v1/levers/{proven}/commitments", json={"team": "ops"}).status_code == 403


def test_a_target_that_is_worse_than_what_customers_expect_is_none(client, proven) -> None:
    (lever,) = client.get("/v1/levers").json()["items"]
    metric = client.get(f"/v1/metrics/{lever['cpi']['id']}")
    changed = client.patch(
        f"/v1/metrics/{lever['cpi']['id']}",
        json={"expectations": [{"segment": "all", "level": 3.0}]},
        headers={"If-Match": metric.headers["etag"]},
    )
    assert changed.status_code == 200, changed.text
    address = f"/v1/levers/{proven}/commitments"
    refused = client.post(address, json={"team": "growth", "target": 3.5})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["rule"] == "target_meets_expectation"
    assert client.post(address, json={"team": "growth", "target": 2.0}).status_code == 201


@pytest.mark.parametrize(
    ("body", "rule"), [({"target": 50}, "target_improves"), ({"by": "2020-01-01"}, "by_in_future")]
)
def test_a_target_is_better_than_today_and_its_day_is_to_come(client, proven, body, rule) -> None:
    refused = client.post(f"/v1/levers/{proven}/commitments", json={"team": "growth"} | body)
    assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (422, rule)
    both = client.post(
        f"/v1/levers/{proven}/commitments", json={"team": "growth", "target": 50, "by": "2020-01-01"}
    )
    assert [one["rule"] for one in both.json()["errors"]] == ["by_in_future", "target_improves"]


def test_the_page_takes_the_decision_too_from_its_own_form_only(client, settings, proven) -> None:
    key = client.headers["authorization"].removeprefix("Bearer ")
    client.headers.pop("authorization")
    client.post("/sign-in", data={"key": key})
    page = client.get(f"/levers/{proven}").text
    token = re.search(r'name="form_token" value="([0-9a-f]{64})"', page)
    assert token is not None
    typed = {"team": "claims", "target": "2,5", "person": "", "by": "", "note": ""}
    address = f"/levers/{proven}/commitments"
    assert client.post(address, data={**typed, "form_token": "0" * 64}).status_code == 403
    wrong = client.post(address, data={**typed, "target": "soon", "form_token": token[1]})
    assert wrong.status_code == 422
    assert "A number is expected" in wrong.text
    told = client.post(address, data={**typed, "form_token": token[1]})
    assert told.status_code == 200
    assert "claims: 2.5 minutes" in told.text
