"""Which assignments are kept? Those that name an experiment and an arm that exist."""

import json
from datetime import datetime, timedelta

import pyarrow as pa
import pytest

from service.access.rules import Role
from service.facts import inbox
from service.facts.tables import Batch
from service.kit.clock import instant, now
from tests.experiments.drafts import ground, plan, reweighed, started, step
from tests.hypotheses.drafts import created

NDJSON = {"content-type": "application/x-ndjson"}


@pytest.fixture
def experiment(client) -> str:
    return created(client, "/v1/experiments", plan(ground(client)))["id"]


def kept(session) -> list[dict]:
    return pa.concat_tables(
        [inbox.unpacked(batch.rows) for batch in session.query(Batch).order_by(Batch.id)]
    ).to_pylist()


def test_an_assignment_to_an_arm_that_exists_is_kept_in_the_first_phase(client, session, experiment):
    row = {"unit": "u1", "experiment": experiment, "arm": "prefilled", "time": "2026-03-01T00:00:00Z"}
    answer = client.post("/v1/assignments", json=[row, {**row, "phase": 1}])
    assert (answer.status_code, answer.json()["accepted"]) == (201, 2), answer.text
    assert [(one["arm"], one["phase"]) for one in kept(session)] == [("prefilled", 1)] * 2


def test_a_phase_takes_assignments_once_it_is_open(client, session):
    experiment = started(client, plan(ground(client)))
    row = {"unit": "u1", "experiment": experiment, "arm": "prefilled", "time": "2026-03-01T00:00:00Z"}
    early = client.post("/v1/assignments", json=[row, {**row, "phase": 2}]).json()
    assert [(one["row"], one["field"]) for one in early["rejections"]] == [(2, "phase")]
    assert "has no phase 2" in early["rejections"][0]["reason"]
    reweighed(client, experiment)
    later = client.post("/v1/assignments", json=[row, {**row, "phase": 2}, {**row, "phase": 3}]).json()
    assert [(one["row"], one["field"]) for one in later["rejections"]] == [(3, "phase")]
    assert [one["phase"] for one in kept(session)] == [1, 1, 2]


@pytest.mark.parametrize(("role", "accepted"), [(Role.editor, 1), (Role.approver, 1), (Role.admin, 2)])
def test_a_team_assigns_to_its_own_experiments_and_an_admin_to_any(  # noqa: PLR0917
    client, client_for, settings, session, experiment, role, accepted
):
    ops = client_for(settings, owner="eve@example.com", team="ops", role=role)
    own = created(ops, "/v1/experiments", plan(ground(client)))["id"]
    row = {"unit": "u1", "arm": "control", "time": "2026-03-01T00:00:00Z"}
    rows = [{**row, "experiment": experiment}, {**row, "experiment": own}]
    answer = ops.post("/v1/assignments", json=rows)
    assert (answer.status_code, answer.json()["accepted"]) == (201, accepted), answer.text
    told = [(one["row"], one["field"], one["reason"]) for one in answer.json()["rejections"]]
    reason = "belongs to another team, and this key assigns for its own team alone"
    assert told == ([] if accepted == 2 else [(1, "experiment", reason)])
    assert own in {one["experiment"] for one in kept(session)}


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"experiment": "exp_nothing"}, "experiment", "there is no experiment"),
        ({"experiment": "'; DROP TABLE experiments; --"}, "experiment", "there is no experiment"),
        ({"arm": "Prefilled"}, "arm", "has no arm Prefilled"),
        ({"phase": 0}, "phase", "Expected `int` >= 1"),
        ({"phase": 10**30}, "phase", "Expected `int` <="),
        ({"phase": "1"}, "phase", "Expected `int"),
        ({"value": 1}, "value", "unknown field"),
    ],
)
def test_any_other_is_rejected_alone(  # noqa: PLR0917
    client, session, experiment, change, field, reason
):
    row = {"unit": "u1", "experiment": experiment, "arm": "control", "time": "2026-03-01T00:00:00Z"}
    body = "\n".join(json.dumps({**row, **other}) for other in ({}, change))
    answer = client.post("/v1/assignments", content=body, headers=NDJSON)
    assert len(kept(session)) == 1, answer.text
    (rejection,) = answer.json()["rejections"]
    assert (rejection["row"], rejection["field"]) == (2, field)
    assert reason in rejection["reason"]


