"""Can a person say on the pages what a plan and an amendment may say, and is nothing that they typed lost?"""

import re
from html import unescape

import pytest
from fastapi.testclient import TestClient

from tests.evidence.company import TWO_MECHANISMS, Company
from tests.experiments.drafts import ground, plan, started
from tests.hypotheses.drafts import created
from tests.metrics.drafts import kpi

BEFORE = {
    "by": "before",
    "name": "policies before",
    "amount.event.event": "policy_bought",
    "amount.event.where.0.property": "kind",
    "amount.event.where.0.op": "=",
    "amount.event.where.0.value": "car",
    "amount.count": "true",
    "period": "365",
    "at_least.0": "1",
    "at_least.1": "3",
}
SEGMENT = {
    "name": "policies before",
    "amount": {
        "event": {"event": "policy_bought", "where": [{"property": "kind", "op": "=", "value": "car"}]},
        "value_property": None,
        "count": True,
    },
    "period": "P1Y",
    "at_least": [1.0, 3.0],
}


def rows(group: str, *typed: dict[str, str]) -> dict[str, str]:
    return {f"{group}.{n}.{name}": text for n, row in enumerate(typed) for name, text in row.items()}


@pytest.fixture
def company(client, settings) -> Company:
    return Company(client=client, settings=settings)


