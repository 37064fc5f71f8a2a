"""Facts: what was assigned, what happened, and what both say of an experiment's arms.

In a worker or a child process, never in the API (the engine's libraries load on first use):

    snapshot = fold(settings, database)           # every acknowledged batch into the lake, then pinned
    snapshot = pin(settings, database)            # the lake as it is, nothing folded
    snapshot = reopened(settings, database, text) # what a run kept, without units that were erased since
    result = moments(settings, snapshot, query)   # MomentsQuery -> MomentsResult
    mark_lost(session, run, text)                 # as a run is kept: what its snapshot lost since it was read
    values = unit_values(settings, snapshot, query)  # of each analysed unit, in batches, for replays
    rows = unit_rows(settings, snapshot, query, Sampling())  # units one by one, of a population as well
    measure = measure_of(ref, definition)         # how analyses reads a metric off result.columns
    columns = rates(definition)                   # for whom it is seen: columns, and each one's events

``result.moments[arm, phase]`` are analyses.Moments, for every arm in every phase; ``segments``, ``days``,
``quantiles`` and ``largest`` are said in query/answer.py. ``result.n``, ``assigned``, ``exposed`` and
``excluded`` say what became of every unit: the sample ratio is checked on them.
``snapshot.to_json()`` is what a run keeps to read the very same files again.
"""

from service.facts.engine import SnapshotGone
from service.facts.lake.deletions import mark as mark_lost
from service.facts.lake.folding import fold, pin, reopened
from service.facts.lake.snapshot import Snapshot
from service.facts.query.answer import DayCount, MomentsResult, NumbersRead, UnitCount, UnitState
from service.facts.query.columns import is_rate, measure_of, rates, steps_of
from service.facts.query.question import MomentsQuery, PopulationQuery
from service.facts.query.reading import moments, unit_values
from service.facts.query.units import Levels, Sampling, UnitRows, unit_rows

__all__ = [
    "DayCount",
    "Levels",
    "MomentsQuery",
    "MomentsResult",
    "NumbersRead",
    "PopulationQuery",
    "Sampling",
    "Snapshot",
    "SnapshotGone",
    "UnitCount",
    "UnitRows",
    "UnitState",
    "fold",
    "is_rate",
    "mark_lost",
    "measure_of",
    "moments",
    "pin",
    "rates",
    "reopened",
    "steps_of",
    "unit_rows",
    "unit_values",
]
