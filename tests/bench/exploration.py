"""How long does it take to find for whom a lever works, among a million units with ten covariates?

`python -m tests.bench.exploration`: an experiment in the lake, and the whole job of its exploration in a
process of its own: fold, pin, read the units, segments, lines, forest, calibration. Peak memory is its. What
a worker loads once, and its children have, is loaded before, and told apart.
"""

import argparse
import importlib
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
from fastapi.testclient import TestClient
from rich.console import Console
from rich.table import Table

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.explorations.job import compute
from service.facts.tables import FactKind, FoldTable
from service.kit import schema
from service.kit.database import Database
from service.runs.origins import CAUSAL_PRELOAD
from service.runs.rules import RunKind, RunType
from service.runs.task import Task
from service.settings import Settings
from tests.bench.world import AS_OF, BOUGHT, HYPOTHESIS, MECHANISM, _append, _fold, backdate
from tests.metrics.drafts import cpi

FOLDER = Path("bench-data")
GOAL_SECONDS, GOAL_BYTES = 60.0, 2 << 30
COVARIATES = 8  # attributes; with CPI and KPI before exposure there are ten
CALLS = cpi(
    name="Calls needed",
    increment={"amount": 1, "unit": "call", "better": "lower"},
    definition={"aggregation": "sum", "event": {"event": "called"}, "value_type": "amount", "window": "P14D"},
)
SPENT = {
    **BOUGHT,
    "name": "Spent",
    "definition": {
        "aggregation": "sum",
        "event": {"event": "policy_bought"},
        "value_type": "money",
        "window": "P14D",
    },
}
_ASSIGNMENTS = """
SELECT $1 AS experiment, printf('customer-%09d', i) AS unit,
    ['control', 'prefilled'][1 + (i % 2)::INT] AS arm, TIMESTAMPTZ '2026-01-25 00:00:00Z' AS time,
    1::INT AS phase
FROM range($2::BIGINT) t(i) ORDER BY unit
"""
_OUTCOMES = """
WITH units AS (
    SELECT i, draw(i, 10) < 0.4 AS mobile, draw(i, 1) + draw(i, 2) AS noise FROM range($1::BIGINT) t(i)
),
seen AS (
    SELECT i, '{event}' AS event, before,
        3 + noise - (NOT before AND mobile AND i % 2 = 1)::INT AS calls,
        CASE WHEN '{event}' = 'called' THEN calls ELSE 400 - 20 * calls + 50 * draw(i, 3) END AS value
    FROM units, (VALUES (false), (true)) b(before)
)
SELECT CASE WHEN before THEN DATE '2026-01-20' ELSE DATE '2026-01-26' END AS day, 'api:bench' AS source,
    printf('{event}-%d-%d', i, before::INT) AS id, printf('customer-%09d', i) AS unit, event,
    CASE WHEN before THEN TIMESTAMPTZ '2026-01-20 12:00:00Z'
        ELSE TIMESTAMPTZ '2026-01-26 12:00:00Z' END AS time,
    value, NULL::VARCHAR AS properties
FROM seen ORDER BY day, unit
"""
_ATTRIBUTE = """
SELECT DATE '2026-01-01' AS month, printf('customer-%09d', i) AS unit, $2 AS name,
    CASE WHEN $3 = 0 THEN CASE WHEN draw(i, 10) < 0.4 THEN 'mobile' ELSE 'desktop' END END AS text,
    CASE WHEN $3 > 0 THEN round(100 * draw(i, 10 + $3), 3) END AS number,
    NULL::BOOLEAN AS truth, TIMESTAMPTZ '2026-01-10 00:00:00Z' AS time
FROM range($1::BIGINT) t(i) ORDER BY unit
"""


def attributes() -> list[str]:
    return ["device", *(f"score {place}" for place in range(1, COVARIATES))]


