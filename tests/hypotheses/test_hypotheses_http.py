"""Hypotheses and mechanisms as a client meets them, on both databases."""

import hashlib
import json

import pytest

from service.hypotheses.registered import get_registered
from service.hypotheses.registered import registered as all_registered
from service.hypotheses.templates import templates
from service.kit.database import Database
from service.metrics.templates import find_template
from tests.hypotheses.drafts import created, hypothesis, mechanism, metric_pair, registered
from tests.metrics.drafts import INQUIRY, cpi, kpi

FIRST, SECOND, THIRD = ({"If-Match": f'"{revision}"'} for revision in (1, 2, 3))


def refused(client, document):
    answer = client.post("/v1/hypotheses", json=document)
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return {(error["field"], error["rule"]) for error in answer.json()["errors"]}


def test_a_draft_pins_the_metric_versions_of_today(each_client):
    c, k = metric_pair(each_client)
    drafted = created(each_client, "/v1/hypotheses", hypothesis(c, k))
    each_client.patch(f"/v1/metrics/{c}", json={"name": "Quote in a minute"}, headers=FIRST)
    shown = each_client.get(f"/v1/hypotheses/{drafted['id']}").json()
    assert (shown["cpi_version"], shown["kpi_version"], shown["cpi_name"]) == (1, 1, "Quick quote")
    assert shown["state"] == "draft"
    assert shown["statement"] == (
        'Each minute less of "Quick quote" will increase "Conversion" by at least 1 point.'
    )
    later = created(each_client, "/v1/hypotheses", hypothesis(c, k))
    assert later["cpi_version"] == 2
    earlier = created(each_client, "/v1/hypotheses", hypothesis(c, k, cpi_version=1))
    assert earlier["cpi_version"] == 1


def test_the_defaults_are_those_of_the_method(client):
    drafted = created(client, "/v1/hypotheses", hypothesis(*metric_pair(client)))
    assert (drafted["prior_scale"], drafted["alpha"], drafted["segments"]) == (5.0, 0.05, [])


def test_a_registration_is_frozen_hashed_signed_and_dated(each_client):
    drafted = created(each_client, "/v1/hypotheses", hypothesis(*metric_pair(each_client)))
    url = f"/v1/hypotheses/{drafted['id']}"
    answer = each_client.post(f"{url}:register", headers=FIRST)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["state"], shown["registered_by"], shown["version"]) == ("registered", "ada@example.com", 1)
    assert shown["registered_at"] is not None
    version = each_client.get(f"{url}/versions").json()[0]
    digest = hashlib.sha256(version["canonical_json"].encode()).hexdigest()
    assert digest == version["sha256"] == shown["sha256"]
    frozen = json.loads(version["canonical_json"])
    assert frozen["direct_effect_bound"] == "unknown"
    assert (frozen["decision_rule"], frozen["cpi_version"]) == ("E", 1)


def test_what_is_registered_changes_only_by_an_amendment(each_client):
    url = f"/v1/hypotheses/{registered(each_client, *metric_pair(each_client))}"
    refusal = each_client.patch(url, json={"smallest_slope": 0.02}, headers=SECOND)
    assert refusal.status_code == 409
    assert refusal.json()["type"] == "urn:leverboard:problem:hypothesis-frozen"
    assert refusal.json()["legal"] == ["amend"]
    assert each_client.post(f"{url}:register", headers=SECOND).status_code == 409
    assert each_client.get(url).json()["smallest_slope"] == 0.01


def test_an_amendment_keeps_and_shows_both_versions(each_client):
    url = f"/v1/hypotheses/{registered(each_client, *metric_pair(each_client))}"
    before = each_client.get(url).json()
    answer = each_client.post(
        f"{url}:amend",
        json={"reason": "The price rose", "change": {"smallest_slope": 0.02, "alpha": 0.01}},
        headers=SECOND,
    )
    assert answer.status_code == 200
    after = answer.json()
    assert (after["version"], after["smallest_slope"], after["alpha"]) == (2, 0.02, 0.01)
    assert after["registered_at"] == before["registered_at"]
    amendment = after["amendments"][0]
    assert amendment["reason"] == "The price rose"
    assert amendment["author"] == "ada@example.com"
    assert amendment["changed"] == ["alpha", "smallest_slope"]
    versions = each_client.get(f"{url}/versions").json()
    assert [v["document"]["smallest_slope"] for v in versions] == [0.01, 0.02]
    assert versions[0]["sha256"] == before["sha256"] != versions[1]["sha256"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"smallest_slope": 0.01}, 422),  # changes nothing
        ({"smallest_slope": None}, 422),
        ({"window": "P1D"}, 422),
        ({"cpi": "met_other"}, 422),
        ({"direction": None}, 422),
    ],
)
def test_an_amendment_obeys_the_rules_of_a_registration(client, change, status):
    url = f"/v1/hypotheses/{registered(client, *metric_pair(client))}"
    answer = client.post(f"{url}:amend", json={"reason": "r", "change": change}, headers=SECOND)
    assert answer.status_code == status
    assert client.get(url).json()["version"] == 1


