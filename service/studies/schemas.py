"""What may be asked of unrandomised data, and what comes back?"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict, model_validator
from pydantic.config import JsonDict

from service.kit.text import Id, Name, Note, Number, Wire
from service.metrics.definitions import EventMatch
from service.runs.schemas import Moment

CPI, KPI = "cpi", "kpi"
"""What the two ends are called in a graph."""
MOST_COVARIATES = 200
MOST_NODES = 2 * MOST_COVARIATES + 2  # covariates, as many that nobody measured, and both ends
MOST_PERIODS = 400


class Design(StrEnum):
    """How the question is answered without randomisation."""

    GRAPH = "graph"  # by a causal graph: hold fixed, instrument or front door
    DIFFERENCES = "did"  # a change that came to groups at different times, or to some never
    SYNTHETIC_CONTROL = "synthetic_control"  # a change that one group met
    INTERRUPTED_SERIES = "its"  # a change that everybody met at once
    DISCONTINUITY = "rdd"  # a rule that changes something from a threshold on
    LEADING_INDICATOR = "leading_indicator"  # does the CPI foretell the KPI's growth?


class KnownAttribute(Wire):
    """A number about the unit, the latest known before its anchor; whether it is known is held fixed too."""

    kind: Literal["attribute"]
    name: Name = Field(description="as the graph calls it", examples=["tenure"])
    attribute: Name = Field(examples=["tenure_days"])


class Category(Wire):
    """A text about the unit; its 49 most frequent values are told apart, the rest is one."""

    kind: Literal["category"]
    name: Name = Field(examples=["plan"])
    attribute: Name = Field(examples=["plan"])


class Before(Wire):
    """A metric's value over its pre-period, before the anchor."""

    kind: Literal["before"]
    name: Name = Field(examples=["prior KPI"])
    metric: Id | Literal["cpi", "kpi"] = Field(examples=["kpi"])


class Calendar(Wire):
    """When the unit's anchor was."""

    kind: Literal["calendar"]
    name: Name = Field(examples=["season"])
    by: Literal["weekday", "week", "month"]


class Measured(Wire):
    """Another metric over its window: a mediator, an instrument."""

    kind: Literal["metric"]
    name: Name = Field(examples=["visits"])
    metric: Id


type Covariate = Annotated[
    KnownAttribute | Category | Before | Calendar | Measured, Field(discriminator="kind")
]


