"""The exploration run: what does a child compute, and what does its parent keep?"""

from dataclasses import replace

from sqlalchemy.orm import Session

from analyses import Explored, NotEstimable, Trial, as_json, explore
from service.evidence import job as analysis
from service.evidence.plan import Plan
from service.evidence.plans import plan_of
from service.explorations import service
from service.explorations.rules import Asked, cap_of, question_of, trial_of, why_not, windows
from service.explorations.schemas import ExplorationRequest
from service.facts import Sampling, Snapshot, UnitRows, fold, unit_rows
from service.kit.database import Database
from service.runs.rules import RunType
from service.runs.task import Outcome, ReportStage, Task, versions
from service.settings import Settings

METHOD = "honest halves"
LIBRARIES = ("numpy", "scipy", "scikit-learn", "econml", "duckdb", "ibis-framework", "deltalake", "pyarrow")
READ = 0.4  # of the whole, by the time that the units are read


def compute(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """Read the units, look for segments in one half and test them in the other."""
    report("planning", 0.0)
    with database.read() as session:
        row = service.get(session, task.about)
        plan = plan_of(session, row.experiment_id)
        asked = service.asked_of(plan, ExplorationRequest.model_validate(row.asked))
    why = why_not(plan, asked)
    if why is not None:
        return _outcome(why, None, asked, plan)
    report("folding", 0.05)
    snapshot = fold(settings, database)
    report("reading", 0.15)
    trial, rows = _read(settings, snapshot, plan, asked, task)
    found = explore(
        trial, asked.question, seed=asked.seed, report=lambda name, share: report(name, _of(share))
    )
    if isinstance(found, Explored):
        found = replace(found, checks=(windows(rows), *found.checks))
    return _outcome(found, rows, asked, plan, snapshot)


def _of(share: float) -> float:
    return READ + (1.0 - READ) * share


def _read(
    settings: Settings, snapshot: Snapshot, plan: Plan, asked: Asked, task: Task
) -> tuple[Trial, UnitRows]:
    """The rows without their values, which the trial has taken: a million of them are no longer needed."""
    query = question_of(plan, asked, analysis.question_of(plan, task.as_of))
    rows = unit_rows(settings, snapshot, query, Sampling(seed=asked.seed, cap=cap_of(query)))
    trial = trial_of(plan, asked, rows)
    return trial, replace(rows, values=rows.values[:0], segments={}, numbers={})


def _outcome(
    found: Explored | NotEstimable,
    rows: UnitRows | None,
    asked: Asked,
    plan: Plan,
    snapshot: Snapshot | None = None,
) -> Outcome:
    return Outcome(
        type=RunType.EXPLORATORY,
        result={"explored": as_json(found)},
        provenance={
            "method": METHOD,
            "versions": versions(LIBRARIES),
            "plan_hash": plan.digest,
            "fingerprint": None if rows is None else rows.fingerprint,
            "seed": asked.seed,
            "sample": None
            if rows is None
            else {"units": rows.n, "analysed": rows.analysed, "share": rows.share, "cap": rows.sampling.cap},
        },
        snapshot=None if snapshot is None else snapshot.to_json(),
    )


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """Nothing besides the run itself: an exploration is no evidence, and moves no verdict."""
