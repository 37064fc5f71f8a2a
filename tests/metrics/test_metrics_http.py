"""The metric registry as a client meets it, on both databases."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.metrics.drafts import INQUIRY, cpi, kpi


def register(client, draft):
    answer = client.post("/v1/metrics", json=draft)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_metric_is_registered_for_the_team_and_owner_of_the_key(each_client):
    answer = each_client.post("/v1/metrics", json=cpi())
    metric = answer.json()
    assert answer.status_code == 201
    assert answer.headers["ETag"] == '"1"'
    assert (metric["version"], metric["team"], metric["owner"]) == (1, "growth", "ada@example.com")
    assert metric["state"] == "qualified"
    read = each_client.get(answer.headers["Location"])
    assert read.json() == metric
    assert read.headers["ETag"] == '"1"'


def test_the_same_outcome_under_another_name_is_accepted_and_said(client):
    first = register(client, cpi())
    assert "same_definition" not in {one["rule"] for one in first["warnings"]}
    second = register(client, cpi(name="Fast quote"))
    told = next(one for one in second["warnings"] if one["rule"] == "same_definition")
    assert first["id"] in told["message"]
    assert "Quick quote" in told["message"]
    sessions = register(client, cpi(unit_type="session"))
    assert "same_definition" not in {one["rule"] for one in sessions["warnings"]}


def test_a_kpi_says_which_direction_is_better_and_a_cpi_says_it_in_its_increment(client):
    assert register(client, kpi(name="Cost of service", better="lower"))["better"] == "lower"
    refused = client.post("/v1/metrics", json=cpi(better="lower"))
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["better"]


def test_a_change_makes_a_new_version_and_the_old_one_stays(each_client):
    metric = register(each_client, cpi())
    url = f"/v1/metrics/{metric['id']}"
    answer = each_client.patch(url, json={"name": "Quote in a minute"}, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"2"'
    assert answer.json()["name"] == each_client.get(url).json()["name"] == "Quote in a minute"
    assert each_client.get(f"{url}/versions/1").json()["name"] == "Quick quote"
    assert [old["version"] for old in each_client.get(f"{url}/versions").json()] == [1, 2]


def test_a_change_that_changes_nothing_makes_no_version(each_client):
    metric = register(each_client, cpi())
    answer = each_client.patch(
        f"/v1/metrics/{metric['id']}", json={"name": "Quick quote"}, headers={"If-Match": '"1"'}
    )
    assert answer.headers["ETag"] == '"1"'


def test_a_change_is_judged_by_the_same_rules(client):
    metric = register(client, cpi())
    answer = client.patch(
        f"/v1/metrics/{metric['id']}", json={"increment": None}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["rule"] == "increments_customers_value"
    assert client.get(f"/v1/metrics/{metric['id']}").json()["version"] == 1


def test_nobody_overwrites_what_they_have_not_seen(each_client):
    url = f"/v1/metrics/{register(each_client, cpi())['id']}"
    assert each_client.patch(url, json={"name": "A"}).status_code == 428
    assert each_client.patch(url, json={"name": "A"}, headers={"If-Match": '"7"'}).status_code == 412


def test_only_the_owning_team_changes_a_metric_and_everybody_reads_it(
    client, other_team_client, viewer_client
):
    url = f"/v1/metrics/{register(client, cpi())['id']}"
    stale = {"If-Match": '"1"'}
    assert other_team_client.get(url).status_code == 200
    assert other_team_client.patch(url, json={"name": "Ours"}, headers=stale).status_code == 403
    assert other_team_client.post(f"{url}/evidence", json=INQUIRY, headers=stale).status_code == 403
    assert viewer_client.post("/v1/metrics", json=cpi()).status_code == 403


def test_evidence_from_where_customers_are_qualifies_a_provisional_cpi(each_client):
    weak = {"method": "survey", "summary": "62 % ticked speed", "date": "2026-02-01"}
    metric = register(each_client, cpi(evidence=[weak]))
    assert metric["state"] == "provisional"
    assert [warning["rule"] for warning in metric["warnings"]] == ["provisional"]
    answer = each_client.post(
        f"/v1/metrics/{metric['id']}/evidence", json=INQUIRY, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 200
    assert answer.json()["state"] == "qualified"
    assert answer.json()["version"] == 2
    assert answer.json()["warnings"] == []
    qualified = each_client.get("/v1/metrics", params={"state": "qualified"}).json()["items"]
    assert [found["id"] for found in qualified] == [metric["id"]]


def test_every_template_registers_as_it_is_and_a_cpi_from_one_starts_provisional(each_client):
    for template in each_client.get("/v1/metrics/templates").json():
        metric = register(each_client, template["metric"])
        if metric["kind"] == "cpi":
            assert metric["state"] == "provisional"
            assert [evidence["method"] for evidence in metric["evidence"]] == ["another_company"]
        else:
            assert metric["state"] is None


def test_nps_is_refused_as_cpi_with_the_reason_and_the_way_out(client):
    template = next(t for t in client.get("/v1/metrics/templates").json() if t["slug"] == "nps")
    answer = client.post("/v1/metrics", json=cpi(template="nps", name="NPS"))
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:leverboard:problem:metric-refused"
    error = answer.json()["errors"][0]
    assert error["message"] == template["refused_as_cpi"]
    assert "kpi" in error["how"]


def test_an_unknown_template_is_refused(client):
    answer = client.post("/v1/metrics", json=cpi(template="quick-quotes"))
    assert [error["rule"] for error in answer.json()["errors"]] == ["known_template"]


def test_the_list_is_filtered_and_paged(each_client):
    ids = [register(each_client, cpi(name=f"CPI {number}"))["id"] for number in range(3)]
    other = register(each_client, kpi(unit_type="account"))["id"]
    first = each_client.get("/v1/metrics", params={"kind": "cpi", "limit": 2})
    assert [found["id"] for found in first.json()["items"]] == ids[:2]
    second = each_client.get(first.headers["Link"].split(">")[0].lstrip("<"))
    assert [found["id"] for found in second.json()["items"]] == ids[2:]
    assert [m["id"] for m in each_client.get("/v1/metrics?unit_type=account").json()["items"]] == [other]
    assert each_client.get("/v1/metrics?team=ops").json() == {"items": [], "next": None}


def test_what_does_not_exist_is_not_found(client):
    metric = register(client, cpi())
    for url in ("/v1/metrics/met_nothing", f"/v1/metrics/{metric['id']}/versions/2"):
        assert client.get(url).status_code == 404
        assert client.get(url).json()["type"] == "urn:leverboard:problem:metric-not-found"


HOSTILE = {
    "an unknown field": cpi(colour="red"),
    "a wrong type": cpi(name=7),
    "a name of a million characters": cpi(name="x" * 10**6),
    "a name of 500 characters": cpi(name="x" * 500),
    "a control character": cpi(name="bell\u0007"),
    "a lone surrogate": b'{"kind": "cpi", "name": "\\ud800"}',
    "a negative window": cpi(definition=cpi()["definition"] | {"window": "-P7D"}),
    "a negative increment": cpi(increment={"amount": -1, "unit": "minute", "better": "lower"}),
    "an increment of zero": cpi(increment={"amount": 0, "unit": "minute", "better": "lower"}),
    "a number as text": cpi(increment={"amount": "1", "unit": "minute", "better": "lower"}),
    "a number beyond all bounds": cpi(increment={"amount": 10**400, "unit": "minute", "better": "lower"}),
    "a boolean for a number": cpi(increment={"amount": True, "unit": "minute", "better": "lower"}),
    "no customers asked": cpi(evidence=[INQUIRY | {"customers": 0}]),
    "a link that runs code": cpi(evidence=[INQUIRY | {"link": "javascript:alert(1)"}]),
    "a currency in words": kpi(value_of_one_unit={"amount": 1, "currency": "euro"}),
    "an unknown kind": cpi(kind="okpi"),
    "a list": [],
}


@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_documents_are_refused_as_problems(client, document):
    if isinstance(document, bytes):
        answer = client.post("/v1/metrics", content=document, headers={"Content-Type": "application/json"})
    else:
        answer = client.post("/v1/metrics", json=document)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert len(answer.content) < 10_000
    assert answer.json()["errors"]
    assert client.get("/v1/metrics").json()["items"] == []


def test_a_change_cannot_remove_the_name(client):
    metric = register(client, cpi())
    answer = client.patch(f"/v1/metrics/{metric['id']}", json={"name": None}, headers={"If-Match": '"1"'})
    assert answer.status_code == 422


def test_of_two_changes_at_once_one_is_told_that_it_came_second(each_client):
    url = f"/v1/metrics/{register(each_client, cpi())['id']}"

    def rename(name):
        return each_client.patch(url, json={"name": name}, headers={"If-Match": '"1"'}).status_code

    with ThreadPoolExecutor(max_workers=4) as pool:
        statuses = sorted(pool.map(rename, "ABCD"))
    assert statuses == [200, 412, 412, 412]
    assert each_client.get(url).json()["version"] == 2
