"""What may happen to a run, and when it is given up?"""

from datetime import timedelta
from enum import StrEnum


class RunKind(StrEnum):
    """What a run computes; the worker maps each kind to its function."""

    ANALYSIS = "analysis"
    RETROSPECTIVE = "retrospective"  # what imported past experiments say of a hypothesis
    SOURCE_TEST = "source_test"  # whether a warehouse can be reached, and what it shows
    POSTERIOR = "posterior"  # what all experiments of a hypothesis say together, as probabilities
    POSTERIOR_AUDIT = "posterior_audit"  # the same by a sampler that takes longer, to check on it
    EXPLORATION = "exploration"  # for whom an experiment's lever may work better or worse
    STUDY = "study"  # what unrandomised data say of a causal question
    REPORT = "report"  # a result written down for people, once and for all


class RunState(StrEnum):
    """Where a run stands; a row in state queued is the queue entry itself."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RunType(StrEnum):
    """What a run may be used for. A final one enters verdicts, an exploratory one never does.

    An interim one does only where its experiment has ended off its planned size, short of it or beyond it.
    """

    INTERIM = "interim"
    FINAL = "final"
    EXPLORATORY = "exploratory"


FINISHED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})
MOST_ATTEMPTS = 3


def after_failure(attempts: int, *, final: bool = False) -> RunState:
    """A failed attempt is tried again until the third, unless it could not end otherwise."""
    return RunState.FAILED if final or attempts >= MOST_ATTEMPTS else RunState.QUEUED


def pause_before(attempts: int) -> timedelta:
    """How long a failed run waits for its next attempt: what broke it may need a moment to pass."""
    return timedelta(seconds=0.25 * 4 ** (attempts - 1))


def planned_type(asked: RunType | None, *, stopped: bool) -> RunType:
    """The type a run starts with; the analysis lowers a final one where the planned size was missed."""
    if asked is RunType.EXPLORATORY:
        return RunType.EXPLORATORY
    return RunType.FINAL if stopped and asked is not RunType.INTERIM else RunType.INTERIM
