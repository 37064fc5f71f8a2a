"""Can a person register a metric on the pages, and is nothing lost or kept that should not be?"""

import re
from html import unescape

import pytest

from tests.web.typing_in import CPI, inputs, send


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


def test_what_is_wrong_is_summed_up_by_field_with_a_way_to_each(editor) -> None:
    typed = CPI | {"increment.amount": "one", "evidence.1.date": "2999-01-01", "definition.window": "soon"}
    summary = summed_up(send(editor, "/metrics/new", typed, step=4).text)
    assert '<a href="#f-increment-amount">How much</a>: A number is expected' in summary
    assert 'value="to:3" form="registering">3. How it is measured</button>: ' in summary  # not on this step
    dated = summed_up(
        send(editor, "/metrics/new", typed | {"increment.amount": "1", "definition.window": "7"}).text
    )
    assert '<a href="#f-evidence-1-date">Day (2)</a>: ' in dated  # which of two rows


def summed_up(page: str) -> str:
    return page.partition('id="trouble"')[2].partition("</div>")[0]


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


@pytest.mark.parametrize(
    "name", ["evidence.²", "evidence." + "9" * 5000, "." * 2000], ids=["power", "long", "deep"]
)
def test_a_name_that_no_form_of_ours_has_breaks_none(editor, name) -> None:
    assert send(editor, "/metrics/new", CPI | {name: "1"}).status_code in (303, 422)
