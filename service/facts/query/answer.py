"""What comes back from one question: moments in several cuts, and what became of every unit.

The contract with those who estimate:

- ``moments[arm, phase]``: every arm in every phase, all analysed units.
- ``segments[name][arm, phase, value]``: the same units told apart by one segmentation (its registered
  name). Adding up all values of an arm and phase gives ``moments[arm, phase]``. At most 20 values are kept,
  those with most analysed units of all arms and phases; the others are ``OTHER``, units without a value
  ``MISSING``. ``n`` is what the sample ratio by segment is checked on. Cells nobody is in are not listed.
- ``days[arm, phase, day]``: the same units by the UTC day of their exposure, for novelty and weekdays.
- ``by_day``: all units in one arm by the UTC day of their exposure (of their assignment, where they were
  never exposed), whatever became of them, for the sample ratio by day: ``assigned_on``, ``exposed_on``.
- ``quantiles[ref, arm, phase]``: analyses.OrderStatistics of each metric whose aggregation is ``quantile``.
  Such a metric has columns as a mean has, of each unit's own number, and no Measure that stands for it.
- ``clusters[arm, phase]``, where the question names the cluster: moments whose n counts clusters and whose
  columns are the totals of each cluster's analysed units, ``CLUSTER_SIZE`` last (analyses.of_clusters reads a
  metric off them). ``cluster_faults`` says whose cluster is unknown, and which clusters are in several arms.
- ``cluster_days[arm, phase, day]``: clusters by the day on which the first of their units in one arm came.
  ``over_days[ref, arm, phase]``: moments over clusters of ``OVER_DAYS``, of the metrics that were asked for,
  time being counted from ``over_days_from``.
  ``cluster_segments`` are ``segments`` with clusters for rows: of a segment is a cluster whose units are all
  of it, as far as that is known; the others are ``OTHER``, and ``cluster_varied`` says how many differ.
- ``trimmed[ref, arm]``, where arms changed for whom a metric is seen, units were randomised one by one, and
  bounds can be had in every phase: one analyses.PairSeen a phase, for Lee's bounds. ``strata`` are then the
  same phases as analyses.Stratum, for the bounds of a relationship.
- ``unanswered``: metrics without columns, and why: an engine has no words for one, or holds values that no
  mean can be made of. All others are answered.
- ``numbers[ref]``: of how many outcomes each metric that reads numbers found one; None: nobody asked.
- ``largest[ref, arm, phase]``: analyses.Largest of the column ``ref`` of each metric, the share of the effect
  that hangs on a thousandth of the units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from analyses import Largest, Moments, OrderStatistics, PairSeen, Stratum

MISSING = "missing"  # no value was known before exposure
OTHER = "other"  # one of the values that fewest units have, beyond the cap
MOST_VALUES = 20  # of one segmentation, besides the two above

type Cell = tuple[str, int]  # arm, phase
type SegmentCell = tuple[str, int, str]  # arm, phase, value
type DayCell = tuple[str, int, date]  # arm, phase, UTC day of exposure
type MetricCell = tuple[str, str, int]  # metric's reference, arm, phase


class UnitState(StrEnum):
    """What became of a unit: analysed, or the first reason in this order why not."""

    UNASSIGNED = "unassigned"  # outcomes of the metrics' events, and no assignment to this experiment
    MULTIPLE_ARMS = "multiple_arms"
    MERGED_ACROSS_ARMS = "merged_across_arms"  # ids of one customer, each in one arm, and not in the same
    UNKNOWN_ARM = "unknown_arm"
    UNKNOWN_PHASE = "unknown_phase"  # one that the experiment never had: nobody planned its shares
    NOT_EXPOSED = "not_exposed"  # only where the assignment is not itself the exposure
    OUTSIDE_DATES = "outside_dates"  # exposed before the start or after the stop; assigned only after: no arm
    WINDOW_OPEN = "window_open"
    ANALYSED = "analysed"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCount:
    """How many units ended in one state; arm and phase are None where the state leaves them open."""

    state: UnitState
    arm: str | None
    phase: int | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayCount:
    """How many units of one arm, phase and day ended in one state."""

    state: UnitState
    arm: str
    phase: int
    day: date
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFaults:
    """Analysed units whose cluster is unknown; clusters in all, and those with units in several arms."""

    units_without: int
    clusters: int
    in_several_arms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersRead:
    """Outcomes that a metric reads a number from, all that happened in the days that were read."""

    event: str
    property: str | None  # None: their own value
    outcomes: int  # where each has one, also those that the metric's conditions leave out
    numbers: int  # of these: that have one
    others: int  # of these: that say something else, such as a text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MomentsResult:
    """Moments for every arm and phase (n = 0 where nobody is), and what became of every unit."""

    columns: tuple[str, ...]
    moments: Mapping[Cell, Moments]
    counts: tuple[UnitCount, ...]
    fingerprint: str  # of the snapshot and the SQL that read it
    segments: Mapping[str, Mapping[SegmentCell, Moments]] = field(default_factory=dict)
    days: Mapping[DayCell, Moments] = field(default_factory=dict)
    by_day: tuple[DayCount, ...] = ()
    quantiles: Mapping[MetricCell, OrderStatistics] = field(default_factory=dict)
    largest: Mapping[MetricCell, Largest] = field(default_factory=dict)
    clusters: Mapping[Cell, Moments] = field(default_factory=dict)
    cluster_faults: ClusterFaults | None = None
    cluster_days: Mapping[DayCell, int] = field(default_factory=dict)
    over_days: Mapping[MetricCell, Moments] = field(default_factory=dict)
    over_days_from: date = date(1970, 1, 1)
    cluster_segments: Mapping[str, Mapping[SegmentCell, Moments]] = field(default_factory=dict)
    cluster_varied: Mapping[str, int] = field(default_factory=dict)  # clusters, by segmentation
    unanswered: Mapping[str, str] = field(default_factory=dict)  # metrics that an engine could not, and why
    trimmed: Mapping[tuple[str, str], tuple[PairSeen, ...]] = field(default_factory=dict)
    strata: tuple[Stratum, ...] = ()
    numbers: Mapping[str, tuple[NumbersRead, ...]] | None = None

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
        return self.n(*IN_ONE_ARM, arm=arm, phase=phase)

    def exposed(self, arm: str, phase: int | None = None) -> int:
        """Of the assigned, those who met the difference; all of them if the assignment is the exposure."""
        return self.n(*_EXPOSED, arm=arm, phase=phase)

    def assigned_on(self, phase: int) -> dict[date, dict[str, int]]:
        """Units in one arm alone, by day and arm."""
        return self._on(phase, IN_ONE_ARM)

    def exposed_on(self, phase: int) -> dict[date, dict[str, int]]:
        """Of those, the exposed; all of them if the assignment is the exposure."""
        return self._on(phase, _EXPOSED)

    def _on(self, phase: int, states: frozenset[UnitState]) -> dict[date, dict[str, int]]:
        found: dict[date, dict[str, int]] = {}
        for count in self.by_day:
            if count.phase == phase and count.state in states:
                arms = found.setdefault(count.day, {})
                arms[count.arm] = arms.get(count.arm, 0) + count.n
        return dict(sorted(found.items()))

    def excluded(self) -> dict[UnitState, int]:
        """How many units are not analysed, by reason."""
        reasons = [state for state in UnitState if state is not UnitState.ANALYSED]
        return {state: self.n(state) for state in reasons}


IN_ONE_ARM = frozenset(UnitState) - {
    UnitState.UNASSIGNED,
    UnitState.MULTIPLE_ARMS,
    UnitState.MERGED_ACROSS_ARMS,
    UnitState.UNKNOWN_ARM,
    UnitState.UNKNOWN_PHASE,
}
_EXPOSED = IN_ONE_ARM - {UnitState.NOT_EXPOSED}