def made(units: int) -> dict[str, str]:
    """The folder, the experiment and its queued exploration; kept for the next time."""
    folder = FOLDER / f"exploration-{units}-units"
    finished = folder / "world.json"
    if finished.exists():
        return dict(json.loads(finished.read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(data_dir=folder)
    database = Database.open(settings.url)
    schema.upgrade(database)
    experiment, exploration = _registered(settings, database, units)
    backdate(database, experiment)
    _fill(settings, database, experiment, units)
    database.close()
    told = {"folder": str(folder), "experiment": experiment, "exploration": exploration}
    finished.write_text(json.dumps(told))
    return told


def _registered(settings: Settings, database: Database, units: int) -> tuple[str, str]:
    with database.write() as session:
        _, key = create_key(session, owner="bench@example.com", team="bench", role=Role.approver)
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
        ids = {name: _created(client, "metrics", one)["id"] for name, one in (("cpi", CALLS), ("kpi", SPENT))}
        mechanism = _created(client, "mechanisms", {**MECHANISM, "cpi": ids["cpi"]})["id"]
        hypothesis = _created(client, "hypotheses", {**HYPOTHESIS, **ids})["id"]
        _stepped(client, f"hypotheses/{hypothesis}", "register")
        dose = {"amount": -1, "unit": "call", "kind": "change"}
        arms = [{"role": "treatment", "arm": "prefilled", "mechanism": mechanism, "dose": dose}]
        plan = {
            "name": "Prefilled quotes",
            "unit_type": "customer",
            "arms": [
                {"name": arm, "weight": 1, "control": arm == "control"} for arm in ("control", "prefilled")
            ],
            "hypotheses": [{"hypothesis": hypothesis, "arms": arms}],
            "records_differently": [],
            "shared_capacity": [],
            "planned_size": {"units": units, "per": "total"},
        }
        experiment = str(_created(client, "experiments", plan)["id"])
        for step in ("approve", "start", "stop"):
            _stepped(client, f"experiments/{experiment}", step)
        asked = client.post(f"/v1/experiments/{experiment}/explorations", json={"attributes": attributes()})
        asked.raise_for_status()
    return experiment, str(asked.json()["id"])


def _created(client: TestClient, room: str, document: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"/v1/{room}", json=document)
    if answer.status_code != 201:
        raise RuntimeError(answer.text)
    return dict(answer.json())


def _stepped(client: TestClient, path: str, step: str) -> None:
    current = client.get(f"/v1/{path}").headers["ETag"]
    client.post(f"/v1/{path}:{step}", headers={"If-Match": current}).raise_for_status()


def _fill(settings: Settings, database: Database, experiment: str, units: int) -> None:
    """Straight into the lake; mobile customers alone call less."""
    with duckdb.connect() as source:
        source.execute("SET TimeZone = 'UTC'")
        source.execute("CREATE MACRO draw(i, k) AS hash(i, k, 7) % 1000003 / 1000003.0")
        versions = {}
        rows = source.execute(_ASSIGNMENTS, [experiment, units]).to_arrow_table()
        versions[FactKind.ASSIGNMENTS] = _append(settings, FactKind.ASSIGNMENTS, rows)
        for event in ("called", "policy_bought"):
            rows = source.execute(_OUTCOMES.replace("{event}", event), [units]).to_arrow_table()
            versions[FactKind.OUTCOMES] = _append(settings, FactKind.OUTCOMES, rows)
        for place, name in enumerate(attributes()):
            rows = source.execute(_ATTRIBUTE, [units, name, place]).to_arrow_table()
            versions[FactKind.ATTRIBUTES] = _append(settings, FactKind.ATTRIBUTES, rows)
    with database.write() as session:
        session.add(_fold(units))
        session.flush()
        for kind, version in versions.items():
            session.add(FoldTable(fold_id=1, kind=kind, version=version, rows=None))


def explored(folder: str, exploration: str) -> dict[str, Any]:
    """The whole job in this process, with what it cost and the first segment that it found."""
    settings = Settings(data_dir=Path(folder), duckdb_memory_limit="1250MB")
    began = time.process_time()
    for name in CAUSAL_PRELOAD:
        importlib.import_module(name)
    loading = time.process_time() - began
    database = Database.open(settings.url)
    task = Task(
        id="run_bench",
        kind=RunKind.EXPLORATION,
        subject=exploration,
        type=RunType.EXPLORATORY,
        as_of=AS_OF,
        attempt=1,
    )
    stages: list[tuple[str, float, float]] = []
    wall, cpu = time.perf_counter(), time.process_time()

    def report(name: str, _share: float) -> None:
        stages.append((name, time.perf_counter() - wall, time.process_time() - cpu))

    outcome = compute(settings, database, task, report)
    found: Any = outcome.result["explored"]
    cost = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "loading": loading}
    database.close()
    if "not_estimable" in found:
        raise RuntimeError(str(found))
    return cost | {
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "units": found["units"],
        "share": found["share"],
        "columns": len(found["kpi_line"]["terms"]),
        "segment": found["segments"][0]["words"],
        "held_up": found["segments"][0]["held_up"],
        "load": os.getloadavg()[0],
        "stages": stages,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exploration", description=__doc__)
    parser.add_argument("--units", type=int, default=1_000_000)
    parser.add_argument("--inside", nargs=2, help="a folder and an exploration: measure here, and print JSON")
    asked = parser.parse_args()
    if asked.inside:
        sys.stdout.write(json.dumps(explored(*asked.inside)))
        return
    world = made(asked.units)
    command = [
        sys.executable,
        "-m",
        "tests.bench.exploration",
        "--inside",
        world["folder"],
        world["exploration"],
    ]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(told.stdout.splitlines()[-1])
    table = Table("", "measured", "goal", title=f"{found['units']:,} units, {found['columns']} columns")
    table.add_row("wall", f"{found['wall']:.1f} s", f"{GOAL_SECONDS:.0f} s")
    table.add_row("CPU", f"{found['cpu']:.1f} s", "")
    table.add_row("CPU of loading libraries, once a worker", f"{found['loading']:.1f} s", "")
    table.add_row("peak resident", f"{found['peak'] / (1 << 20):,.0f} MiB", f"{GOAL_BYTES >> 20:,} MiB")
    table.add_row("load average", f"{found['load']:.1f}", "")
    console = Console()
    console.print(table)
    for name, wall, cpu in found["stages"]:
        console.print(f"{name:>20} begins at {wall:6.1f} s, {cpu:6.1f} s of CPU")
    console.print(
        f"first segment: {found['segment']}, held up: {found['held_up']}; share {found['share']:.0%}"
    )


if __name__ == "__main__":
    main()