class Period(Wire):
    """Units anchored in [from, to)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    start: Moment = Field(alias="from", examples=["2026-09-01T00:00:00Z"])
    end: Moment = Field(alias="to", examples=["2026-10-01T00:00:00Z"])

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.end <= self.start:
            raise ValueError(f"expected an end after {self.start.isoformat()}, got {self.end.isoformat()}")
        return self


class _Draft(Wire):
    """What every study says."""

    name: Name = Field(examples=["What waiting costs, going by last autumn's customers"])
    notes: Note | None = None
    hypothesis: Id | None = Field(
        default=None, description="whose CPI and KPI are meant; the study is then shown with it"
    )
    cpi: Id | None = Field(default=None, description="where no hypothesis is named")
    kpi: Id | None = Field(default=None, description="where no hypothesis is named")
    source: Id | None = Field(
        default=None, description="a warehouse, by its latest version; null: the managed lake"
    )
    anchor: EventMatch = Field(description="a unit's windows start at its first such outcome in the period")
    period: Period
    alpha: Annotated[float, Strict(), Field(gt=0, le=0.5)] = 0.05
    seed: Annotated[int, Strict(), Field(ge=0, lt=2**31)] = 0
    most_units: Annotated[int, Strict(), Field(ge=50, le=1_000_000)] = Field(
        default=100_000, description="of more, those are read that a hash of their id puts first"
    )

    @model_validator(mode="after")
    def _names_its_ends(self) -> Self:
        ends = self.cpi is not None and self.kpi is not None
        if ends == (self.hypothesis is not None) or (self.cpi is None) != (self.kpi is None):
            raise ValueError("name either a hypothesis, or a CPI and a KPI")
        return self


def _plain(names: Iterable[str]) -> None:
    """A colon sets a node apart from its columns."""
    if wrong := [name for name in names if ": " in name]:
        raise ValueError(f'a name must not contain ": ", got {wrong[0]!r}')


type Names = Annotated[tuple[Name, ...], Field(max_length=MOST_COVARIATES)]
type Causes = Annotated[tuple[Name, ...], Field(max_length=MOST_NODES)]

GRAPH: JsonDict = {
    "design": "graph",
    "name": "What waiting costs, going by last autumn's customers",
    "hypothesis": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "anchor": {"event": "quote_asked"},
    "period": {"from": "2026-09-01T00:00:00Z", "to": "2026-10-01T00:00:00Z"},
    "template": "usual-confounders",
    "covariates": [
        {"kind": "attribute", "name": "tenure", "attribute": "tenure_days"},
        {"kind": "category", "name": "plan", "attribute": "plan"},
        {"kind": "calendar", "name": "season", "by": "weekday"},
        {"kind": "before", "name": "prior KPI", "metric": "kpi"},
    ],
}


class GraphStudy(_Draft):
    """A causal graph, drawn by naming each node's causes; the ends are called cpi and kpi."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [GRAPH]})

    design: Literal["graph"]
    covariates: Annotated[tuple[Covariate, ...], Field(max_length=MOST_COVARIATES)] = Field(
        default=(), description="the graph's other nodes with data, each with a name"
    )
    template: Name | None = Field(
        default=None, description="a graph of GET /v1/studies/templates; roles are covariates by name"
    )
    causes: Annotated[dict[Name, Causes], Field(max_length=MOST_NODES)] = Field(
        default_factory=dict,
        description="by node: its direct causes; added to the template's. That the CPI causes the KPI is "
        "understood unless `causes` says what causes the KPI.",
        examples=[{"kpi": ["cpi", "tenure"], "cpi": ["tenure"]}],
    )
    unmeasured: Names = Field(
        default=(), description="nodes without data: common causes that nobody measured"
    )
    related: Names = Field(
        default=(), description="background nodes that may move one another in any way: no claim is made"
    )

    @model_validator(mode="after")
    def _draws_something(self) -> Self:
        names = [one.name for one in self.covariates]
        if len(set(names)) != len(names) or {CPI, KPI} & {*names, *self.unmeasured}:
            raise ValueError("covariates need names of their own, other than cpi and kpi")
        _plain(names)
        if self.template is None and not self.causes:
            raise ValueError("draw a graph: name a template, or causes")
        return self


class _Grouped(_Draft):
    """Groups of units over periods."""

    groups: Name = Field(description="the unit attribute that names the group", examples=["region"])
    every: Literal["day", "week"] = Field(default="week", description="how long one period is")


class DifferencesStudy(_Grouped):
    """A change that came to groups at different times, or to some of them never."""

    design: Literal["did"]
    adopted: Annotated[dict[Name, Moment], Field(min_length=1, max_length=1000)] = Field(
        description="by group: since when it has the change; groups not named never had it",
        examples=[{"north": "2026-09-15T00:00:00Z"}],
    )


class SyntheticStudy(_Grouped):
    """A change that one group met, against the mix of others that it moved like before."""

    design: Literal["synthetic_control"]
    group: Name = Field(examples=["north"])
    changed_at: Moment


class ComparisonSeries(Wire):
    """Units that the change never reached: the series is less theirs, so that what moved both is gone."""

    groups: Name = Field(description="the unit attribute that tells them apart", examples=["region"])
    values: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1000)] = Field(
        description="its values of units that never met the change; all others did", examples=[["south"]]
    )


class SeriesStudy(_Draft):
    """A change that everybody met at once, against the continuation of the past."""

    design: Literal["its"]
    every: Literal["day", "week"] = "day"
    changed_at: Moment
    comparison: ComparisonSeries | None = Field(
        default=None, description="null: the past alone says what would have come"
    )


