"""The study run: what does a child compute from unrandomised data, and what does its parent keep?"""

from sqlalchemy.orm import Session

from service.facts import Snapshot, fold
from service.facts.asking import units_of
from service.kit.database import Database
from service.runs.rules import RunType
from service.runs.task import Outcome, ReportStage, Task, versions
from service.settings import Settings
from service.sources.schemas import Source
from service.studies import service
from service.studies.designs import panel_finding, threshold_finding
from service.studies.findings import graph_finding
from service.studies.reading import Reader, read_averages, read_sample
from service.studies.schemas import GraphStudy, StudyFinding, ThresholdStudy
from service.studies.service import Question

METHOD = "study"
LIBRARIES = ("numpy", "scipy", "dowhy", "econml", "duckdb", "ibis-framework", "deltalake")


def compute(settings: Settings, database: Database, task: Task, report: ReportStage) -> Outcome:
    """Read the units or the groups once, and answer. It is exploratory: no verdict counts it."""
    report("planning", 0.0)
    with database.read() as session:
        question = service.question(session, task.about)
    report("folding", 0.05)
    facts: Snapshot | Source = fold(settings, database) if question.source is None else question.source
    report("reading", 0.1)
    with units_of(settings, facts) as units:
        finding, fingerprint = _found(Reader(units=units, as_of=task.as_of), question, report)
        read = units.snapshot()
    return Outcome(
        type=RunType.EXPLORATORY,
        result={"study": finding.model_dump(mode="json")},
        provenance={
            "method": f"{METHOD}: {question.draft.design}",
            "versions": versions(LIBRARIES),
            "plan_hash": question.sha256,
            "fingerprint": fingerprint,
            "seed": question.draft.seed,
        },
        snapshot=read,
    )


def _found(reader: Reader, question: Question, report: ReportStage) -> tuple[StudyFinding, str]:
    if isinstance(question.draft, GraphStudy | ThresholdStudy):
        read = read_sample(reader, question)
        report("estimating", 0.4)
        answer = graph_finding if isinstance(question.draft, GraphStudy) else threshold_finding
        return answer(question, read), read.fingerprint
    averages = read_averages(reader, question)
    report("estimating", 0.7)
    return panel_finding(question, averages), averages.fingerprint


def record(session: Session, task: Task, outcome: Outcome) -> None:
    """Keep what was found beside whatever was found before."""
    finding = StudyFinding.model_validate(outcome.result["study"])
    fingerprint = str(outcome.provenance["fingerprint"])
    service.keep(session, task.about, task.id, finding, fingerprint=fingerprint, as_of=task.as_of)
