"""Runs as a client meets them: asked for, listed, looked at and cancelled."""

import pytest

from service.kit.clock import now
from service.kit.database import Database
from service.runs import queue
from service.runs.task import Failure
from tests.experiments.drafts import ground, plan, started, step
from tests.hypotheses.drafts import created


def asked(client, experiment, **body):
    answer = client.post(f"/v1/experiments/{experiment}/runs", json=body)
    assert answer.status_code == 202, answer.text
    return answer


def test_a_run_is_accepted_with_its_address(each_client):
    experiment = started(each_client, plan(ground(each_client)))
    answer = asked(each_client, experiment)
    shown = answer.json()
    assert answer.headers["Location"] == f"/v1/runs/{shown['id']}"
    assert answer.headers["Retry-After"] == "1"
    assert (shown["state"], shown["type"], shown["attempts"]) == ("queued", "interim", 0)
    assert shown["created_by"] == "ada@example.com"
    seen = each_client.get(answer.headers["Location"])
    assert seen.json() == shown
    assert seen.headers["Retry-After"] == "1"


def test_the_type_follows_from_the_experiment_unless_it_is_exploratory(client):
    experiment = started(client, plan(ground(client)))
    refused = client.post(f"/v1/experiments/{experiment}/runs", json={"type": "final"})
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:leverboard:problem:experiment-not-stopped"
    assert asked(client, experiment, type="exploratory").json()["type"] == "exploratory"
    step(client, experiment, "stop")
    assert asked(client, experiment).json()["type"] == "final"
    assert asked(client, experiment, type="interim").json()["type"] == "interim"


def test_an_experiment_that_has_not_started_is_not_analysed(client):
    drafted = created(client, "/v1/experiments", plan(ground(client)))["id"]
    refused = client.post(f"/v1/experiments/{drafted}/runs", json={})
    assert refused.json()["type"] == "urn:leverboard:problem:experiment-not-started"
    assert client.post("/v1/experiments/exp_0/runs", json={}).status_code == 404


def test_the_same_idempotency_key_asks_once(client):
    experiment = started(client, plan(ground(client)))
    key = {"Idempotency-Key": "once"}
    first, second = (
        client.post(f"/v1/experiments/{experiment}/runs", json={}, headers=key).json()["id"] for _ in range(2)
    )
    assert first == second


def test_lists_are_paged_newest_first_and_filtered(each_client):
    experiment = started(each_client, plan(ground(each_client)))
    ids = [asked(each_client, experiment).json()["id"] for _ in range(3)]
    asked(each_client, experiment, type="exploratory")
    url = f"/v1/runs?experiment={experiment}&type=interim&limit=2"
    first = each_client.get(url)
    assert [run["id"] for run in first.json()["items"]] == ids[:0:-1]
    assert "result" not in first.json()["items"][0]
    rest = each_client.get(first.links["next"]["url"]).json()
    assert [run["id"] for run in rest["items"]] == ids[:1]
    assert rest["next"] is None
    assert each_client.get("/v1/runs?state=succeeded").json()["items"] == []


def test_cancelling_twice_is_once_and_needs_no_version(each_client):
    run = asked(each_client, started(each_client, plan(ground(each_client)))).headers["Location"]
    for _ in range(2):
        answer = each_client.post(f"{run}:cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert "Retry-After" not in each_client.get(run).headers


def test_another_team_reads_and_does_not_change(client, other_team_client, viewer_client):
    experiment = started(client, plan(ground(client)))
    run = asked(client, experiment).headers["Location"]
    assert other_team_client.get(run).status_code == 200
    assert other_team_client.post(f"{run}:cancel").status_code == 403
    assert other_team_client.post(f"/v1/experiments/{experiment}/runs", json={}).status_code == 403
    assert viewer_client.post(f"{run}:cancel").status_code == 403


def test_a_failed_run_shows_its_error_and_cannot_be_cancelled(client, database: Database, settings):
    run = asked(client, started(client, plan(ground(client)))).headers["Location"]
    for attempt in range(3):
        later = now() + attempt * settings.lease
        with database.write() as session:
            lease = queue.claim(session, "test", later, settings.lease)
            assert lease is not None
            queue.fail(session, lease, Failure(type="ArithmeticError", message="went wrong"), later)
    shown = client.get(run).json()
    assert (shown["state"], shown["attempts"]) == ("failed", 3)
    assert shown["error"] == {"type": "ArithmeticError", "message": "went wrong"}
    assert client.post(f"{run}:cancel").json()["type"] == "urn:leverboard:problem:run-finished"


def test_an_unknown_run_is_not_found(client):
    for answer in (client.get("/v1/runs/run_0"), client.post("/v1/runs/run_0:cancel")):
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:leverboard:problem:run-not-found"
    assert client.get("/v1/runs/" + "x" * 5000).status_code == 404


def test_a_run_is_asked_for_without_saying_anything_more(client):
    experiment = started(client, plan(ground(client)))
    answer = client.post(f"/v1/experiments/{experiment}/runs")
    assert (answer.status_code, answer.json()["type"]) == (202, "interim")


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
        "2026-01-01T00:00:00",
        "1700000000",
        1_700_000_001,
        True,
    ],
)
def test_a_moment_is_text_within_years_that_every_store_can_hold(client, moment):
    experiment = started(client, plan(ground(client)))
    answer = client.post(f"/v1/experiments/{experiment}/runs", json={"as_of": moment})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == "as_of"
