"""What may be asked of the facts: for one experiment, or for units that are in none?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from service.metrics.definitions import Definition, EventMatch, Exposure
from service.metrics.segments import BeforeExposure, Segmentation, named

EXPOSURES: Literal["exposures"] = "exposures"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """What is wanted of each unit over the windows that start when it is anchored, whatever anchors it.

    ``metrics`` are named by their pinned versions. ``horizon`` is how long after its anchor a unit must have
    been seen; at least, and by default, the longest window of the metrics. Only anchors in
    [started_at, stopped_at) count; a missing end is open.
    ``segments`` tell the analysed units apart; numeric ``attributes`` become columns, to adjust by;
    ``cluster`` is the attribute that names the cluster that a unit belongs to.
    """

    metrics: tuple[tuple[str, Definition], ...]
    as_of: datetime
    horizon: timedelta | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    segments: tuple[Segmentation, ...] = ()
    attributes: tuple[str, ...] = ()
    cluster: str | None = None

    def __post_init__(self) -> None:
        refs = [ref for ref, _ in self.metrics]
        if not refs or len(set(refs)) != len(refs):
            raise ValueError(f"expected at least one metric and no metric twice, got {refs}")
        segments = [named(one) for one in self.segments]
        if len(set(segments)) != len(segments) or len(set(self.attributes)) != len(self.attributes):
            raise ValueError(f"expected no segment and no attribute twice, got {segments}, {self.attributes}")
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
        """How long before its anchor a unit's outcomes are of interest."""
        segments = (one.period for one in self.segments if isinstance(one, BeforeExposure))
        return max(*(definition.pre_period for _, definition in self.metrics), *segments, timedelta(0))

    @property
    def outcomes_since(self) -> datetime | None:
        """No unit that is analysed has outcomes of interest before."""
        return None if self.started_at is None else self.started_at - self.longest_pre_period

    @property
    def outcomes_until(self) -> datetime:
        """No unit that is analysed has outcomes of interest from then on."""
        return self.as_of

    @property
    def closes_after(self) -> timedelta:
        """How long after its anchor a unit's windows are closed."""
        return self.horizon or self.longest_window


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsQuery(PerUnit):
    """One experiment's arms; a unit's anchor is its exposure, and ``cluster`` is what was randomised.

    Exposures outside [started_at, stopped_at) are counted, not analysed. ``phases`` are those it has had.
    Without ``exposure`` the first assignment is the exposure; else it is the first exposure that was sent, or
    the first such outcome, at or after the assignment. ``over_days`` names metrics of which clusters' totals
    over days are wanted, where there are clusters.
    """

    experiment: str
    arms: tuple[str, ...]
    exposure: Exposure | None = None
    phases: tuple[int, ...] = (1,)
    over_days: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        PerUnit.__post_init__(self)  # a class with slots is made anew, and super() would name the first one
        if not self.arms or len(set(self.arms)) != len(self.arms):
            raise ValueError(f"expected at least one arm and no arm twice, got {self.arms}")
        if not self.phases or len(set(self.phases)) != len(self.phases):
            raise ValueError(f"expected at least one phase and no phase twice, got {self.phases}")
        if not set(self.over_days) <= {ref for ref, _ in self.metrics}:
            raise ValueError(f"expected metrics that are asked for, got {self.over_days}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationQuery(PerUnit):
    """Units without an experiment, and so without an arm; nobody decided when each was anchored.

    A unit's anchor is its first such outcome in [started_at, stopped_at), or, where ``anchor`` names an
    attribute, the first time in it that the attribute was known.
    """

    anchor: EventMatch | str

    @property
    def outcomes_until(self) -> datetime:
        """The last anchor's windows end so long after the period; what came later is nobody's."""
        if self.stopped_at is None:
            return self.as_of
        return min(self.as_of, self.stopped_at + self.closes_after)
