"""What does a story consist of? Metrics, mechanisms, a hypothesis, experiments, and the facts they bring."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from analyses import Json

# An experiment starts when it is told to, not in the past, and only closed windows are analysed: so that
# nobody waits a week, everything here happens within a second.
WINDOW = timedelta(milliseconds=500)  # of every metric, after exposure
ARRIVAL = timedelta(milliseconds=300)  # how long units are assigned after an experiment has started

type Draft = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mechanism:
    """A means by which the CPI is moved."""

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """A dose of a mechanism, or a placebo; ``truth`` is what it really adds to the mean of each CPI."""

    name: str
    mechanism: Mechanism | None = None
    dose: float = 0.0
    placebo: str | None = None  # of its mechanism: what it shares with the active arms
    truth: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One experiment as planned; the control comes first in the data."""

    name: str
    arms: tuple[Arm, ...]
    planned_units: int
    control: str = "control"
    dose_unit: str
    dose_kind: str = "change"

    @property
    def arm_names(self) -> tuple[str, ...]:
        return (self.control, *(arm.name for arm in self.arms))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What one experiment brings in, in the columns of /v1/assignments and /v1/outcomes."""

    assignments: pa.Table
    outcomes: pa.Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is told about one hypothesis. ``facts`` takes the trial's place, its id, and its start."""

    title: str
    simulated: bool
    intro: str
    cpi: Draft
    rivals: tuple[Draft, ...] = ()
    kpi: Draft
    inquiry: Draft | None = None  # customer evidence that qualifies the CPI
    hypothesis: Draft  # direction, bound, rationale; smallest_slope unless break-even proposes it
    trials: tuple[Trial, ...]
    facts: Callable[[int, str, datetime], Facts]
    before_verdict: Callable[[], str] | None = None  # what is worth seeing beside the verdict
    moral: str

    @property
    def mechanisms(self) -> tuple[Mechanism, ...]:
        used = (arm.mechanism for trial in self.trials for arm in trial.arms if arm.mechanism)
        return tuple(dict.fromkeys(used))
