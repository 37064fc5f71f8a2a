"""What may be asked of the facts for one experiment?"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from service.metrics.definitions import Definition, Exposure
from service.metrics.segments import BeforeExposure, Segmentation, named

EXPOSURES: Literal["exposures"] = "exposures"


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsQuery:
    """One experiment's arms, and the metrics whose moments are wanted, each named by its pinned version.

    ``horizon`` is how long after exposure a unit must have been seen; at least, and by default, the longest
    window of the metrics. Exposures outside [started_at, stopped_at) are counted, not analysed; a missing end
    is open. ``phases`` are those it has had. Without ``exposure`` the first assignment is the exposure; else
    it is the first exposure that was sent, or the first such outcome, at or after the assignment.
    ``segments`` tell the analysed units apart; numeric ``attributes`` become columns, to adjust by;
    ``cluster`` is the attribute that names the cluster that a unit was randomised with, where clusters were.
    """

    experiment: str
    arms: tuple[str, ...]
    metrics: tuple[tuple[str, Definition], ...]
    as_of: datetime
    horizon: timedelta | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    exposure: Exposure | None = None
    phases: tuple[int, ...] = (1,)
    segments: tuple[Segmentation, ...] = ()
    attributes: tuple[str, ...] = ()
    cluster: str | None = None

    def __post_init__(self) -> None:
        if not self.arms or len(set(self.arms)) != len(self.arms):
            raise ValueError(f"expected at least one arm and no arm twice, got {self.arms}")
        if not self.phases or len(set(self.phases)) != len(self.phases):
            raise ValueError(f"expected at least one phase and no phase twice, got {self.phases}")
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
        """How long before its exposure a unit's outcomes are of interest."""
        segments = (one.period for one in self.segments if isinstance(one, BeforeExposure))
        return max(*(definition.pre_period for _, definition in self.metrics), *segments, timedelta(0))

    @property
    def outcomes_since(self) -> datetime | None:
        """No unit that is analysed has outcomes of interest before."""
        return None if self.started_at is None else self.started_at - self.longest_pre_period

    @property
    def closes_after(self) -> timedelta:
        """How long after its exposure a unit's windows are closed."""
        return self.horizon or self.longest_window
