"""The exploration run: what does a child compute, and what does its parent keep?"""

from dataclasses import replace

from sqlalchemy.orm import Session

from analyses import Explored, NotEstimable, Trial, as_json, explore
from service.evidence import job as analysis
from service.evidence.plan import Plan
from service.evidence.plans import plan_of
from service.explorations import service
from service.explorations.rules import Asked, cap_of, question_of, trial_of, unseen, why_not, windows
from service.explorations.schemas import ExplorationRequest
from service.facts import Sampling, Snapshot, UnitRows, fold
from service.facts.asking import units_of
from service.kit.database import Database
from service.runs.rules import RunType
from service.runs.task import Outcome, ReportStage, Task, versions
from service.settings import Settings
from service.sources import service as sources
from service.sources.schemas import Source

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
    facts = _facts(settings, database, plan)
    report("reading", 0.15)
    trial, rows, read = _read(settings, facts, plan, asked, task)
    found = (
        trial
        if isinstance(trial, NotEstimable)
        else explore(
            trial, asked.question, seed=asked.seed, report=lambda name, share: report(name, _of(share))
        )
    )
    if isinstance(found, Explored):
        found = replace(found, checks=(windows(rows), *found.checks))
    return _outcome(found, rows, asked, plan, read)


def _facts(settings: Settings, database: Database, plan: Plan) -> Snapshot | Source:
    """The lake, folded and pinned, or the warehouse that the plan names."""
    if plan.source is None:
        return fold(settings, database)
    with database.read() as session:
        return sources.get(session, plan.source.source, plan.source.version)


def _of(share: float) -> float:
    return READ + (1.0 - READ) * share


def _read(
    settings: Settings, facts: Snapshot | Source, plan: Plan, asked: Asked, task: Task
) -> tuple[Trial | NotEstimable, UnitRows, str]:
    """The rows without their values, which the trial has taken: a million of them are no longer needed.

    And as JSON what was read.
    """
    query = question_of(plan, asked, analysis.question_of(plan, task.as_of))
    known_as = (plan.source and plan.source.experiment) or plan.experiment
    with units_of(settings, facts, known_as) as units:
        rows = units.read(query, Sampling(seed=asked.seed, cap=cap_of(query)))
        read = units.snapshot()
    trial = unseen(plan, asked, rows) or trial_of(plan, asked, rows)
    return trial, replace(rows, values=rows.values[:0], keys=rows.keys[:0], segments={}, numbers={}), read


def _outcome(
    found: Explored | NotEstimable,
    rows: UnitRows | None,
    asked: Asked,
    plan: Plan,
    read: str | None = None,
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
        snapshot=read,
    )


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """Nothing besides the run itself: an exploration is no evidence, and moves no verdict."""