def test_a_csv_s_phases_are_whole_numbers(client, session, experiment):
    line = f"u1,{experiment},control,2026-03-01T00:00:00Z"
    body = f"unit,experiment,arm,time,phase\n{line},1\n{line},\n{line},1.5\n{line},99999999999\n"
    answer = client.post("/v1/assignments", content=body, headers={"content-type": "text/csv"})
    assert [one["phase"] for one in kept(session)] == [1, 1]
    assert [(one["row"], one["field"]) for one in answer.json()["rejections"]] == [(3, "phase"), (4, "phase")]


def test_who_assigns_outside_an_experiments_dates_is_told_at_once(client, experiment):
    """Kept, since it happened; an analysis would leave such units out without a word to the sender."""
    running = started(client, plan(ground(client)))
    row = {"unit": "u1", "experiment": running, "arm": "prefilled", "time": "2026-03-01T00:00:00Z"}
    begun = client.get(f"/v1/experiments/{running}").json()["started_at"]
    after = {**row, "time": (now() + timedelta(hours=12)).isoformat()}
    headers = {"idempotency-key": "early"}
    answer = client.post("/v1/assignments", json=[row, row, after], headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (201, 3), answer.text
    (note,) = answer.json()["notes"]
    assert note.startswith(
        f"2 rows assigned before {running} started, at {instant(datetime.fromisoformat(begun))}: "
    )
    assert "outside_dates" in note
    assert client.post("/v1/assignments", json=[row, row, after], headers=headers).json() == answer.json()
    assert client.get(answer.headers["location"]).json()["notes"] == [note]
    step(client, running, "stop")
    told = client.post("/v1/assignments", json=[after]).json()["notes"]
    assert [text[: len("1 row assigned after ") + len(running)] for text in told] == [
        f"1 row assigned after {running}"
    ]
    (draft,) = client.post("/v1/assignments", json=[{**row, "experiment": experiment}]).json()["notes"]
    assert draft.startswith(f"1 row assigned to {experiment}, which has not started")


def test_reasons_that_were_counted_among_the_first_rejections_alone_say_so(client):
    lines = ["unit,experiment,arm,time", *(f"u{n},exp_none,a,2026-03-01T00:00:00Z" for n in range(1_200))]
    body = "\n".join(lines)
    refused = client.post("/v1/assignments", content=body, headers={"content-type": "text/csv"}).json()
    assert refused["detail"] == (
        "No row was kept: all 1,200 were rejected. "
        "Of the first 1,000: 1,000 × experiment: there is no experiment exp_none"
    )


def test_a_batch_without_a_good_row_is_no_success_and_can_be_mended_under_its_key(client, experiment):
    good = {"unit": "u1", "experiment": experiment, "arm": "control", "time": "2026-03-01T00:00:00Z"}
    bad = {**good, "experiment": "exp_nothing"}
    headers = {"idempotency-key": "k"}
    refused = client.post("/v1/assignments", json=[bad, bad, {**good, "colour": 1}], headers=headers)
    assert refused.status_code == 422
    told = refused.json()
    assert told["type"].endswith(":nothing-kept")
    assert told["detail"] == (
        "No row was kept: all 3 were rejected. 2 × experiment: there is no experiment exp_nothing; "
        "1 × colour: Object contains unknown field `colour`; there are unit, experiment, arm, time, phase"
    )
    assert [(one["row"], one["field"]) for one in told["rejections"]] == [
        (1, "experiment"),
        (2, "experiment"),
        (3, "colour"),
    ]
    assert (told["accepted"], told["rejected"]) == (0, 3)
    listed = client.get(f"/v1/ingest/batches/{told['batch']}/rejections").json()["items"]
    assert listed == told["rejections"]
    for _ in range(2):
        mended = client.post("/v1/assignments", json=[good], headers=headers)
        assert (mended.status_code, mended.json()["accepted"]) == (201, 1), mended.text
    assert client.post("/v1/assignments", json=[bad], headers=headers).json()["type"].endswith("mismatch")


def test_no_sender_takes_the_name_under_which_unreadable_events_are_listed(client, experiment):
    row = {"unit": "u1", "experiment": experiment, "arm": "control", "time": "2026-03-01T00:00:00Z"}
    answer = client.post("/v1/assignments?source=cloudevents", json=[row])
    assert answer.status_code == 422
    assert "name of our own" in answer.json()["detail"]
    event = {"specversion": "1.0", "id": "1", "source": "cloudevents", "type": "called", "subject": "u1"}
    cloud = {"content-type": "application/cloudevents+json"}
    heard = client.post("/v1/events", json={**event, "time": "2026-03-01T00:00:00Z"}, headers=cloud).json()
    assert [(one["field"], heard["accepted"]) for one in heard["rejections"]] == [("source", 0)]
