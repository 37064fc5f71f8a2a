"""Can a person draft, change and register a claim, and name the means for it?"""

from datetime import date
from html import unescape

from tests.hypotheses.drafts import metric_pair
from tests.web.typing_in import send, token


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
    elsewhere = send(editor, "/mechanisms/new", typed | {"name": "Quicker", "next": "//evil.example"})
    assert send(editor, "/mechanisms/new", typed).status_code == 409  # the name is taken
    assert elsewhere.headers["location"] == "/board"
    (first, _) = client.get("/v1/mechanisms").json()["items"]
    assert first["cost"] == {"amount": 40000.0, "currency": "EUR"}
    assert first["created_at"][:10] >= date(2026, 1, 1).isoformat()
