"""Which assignments fit an experiment? Looked up for many at once, as a batch of them comes in."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.experiments.tables import ExperimentPhaseRow, ExperimentRow

FIRST = frozenset({1})  # the phase of those that have not started
BY_ASSIGNMENT = "assignment"  # a plan's exposure where that is when a unit meets the difference
_LOOKED_UP_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignable:
    """Whose experiment it is, its arms, the phases it has had so far, and when units count."""

    team: str
    arms: frozenset[str]
    phases: frozenset[int]
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    met_later: bool = False  # an exposure after the assignment says when a unit met the difference


def assignable(session: Session, experiment_ids: Collection[str]) -> dict[str, Assignable]:
    """Those of them that exist."""
    found: dict[str, Assignable] = {}
    for ids in batched(sorted(experiment_ids), _LOOKED_UP_AT_ONCE, strict=False):
        phases = _phases(session, ids)
        columns = (ExperimentRow.team, ExperimentRow.plan, ExperimentRow.started_at, ExperimentRow.stopped_at)
        plans = select(ExperimentRow.id, *columns)
        for experiment, team, plan, started, stopped in session.execute(
            plans.where(ExperimentRow.id.in_(ids))
        ):
            found[experiment] = Assignable(
                team=team,
                arms=frozenset(arm["name"] for arm in plan["arms"]),
                phases=phases.get(experiment, FIRST),
                started_at=started,
                stopped_at=stopped,
                met_later=plan.get("exposure", BY_ASSIGNMENT) != BY_ASSIGNMENT,
            )
    return found


def _phases(session: Session, experiment_ids: Collection[str]) -> Mapping[str, frozenset[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    phases = select(ExperimentPhaseRow.experiment_id, ExperimentPhaseRow.number)
    for experiment, number in session.execute(
        phases.where(ExperimentPhaseRow.experiment_id.in_(experiment_ids))
    ):
        found[experiment].add(number)
    return {experiment: frozenset(numbers) for experiment, numbers in found.items()}