def test_a_draft_is_changed_not_amended(client):
    drafted = created(client, "/v1/hypotheses", hypothesis(*metric_pair(client)))
    url = f"/v1/hypotheses/{drafted['id']}"
    amendment = {"reason": "r", "change": {"alpha": 0.01}}
    refusal = client.post(f"{url}:amend", json=amendment, headers=FIRST)
    assert refusal.status_code == 409
    assert refusal.json()["type"] == "urn:leverboard:problem:hypothesis-not-registered"
    changed = client.patch(url, json={"alpha": 0.01, "smallest_slope": 0.03}, headers=FIRST)
    assert changed.headers["ETag"] == '"2"'
    assert (changed.json()["alpha"], changed.json()["version"]) == (0.01, 1)
    assert client.get(f"{url}/versions").json() == []


def test_the_bound_on_the_direct_effect_is_never_defaulted(client):
    document = hypothesis(*metric_pair(client))
    del document["direct_effect_bound"]
    assert ("direct_effect_bound", "missing") in refused(client, document)


@pytest.mark.parametrize("bound", [0, 0.002, "unknown"])
def test_a_bound_is_a_number_or_unknown(client, bound):
    document = hypothesis(*metric_pair(client), direct_effect_bound=bound)
    assert created(client, "/v1/hypotheses", document)["direct_effect_bound"] == bound


@pytest.mark.parametrize("bound", [-0.1, "none", None, True, "0.1"])
def test_anything_else_is_no_bound(client, bound):
    refused(client, hypothesis(*metric_pair(client), direct_effect_bound=bound))


def test_evidence_behind_an_unknown_bound_is_refused(client):
    document = hypothesis(*metric_pair(client), bound_evidence=["exp_1"])
    assert refused(client, document) == {("bound_evidence", "evidence_needs_a_bound")}


def test_the_smallest_slope_is_proposed_at_break_even_and_never_adopted_by_itself(client):
    c = created(client, "/v1/metrics", cpi(cost_of_one_increment={"amount": 2, "currency": "EUR"}))["id"]
    k = created(client, "/v1/metrics", kpi(value_of_one_unit={"amount": 160, "currency": "EUR"}))["id"]
    drafted = created(client, "/v1/hypotheses", hypothesis(c, k, smallest_slope=None))
    assert drafted["proposed_smallest_slope"]["value"] == 0.0125
    assert "160 EUR" in drafted["proposed_smallest_slope"]["reason"]
    assert drafted["smallest_slope"] is None
    refusal = client.post(f"/v1/hypotheses/{drafted['id']}:register", headers=FIRST)
    assert refusal.status_code == 422
    assert refusal.json()["errors"][0]["rule"] == "smallest_slope_required"
    assert client.get(f"/v1/hypotheses/{drafted['id']}").json()["state"] == "draft"


@pytest.mark.parametrize(
    ("cost", "value", "reason"),
    [
        (None, {"amount": 1, "currency": "EUR"}, "no cost of one increment"),
        ({"amount": 1, "currency": "EUR"}, None, "no value of one unit"),
        ({"amount": 1, "currency": "EUR"}, {"amount": 1, "currency": "USD"}, "do not compare"),
    ],
)
def test_no_slope_is_proposed_without_both_prices_in_one_currency(client, cost, value, reason):
    c = created(client, "/v1/metrics", cpi(cost_of_one_increment=cost))["id"]
    k = created(client, "/v1/metrics", kpi(value_of_one_unit=value))["id"]
    proposed = created(client, "/v1/hypotheses", hypothesis(c, k))["proposed_smallest_slope"]
    assert proposed["value"] is None
    assert reason in proposed["reason"]


