"""The grading run: what does a child compute over past experiments, and what does its parent keep?"""

import platform
from importlib.metadata import version

from sqlalchemy.orm import Session

from service.evidence.imported import service
from service.evidence.imported.documents import GradeDocument
from service.evidence.imported.grading import graded
from service.hypotheses import registered as hypotheses
from service.kit.database import Database
from service.runs.rules import RunType
from service.runs.task import Outcome, Outdated, ReportStage, Task
from service.settings import Settings

METHOD = "rule E, retrospective"
LIBRARIES = ("numpy", "scipy")


def compute(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:  # noqa: ARG001
    """Judge what was imported under the registered rule. It is exploratory: it enters no verdict."""
    report("reading", 0.0)
    with database.read() as session:
        basis = service.basis(session, _subject(task))
    report("grading", 0.2)
    return Outcome(
        type=RunType.EXPLORATORY,
        result={"retrospective": graded(basis).model_dump(mode="json"), "basis": basis.key},
        provenance={
            "method": METHOD,
            "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
            "plan_hash": basis.hypothesis.sha256,
            "fingerprint": basis.key,
            "seed": None,
        },
    )


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """Keep the grade, unless what it rests on has changed since it was made."""
    hypotheses.hold(session, [_subject(task)])
    rested_on = service.basis(session, _subject(task))
    if rested_on.key != outcome.result["basis"]:
        raise Outdated(_subject(task))
    service.keep(session, task.id, rested_on, GradeDocument.model_validate(outcome.result["retrospective"]))


def _subject(task: Task) -> str:
    if task.subject is None:
        raise ValueError(f"expected the hypothesis that run {task.id} grades")
    return task.subject
