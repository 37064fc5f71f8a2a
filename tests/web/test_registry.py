"""Can a person register and plan on the pages, and is nothing lost or kept that should not be?"""

import re
from datetime import date
from html import unescape

import pytest
from fastapi.testclient import TestClient

from tests.experiments.drafts import ground, plan, started
from tests.hypotheses.drafts import metric_pair

CPI = {
    "kind": "cpi",
    "name": "Quick quote",
    "unit_type": "customer",
    "outcome": "I know what it costs before I have to move on",
    "value_kind": "time",
    "increment.amount": "1",
    "increment.unit": "minute",
    "increment.better": "lower",
    "expectations.0.segment": "consumers",
    "expectations.0.level": "0,5",
    "evidence.1.method": "contextual_inquiry_observation",
    "evidence.1.summary": "Nine of twelve gave up",
    "evidence.1.place": "Leeds",
    "evidence.1.researcher": "Grace Okafor",
    "evidence.1.journey_point": "Comparing insurers",
    "evidence.1.date": "2026-03-14",
    "evidence.1.customers": "12",
    "definition.aggregation": "mean",
    "definition.event.event": "quote_shown",
    "definition.event.where.0.property": "channel",
    "definition.event.where.0.op": "=",
    "definition.event.where.0.value": "web",
    "definition.value_property": "minutes",
    "definition.value_type": "duration",
    "definition.window": "7",
    "definition.numerator.event.event": "left over from another way of measuring",
    "population": "triggered",
    "definition.population.triggered.event": "quote_requested",
}


def token(browser: TestClient, address: str = "/metrics") -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', browser.get(address).text)
    assert found is not None
    return found[1]


def send(browser: TestClient, address: str, typed: dict[str, str], go: str = "save", step: int = 1):
    return browser.post(address, data={**typed, "form_token": token(browser), "go": go, "step": str(step)})


def test_a_metric_is_registered_as_it_was_typed(editor, client) -> None:
    answer = send(editor, "/metrics/new", CPI)
    assert answer.status_code == 303, answer.text
    metric = client.get("/v1" + answer.headers["location"]).json()
    assert metric["state"] == "qualified"
    assert metric["owner"] == "lea@example.com"
    assert metric["expectations"] == [{"segment": "consumers", "level": 0.5, "note": None}]
    assert metric["evidence"][0]["customers"] == 12
    definition = metric["definition"]
    assert definition["window"] == "P7D"
    assert definition["event"]["where"] == [{"property": "channel", "op": "=", "value": "web"}]
    assert definition["population"] == {"triggered": {"event": "quote_requested", "where": []}}


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(editor, client) -> None:
    typed = CPI | {"increment.amount": "one", "evidence.1.date": "2999-01-01", "outcome": '<b>"mine"</b>'}
    answer = send(editor, "/metrics/new", typed, step=4)
    assert answer.status_code == 422
    page = answer.text
    assert "<b>" not in page
    assert (
        'id="f-increment-amount" name="increment.amount" type="text" value="one"' in page
    )  # the step with the fault
    assert re.search(r'id="f-increment-amount"[^>]*aria-invalid="true"', page)
    assert "A number is expected" in page
    assert sorted(inputs(page) & set(typed)) == sorted(set(typed))
    assert client.get("/v1/metrics").json()["items"] == []
    answer = send(editor, "/metrics/new", typed | {"increment.amount": "1"}, step=2)
    assert re.search(r'id="f-evidence-1-date"[^>]*aria-invalid="true"', answer.text)  # the row that was typed
    assert "does not exist yet" in answer.text


def inputs(page: str) -> set[str]:
    return {unescape(one) for one in re.findall(r'(?:input|select|textarea)[^>]* name="([^"]+)"', page)}


