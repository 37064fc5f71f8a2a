"""What may be asked of the facts for one experiment, and what comes back?"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from analyses import Moments
from service.metrics.schemas import Definition, EventMatch

type Cell = tuple[str, int]  # arm, phase


class UnitState(StrEnum):
    """What became of a unit: analysed, or the first reason in this order why not."""

    UNASSIGNED = "unassigned"  # outcomes of the metrics' events, and no assignment to this experiment
    MULTIPLE_ARMS = "multiple_arms"
    UNKNOWN_ARM = "unknown_arm"
    UNKNOWN_PHASE = "unknown_phase"  # one that the experiment never had: nobody planned its shares
    NOT_EXPOSED = "not_exposed"  # only where the experiment declares an exposure event
    OUTSIDE_DATES = "outside_dates"  # exposed before the start or after the stop; assigned only after: no arm
    WINDOW_OPEN = "window_open"
    ANALYSED = "analysed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsQuery:
    """One experiment's arms, and the metrics whose moments are wanted, each named by its pinned version.

    ``horizon`` is how long after exposure a unit must have been seen; at least, and by default, the longest
    window of the metrics. Exposures outside [started_at, stopped_at) are counted, not analysed; a missing end
    is open. Without ``exposure`` the first assignment is the exposure. ``phases`` are those it has had.
    """

    experiment: str
    arms: tuple[str, ...]
    metrics: tuple[tuple[str, Definition], ...]
    as_of: datetime
    horizon: timedelta | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    exposure: EventMatch | None = None
    phases: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        if not self.arms or len(set(self.arms)) != len(self.arms):
            raise ValueError(f"expected at least one arm and no arm twice, got {self.arms}")
        if not self.phases or len(set(self.phases)) != len(self.phases):
            raise ValueError(f"expected at least one phase and no phase twice, got {self.phases}")
        refs = [ref for ref, _ in self.metrics]
        if not refs or len(set(refs)) != len(refs):
            raise ValueError(f"expected at least one metric and no metric twice, got {refs}")
        for moment in (self.as_of, self.started_at, self.stopped_at):
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"expected times with an offset, got {moment.isoformat()}")
        if self.horizon is not None and self.horizon < self.longest_window:
            raise ValueError(
                f"expected a horizon that spans every window, {self.longest_window}, got {self.horizon}"
            )

    @property
    def longest_window(self) -> timedelta:
        return max(definition.window for _, definition in self.metrics)

    @property
    def longest_pre_period(self) -> timedelta:
        return max(definition.pre_period for _, definition in self.metrics)

    @property
    def outcomes_since(self) -> datetime | None:
        """No unit that is analysed has outcomes of interest before."""
        return None if self.started_at is None else self.started_at - self.longest_pre_period

    @property
    def closes_after(self) -> timedelta:
        """How long after its exposure a unit's windows are closed."""
        return self.horizon or self.longest_window


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCount:
    """How many units ended in one state; arm and phase are None where the state leaves them open."""

    state: UnitState
    arm: str | None
    phase: int | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MomentsResult:
    """Moments for every arm and phase (n = 0 where nobody is), and what became of every unit."""

    columns: tuple[str, ...]
    moments: Mapping[Cell, Moments]
    counts: tuple[UnitCount, ...]
    fingerprint: str  # of the snapshot and the SQL that read it

    @property
    def phases(self) -> tuple[int, ...]:
        return tuple(sorted({phase for _, phase in self.moments}))

    def n(self, *states: UnitState, arm: str | None = None, phase: int | None = None) -> int:
        """Units in any of these states; of all arms, and of all phases, unless one is named."""
        return sum(
            count.n
            for count in self.counts
            if count.state in states and arm in (None, count.arm) and phase in (None, count.phase)
        )

    @property
    def everybody(self) -> int:
        """Units that were assigned before the experiment stopped, to one arm or to more."""
        return sum(count.n for count in self.counts if count.arm is not None)

    def assigned(self, arm: str, phase: int | None = None) -> int:
        """Units in this arm alone, whatever became of them after: what the sample ratio is checked on."""
        return self.n(*_IN_ONE_ARM, arm=arm, phase=phase)

    def exposed(self, arm: str, phase: int | None = None) -> int:
        """Of the assigned, those who met the difference; the same number unless exposure is an event."""
        return self.n(*(_IN_ONE_ARM - {UnitState.NOT_EXPOSED}), arm=arm, phase=phase)

    def excluded(self) -> dict[UnitState, int]:
        """How many units are not analysed, by reason."""
        reasons = [state for state in UnitState if state is not UnitState.ANALYSED]
        return {state: self.n(state) for state in reasons}


_IN_ONE_ARM = frozenset(UnitState) - {
    UnitState.UNASSIGNED,
    UnitState.MULTIPLE_ARMS,
    UnitState.UNKNOWN_ARM,
    UnitState.UNKNOWN_PHASE,
}
