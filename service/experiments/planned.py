"""What do facts, runs and evidence see of an experiment? Its plan and its times, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.experiments.schemas import (
    Arm,
    ArmRole,
    ExperimentState,
    Phase,
    RandomisedBy,
    RecordedDifferently,
    UnderTest,
)
from service.metrics.schemas import EventMatch
from service.metrics.service import PinnedMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedExperiment:
    """One experiment. Metrics are pinned; hypotheses are named by id, each with the arms' roles."""

    id: str
    name: str
    team: str
    owner: str
    unit_type: str
    state: ExperimentState
    arms: tuple[Arm, ...]
    hypotheses: tuple[UnderTest, ...]
    hypothesis_versions: Mapping[str, int]  # pinned at approval
    secondary: tuple[PinnedMetric, ...]
    guardrails: tuple[PinnedMetric, ...]
    covariates: tuple[str, ...]  # metric ids
    records_differently: tuple[RecordedDifferently, ...]
    shared_capacity: tuple[str, ...]
    randomised_by: RandomisedBy
    cluster: str | None
    interference_possible: bool
    exposure: EventMatch | None  # None: the assignment is the exposure
    planned_units: int  # in total
    planned_looks: int
    phases: tuple[Phase, ...]
    sha256: str | None
    approved_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    concluded_at: datetime | None

    @property
    def control(self) -> Arm:
        return next(arm for arm in self.arms if arm.control)

    @property
    def treatments(self) -> tuple[Arm, ...]:
        return tuple(arm for arm in self.arms if not arm.control)

    @property
    def stopped(self) -> bool:
        return self.state in (ExperimentState.STOPPED, ExperimentState.CONCLUDED)

    def shares(self) -> dict[int, dict[str, float]]:
        """Planned shares by phase and arm, adding up to one; before the start, the first phase's."""
        weights = {phase.number: phase.weights for phase in self.phases}
        weights = weights or {1: {arm.name: arm.weight for arm in self.arms}}
        return {
            number: {arm: weight / sum(planned.values()) for arm, weight in planned.items()}
            for number, planned in weights.items()
        }

    def roles(self, hypothesis_id: str) -> tuple[ArmRole, ...]:
        """The roles that arms were given for it; none where the plan does not name it."""
        named = (test.arms for test in self.hypotheses if test.hypothesis == hypothesis_id)
        return next(named, ())