def test_steps_lead_on_only_when_their_own_fields_are_right(editor) -> None:
    stays = send(editor, "/metrics/new", {"kind": "cpi"}, go="next", step=1)
    assert stays.status_code == 422
    assert 'name="name"' in stays.text
    assert "This is needed." in stays.text
    goes_on = send(
        editor, "/metrics/new", {"kind": "cpi", "name": "Wait", "unit_type": "customer"}, go="next", step=1
    )
    assert goes_on.status_code == 200
    assert 'name="outcome"' in goes_on.text
    assert '<input type="hidden" name="name" value="Wait">' in goes_on.text
    more = send(
        editor, "/metrics/new", {"kind": "cpi", "evidence.0.summary": "kept"}, go="more:evidence", step=2
    )
    assert 'name="evidence.1.summary"' in more.text
    assert "kept" in more.text


def test_nothing_is_kept_of_a_step(editor, client) -> None:
    assert send(editor, "/metrics/new", CPI, go="next", step=1).status_code == 200
    assert client.get("/v1/metrics").json()["items"] == []


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"kind": "cpi"}, "Nothing shows that customers say so."),
        (
            {
                "kind": "cpi",
                "definition.aggregation": "mean",
                "definition.event.event": "e",
                "definition.window": "7",
                "definition.value_type": "rating",
            },
            "An answer on a survey",
        ),
        (CPI, "qualified"),
        (CPI | {"evidence.1.method": "survey"}, "provisional"),
        ({"kind": "kpi"}, "No CPI"),
        ({"kind": "nonsense"}, "Choose first"),
        ({"kind": "cpi", "name": "Net promoter score"}, "sounds like a survey score"),
    ],
)
def test_whether_it_is_a_cpi_is_told_while_one_types(editor, client, typed, told) -> None:
    answer = send(editor, "/metrics/check", typed)
    assert answer.status_code == 200
    assert told in answer.text
    assert "<html" not in answer.text
    assert client.get("/v1/metrics").json()["items"] == []


def test_a_form_of_another_site_changes_nothing_and_loses_nothing(editor, client) -> None:
    answer = editor.post("/metrics/new", data={**CPI, "form_token": "0" * 64, "go": "save"})
    assert answer.status_code == 403
    assert "Quick quote" in answer.text
    assert client.get("/v1/metrics").json()["items"] == []
    assert editor.post("/metrics/check", data={**CPI, "form_token": "0" * 64}).status_code == 403


def test_whoever_only_reads_gets_no_form(browser) -> None:
    for address in ("/metrics/new", "/hypotheses/new", "/mechanisms/new"):
        assert browser.get(address).status_code == 403
        assert browser.post(address, data={"go": "save"}).status_code == 403


def test_every_template_of_the_library_can_be_started_from(editor) -> None:
    page = editor.get("/library").text
    slugs = re.findall(r"/metrics/new\?template=([a-z0-9-]+)", page)
    assert len(slugs) > 20
    for slug in slugs[::6]:
        assert editor.get(f"/metrics/new?template={slug}").status_code == 200
    pairs = re.findall(r"/hypotheses/new\?template=([a-z0-9-]+)", page)
    assert editor.get(f"/hypotheses/new?template={pairs[0]}").status_code == 200


