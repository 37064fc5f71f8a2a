"""Which assignments fit an experiment? Looked up for many at once, as a batch of them comes in."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import batched

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.experiments.tables import ExperimentPhaseRow, ExperimentRow

FIRST = frozenset({1})  # the phase of those that have not started
_LOOKED_UP_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignable:
    """Whose experiment it is, its arms, and the phases it has had so far."""

    team: str
    arms: frozenset[str]
    phases: frozenset[int]


def assignable(session: Session, experiment_ids: Collection[str]) -> dict[str, Assignable]:
    """Those of them that exist."""
    found: dict[str, Assignable] = {}
    for ids in batched(sorted(experiment_ids), _LOOKED_UP_AT_ONCE, strict=False):
        phases = _phases(session, ids)
        plans = select(ExperimentRow.id, ExperimentRow.team, ExperimentRow.plan)
        for experiment, team, plan in session.execute(plans.where(ExperimentRow.id.in_(ids))):
            arms = frozenset(arm["name"] for arm in plan["arms"])
            found[experiment] = Assignable(team=team, arms=arms, phases=phases.get(experiment, FIRST))
    return found


def _phases(session: Session, experiment_ids: Collection[str]) -> Mapping[str, frozenset[int]]:
    found: defaultdict[str, set[int]] = defaultdict(set)
    phases = select(ExperimentPhaseRow.experiment_id, ExperimentPhaseRow.number)
    for experiment, number in session.execute(
        phases.where(ExperimentPhaseRow.experiment_id.in_(experiment_ids))
    ):
        found[experiment].add(number)
    return {experiment: frozenset(numbers) for experiment, numbers in found.items()}