def test_a_hypothesis_goes_from_a_cpi_to_a_kpi(client):
    c, k = metric_pair(client)
    watch = created(client, "/v1/metrics", kpi(kind="watch"))["id"]
    assert refused(client, hypothesis(k, c)) == {("cpi", "cpi_is_a_cpi"), ("kpi", "kpi_is_a_kpi")}
    assert refused(client, hypothesis(c, watch)) == {("kpi", "kpi_is_a_kpi")}
    assert refused(client, hypothesis(watch, k)) == {("cpi", "cpi_is_a_cpi")}


def test_unknown_metrics_and_versions_are_refused_by_name(client):
    c, k = metric_pair(client)
    assert refused(client, hypothesis("met_unknown", k)) == {("cpi", "known_metric")}
    assert refused(client, hypothesis(c, k, kpi_version=2)) == {("kpi", "known_metric")}


def test_unit_types_and_windows_fit_both_metrics(client):
    c, k = metric_pair(client)
    accounts = created(client, "/v1/metrics", kpi(unit_type="account"))["id"]
    assert refused(client, hypothesis(c, accounts)) == {("kpi", "one_unit_type")}
    assert refused(client, hypothesis(c, k, window="P13D")) == {("window", "window_covers_both_metrics")}


def test_a_provisional_cpi_is_allowed_and_flagged_until_it_qualifies(client):
    weak = {"method": "survey", "summary": "62 % ticked speed", "date": "2026-02-01"}
    c = created(client, "/v1/metrics", cpi(evidence=[weak]))["id"]
    k = created(client, "/v1/metrics", kpi())["id"]
    url = f"/v1/hypotheses/{registered(client, c, k)}"
    shown = client.get(url).json()
    assert shown["cpi_state"] == "provisional"
    assert "provisional_cpi" in {warning["rule"] for warning in shown["warnings"]}
    client.post(f"/v1/metrics/{c}/evidence", json=INQUIRY, headers=FIRST)
    assert client.get(url).json()["cpi_state"] == "qualified"


def test_only_the_owning_team_changes_a_hypothesis(client, other_team_client):
    drafted = created(client, "/v1/hypotheses", hypothesis(*metric_pair(client)))
    url = f"/v1/hypotheses/{drafted['id']}"
    assert other_team_client.get(url).status_code == 200
    assert other_team_client.patch(url, json={"alpha": 0.01}, headers=FIRST).status_code == 403
    assert other_team_client.post(f"{url}:register", headers=FIRST).status_code == 403


def test_every_change_names_the_version_it_is_based_on(each_client):
    drafted = created(each_client, "/v1/hypotheses", hypothesis(*metric_pair(each_client)))
    url = f"/v1/hypotheses/{drafted['id']}"
    assert each_client.post(f"{url}:register").status_code == 428
    assert each_client.post(f"{url}:register", headers=THIRD).status_code == 412
    assert each_client.get(url).json()["state"] == "draft"


def test_lists_are_filtered(each_client):
    c, k = metric_pair(each_client)
    ready = registered(each_client, c, k)
    draft = created(each_client, "/v1/hypotheses", hypothesis(c, k))["id"]

    def listed(**filters):
        return [h["id"] for h in each_client.get("/v1/hypotheses", params=filters).json()["items"]]

    assert listed() == [ready, draft]
    assert listed(state="registered", cpi=c) == [ready]
    assert listed(kpi=c) == []


@pytest.mark.parametrize(
    "change",
    [
        {"colour": "red"},
        {"smallest_slope": 0},
        {"smallest_slope": -1},
        {"smallest_slope": "0.1"},
        {"alpha": 0},
        {"alpha": 1},
        {"prior_scale": 0},
        {"window": "-P14D"},
        {"rationale": "x" * 10**6},
        {"rationale": ""},
        {"cpi": "x" * 10**6},
        {"unit_type": "cus\u0007tomer"},
        {"segments": ["consumers", "consumers"]},
        {"direction": "up"},
    ],
)
def test_hostile_drafts_are_refused_as_problems(client, change):
    refused(client, hypothesis(*metric_pair(client)) | change)
    assert client.get("/v1/hypotheses").json()["items"] == []


