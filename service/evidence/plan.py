"""What was planned for one experiment, as far as its analysis must know? Frozen; made from the registry."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from analyses import ContrastArm, Prior, Question
from service.experiments.analysis import AnalysisPlan
from service.experiments.schemas import SourcePin
from service.facts import rates
from service.kit.canonical import canonical_json, sha256_hex
from service.metrics.definitions import Definition, Exposure
from service.metrics.schemas import MetricKind
from service.metrics.segments import Segmentation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMetric:
    """A pinned metric; ``better`` is 1 where higher is better, -1 where lower is, None where nobody said.

    ``step`` is one increment of improvement in raw units, negative where lower is better; a KPI has none.
    """

    ref: str
    name: str
    kind: MetricKind
    definition: Definition
    better: int | None
    step: float | None = None

    @property
    def id(self) -> str:
        return self.ref.partition("@")[0]

    @property
    def rival(self) -> str:
        """Who it is as a rival, in every experiment: by its definition, not by its version."""
        defined = canonical_json(self.definition.model_dump(mode="json"))
        return f"{self.ref.partition('@')[0]}#{sha256_hex(defined)[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHypothesis:
    """A hypothesis that this experiment is evidence on, named in its plan or not; metrics by reference."""

    id: str
    named: bool
    cpi: str
    kpi: str
    arms: tuple[ContrastArm, ...]
    covered: bool  # whether the experiment waits as long as the hypothesis asks
    question: Question  # how its slope is read
    segments: tuple[str, ...] = ()  # by which it was registered to be read apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One experiment: its arms, what is measured, and what it is evidence on."""

    experiment: str
    name: str
    control: str
    treatments: tuple[str, ...]
    shares: Mapping[int, Mapping[str, float]]  # planned, by phase and arm
    metrics: tuple[PlannedMetric, ...]  # hypotheses', secondary, guardrails, then rivals
    not_measured: tuple[str, ...]  # rivals whose window is longer than this experiment waits
    hypotheses: tuple[PlannedHypothesis, ...]
    horizon: timedelta  # how long after exposure every unit must have been seen
    covariates: tuple[str, ...]  # metrics whose value before exposure adjusts every estimate
    records_differently: tuple[tuple[str, str], ...]  # arm, metric id
    interference_possible: bool
    clustered: bool
    exposure: Exposure | None
    planned_units: int
    started_at: datetime | None
    stopped_at: datetime | None
    digest: str  # of the approved plan
    source: SourcePin | None = None  # None: the managed lake
    analysis: AnalysisPlan = field(default_factory=AnalysisPlan)
    primary: frozenset[str] = frozenset()  # metrics by reference, as the rest
    secondary: frozenset[str] = frozenset()  # the plan's other metrics, guardrails included
    priors: Mapping[str, Prior] = field(default_factory=dict)
    cluster: str | None = None  # the attribute that names a unit's cluster, where clusters were randomised
    segments: tuple[Segmentation, ...] = ()  # blocks, and what hypotheses tell customers apart by

    @property
    def arms(self) -> tuple[str, ...]:
        """Control first."""
        return (self.control, *self.treatments)

    @property
    def names(self) -> Mapping[str, str]:
        """What people call the columns of the contrasts: metrics and trigger rates."""
        triggers = {
            column: f"share of units with {' and '.join(match.event for match in events)}"
            for metric in self.metrics
            for column, events in rates(metric.definition).items()
        }
        rivals = {metric.rival: metric.name for metric in self.metrics}
        return {metric.ref: metric.name for metric in self.metrics} | rivals | triggers

    def without(self, refs: Collection[str]) -> "Plan":
        """As if these metrics were not asked for: what is told of them instead is why they have no answer."""
        kept = tuple(metric for metric in self.metrics if metric.ref not in refs)
        return replace(self, metrics=kept)

    def metric(self, ref: str) -> PlannedMetric:
        return next(metric for metric in self.metrics if metric.ref == ref)
