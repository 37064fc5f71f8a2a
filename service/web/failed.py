"""Did the latest analysis of an experiment fail? What went wrong, when, and where all of it stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from service.experiments import planned as experiments
from service.runs import service as runs
from service.runs.rules import FINISHED, RunState
from service.runs.service import RunHead

OURS = ("time_limit", "worker_lost", "child_died", "child_not_started")
"""What the machine did; anything else is what the computation itself had to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """One failed run; ``why`` names a text, and ``message`` is what it said where no text says it better."""

    run_id: str
    experiment_id: str
    experiment: str
    at: datetime
    why: str
    message: str
    again: str | None  # the run that tries anew, while it is open


def failed(found: Sequence[RunHead], experiment: str) -> Failed | None:
    """Of planned runs, the newest first, the latest that ended, if it failed; a cancelled one did not."""
    ended = next(
        (run for run in found if run.state in FINISHED and run.state is not RunState.CANCELLED), None
    )
    if ended is None or ended.state is not RunState.FAILED or ended.experiment_id is None:
        return None
    anew = next((run.id for run in found if run.state not in FINISHED), None)
    kind = ended.error_type or ""
    return Failed(
        run_id=ended.id,
        experiment_id=ended.experiment_id,
        experiment=experiment,
        at=ended.finished_at or ended.created_at,
        why=kind if kind in OURS else "said",
        message=ended.error_message or kind,
        again=anew,
    )


def failures(session: Session, experiment_ids: Sequence[str]) -> list[Failed]:
    """Of the experiments that a lever rests on or waits for."""
    names = experiments.names(session, experiment_ids)
    found = (failed(runs.planned_heads(session, one), names[one]) for one in dict.fromkeys(experiment_ids))
    return [one for one in found if one is not None]
