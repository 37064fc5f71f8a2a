"""What is measured: a registered experiment, a million units and ten million outcomes in the lake.

Made once from a seed and kept in bench-data/, which is not under version control.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from alembic.util import CommandError
from fastapi.testclient import TestClient
from sqlalchemy import update

from service.access.rules import Role
from service.access.service import create_key
from service.app import create_app
from service.experiments.tables import ExperimentPhaseRow, ExperimentRow
from service.facts.lake import delta
from service.facts.lake.layout import TABLES
from service.facts.tables import FactKind, Fold, FoldTable
from service.hypotheses.tables import HypothesisRow, HypothesisVersionRow
from service.kit import schema
from service.kit.clock import now
from service.kit.database import Database
from service.metrics.tables import MetricVersionRow
from service.settings import Settings

FOLDER = Path("bench-data")
ARMS = ("control", "placebo", "prefilled")
STARTED = datetime(2026, 1, 20, tzinfo=UTC)  # units are assigned over the fortnight from here
STOPPED = datetime(2026, 2, 3, tzinfo=UTC)
AS_OF = datetime(2026, 3, 2, tzinfo=UTC)  # every window has closed
DAYS = 60  # of outcomes, from New Year
_ROWS_AT_ONCE = 2_500_000  # in memory, while they are made


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Where the data are, and what they were made from."""

    folder: str
    experiment: str
    units: int
    outcomes: int
    seed: int

    @property
    def settings(self) -> Settings:
        return Settings(data_dir=Path(self.folder))


def world(*, units: int, outcomes: int, seed: int) -> World:
    """The world of this size and seed; made if it is not there."""
    folder = FOLDER / f"{units}-units-{outcomes}-outcomes-seed-{seed}"
    finished = folder / "world.json"
    settings = Settings(data_dir=folder)
    if finished.exists() and _usable(settings):
        return World(**json.loads(finished.read_text()))
    shutil.rmtree(folder, ignore_errors=True)
    database = Database.open(settings.url)
    schema.upgrade(database)
    experiment = _registered(settings, database, units)
    backdate(database, experiment)
    _fill(settings, database, experiment, units=units, outcomes=outcomes, seed=seed)
    database.close()
    made = World(folder=str(folder), experiment=experiment, units=units, outcomes=outcomes, seed=seed)
    finished.write_text(json.dumps(asdict(made)))
    return made


def _usable(settings: Settings) -> bool:
    """Whether this code knows the tables: another branch may have made them, with migrations of its own."""
    database = Database.open(settings.url)
    try:
        schema.upgrade(database)
    except CommandError:
        return False
    finally:
        database.close()
    return True


def _registered(settings: Settings, database: Database, units: int) -> str:
    """Through the API, as a team would: the metrics, a mechanism, the hypothesis and the experiment."""
    with database.write() as session:
        _, key = create_key(session, owner="bench@example.com", team="bench", role=Role.approver)
    with TestClient(create_app(settings), headers={"Authorization": f"Bearer {key}"}) as client:
        cpi, kpi, premium = (_created(client, "metrics", metric)["id"] for metric in (QUOTE, BOUGHT, PREMIUM))
        for rival in (CALLS, RESOLVED):
            _created(client, "metrics", rival)
        mechanism = _created(client, "mechanisms", {**MECHANISM, "cpi": cpi})["id"]
        hypothesis = _created(client, "hypotheses", {**HYPOTHESIS, "cpi": cpi, "kpi": kpi})["id"]
        _stepped(client, f"hypotheses/{hypothesis}", "register")
        plan = _plan(hypothesis, mechanism, premium, units)
        experiment: str = _created(client, "experiments", plan)["id"]
        for step in ("approve", "start", "stop"):
            _stepped(client, f"experiments/{experiment}", step)
    return experiment


def _created(client: TestClient, room: str, document: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"/v1/{room}", json=document)
    if answer.status_code != 201:
        raise RuntimeError(answer.text)
    created: dict[str, Any] = answer.json()
    return created