def test_every_template_registers_as_the_api_would_register_it(editor, client) -> None:
    for template in client.get("/v1/metrics/templates").json():
        start = editor.get(f"/metrics/new?template={template['slug']}").text
        hidden = {unescape(name): unescape(value) for name, value in
                  re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', start)}  # fmt: skip
        typed = {name: value for name, value in hidden.items() if name not in ("form_token", "step")}
        typed |= {"kind": template["metric"]["kind"], "name": template["metric"]["name"],
                  "unit_type": template["metric"]["unit_type"]}  # fmt: skip
        answer = send(editor, "/metrics/new", typed)
        assert answer.status_code == 303, (template["slug"], answer.text)
        kept = client.get("/v1" + answer.headers["location"]).json()
        wanted = client.post("/v1/metrics", json=template["metric"]).json()
        assert kept["definition"] == wanted["definition"], template["slug"]
        assert kept["increment"] == wanted["increment"]


def test_a_metric_is_changed_and_gets_evidence_unless_somebody_was_quicker(editor, client) -> None:
    weak = {k: v for k, v in CPI.items() if not k.startswith("evidence.")} | {
        "evidence.0.method": "survey", "evidence.0.summary": "Asked", "evidence.0.date": "2026-01-02",
    }  # fmt: skip
    place = send(editor, "/metrics/new", weak).headers["location"]
    edit = editor.get(f"{place}/edit").text
    assert 'name="name" type="text" value="Quick quote"' in edit
    changed = weak | {"name": "Quicker quote", "revision": "1"}
    assert send(editor, f"{place}/edit", changed).status_code == 303
    stale = send(editor, f"{place}/edit", changed | {"name": "Quickest quote"})
    assert stale.status_code == 412
    assert "Quickest quote" in stale.text
    inquiry = {
        name.removeprefix("evidence.1."): text for name, text in CPI.items() if name.startswith("evidence.1.")
    }
    assert send(editor, f"{place}/evidence/new", inquiry | {"revision": "2"}).status_code == 303
    metric = client.get(f"/v1{place}").json()
    assert (metric["name"], metric["version"], metric["state"]) == ("Quicker quote", 3, "qualified")


def test_a_hypothesis_is_drafted_changed_and_registered(editor, client) -> None:
    cpi, kpi = metric_pair(client)
    typed = {
        "cpi": cpi,
        "kpi": kpi,
        "direction": "increase",
        "window": "14",
        "rationale": "Sooner",
        "bound": "unknown",
    }
    place = send(editor, "/hypotheses/new", typed).headers["location"]
    page = editor.get(place).text
    assert "needs a smallest slope" in page
    refused = editor.post(f"{place}/register", data={"form_token": token(editor), "revision": "1"})
    assert refused.status_code == 422
    assert 'value="14"' in send(editor, f"{place}/edit", typed | {"revision": "1"}, go="to:2").text
    changed = typed | {"smallest_slope": "0,01", "revision": "1", "segments.0": "country"}
    assert send(editor, f"{place}/edit", changed).status_code == 303
    registered = editor.post(f"{place}/register", data={"form_token": token(editor), "revision": "2"})
    assert registered.headers["location"] == place.replace("hypotheses", "levers")
    hypothesis = client.get(f"/v1{place}").json()
    assert (hypothesis["state"], hypothesis["smallest_slope"], hypothesis["segments"]) == (
        "registered",
        0.01,
        ["country"],
    )
    assert editor.get(place).status_code == 303
    assert send(editor, f"{place}/edit", changed | {"revision": "3"}).status_code == 409
    assert hypothesis["id"] in editor.get("/hypotheses?state=registered").text


def test_a_hypothesis_says_what_is_wrong_at_its_step(editor, client) -> None:
    cpi, kpi = metric_pair(client)
    typed = {
        "cpi": kpi,
        "kpi": cpi,
        "bound": "unknown",
        "direction": "increase",
        "window": "1",
        "rationale": "Sooner",
    }
    answer = send(editor, "/hypotheses/new", typed, step=4)
    assert "is registered as kpi, not as cpi" in unescape(answer.text)
    assert 'name="step" value="1"' in answer.text


def test_a_mechanism_leads_back_to_where_it_was_wanted(editor, client) -> None:
    cpi, _ = metric_pair(client)
    typed = {"cpi": cpi, "name": "Prefilled", "description": "The plate fills it in", "cost.amount": "40000",
             "cost.currency": "EUR", "next": "/experiments/new"}  # fmt: skip
    assert send(editor, "/mechanisms/new", typed).headers["location"] == "/experiments/new"
    elsewhere = send(editor, "/mechanisms/new", typed | {"next": "//evil.example"})
    assert elsewhere.headers["location"] == "/board"
    (first, _) = client.get("/v1/mechanisms").json()["items"]
    assert first["cost"] == {"amount": 40000.0, "currency": "EUR"}
    assert first["created_at"][:10] >= date(2026, 1, 1).isoformat()


def plan_of(on) -> dict[str, str]:
    return {
        "name": "Prefilled quotes",
        "unit_type": "customer",
        "control": "0",
        "arms.0.name": "control",
        "arms.0.weight": "2",
        "arms.2.name": "placebo",
        "arms.2.weight": "1",
        "arms.3.name": "prefilled",
        "arms.3.weight": "1",
        "hypotheses.0.hypothesis": on.hypothesis,
        "hypotheses.0.arms.2.role": "placebo",
        "hypotheses.0.arms.2.shares": "The same new page",
        "hypotheses.0.arms.2.dose.amount": "left over from another role",
        "hypotheses.0.arms.3.role": "treatment",
        "hypotheses.0.arms.3.mechanism": on.mechanism,
        "hypotheses.0.arms.3.dose.amount": "2",
        "hypotheses.0.arms.3.dose.unit": "minute",
        "hypotheses.0.arms.3.dose.kind": "change",
        "recording": "none",
        "sharing": "some",
        "shared_capacity.0": "agents",
        "planned_size.units": "1000",
        "planned_size.per": "arm",
        "equal_looks": "4",
        "meets": "event",
        "exposure.event": "page_seen",
    }


def test_an_experiment_is_planned_and_taken_to_its_end(editor, client) -> None:
    on = ground(client)
    made = send(editor, "/experiments/new", plan_of(on), step=7)
    assert made.status_code == 303, made.text
    place = made.headers["location"]
    kept = client.get(f"/v1{place}").json()
    assert [arm["name"] for arm in kept["arms"] if arm["control"]] == ["control"]
    (test,) = kept["hypotheses"]
    assert [(role["role"], role["arm"]) for role in test["arms"]] == [
        ("placebo", "placebo"),
        ("treatment", "prefilled"),
    ]
    assert kept["records_differently"] == []
    assert kept["shared_capacity"] == ["agents"]
    assert kept["exposure"] == {"event": "page_seen", "where": []}
    assert kept["analysis"]["looks"]["fractions"] == [0.25, 0.5, 0.75, 1.0]
    for step, state in (
        ("approve", "approved"),
        ("start", "running"),
        ("stop", "stopped"),
        ("conclude", "concluded"),
    ):
        page = editor.get(place).text
        assert f'action="{place}/steps/{step}"' in page
        revision = re.search(r'name="revision" value="(\d+)"', page)
        assert revision is not None
        sent = {"form_token": token(editor), "revision": revision[1]}
        assert editor.post(f"{place}/steps/{step}", data={**sent, "form_token": "0" * 64}).status_code == 403
        assert editor.post(f"{place}/steps/{step}", data=sent).status_code == 303
        assert client.get(f"/v1{place}").json()["state"] == state
    assert editor.post(f"{place}/steps/start", data=sent).status_code in (409, 412)
    asked = editor.post(f"{place}/runs", data={"form_token": token(editor)})
    assert asked.status_code == 303
    run = editor.get(asked.headers["location"])
    assert run.status_code == 200
    assert "queued" in run.text
    stopped = editor.post(f"{asked.headers['location']}/cancel", data={"form_token": token(editor)})
    assert stopped.headers["location"] == asked.headers["location"]
    assert client.get(f"/v1{asked.headers['location']}").json()["state"] == "cancelled"


def test_a_plan_edited_without_a_change_stays_what_it_was(editor, client) -> None:
    on = ground(client)
    place = send(editor, "/experiments/new", plan_of(on)).headers["location"]
    before = client.get(f"/v1{place}").json()
    page = editor.get(f"{place}/edit").text
    again = everything(editor, f"{place}/edit", page)
    assert send(editor, f"{place}/edit", again).status_code == 303
    after = client.get(f"/v1{place}").json()
    assert {name: after[name] for name in before} == before
    stale = send(editor, f"{place}/edit", again)
    assert stale.status_code == 412


def everything(browser: TestClient, address: str, page: str) -> dict[str, str]:
    """What a browser sends after somebody went on: hidden fields on one step, shown on another."""
    first = dict(hidden_of(page))
    second = send(browser, address, first, go="to:7")
    return {name: text for name, text in hidden_of(second.text) if name not in ("form_token", "step")}


def hidden_of(page: str) -> list[tuple[str, str]]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    shown = re.findall(r'<input id="[^"]+" name="([^"]+)" type="\w+" value="([^"]*)"', page)
    return [(unescape(name), unescape(value)) for name, value in found + shown if value]


def test_a_plan_says_what_it_lacks_where_it_is_typed(editor, client) -> None:
    on = ground(client)
    typed = {name: text for name, text in plan_of(on).items() if name != "recording"}
    answer = send(editor, "/experiments/new", typed | {"hypotheses.0.arms.3.dose.amount": "two"}, step=7)
    assert answer.status_code == 422
    assert 'name="step" value="3"' in answer.text
    assert re.search(r'id="f-hypotheses-0-arms-3-dose-amount"[^>]*aria-invalid="true"', answer.text)
    answer = send(editor, "/experiments/new", typed, step=7)
    assert 'name="step" value="5"' in answer.text
    assert "This is needed." in answer.text
    assert send(editor, "/experiments/new", plan_of(on) | {"equal_looks": "no"}, step=6).status_code == 422


def test_another_team_s_experiment_gets_no_buttons(editor, other_team_client, client) -> None:
    on = ground(client)
    theirs = other_team_client.post("/v1/experiments", json=plan(on)).json()["id"]
    page = editor.get(f"/experiments/{theirs}").text
    assert "/steps/" not in page
    sent = {"form_token": token(editor), "revision": "1"}
    assert editor.post(f"/experiments/{theirs}/steps/approve", data=sent).status_code == 403
    assert editor.post(f"/experiments/{theirs}/runs", data=sent).status_code == 403


def test_weights_change_while_it_runs(editor, client) -> None:
    place = f"/experiments/{started(client, plan(ground(client)))}"
    revision = re.search(r'name="revision" value="(\d+)"', editor.get(place).text)
    assert revision is not None
    sent = {
        "form_token": token(editor),
        "revision": revision[1],
        "weight.0": "1",
        "weight.1": "1",
        "weight.2": "2",
    }
    assert editor.post(f"{place}/phases", data=sent).status_code == 303
    assert client.get(f"/v1{place}").json()["phases"][1]["weights"] == {
        "control": 1,
        "placebo": 1,
        "prefilled": 2,
    }


def test_a_weight_left_empty_stays_the_arm_s_own(editor, client) -> None:
    place = f"/experiments/{started(client, plan(ground(client)))}"
    before = client.get(f"/v1{place}").json()["phases"][0]["weights"]
    revision = re.search(r'name="revision" value="(\d+)"', editor.get(place).text)
    assert revision is not None
    sent = {"form_token": token(editor), "revision": revision[1], "weight.0": "", "weight.1": "0,25"}
    assert editor.post(f"{place}/phases", data=sent).status_code == 303
    after = client.get(f"/v1{place}").json()["phases"][1]["weights"]
    assert after == before | {"placebo": 0.25}


@pytest.mark.parametrize(
    "name", ["evidence.²", "evidence." + "9" * 5000, "." * 2000], ids=["power", "long", "deep"]
)
def test_a_name_that_no_form_of_ours_has_breaks_none(editor, name) -> None:
    assert send(editor, "/metrics/new", CPI | {name: "1"}).status_code in (303, 422)


def test_the_design_helper_answers_as_the_api_does(browser, client) -> None:
    page = browser.get("/plan").text
    assert "The answer will stand here" in page
    asked = "noise.kind=rate&noise.rate=0,04&noise.deviation=3&effect=0.002"
    asked += "&traffic.daily=2000&traffic.window_days=7"
    page = browser.get(f"/plan?{asked}").text
    question = {"noise": {"kind": "rate", "rate": 0.04}, "effect": 0.002}
    question |= {"traffic": {"new_units": [2000] * 7, "window_days": 7}}
    answer = client.post("/v1/planning/effect", json=question).json()
    assert (
        f"<strong>{answer['units']:,}</strong> units in all, <strong>{answer['days']}</strong> days" in page
    )
    looks = browser.get(f"/plan?{asked}&watching=looks&looks.equal=4").text
    assert "Looks multiply the units by" in looks
    wrong = browser.get("/plan?noise.kind=rate&noise.rate=0,04&effect=much")
    assert wrong.status_code == 422
    assert 'value="much"' in wrong.text
    assert "A number is expected" in wrong.text


def test_the_design_helper_says_whether_a_direct_effect_would_be_noticed(browser) -> None:
    arms = "arms.0.name=placebo&arms.0.shift=0&arms.0.share=0.25"
    arms += "&arms.2.name=fast&arms.2.shift=-2&arms.2.share=.25"
    noise = "noise.cpi_deviation=5&noise.kpi_deviation=12.5&noise.correlation=0.3"
    page = browser.get(f"/plan/doses?{arms}&{noise}&slope=0.4&smallest_slope=0.2&direct_effect=0.5").text
    assert "Chance that a direct effect is noticed" in page
    assert "units in all" in page
    assert "add a second mechanism" in page


def test_the_design_helper_plans_doses_for_the_next_verdict_and_for_clusters(browser) -> None:
    arms = "arms.0.name=slow&arms.0.shift=-2&arms.0.share=.25"
    arms += "&arms.1.name=fast&arms.1.shift=-4&arms.1.share=.25"
    asked = f"/plan/doses?{arms}&noise.cpi_deviation=5&noise.kpi_deviation=12.5&slope=0.4"
    third = browser.get(f"{asked}&verdicts_so_far=2").text
    decides = re.search(r"Standard errors that decide</dt><dd>([\d.]+)", third)
    assert decides is not None
    assert float(decides[1]) == pytest.approx(2.865, abs=0.01)  # of the normal, at 0.05 / 12
    clustered = browser.get(f"{asked}&clusters.units_per_cluster=20&clusters.correlation=0.05").text
    assert "Clusters multiply the variance by" in clustered


def test_notes_are_written_found_and_taken_back_on_pages(editor, client) -> None:
    on = ground(client)
    page = editor.get(f"/levers/{on.hypothesis}").text
    assert f"/notes/new?subject={on.hypothesis}" in page
    typed = {"subject": on.hypothesis, "text": "Phone first <i>", "form_token": token(editor)}
    empty = editor.post("/notes/new", data=typed | {"subject": "hyp_0"})
    assert empty.status_code == 422
    assert "Phone first &lt;i&gt;" in empty.text
    assert editor.post("/notes/new", data=typed | {"form_token": "0"}).status_code == 403
    assert editor.post("/notes/new", data=typed).headers["location"] == f"/hypotheses/{on.hypothesis}"
    assert "Phone first &lt;i&gt;" in editor.get(f"/levers/{on.hypothesis}").text
    found = editor.get("/knowledge?q=phone").text
    assert "1 found" in found
    assert "Nothing that is known" in editor.get("/knowledge?q=zebra").text
    note = client.get("/v1/notes").json()["items"][0]["id"]
    assert editor.post(f"/notes/{note}/take-back", data={"form_token": token(editor)}).status_code == 303
    assert client.get("/v1/notes").json()["items"] == []


def test_the_program_says_what_it_is_before_anything_was_run(browser) -> None:
    page = browser.get("/program").text
    assert "No finished experiment" in page
    assert "No hypothesis is registered yet" in page


def test_the_program_says_what_to_test_next(browser, client) -> None:
    on = ground(client)
    page = browser.get("/program?volume=200,000").text
    assert f'<a href="/levers/{on.hypothesis}">' in page
    assert "What this assumes" in page
    assert browser.get("/program?volume=many").status_code == 200
