"""Facts: what was assigned, what happened, and what both say of an experiment's arms.

In a worker or a child process, never in the API (the engine's libraries load on first use):

    snapshot = fold(settings, database)           # every acknowledged batch into the lake, then pinned
    snapshot = pin(settings, database)            # the lake as it is, nothing folded
    snapshot = reopened(settings, database, text) # what a run kept, without units that were erased since
    result = moments(settings, snapshot, query)   # MomentsQuery -> MomentsResult
    values = unit_values(settings, snapshot, query)  # of each analysed unit, in batches, for replays
    measure = measure_of(ref, definition)         # how analyses reads a metric off result.columns
    columns = rates(definition)                   # for whom it is seen: columns, and each one's events

``result.moments[arm, phase]`` are analyses.Moments, for every arm in every phase; ``segments``, ``days``,
``quantiles`` and ``largest`` are said in query/answer.py. ``result.n``, ``assigned``, ``exposed`` and
``excluded`` say what became of every unit: the sample ratio is checked on them.
``snapshot.to_json()`` is what a run keeps to read the very same files again.
"""

from service.facts.engine import SnapshotGone
from service.facts.lake.folding import fold, pin, reopened
from service.facts.lake.snapshot import Snapshot
from service.facts.query.answer import DayCount, MomentsResult, UnitCount, UnitState
from service.facts.query.columns import is_rate, measure_of, rates
from service.facts.query.question import MomentsQuery
from service.facts.query.reading import moments, unit_values

__all__ = [
    "DayCount",
    "MomentsQuery",
    "MomentsResult",
    "Snapshot",
    "SnapshotGone",
    "UnitCount",
    "UnitState",
    "fold",
    "is_rate",
    "measure_of",
    "moments",
    "pin",
    "rates",
    "reopened",
    "unit_values",
]
