"""The grading run: what does a child compute over past experiments, and what does its parent keep?"""

from sqlalchemy.orm import Session

from service.evidence.imported import service
from service.evidence.imported.documents import GradeDocument
from service.evidence.imported.grading import graded
from service.hypotheses import registered as hypotheses
from service.kit.database import Database
from service.runs.rules import RunType
from service.runs.task import Outcome, Outdated, ReportStage, Task, versions
from service.settings import Settings

METHOD = "rule E, retrospective"
LIBRARIES = ("numpy", "scipy")


def compute(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:  # noqa: ARG001
    """Judge what was imported under the registered rule. It is exploratory: it enters no verdict."""
    report("reading", 0.0)
    with database.read() as session:
        basis = service.basis(session, task.about)
    report("grading", 0.2)
    return Outcome(
        type=RunType.EXPLORATORY,
        result={"retrospective": graded(basis).model_dump(mode="json"), "basis": basis.key},
        provenance={
            "method": METHOD,
            "versions": versions(LIBRARIES),
            "plan_hash": basis.hypothesis.sha256,
            "fingerprint": basis.key,
            "seed": None,
        },
    )


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """Keep the grade, unless what it rests on has changed since it was made."""
    hypotheses.hold(session, [task.about])
    rested_on = service.basis(session, task.about)
    if rested_on.key != outcome.result["basis"]:
        raise Outdated(task.about)
    service.keep(session, task.id, rested_on, GradeDocument.model_validate(outcome.result["retrospective"]))