class ThresholdStudy(_Draft):
    """A rule that changes something from a value of a score on."""

    design: Literal["rdd"]
    score: KnownAttribute | Before = Field(discriminator="kind")
    cutoff: Number = Field(description="units at or above it met the change")

    @model_validator(mode="after")
    def _score_has_its_own_name(self) -> Self:
        if self.score.name in (CPI, KPI):
            raise ValueError("the score needs a name of its own, other than cpi and kpi")
        _plain([self.score.name])
        return self


class LeadingStudy(_Grouped):
    """Whether the CPI foretells the KPI's growth, out of time, better than the KPI's own past."""

    design: Literal["leading_indicator"]
    horizon: Annotated[int, Strict(), Field(ge=1, le=52)] = Field(
        default=4, description="how many periods ahead"
    )
    lags: Annotated[int, Strict(), Field(ge=1, le=12)] = 2


type StudyDraft = Annotated[
    GraphStudy | DifferencesStudy | SyntheticStudy | SeriesStudy | ThresholdStudy | LeadingStudy,
    Field(discriminator="design"),
]


class Role(Wire):
    """A usual common cause, and what it moves."""

    name: Name
    words: Note
    moves: tuple[Literal["cpi", "kpi"], ...]


class GraphTemplate(Wire):
    """A graph that many CPIs and KPIs share."""

    slug: Name
    title: Name
    words: Note
    role: tuple[Role, ...]


class StudyCheck(BaseModel):
    """What was asked of the answer; a failed one says why to doubt it."""

    model_config = ConfigDict(frozen=True)

    name: str
    passed: bool | None
    detail: str


class StudySlope(BaseModel):
    """KPI units per increment of improvement of the CPI; an open end is null."""

    model_config = ConfigDict(frozen=True)

    estimate: float
    interval: tuple[float | None, float | None]


class StudyRefusal(BaseModel):
    """Why there is no number."""

    model_config = ConfigDict(frozen=True)

    reason: str
    detail: str


class StudyFinding(BaseModel):
    """What a study found. It ranks what to test; no verdict counts it."""

    model_config = ConfigDict(frozen=True)

    rung: int = Field(description="of the evidence ladder: 1 observed, 2 quasi-experimental")
    sentence: str
    slope: StudySlope | StudyRefusal
    units: int = Field(description="that were analysed")
    left_out: dict[str, int] = Field(description="units that were not, by reason")
    assumptions: tuple[str, ...] = Field(description="what must hold, in words")
    checks: tuple[StudyCheck, ...]
    details: dict[str, JsonValue] = Field(description="everything that was computed")


class StudyResultView(StudyFinding):
    """One run's finding, never changed."""

    model_config = ConfigDict(frozen=True)

    id: str
    run_id: str
    study_id: str
    as_of: datetime
    fingerprint: str = Field(description="of the data that were read and the SQL that read them")
    created_at: datetime


class StudyView(BaseModel):
    """A study with its latest result."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    design: Design
    hypothesis_id: str | None
    cpi: str = Field(description="the pinned version", examples=["met_01kq3v5w8x9y2z4a6b8c0d1e2f@1"])
    kpi: str
    team: str
    owner: str
    sha256: str = Field(description="of the request with its pinned metrics")
    request: dict[str, JsonValue]
    created_at: datetime
    result: StudyResultView | None = Field(description="null until the first run has ended")


class StudyAsked(StudyView):
    """A study that was just asked, and the run that answers it."""

    run_id: str


class LeverStudy(BaseModel):
    """The latest study of a hypothesis, as far as leaders ask."""

    model_config = ConfigDict(frozen=True)

    study_id: str
    design: Design
    rung: int
    sentence: str
    slope: StudySlope | StudyRefusal
    alpha: float = Field(description="of the slope's interval, which holds 1 - alpha")
    doubts: tuple[str, ...] = Field(description="the checks that failed, in words")
    at: datetime