def shown(page: str) -> dict[str, str]:
    """All that a form would send again, by name."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", page):
        name, value = re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and not (re.search(r'type="(checkbox|radio)"', tag) and " checked" not in tag):
            found[unescape(name[1])] = unescape(value[1]) if value else ""
    for name, text in re.findall(r'<textarea[^>]* name="([^"]*)"[^>]*>([^<]*)</textarea>', page):
        found[unescape(name)] = unescape(text)
    for name, inside in re.findall(r'<select[^>]* name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside) or re.search(
            r'<option value="([^"]*)"', inside
        )
        found[unescape(name)] = unescape(chosen[1]) if chosen else ""
    return found


def press(browser: TestClient, address: str, typed: dict[str, str], go: str = "save"):
    """What a browser sends that was shown the form and then typed something."""
    form = shown(browser.get(address).text)
    return browser.post(address, data={**form, **typed, "go": go})


def test_a_plan_says_how_it_will_be_read(editor, client):
    on = ground(client)
    watch = created(client, "/v1/metrics", kpi(name="Calls"))["id"]
    place = f"/experiments/{created(client, '/v1/experiments', plan(on))['id']}"
    reading = {
        "analysis.alpha": "0,01",
        "analysis.sides": "one",
        "analysis.primary.0": on.kpi,
        "analysis.priors.0.metric": on.kpi,
        "analysis.priors.0.prior.kind": "beta",
        "analysis.priors.0.prior.a": "3",
        "analysis.priors.0.prior.b": "97",
        "analysis.priors.0.prior.mean": "left over from another kind",
        "analysis.priors.1.metric": on.cpi,
        "analysis.priors.1.prior.kind": "past_experiments",
        "analysis.negligible.0.metric": on.kpi,
        "analysis.negligible.0.amount": "0,002",
        "analysis.attributes.0": "age",
        "analysis.blocks": "country",
        "equal_looks": "2",
        "analysis.looks.spending": "pocock",
        "secondary.0.metric": watch,
        **rows("analysis.segments", {"by": "attribute", "attribute": "country"}, BEFORE),
    }
    answer = press(editor, f"{place}/edit", reading)
    assert answer.status_code == 303, shown(answer.text)
    kept = client.get(f"/v1{place}").json()["analysis"]
    assert kept == {
        "alpha": 0.01,
        "sides": "one",
        "primary": [on.kpi],
        "looks": {"fractions": [0.5, 1.0], "spending": "pocock"},
        "margins": [],
        "priors": [
            {"metric": on.kpi, "prior": {"kind": "beta", "a": 3.0, "b": 97.0}},
            {"metric": on.cpi, "prior": {"kind": "past_experiments"}},
        ],
        "negligible": [{"metric": on.kpi, "amount": 0.002}],
        "attributes": ["age"],
        "segments": ["country", SEGMENT],
        "blocks": "country",
    }
    answer = press(editor, f"{place}/edit", {})  # as it was shown, so it is kept
    assert answer.status_code == 303, answer.text
    assert client.get(f"/v1{place}").json()["analysis"] == kept
    assert shown(editor.get(f"{place}/edit").text)["analysis.segments.1.period"] == "365"


def test_what_is_wrong_with_a_reading_stands_on_its_step(editor, client):
    on = ground(client)
    place = f"/experiments/{created(client, '/v1/experiments', plan(on))['id']}/edit"
    typed = {
        "analysis.priors.2.metric": on.kpi,
        "analysis.priors.2.prior.kind": "normal",
        "analysis.priors.2.prior.mean": "some",
        **rows("analysis.segments", BEFORE | {"period": "", "at_least.1": "-3"}),
    }
    answer = press(editor, place, typed)
    assert answer.status_code == 422
    assert 'name="step" value="7"' in answer.text
    for field in ("priors-2-prior-mean", "priors-2-prior-deviation", "segments-0-period"):
        assert re.search(rf'id="f-analysis-{field}"[^>]*aria-invalid="true"', answer.text), field
    assert "valid string" not in answer.text
    assert typed.items() <= shown(answer.text).items()


def test_what_was_registered_is_amended_with_a_reason(editor, client):
    on = ground(client)
    place = f"/hypotheses/{on.hypothesis}/amend"
    before = client.get(f"/v1/hypotheses/{on.hypothesis}").json()
    assert f'href="{place}"' in editor.get(f"/levers/{on.hypothesis}").text
    typed = {"smallest_slope": "0,02", **rows("segments", BEFORE)}
    refused = press(editor, place, typed)
    assert refused.status_code == 422
    assert re.search(r'id="f-reason"[^>]*aria-invalid="true"', refused.text)
    assert typed.items() <= shown(refused.text).items()
    answer = press(editor, place, typed | {"reason": "Prices rose"})
    assert answer.headers["location"] == f"/levers/{on.hypothesis}"
    after = client.get(f"/v1/hypotheses/{on.hypothesis}").json()
    assert (after["smallest_slope"], after["segments"], after["version"]) == (0.02, [SEGMENT], 2)
    (amendment,) = after["amendments"]
    assert (amendment["reason"], amendment["author"]) == ("Prices rose", "lea@example.com")
    assert amendment["changed"] == ["segments", "smallest_slope"]
    assert after["rationale"] == before["rationale"]


def test_an_amendment_changes_something_and_removes_nothing_that_is_needed(editor, client):
    on = ground(client)
    place = f"/hypotheses/{on.hypothesis}/amend"
    assert "changes nothing" in press(editor, place, {"reason": "None"}).text
    emptied = press(editor, place, {"reason": "Shorter", "rationale": " "})
    assert emptied.status_code == 422
    assert "can be replaced, not removed" in emptied.text
    assert press(editor, place, {"reason": "Apart", "segments.0.attribute": "country"}).status_code == 303
    gone = press(editor, place, {"reason": "Together", "segments.0.attribute": ""})
    assert gone.status_code == 303, gone.text
    assert client.get(f"/v1/hypotheses/{on.hypothesis}").json()["segments"] == []


def test_an_amendment_may_take_the_metric_as_it_is_measured_today(editor, client):
    on = ground(client)
    changed = client.patch(f"/v1/metrics/{on.kpi}", json={"description": "Sold"}, headers={"If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    answer = press(editor, f"/hypotheses/{on.hypothesis}/amend", {"reason": "Now", "kpi_version": "2"})
    assert answer.status_code == 303, answer.text
    assert client.get(f"/v1/hypotheses/{on.hypothesis}").json()["kpi_version"] == 2


def test_a_draft_is_changed_and_not_amended(editor, client):
    on = ground(client)
    registered = client.get(f"/v1/hypotheses/{on.hypothesis}").json()
    draft = {key: registered[key] for key in ("cpi", "kpi", "direction", "window", "rationale", "unit_type")}
    made = created(client, "/v1/hypotheses", draft | {"direct_effect_bound": "unknown"})["id"]
    assert editor.get(f"/hypotheses/{made}/amend").status_code == 409


def test_weights_that_are_refused_stay_as_they_were_typed(editor, client):
    on = ground(client)
    place = f"/experiments/{started(client, plan(on))}"
    revision = re.search(r'name="revision" value="(\d+)"', editor.get(place).text)
    assert revision is not None
    sent = {"form_token": shown(editor.get(place).text)["form_token"], "revision": revision[1]}
    answer = editor.post(f"{place}/phases", data=sent | {"weight.0": "half", "weight.1": "0,25"})
    assert answer.status_code == 422
    assert re.search(r'id="f-weight-0"[^>]*value="half"[^>]*aria-invalid="true"', answer.text)
    assert shown(answer.text)["weight.1"] == "0,25"
    assert len(client.get(f"/v1{place}").json()["phases"]) == 1


def test_a_decision_that_is_refused_stays_as_it_was_typed(editor, company):
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    place = f"/levers/{hypothesis}"
    assert company.client.get(f"/v1/levers/{hypothesis}").json()["verdict"]["proven"]
    typed = {"team": "growth", "person": '<b>"Ada"</b>', "target": "soon", "by": "2027-06-30", "note": "Yes"}
    token = shown(editor.get(place).text)["form_token"]
    answer = editor.post(f"{place}/commitments", data=typed | {"form_token": token})
    assert answer.status_code == 422
    assert "<b>" not in answer.text
    assert re.search(r'id="f-target"[^>]*value="soon"[^>]*aria-invalid="true"', answer.text)
    assert typed.items() <= shown(answer.text).items()
    swedish = {"Accept-Language": "sv"}  # whose charts nobody has wanted yet
    answer = editor.post(f"{place}/commitments", data=typed | {"form_token": token}, headers=swedish)
    assert (answer.status_code, '<html lang="sv">' in answer.text) == (422, True)
    answer = editor.post(f"{place}/commitments", data=typed | {"target": "0,5", "form_token": token})
    assert answer.headers["location"] == place
    (decision,) = company.client.get(f"/v1/levers/{hypothesis}/commitments").json()
    assert (decision["target"], decision["note"], decision["author"]) == (0.5, "Yes", "lea@example.com")
