"""Can what was learnt be written down, found again, and added up?"""

import pytest

from service.access.rules import Role
from tests.evidence.company import TWO_MECHANISMS, Company
from tests.experiments.drafts import ground, plan


def test_notes_are_written_listed_and_taken_back(each_client, client_for, each_settings) -> None:
    on = ground(each_client)
    made = each_client.post("/v1/notes", json={"subject": on.hypothesis, "text": "Phone first\nthen write"})
    assert made.status_code == 201, made.text
    note = made.json()
    assert (note["author"], note["team"], note["subject"]) == ("ada@example.com", "growth", on.hypothesis)
    assert each_client.get(made.headers["location"]).json() == note
    each_client.post("/v1/notes", json={"subject": on.cpi, "text": "Another"})
    assert [one["text"] for one in each_client.get("/v1/notes").json()["items"]] == ["Another", note["text"]]
    only = each_client.get("/v1/notes", params={"subject": on.hypothesis}).json()["items"]
    assert [one["id"] for one in only] == [note["id"]]
    other = client_for(each_settings, owner="bo@example.com")
    assert other.delete(made.headers["location"]).status_code == 403
    assert client_for(each_settings, owner="vi@example.com", role=Role.viewer).post(
        "/v1/notes", json={"subject": on.cpi, "text": "no"}
    ).status_code == 403  # fmt: skip
    assert each_client.delete(made.headers["location"]).json() == note
    assert each_client.get(made.headers["location"]).status_code == 404


@pytest.mark.parametrize("subject", ["hyp_0", "usr_1", "met_", "x"])
def test_a_note_is_about_something_that_is_here(client, subject: str) -> None:
    assert client.post("/v1/notes", json={"subject": subject, "text": "lost"}).status_code == 422


def found(client, **params) -> list[tuple[str, str]]:
    answer = client.get("/v1/search", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["found"] >= len(answer.json()["items"])
    return [(one["kind"], one["subject"]) for one in answer.json()["items"]]


def test_everything_is_found_at_once_on_either_database(each_client) -> None:
    on = ground(each_client)
    experiment = each_client.post("/v1/experiments", json=plan(on, name="Autumn leaflet")).json()["id"]
    assert found(each_client, q="leaflet") == [("experiment", experiment)]
    assert ("hypothesis", on.hypothesis) in found(each_client, q="compares less")
    assert ("metric", on.cpi) in found(each_client, q="gave up")
    assert ("mechanism", on.cpi) in found(each_client, q="number plate")
    assert found(each_client, q="zebra") == []
    each_client.post("/v1/notes", json={"subject": experiment, "text": "A zebra crossed the study"})
    assert found(each_client, q="zebra") == [("note", experiment)]
    assert found(each_client, q="zebra", kind="metric") == []
    assert each_client.get("/v1/search").status_code == 422


def test_what_was_concluded_is_found(client, settings) -> None:
    company = Company(client=client, settings=settings)
    hypothesis = company.hypothesis()
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS))
    assert ("result", hypothesis) in found(client, q="confirmed spending")


def test_the_program_counts_what_was_run_answered_and_won(client, settings) -> None:
    company = Company(client=client, settings=settings)
    empty = client.get("/v1/program").json()
    assert (empty["finished"], empty["learning_rate"], empty["win_rate"], empty["by_kpi"]) == (
        0,
        None,
        None,
        [],
    )
    hypothesis = company.hypothesis()
    for n in range(400, 404):  # each of these companies of its own size draws its own customers
        company.finish(company.experiment([hypothesis], TWO_MECHANISMS, n=n))
    client.post("/v1/experiments", json=plan(ground(client)))
    few = client.get("/v1/program").json()
    assert (few["planned"], few["started"], few["finished"], few["answered"]) == (1, 4, 4, 4)
    assert (few["learning_rate"], few["won"], few["win_rate"]) == (1.0, 4, 1.0)
    assert (few["decided"], few["confirmed"]) == (1, 1)
    (spending,) = few["by_kpi"]
    assert spending["gains"]["not_estimable"]["reason"] == "too_few_experiments"
    company.finish(company.experiment([hypothesis], TWO_MECHANISMS, n=404))
    (spending,) = client.get("/v1/program").json()["by_kpi"]
    gains = spending["gains"]
    assert (spending["experiments"], spending["wins"], gains["wins"]) == (5, 5, 5)
    low, high = gains["interval"]
    assert low < gains["shrunk"] < high
    assert low < 5.0 < high  # five times two minutes, each worth half a unit
    assert gains["value"] is None