def _stepped(client: TestClient, path: str, step: str) -> None:
    current = client.get(f"/v1/{path}").headers["ETag"]
    client.post(f"/v1/{path}:{step}", headers={"If-Match": current}).raise_for_status()


def backdate(database: Database, experiment: str) -> None:
    """The API's clock is the present; the data are of last winter."""
    with database.write() as session:
        session.execute(update(MetricVersionRow).values(created_at=STARTED))
        session.execute(update(HypothesisRow).values(registered_at=STARTED))
        session.execute(update(HypothesisVersionRow).values(at=STARTED))
        session.execute(update(ExperimentPhaseRow).values(started_at=STARTED))
        times = {"started_at": STARTED, "stopped_at": STOPPED}
        session.execute(update(ExperimentRow).where(ExperimentRow.id == experiment).values(**times))


def _fill(
    settings: Settings, database: Database, experiment: str, *, units: int, outcomes: int, seed: int
) -> None:
    """Straight into the lake, laid out as folds leave it: days in files, sorted by event and unit."""
    with duckdb.connect() as made:
        made.execute("SET TimeZone = 'UTC'")
        made.execute(f"CREATE MACRO draw(i, k) AS hash(i, k, {seed}) % 1000003 / 1000003.0")
        rows = made.execute(_ASSIGNMENTS, [experiment, units]).to_arrow_table()
        versions = {FactKind.ASSIGNMENTS: _append(settings, FactKind.ASSIGNMENTS, rows)}
        at_once = max(1, min(DAYS, _ROWS_AT_ONCE * DAYS // outcomes))
        for first in range(0, DAYS, at_once):
            span = [first, min(first + at_once, DAYS), units, outcomes // DAYS]
            rows = made.execute(_OUTCOMES, span).to_arrow_table()
            versions[FactKind.OUTCOMES] = _append(settings, FactKind.OUTCOMES, rows)
    with database.write() as session:
        session.add(_fold(units + outcomes))
        session.flush()
        for kind, version in versions.items():
            session.add(FoldTable(fold_id=1, kind=kind, version=version, rows=None))


def _append(settings: Settings, kind: FactKind, rows: Any) -> int:
    table = delta.open_table(settings, kind)
    delta.append(table, rows.cast(TABLES[kind].schema), turn=1)
    version: int = table.version()
    return version


def _fold(rows: int) -> Fold:
    return Fold(
        id=1,
        holder="bench",
        lease_until=now(),
        planned_at=now(),
        folded_at=now(),
        batches=0,
        rows=rows,
    )


_ASSIGNMENTS = """
SELECT
    $1 AS experiment,
    printf('customer-%09d', i) AS unit,
    ['control', 'placebo', 'prefilled'][1 + floor(3 * draw(i, 1))::INT] AS arm,
    TIMESTAMPTZ '2026-01-20 00:00:00Z' + to_microseconds((draw(i, 2) * 14 * 86400e6)::BIGINT) AS time,
    1::INT AS phase
FROM range($2::BIGINT) AS t(i)
ORDER BY unit
"""
_OUTCOMES = """
WITH drawn AS (
    SELECT
        floor(draw(i, 3 + 7 * d) * $3)::BIGINT AS customer,
        [4, 5, 3, 1, 6, 2][1 + floor(6 * draw(i, 4 + 7 * d))::INT] AS place,
        draw(i, 5 + 7 * d) AS x,
        draw(i, 6 + 7 * d) AS y,
        d, i
    FROM range($1::BIGINT, $2::BIGINT) AS days(d), range($4::BIGINT) AS t(i)
    ORDER BY d, place, customer, x  -- as day, event, unit and time: numbers are sorted four times as fast
), happened AS (
    SELECT
        TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_days(d::INT) AS midnight,
        ['called', 'page_viewed', 'policy_bought', 'quote_asked', 'quote_shown', 'resolved'][place] AS event,
        customer, x, y, d, i
    FROM drawn
)
SELECT
    midnight::DATE AS day,
    'api:bench' AS source,
    printf('e-%d-%d', d, i) AS id,
    printf('customer-%09d', customer) AS unit,
    event,
    midnight + to_microseconds((x * 86400e6)::BIGINT) AS time,
    CASE event WHEN 'policy_bought' THEN round(200 + 600 * y * y, 2) END AS value,
    CASE event
        WHEN 'quote_shown' THEN printf('{"channel":"web","minutes":%.1f}', 1 + 20 * y)
        WHEN 'policy_bought' THEN printf('{"channel":"%s"}', ['web', 'app', 'phone'][1 + floor(3 * x)::INT])
    END AS properties
FROM happened
"""

_EVIDENCE = {
    "method": "contextual_inquiry_observation",
    "summary": "Nine of twelve gave up comparing insurers when a quote took over a minute",
    "place": "Car dealers' waiting rooms, Leeds",
    "researcher": "Grace Okafor",
    "journey_point": "Comparing insurers for a car just bought",
    "date": "2026-03-14",
    "customers": 12,
}
_CPI = {
    "kind": "cpi",
    "unit_type": "customer",
    "outcome": "I know what it costs before I have to move on",
    "function": "marketing",
    "value_kind": "time",
    "evidence": [_EVIDENCE],
}
QUOTE = {
    **_CPI,
    "name": "Quick quote",
    "increment": {"amount": 1, "unit": "minute", "better": "lower"},
    "definition": {
        "aggregation": "mean",
        "event": {"event": "quote_shown"},
        "value_property": "minutes",
        "value_type": "duration",
        "window": "P7D",
        "population": {"triggered": {"event": "quote_asked"}},
    },
}
CALLS = {
    **_CPI,
    "name": "Calls needed",
    "increment": {"amount": 1, "unit": "call", "better": "lower"},
    "definition": {"aggregation": "count", "event": {"event": "called"}, "window": "P14D"},
}
RESOLVED = {
    **_CPI,
    "name": "Resolved after calling",
    "increment": {"amount": 0.01, "unit": "share", "better": "higher"},
    "definition": {
        "aggregation": "proportion",
        "all_of": [{"event": "called"}, {"event": "resolved"}],
        "window": "P14D",
    },
}
_KPI = {"kind": "kpi", "unit_type": "customer"}
BOUGHT = {
    **_KPI,
    "name": "Conversion",
    "definition": {"aggregation": "proportion", "all_of": [{"event": "policy_bought"}], "window": "P14D"},
}
PREMIUM = {
    **_KPI,
    "name": "Premium bought online",
    "definition": {
        "aggregation": "sum",
        "event": {
            "event": "policy_bought",
            "where": [{"property": "channel", "op": "in", "value": ["web", "app"]}],
        },
        "value_type": "money",
        "window": "P14D",
        "cap": {"upper": 1500.0},
    },
}
MECHANISM = {"name": "Prefilled vehicle data", "description": "The number plate fills in the vehicle"}
HYPOTHESIS = {
    "direction": "increase",
    "smallest_slope": 0.01,
    "direct_effect_bound": "unknown",
    "rationale": "Who gets a quote at once compares less",
    "unit_type": "customer",
    "window": "P14D",
}


def _plan(hypothesis: str, mechanism: str, premium: str, units: int) -> dict[str, Any]:
    dose = {"amount": 2, "unit": "minute", "kind": "change"}
    return {
        "name": "Prefilled quotes",
        "unit_type": "customer",
        "arms": [{"name": arm, "weight": 1, "control": arm == "control"} for arm in ARMS],
        "hypotheses": [
            {
                "hypothesis": hypothesis,
                "arms": [
                    {"role": "placebo", "arm": "placebo", "shares": "The same page without the answers"},
                    {"role": "treatment", "arm": "prefilled", "mechanism": mechanism, "dose": dose},
                ],
            }
        ],
        "secondary": [{"metric": premium}],
        "records_differently": [],
        "shared_capacity": [],
        "planned_size": {"units": units // 2, "per": "total"},
    }
