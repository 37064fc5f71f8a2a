"""Which exposures, attributes and identities are kept, in whatever format they come?"""

import io
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from service import facts
from service.access.rules import Role
from service.facts import inbox
from service.facts.tables import Batch, FactKind
from tests.experiments.drafts import ground, plan
from tests.hypotheses.drafts import created

TIME = "2026-03-01T09:30:00+01:00"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
TRAIT = {"unit": "u1", "name": "plan", "value": "gold", "time": TIME}
LINK = {"unit": "u1", "namespace": "phone", "id": "+4930123456", "time": TIME}


@pytest.fixture
def experiment(client) -> str:
    return created(client, "/v1/experiments", plan(ground(client)))["id"]


def kept(database, kind: FactKind) -> list[dict]:
    with database.read() as session:
        batches = session.query(Batch).filter(Batch.kind == kind).order_by(Batch.id).all()
        return [row for batch in batches for row in inbox.unpacked(batch.rows).to_pylist()]


def send(client, to: str, body: bytes | str, kind: str = NDJSON):
    return client.post(f"/v1/{to}", content=body, headers={"content-type": kind})


def test_an_exposure_is_kept_by_its_id_or_by_what_it_says(client, database, settings, experiment):
    row = {"unit": "u1", "experiment": experiment, "time": TIME}
    answer = client.post("/v1/exposures", json=[row, row, {**row, "id": "e1"}, {**row, "unit": "u2"}])
    assert (answer.status_code, answer.json()["accepted"]) == (201, 4), answer.text
    names = [one["id"] for one in kept(database, FactKind.EXPOSURES)]
    said = f"{experiment}/2026-03-01 08:30:00.000000Z/"
    assert names == [said + "u1", said + "u1", "e1", said + "u2"]
    snapshot = facts.fold(settings, database)
    assert len(snapshot.exposures_of(experiment)) == 1
    with facts.engine.connection(settings) as opened:
        table = facts.lake.layout.TABLES[FactKind.EXPOSURES]
        facts.engine.register(opened, settings, "met", snapshot.exposures_of(experiment), table.schema)
        assert opened.execute("SELECT count(*) FROM met").fetchone() == (3,)


@pytest.mark.parametrize(("role", "accepted"), [(Role.editor, 0), (Role.admin, 1)])
def test_an_exposure_names_an_experiment_of_ones_own_team(client_for, settings, experiment, role, accepted):
    ops = client_for(settings, owner="eve@example.com", team="ops", role=role)
    rows = [{"unit": "u1", "experiment": one, "time": TIME} for one in (experiment, "exp_none")]
    answer = ops.post("/v1/exposures", json=rows).json()
    assert answer["accepted"] == accepted
    assert answer["rejections"][-1] == {
        "row": 2,
        "field": "experiment",
        "reason": "there is no experiment exp_none",
    }


def test_an_attribute_is_text_a_number_or_a_truth(client, database):
    values = ["gold", 41, 1.5, True]
    answer = client.post("/v1/attributes", json=[{**TRAIT, "value": value} for value in values])
    assert (answer.status_code, answer.json()["accepted"]) == (201, 4), answer.text
    assert [(row["text"], row["number"], row["truth"]) for row in kept(database, FactKind.ATTRIBUTES)] == [
        ("gold", None, None),
        (None, 41.0, None),
        (None, 1.5, None),
        (None, None, True),
    ]


@pytest.mark.parametrize(
    "value",
    ["", None, [], {}, 1e16, 10**400, "x" * 4097, "a\0b", float("nan")],
    ids=lambda one: repr(one)[:9],
)
def test_what_is_no_value_is_rejected_alone(client, database, value):
    good, bad = json.dumps(TRAIT), json.dumps({**TRAIT, "value": value})
    answer = send(client, "attributes", f"{good}\n{bad}")
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (1, 1), answer.text
    rejection = answer.json()["rejections"][0]
    assert rejection["row"] == 2
    assert rejection["field"] == (None if value != value else "value")  # noqa: PLR0124 - NaN is no JSON


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (pa.array(["a", None]), [("a", None, None)]),
        (pa.array([1, 2]), [(None, 1.0, None), (None, 2.0, None)]),
        (pa.array([True, False]), [(None, None, True), (None, None, False)]),
        (pa.array(["a", "b"]).dictionary_encode(), [("a", None, None), ("b", None, None)]),
    ],
)
def test_in_a_file_the_columns_type_says_which(client, database, values, wanted):
    columns = {"unit": ["u1", "u2"], "name": ["x", "x"], "value": values, "time": [TIME, TIME]}
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
    answer = send(client, "attributes", sink.getvalue(), "application/vnd.apache.parquet")
    assert (answer.status_code, answer.json()["accepted"]) == (201, len(wanted)), answer.text
    assert [
        (row["text"], row["number"], row["truth"]) for row in kept(database, FactKind.ATTRIBUTES)
    ] == wanted


def test_a_file_whose_values_are_lists_is_refused(client):
    columns = {"unit": ["u1"], "name": ["x"], "value": [[1]], "time": [TIME]}
    sink = io.BytesIO()
    parquet.write_table(pa.table(columns), sink)
    answer = send(client, "attributes", sink.getvalue(), "application/vnd.apache.parquet")
    assert answer.status_code == 422
    assert "expected text, a number or a truth" in answer.text


def test_cells_of_a_csv_are_text(client, database):
    answer = send(client, "attributes", f"unit,name,value,time\nu1,zip,01234,{TIME}\nu2,zip,,{TIME}\n", CSV)
    assert [(one["row"], one["field"], one["reason"]) for one in answer.json()["rejections"]] == [
        (2, "value", "is missing")
    ]
    assert [row["text"] for row in kept(database, FactKind.ATTRIBUTES)] == ["01234"]


def test_an_identity_says_which_unit_an_id_is(client, database):
    missing = {name: value for name, value in LINK.items() if name != "id"}
    ambiguous = {**LINK, "namespace": "phone:home"}
    answer = send(client, "identities", "\n".join(json.dumps(one) for one in (LINK, missing, ambiguous)))
    assert (answer.status_code, answer.json()["accepted"]) == (201, 1), answer.text
    rejections = [(one["row"], one["field"]) for one in answer.json()["rejections"]]
    assert rejections == [(2, "id"), (3, "namespace")]
    (row,) = kept(database, FactKind.IDENTITIES)
    assert (row["namespace"], row["id"], row["unit"]) == ("phone", "+4930123456", "u1")


@pytest.mark.parametrize("to", ["exposures", "attributes", "identities"])
def test_who_may_only_read_sends_nothing(viewer_client, to):
    assert viewer_client.post(f"/v1/{to}", json=[TRAIT]).status_code == 403
