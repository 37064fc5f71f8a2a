"""Studies of units that lie in a warehouse: the same question gives the same numbers as of the lake."""

from dataclasses import replace
from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from pyarrow import csv

from service.settings import Settings
from tests.evidence.company import Company
from tests.facts.sources.world import TIME, World, on_postgres, write_duckdb, write_postgres
from tests.studies.market import PLAN, TENURE, WORTH, Visits, asked, confounded, send, summed, written
from tests.studies.test_designs import CHANGE, moment, visits

DUCKDB = {"engine": "duckdb", "path": "shop.duckdb"}
TRAITS = {
    "rows": {"table": ["traits"]},
    "unit": "unit",
    "name": {"column": "name"},
    "time": "time",
    "text": "text",
    "number": "number",
}
MAPPED = {
    "name": "The shop",
    "connection": DUCKDB,
    "assignments": {
        "rows": {"table": ["traits"]},
        "experiment": {"always": "none"},
        "unit": "unit",
        "arm": "text",
        "time": "time",
    },
    "outcomes": [
        {
            "rows": {"table": ["outcomes"]},
            "unit": "unit",
            "event": {"column": "event"},
            "time": "time",
            "value": "value",
        }
    ],
    "attributes": [TRAITS],
}
DRAWN = {
    "causes": {"cpi": ["tenure", "plan"], "kpi": ["cpi", "tenure", "plan"]},
    "covariates": [TENURE, PLAN],
}


def tables(found: Visits) -> World:
    outcomes, traits = written(found)
    rows = csv.read_csv(BytesIO(outcomes.encode()))
    kept = rows.set_column(rows.column_names.index("time"), "time", rows["time"].cast(TIME))
    kept = kept.set_column(kept.column_names.index("value"), "value", kept["value"].cast(pa.float64()))
    texts = [one["value"] if isinstance(one["value"], str) else None for one in traits]
    numbers = [None if isinstance(one["value"], str) else one["value"] for one in traits]
    known = {
        "unit": pa.array([one["unit"] for one in traits]),
        "name": pa.array([one["name"] for one in traits]),
        "text": pa.array(texts, pa.string()),
        "number": pa.array(numbers, pa.float64()),
        "time": pa.array([datetime.fromisoformat(one["time"]) for one in traits], TIME),
    }
    return World(theirs={"outcomes": kept.drop_columns(["id"]), "traits": pa.table(known)}, ours={})


@pytest.fixture
def warehoused(client_for, reaching: Settings) -> Company:
    return waiting(client_for(reaching), reaching)


def waiting(client: TestClient, settings: Settings) -> Company:
    return Company(client=client, settings=settings, wait=summed("waited"), spending=summed("spent"))


def registered(company: Company, **changes: Any) -> str:
    made = company.client.post("/v1/sources", json=MAPPED | changes)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def assert_alike(one: dict[str, Any], other: dict[str, Any]) -> None:
    ours, theirs = one["result"], other["result"]
    assert ours["details"].keys() == theirs["details"].keys()
    assert "estimate" in ours["slope"], ours
    assert ours["slope"]["estimate"] == pytest.approx(theirs["slope"]["estimate"], rel=1e-9)
    assert ours["slope"]["interval"] == pytest.approx(theirs["slope"]["interval"], rel=1e-9)
    assert (ours["units"], ours["left_out"]) == (theirs["units"], theirs["left_out"])
    assert [check["passed"] for check in ours["checks"]] == [check["passed"] for check in theirs["checks"]]
    assert ours["fingerprint"] != theirs["fingerprint"]


def served(n: int) -> Visits:
    """Whoever has been a customer for long is served three minutes faster."""
    found = confounded(n=n)
    faster = 3.0 * (found.numbers["tenure"] >= 1.0)
    return replace(found, waited=found.waited - faster, spent=found.spent + WORTH * faster)


RULE = {"design": "rdd", "score": TENURE, "cutoff": 1.0}


def test_a_threshold_is_asked_of_a_duckdb_file_as_of_the_lake(warehoused, files) -> None:
    found = served(600)
    send(warehoused, found)
    write_duckdb(tables(found), files / "shop.duckdb")
    source = registered(warehoused)
    there = asked(warehoused, source=source, most_units=500, **RULE)
    assert_alike(there, asked(warehoused, most_units=500, **RULE))
    assert there["result"]["left_out"] == {"not sampled": 100}
    run = warehoused.client.get(f"/v1/runs/{there['result']['run_id']}").json()
    assert f'"source":"{source}"' in run["snapshot"]
    assert '"pinned":false' in run["snapshot"]


def test_groups_over_weeks_are_read_in_a_duckdb_file_as_in_the_lake(warehoused, files) -> None:
    starts = dict.fromkeys(range(5), CHANGE)
    found = visits(10, 5, lambda one, week: 3.0 * (week >= starts.get(one, 99)))
    send(warehoused, found)
    write_duckdb(tables(found), files / "shop.duckdb")
    design = {
        "design": "did",
        "groups": "region",
        "adopted": {f"r{one:02d}": moment(week) for one, week in starts.items()},
    }
    there = asked(warehoused, source=registered(warehoused), **design)
    assert_alike(there, asked(warehoused, **design))


def test_a_threshold_is_asked_of_postgresql(client_for, settings, empty_postgres_url) -> None:
    found = served(600)
    write_postgres(tables(found), empty_postgres_url)
    reaching, connection = on_postgres(settings, empty_postgres_url)
    company = waiting(client_for(reaching), reaching)
    there = asked(company, source=registered(company, connection=connection), **RULE)
    send(company, found)
    assert_alike(there, asked(company, **RULE))


def test_a_source_that_does_not_map_what_is_asked_or_is_another_teams_is_refused(
    warehoused, client_for
) -> None:
    bare = registered(warehoused, attributes=[])
    body = {
        "design": "graph",
        "name": "x",
        "cpi": warehoused.ids["cpi"],
        "kpi": warehoused.ids["kpi"],
        "anchor": {"event": "visited"},
        "period": {"from": "2026-06-01T00:00:00Z", "to": "2026-08-24T00:00:00Z"},
    } | DRAWN
    answer = warehoused.client.post("/v1/studies", json=body | {"source": bare})
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "source_maps_what_is_asked")
    assert "tenure, plan" in answer.json()["errors"][0]["message"]
    assert warehoused.client.post("/v1/studies", json=body | {"source": "src_none"}).status_code == 404
    others = client_for(warehoused.settings, owner="bo@example.com", team="ops")
    assert others.post("/v1/studies", json=body | {"source": bare}).status_code == 403
