"""A past study from a warehouse goes in: how does its retrospective grade come out?"""

import json
import time
from pathlib import Path
from threading import Event

from pydantic import ValidationError

from service import worker
from service.access.rules import Actor, Role
from service.cli.store import opened
from service.cli.transfer.past import PastStudy, past_study
from service.evidence.imported import service as imported
from service.evidence.imported.documents import GradeDocument, NextExperiment
from service.evidence.imported.schemas import PastExperiments
from service.facts.sources.secrets import SourceUnusable
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.clock import now
from service.kit.database import Database
from service.kit.errors import Invalid, Unavailable, excerpt
from service.runs import service as runs
from service.runs.rules import RunState
from service.runs.task import Unanswerable
from service.settings import Settings
from service.sources import service as sources
from service.sources.schemas import Source, SourceDraft

PATIENCE = 600.0  # seconds for a grade that another worker computes
_LOOK_AGAIN = 0.5


def graded(settings: Settings, source: str, asked: PastStudy, hypothesis_id: str) -> GradeDocument:
    """Read it, keep its contrasts, and wait for the grade of all that was imported for the hypothesis."""
    with opened(settings) as database:
        with database.read() as session:
            hypothesis = hypotheses.get_registered(session, hypothesis_id)
        where = _source(database, source, hypothesis)
        try:
            document = past_study(settings, where, asked, hypothesis, now())
        except (SourceUnusable, Unanswerable) as error:
            raise Invalid(str(error)) from error
        actor = Actor(key_id="import", owner="import", team=hypothesis.team, role=Role.admin)
        with database.write() as session:
            made = imported.accept(session, actor, _read(document))
        return _grade(settings, database, hypothesis.id, made.runs[hypothesis.id])


def _source(database: Database, named: str, hypothesis: RegisteredHypothesis) -> Source:
    """A registered one by its id; else a file that says what registering one would."""
    path = Path(named)
    if not path.is_file():
        with database.read() as session:
            return sources.get(session, named)
    try:
        draft = SourceDraft.model_validate_json(path.read_text(encoding="utf-8"))
    except (ValidationError, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: {excerpt(error)}") from error
    return sources.unregistered(draft, hypothesis.team)


def _read(document: object) -> PastExperiments:
    """By way of JSON, in which an import's dates are texts."""
    try:
        return PastExperiments.model_validate_json(json.dumps(document, allow_nan=False))
    except ValidationError as error:
        (first, *_) = error.errors(include_url=False)
        where = ".".join(map(str, first["loc"]))
        raise Invalid(f"What was read makes no experiment: {where}: {first['msg']}.") from error


def _grade(settings: Settings, database: Database, hypothesis_id: str, run_id: str) -> GradeDocument:
    """Whichever worker computes it: one that runs already, or this process."""
    until = time.monotonic() + PATIENCE
    worker.work(settings, database, Event(), until_idle=True)
    while True:
        with database.read() as session:
            run = runs.get(session, run_id)
            if run.state is RunState.SUCCEEDED:
                return GradeDocument.model_validate(
                    imported.latest(session, [hypothesis_id])[hypothesis_id].document
                )
            if run.state in (RunState.FAILED, RunState.CANCELLED):
                raise Unavailable(
                    f"The contrasts are kept; their grading {run.state.value}: see run {run_id}."
                )
        if time.monotonic() > until:
            raise Unavailable(f"The contrasts are kept, and their grade is still to come: see run {run_id}.")
        time.sleep(_LOOK_AGAIN)


def in_words(grade: GradeDocument) -> str:
    """What people read first: what it says, that it is no verdict, and what to run next."""
    following = grade.next_experiment
    if isinstance(following, NextExperiment):
        told = [following.sentence, following.days_sentence]
    else:
        told = [f"Which experiment to run next cannot be said: {following.not_estimable.detail}"]
    why = [reason.text for reason in grade.reasons]
    return "\n".join([f"Retrospective, no verdict: {grade.sentence}", *why, "Next: " + told[0], *told[1:]])