def test_a_mechanism_belongs_to_a_cpi(each_client):
    c, k = metric_pair(each_client)
    made = created(each_client, "/v1/mechanisms", mechanism(c, cost={"amount": 9, "currency": "EUR"}))
    assert made["fixed_at"] is None
    for cpi_id in (k, "met_unknown"):
        answer = each_client.post("/v1/mechanisms", json=mechanism(cpi_id))
        assert answer.json()["errors"][0]["rule"] == "mechanisms_move_cpis"
    listed = each_client.get("/v1/mechanisms", params={"cpi": c}).json()["items"]
    assert listed == [made]
    assert each_client.get("/v1/mechanisms", params={"cpi": k}).json()["items"] == []


def test_a_mechanism_registered_twice_does_not_pass_for_two(each_client):
    c, _ = metric_pair(each_client)
    made = created(each_client, "/v1/mechanisms", mechanism(c, name="Prefilled form"))
    again = each_client.post("/v1/mechanisms", json=mechanism(c, name="prefilled  FORM"))
    assert (again.status_code, again.json()["type"]) == (409, "urn:leverboard:problem:mechanism-known")
    assert made["id"] in again.json()["detail"]
    other = created(each_client, "/v1/mechanisms", mechanism(c, name="Faster engine"))
    url = f"/v1/mechanisms/{other['id']}"
    assert each_client.patch(url, json={"name": "Prefilled Form"}, headers=FIRST).status_code == 409
    assert each_client.patch(url, json={"name": "faster engine"}, headers=FIRST).status_code == 200
    elsewhere = created(each_client, "/v1/metrics", cpi(name="Options"))["id"]
    created(each_client, "/v1/mechanisms", mechanism(elsewhere, name="Prefilled form"))


def test_a_mechanism_changes_under_the_version_it_was_seen_in(each_client):
    made = created(each_client, "/v1/mechanisms", mechanism(metric_pair(each_client)[0]))
    url = f"/v1/mechanisms/{made['id']}"
    assert each_client.patch(url, json={"name": "B"}).status_code == 428
    changed = each_client.patch(url, json={"name": "B"}, headers=FIRST)
    assert (changed.json()["name"], changed.headers["ETag"]) == ("B", '"2"')
    assert each_client.patch(url, json={"name": "C"}, headers=FIRST).status_code == 412
    assert each_client.patch(url, json={"name": None}, headers=SECOND).status_code == 422
    assert each_client.get("/v1/mechanisms/mec_nothing").status_code == 404


def test_other_rooms_get_the_frozen_hypothesis_with_its_pinned_metrics(client, database: Database):
    c, k = metric_pair(client)
    hypothesis_id = registered(client, c, k, direct_effect_bound=0.002)
    client.patch(f"/v1/metrics/{c}", json={"increment": None, "name": "New"}, headers=FIRST)
    with database.read() as session:
        found = get_registered(session, hypothesis_id)
        assert all_registered(session) == (found,)
    assert (found.cpi.key, found.kpi.key) == (f"{c}@1", f"{k}@1")
    assert found.direct_effect_bound == 0.002
    assert found.smallest_slope == 0.01


EXAMPLES = {
    ("payment-flexibility", "acquisition-conversion"),
    ("payment-flexibility", "retention"),
    ("quote-turnaround", "revenue"),
    ("quote-turnaround", "speed-of-sale"),
    ("friends-like-this-song", "time-spent-streaming"),
    ("friends-like-this-song", "repeat-purchases"),
    ("first-time-resolution", "retention"),
    ("first-time-resolution", "customer-lifetime-value"),
    ("nothing-broke", "retention"),
    ("nothing-broke", "customer-lifetime-value"),
    ("nothing-broke", "cost-of-service"),
    ("nothing-broke", "credits-issued"),
    ("nothing-broke", "replaced-items"),
    ("value-delivered", "retention"),
    ("value-delivered", "loyalty"),
    ("value-delivered", "customer-lifetime-value"),
    ("request-resolution-time", "csat"),
}


def test_the_templates_are_the_pairs_of_the_mission(client):
    listed = client.get("/v1/hypotheses/templates").json()
    assert {(t["cpi_template"], t["kpi_template"]) for t in listed} == EXAMPLES


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.slug)
def test_a_template_joins_a_cpi_template_to_a_kpi_template(template):
    found_cpi, found_kpi = find_template(template.cpi_template), find_template(template.kpi_template)
    assert found_cpi is not None
    assert found_cpi.metric.kind == "cpi"
    assert found_kpi is not None
    assert found_kpi.metric.kind == "kpi"
