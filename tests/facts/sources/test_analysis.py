"""An experiment whose facts lie in a warehouse: registered, tried, planned, analysed and judged over HTTP."""

import json
from dataclasses import replace
from io import BytesIO

import duckdb
import pytest
from pyarrow import csv

from service.facts.sources.reading import questions
from service.facts.sources.relations import Wanted
from service.runs.task import Unanswerable
from service.settings import Settings
from service.sources.schemas import Engine, SourceDraft
from tests.evidence.company import TWO_MECHANISMS, Company
from tests.facts.sources.kept import ASKED, CONNECTIONS
from tests.facts.sources.world import BY_EXPOSURE, KNOWN_AS, PARSED, draft

MAPPED = {
    "name": "The shop",
    "connection": {"engine": "duckdb", "path": "shop.duckdb"},
    "assignments": {
        "rows": {"table": ["assignments"]},
        "experiment": {"column": "experiment"},
        "unit": "unit",
        "arm": "arm",
        "time": "time",
    },
    "outcomes": [
        {
            "rows": {"query": "SELECT * FROM outcomes"},
            "unit": "unit",
            "event": {"column": "event"},
            "time": "time",
            "value": "value",
        }
    ],
}

ODD = {
    "aggregation": "count",
    "window": "P5D",
    "event": {"event": "called", "where": [{"property": 'it\'s "odd"', "op": "=", "value": "x"}]},
}


class Warehoused(Company):
    """Its customers' facts go into a DuckDB file, under the name that the experiment has there."""

    def send(self, path: str, csv_text: str) -> None:
        table = path.rpartition("/")[2]
        rows = csv.read_csv(BytesIO(csv_text.encode()))
        with duckdb.connect(self.settings.source_files / "shop.duckdb") as opened:
            opened.execute("SET TimeZone = 'UTC'")
            opened.from_arrow(rows).create(table)
            if table == "assignments":
                opened.execute("UPDATE assignments SET experiment = 'checkout-7'")


@pytest.fixture
def company(client_for, reaching: Settings) -> Warehoused:
    return Warehoused(client=client_for(reaching), settings=reaching)


def test_an_experiment_in_a_warehouse_goes_from_registration_to_a_verdict(company):
    made = company.client.post("/v1/sources", json=MAPPED)
    assert made.status_code == 201, made.text
    source = made.json()
    hypothesis = company.hypothesis()
    pin = {"source": source["id"], "experiment": "checkout-7"}
    experiment = company.experiment([hypothesis], TWO_MECHANISMS, n=400, source=pin)
    asked = company.client.post(f"/v1/sources/{source['id']}:test")
    assert (asked.status_code, asked.json()["kind"], asked.json()["experiment_id"]) == (
        202,
        "source_test",
        None,
    )
    run = company.finish(experiment)
    trial = company.client.get(asked.headers["Location"]).json()
    assert (trial["state"], trial["subject"]) == ("succeeded", source["id"])
    assert trial["result"]["usable"] is True
    assert trial["result"]["tables"][0]["rows"] == 1000
    assert [arm["n"] for arm in run["result"]["arms"]] == [400] * 4
    assert run["type"] == "final"
    assert company.verdict(hypothesis)["latest"]["run_id"] == run["id"]
    snapshot = json.loads(run["snapshot"])
    assert (snapshot["source"], snapshot["version"]) == (source["id"], 1)
    assert snapshot["source_sha256"] == source["sha256"]
    assert (snapshot["experiment"], snapshot["pinned"]) == ("checkout-7", False)
    again = json.loads(company.run(experiment)["snapshot"])
    assert again["query_sha256"] != snapshot["query_sha256"]  # as of another moment


def test_only_the_owning_team_tries_a_source_or_stops_the_trial(company, client_for, reaching):
    source = company.client.post("/v1/sources", json=MAPPED).json()
    url = f"/v1/sources/{source['id']}:test"
    others = client_for(reaching, owner="bo@example.com", team="ops")
    assert others.post(url).status_code == 403
    assert company.client.post("/v1/sources/src_0:test").status_code == 404
    run = company.client.post(url).json()
    assert others.post(f"/v1/runs/{run['id']}:cancel").status_code == 403
    assert company.client.post(f"/v1/runs/{run['id']}:cancel").json()["state"] == "cancelled"


def test_a_source_that_cannot_be_read_fails_the_run_with_its_reason_and_tells_no_secret(company, monkeypatch):
    monkeypatch.setenv("LEVERBOARD_SOURCE_SECRET_SHOP", "hunter2")
    connection = {
        "engine": "postgres",
        "host": "localhost",
        "database": "shop",
        "user": "reader",
        "password": {"environment": "LEVERBOARD_SOURCE_SECRET_SHOP"},
    }
    source = company.client.post("/v1/sources", json=MAPPED | {"connection": connection}).json()
    experiment = company.experiment(
        [company.hypothesis()], {"fast": TWO_MECHANISMS["fast"]}, n=2, source={"source": source["id"]}
    )
    run = company.run(experiment)
    assert (run["state"], run["error"]["type"]) == ("failed", "SourceUnusable")
    assert "LEVERBOARD_SOURCE_HOSTS" in run["error"]["message"]
    database = (company.settings.data_dir / "leverboard.db").read_bytes()
    assert b"hunter2" not in database


def test_a_plan_that_asks_a_source_for_what_it_does_not_map_is_refused(company):
    def asked(source, **changes):
        plan = {"planned_size": {"units": 10, "per": "arm"}, "source": {"source": source}} | changes
        try:
            company.experiment([hypothesis], {"fast": TWO_MECHANISMS["fast"]}, n=0, **plan)
        except AssertionError as refused:
            return str(refused)
        return "accepted"

    hypothesis = company.hypothesis()
    bare = company.client.post("/v1/sources", json=MAPPED).json()["id"]
    mapping = {
        "rows": {"table": ["seen"]},
        "unit": "unit",
        "time": "time",
        "experiment": {"column": "experiment"},
    }
    full = company.client.post("/v1/sources", json=MAPPED | {"name": "With views", "exposures": [mapping]})
    assert asked(bare) == "accepted"
    assert asked(full.json()["id"], exposure="exposures") == "accepted"
    assert "asks for exposures (exposure), which the source does not map" in asked(bare, exposure="exposures")
    found = asked(bare, analysis={"segments": ["plan"], "attributes": ["age"]})
    assert "asks for attributes (age, plan), which the source does not map" in found


def test_what_an_engine_has_no_words_for_fails_the_run_at_once_and_by_name():
    odd = replace(ASKED, metrics=((ASKED.metrics[0][0], PARSED.validate_json(json.dumps(ODD))),))
    source = SourceDraft.model_validate(draft({"engine": "trino"} | CONNECTIONS[Engine.TRINO]))
    wanted = Wanted(experiment=odd.experiment, known_as=KNOWN_AS, since=None, until=odd.as_of)
    with pytest.raises(Unanswerable, match="a property named "):
        questions(source, wanted, odd)
    with pytest.raises(Unanswerable, match="asks for exposures, which the source does not map"):
        questions(source.model_copy(update={"exposures": ()}), wanted, BY_EXPOSURE)
