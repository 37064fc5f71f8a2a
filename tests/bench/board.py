"""How long does the board take at 1,000 hypotheses and 500 experiments? `python -m tests.bench.board`.

The company is made through the same functions as over HTTP; the verdicts are judged from drawn contrasts. A
request's time is all that passes between asking the app and having its page, in this process.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import structlog
from fastapi.testclient import TestClient
from pydantic import JsonValue
from rich.console import Console
from rich.table import Table
from sqlalchemy.orm import Session

from analyses import ContrastArm, ExperimentContrasts
from service.access.rules import Actor, Role
from service.access.service import create_key
from service.app import create_app, settle
from service.evidence.documents import JudgementDocument
from service.evidence.judgement import Basis, Counted, rule_document
from service.evidence.judging import judgement_document
from service.evidence.tables import MetricLevel, Verdict
from service.experiments import service as experiments
from service.experiments.schemas import ExperimentDraft
from service.hypotheses import mechanisms
from service.hypotheses import registered as hypotheses
from service.hypotheses import service as claims
from service.hypotheses.registered import RegisteredHypothesis
from service.hypotheses.schemas import HypothesisDraft, MechanismDraft
from service.kit import schema
from service.kit.clock import now
from service.kit.database import Database
from service.kit.ids import new_id
from service.metrics import service as metrics
from service.metrics.schemas import MetricDraft
from service.settings import Settings
from tests.experiments.drafts import treatment
from tests.hypotheses.drafts import hypothesis, mechanism
from tests.metrics.drafts import cpi, kpi

BAR_MS = 50.0
BAR_BYTES = 300_000
DRAWN = 12  # verdicts that are judged; the others repeat them
TEAMS = ("growth", "claims", "service", "pricing")
PAGES = (
    "/board",
    "/board?sort=team",
    "/board?q=quote&state=confirmed",
    "/board?volume=200000&increments=1",
    "/map",
    "/experiments",
    "/metrics",
)
KEY_ACTOR = Actor(key_id="key_bench", owner="bench@example.com", team="growth", role=Role.admin)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A company on the disk, and a key to its pages."""

    settings: Settings
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One page: milliseconds on the clock and on the processors, of each round, and its bytes."""

    page: str
    walls: Sequence[float]
    cpus: Sequence[float]
    size: int


def company(folder: Path, *, claims_made: int, run: int, seed: int) -> Made:
    """CPIs and KPIs, a hypothesis for each of so many pairs, experiments, and a verdict on four fifths."""
    settings = Settings(data_dir=folder)
    database = Database.open(settings.url)
    schema.upgrade(database)
    draw = np.random.default_rng(seed)
    with database.write() as session:
        key = create_key(session, owner="lea@example.com", team="growth", role=Role.viewer)[1]
        made = list(_claims(session, claims_made))
        planned = [_planned(session, one, mec, n) for n, (one, mec) in enumerate(made[:run])]
    with database.write() as session:
        _verdicts(session, made, planned, draw)
    database.close()
    return Made(settings=settings, key=key)


def _claims(session: Session, wanted: int) -> Iterator[tuple[str, str]]:
    """The id of each hypothesis, and of a mechanism that moves its CPI."""
    ends = max(2, round(wanted**0.5))
    cost = {"amount": 0.4, "currency": "EUR"}
    worth = {"amount": 130, "currency": "EUR"}
    expected = [{"segment": "consumers", "level": 0.5}, {"segment": "companies", "level": 60}]
    lefts, rights = [], []
    for n in range(ends):
        actor = replace(KEY_ACTOR, team=TEAMS[n % len(TEAMS)])
        draft = cpi(name=f"Quick quote {n}", cost_of_one_increment=cost, expectations=expected)
        lefts.append(metrics.create(session, actor, MetricDraft.model_validate(draft)).id)
        draft = kpi(name=f"Conversion {n}", value_of_one_unit=worth)
        rights.append(metrics.create(session, actor, MetricDraft.model_validate(draft)).id)
        session.add(
            MetricLevel(metric=f"{lefts[-1]}@1", day=date(2026, 11, 1), units=40_000, level=4.1, before=4.3)
        )
    means = [
        mechanisms.create(session, KEY_ACTOR, MechanismDraft.model_validate(mechanism(one))).value.id
        for one in lefts
    ]
    for n in range(wanted):
        actor = replace(KEY_ACTOR, team=TEAMS[n % len(TEAMS)])
        draft = hypothesis(lefts[n // ends % ends], rights[n % ends], smallest_slope=0.1)
        made = claims.create(session, actor, HypothesisDraft.model_validate(draft)).value.id
        claims.register(session, actor, made, 1)
        yield made, means[n // ends % ends]


def _planned(session: Session, hypothesis_id: str, mechanism_id: str, n: int) -> str:
    plan = {
        "name": f"Prefilled quotes {n}",
        "unit_type": "customer",
        "arms": [{"name": "control", "weight": 1, "control": True}, {"name": "prefilled", "weight": 1}],
        "hypotheses": [{"hypothesis": hypothesis_id, "arms": [treatment("prefilled", mechanism_id)]}],
        "records_differently": [],
        "shared_capacity": [],
        "planned_size": {"units": 1000, "per": "arm"},
    }
    return experiments.create(session, KEY_ACTOR, ExperimentDraft.model_validate(plan)).value.id


def _verdicts(
    session: Session, made: Sequence[tuple[str, str]], planned: Sequence[str], draw: np.random.Generator
) -> None:
    """The real rule judges a few, and what it says is kept for four fifths of all hypotheses."""
    drawn = [_judged(session, made[0][0], planned[0], draw) for _ in range(DRAWN)]
    for n, (hypothesis_id, _) in enumerate(made):
        if n % 5:
            rested_on, judged = drawn[n % DRAWN]
            claimed = hypotheses.get_registered(session, hypothesis_id)
            session.add(_verdict(claimed, rule_document(rested_on), judged, float(draw.uniform(0, 300))))


def _judged(
    session: Session, hypothesis_id: str, experiment_id: str, draw: np.random.Generator
) -> tuple[Basis, JudgementDocument]:
    """A verdict on contrasts of three arms by two mechanisms."""
    claimed = hypotheses.get_registered(session, hypothesis_id)
    counted = Counted(
        experiment_id=experiment_id,
        name="Prefilled quotes",
        run_id="run_bench",
        named=True,
        contrasts=_contrasts(experiment_id, claimed.cpi.key, claimed.kpi.key, draw),
    )
    rested_on = Basis(
        hypothesis=claimed, counted=(counted,), missing=(), planned_shift=2.0, bound_evidence=0, names={}
    )
    return rested_on, judgement_document(rested_on, {})


def _verdict(
    claimed: RegisteredHypothesis, rule: dict[str, JsonValue], judged: JudgementDocument, age: float
) -> Verdict:
    return Verdict(
        id=new_id("ver"),
        hypothesis_id=claimed.id,
        state=judged.verdict.state,
        label=judged.verdict.label,
        relationship=judged.relationship,
        verdict=judged.verdict.model_dump(mode="json"),
        rule=rule,
        hypothesis_version=claimed.version,
        hypothesis_hash=claimed.sha256,
        experiments=judged.experiments,
        missing=[],
        run_id="run_bench",
        created_at=now() - timedelta(days=age),
    )


def _contrasts(
    experiment_id: str, cpi_key: str, kpi_key: str, draw: np.random.Generator
) -> ExperimentContrasts:
    doses = np.array([-2.0, -1.0, -1.5])
    slope = float(draw.choice([0.0, 0.05, 0.3]))
    own = np.array([[0.0004, 0.0], [0.0, 0.0006]])
    shared = np.kron(np.ones((3, 3)) + np.eye(3), own).reshape(3, 2, 3, 2)
    effects = np.column_stack([doses, -slope * doses]) + draw.normal(scale=0.03, size=(3, 2))
    arms = [("fast", "mec_1"), ("faster", "mec_2"), ("fastest", "mec_2")]
    return ExperimentContrasts(
        experiment=experiment_id,
        metrics=(cpi_key, kpi_key),
        arms=tuple(ContrastArm(name=name, mechanism=by) for name, by in arms),
        effects=effects,
        covariance=shared,
        arm_units=(10_000,) * 3,
        control_units=10_000,
    )


def measured(made: Made, rounds: int) -> list[Measured]:
    """Every page, asked for one after another."""
    with TestClient(create_app(made.settings), follow_redirects=False) as client:
        client.post("/sign-in", data={"key": made.key})
        settle()  # as `leverboard serve` does
        return [_measured(client, page, rounds) for page in PAGES]


def _measured(client: TestClient, page: str, rounds: int) -> Measured:
    client.get(page)
    walls, cpus, size = [], [], 0
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        answer = client.get(page)
        walls.append(1000 * (time.perf_counter() - began))
        cpus.append(1000 * (time.process_time() - worked))
        if answer.status_code != 200:
            raise RuntimeError(f"{page} answered {answer.status_code}")
        size = len(answer.content)
    return Measured(page=page, walls=walls, cpus=cpus, size=size)


def report(found: Sequence[Measured], title: str) -> bool:
    """The table; whether every board keeps to the bars."""
    table = Table("page", "median ms", "p95 ms", "CPU ms", "p95 CPU ms", "KB", title=title)
    for one in found:
        numbers = (*_both(one.walls), *_both(one.cpus))
        table.add_row(one.page, *(f"{number:.1f}" for number in numbers), f"{one.size / 1000:.0f}")
    Console().print(table, f"The bars for the board: {BAR_MS:g} ms at p95, {BAR_BYTES / 1000:g} KB.")
    boards = [one for one in found if one.page.startswith("/board")]
    return all(_both(one.walls)[1] <= BAR_MS and one.size < BAR_BYTES for one in boards)


def _both(times: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.bench.board", description=__doc__)
    options.add_argument("--hypotheses", type=int, default=1000)
    options.add_argument("--experiments", type=int, default=500)
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--seed", type=int, default=1)
    asked = options.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with tempfile.TemporaryDirectory() as folder:
        made = company(Path(folder), claims_made=asked.hypotheses, run=asked.experiments, seed=asked.seed)
        found = measured(made, asked.rounds)
    title = f"{asked.hypotheses:,} hypotheses, {asked.experiments:,} experiments"
    raise SystemExit(0 if report(found, title) else 1)


if __name__ == "__main__":
    main()
