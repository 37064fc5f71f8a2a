"""Which assignments are kept? Those that name an experiment and an arm that exist."""

import json

import pyarrow as pa
import pytest

from service.access.rules import Role
from service.facts import inbox
from service.facts.tables import Batch
from tests.experiments.drafts import ground, plan, reweighed, started
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
    assert "no such phase" in early["rejections"][0]["reason"]
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
        ({"experiment": "exp_nothing"}, "experiment", "no such experiment"),
        ({"experiment": "'; DROP TABLE experiments; --"}, "experiment", "no such experiment"),
        ({"arm": "Prefilled"}, "arm", "no such arm"),
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
