"""What do leaders read? One lever a line, from the registry and its latest verdict."""

from datetime import date, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from service.evidence.documents import ReasonDocument, SlopeDocument, Unanswered, VerdictState
from service.evidence.imported.documents import PastGrade
from service.evidence.rungs import STANDING, Standing
from service.hypotheses.schemas import Direction
from service.levers.commitments import CommitmentView
from service.levers.discoveries import FALSE_DISCOVERY, FalseDiscoveryView
from service.metrics.customer import Better, Expectation, Money
from service.metrics.schemas import MetricKind
from service.studies.schemas import LeverStudy


class LeverState(StrEnum):
    """The latest verdict, or that there is none yet."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"
    UNTESTED = "untested"


class Sorting(StrEnum):
    """By verdict (confirmed first), by team, or the newest hypothesis first."""

    STATE = "state"
    TEAM = "team"
    NEWEST = "newest"


class LeverMetric(BaseModel):
    """One end of the lever, in the version that the hypothesis names."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    name: str
    kind: MetricKind
    share: bool = Field(description="A share of units: its effects are fractions, to be told in points.")
    better: Better = Field(
        description="Of a KPI for which nobody said it: as the hypothesis hopes, by its direction."
    )
    value_of_one_unit: Money | None = Field(
        default=None, description="Of a KPI, for one unit to the better; null where none was registered."
    )

    @property
    def worth_of_one(self) -> float | None:
        """What one unit more brings: a cost that rises by one loses what it is worth."""
        return None if self.value_of_one_unit is None else self.value_of_one_unit.amount * self.better.sign


class LeverCpi(LeverMetric):
    """The customers' end: what they expect, and where it stands today."""

    unit: str
    cost_of_one_increment: Money | None = Field(description="For one customer.")
    expectations: tuple[Expectation, ...] = Field(description="What the target is taken from.")
    current: "CurrentLevel | None" = Field(description="null where no experiment has measured it yet.")


class CurrentLevel(BaseModel):
    """Of the control units of all experiments, in the four weeks to the latest day, and the four before."""

    model_config = ConfigDict(frozen=True)

    level: float
    before: float | None
    day: date = Field(description="The latest day on which a unit came.")
    units: int


class SegmentLever(BaseModel):
    """The lever among the customers of one registered segment."""

    model_config = ConfigDict(frozen=True)

    segmentation: str
    segment: str
    slope: SlopeDocument = Field(description="KPI units per increment of improvement.")
    holds: bool | None = Field(
        description="True: the interval lies on the side that was claimed. False: it lies below the smallest "
        "slope of interest. null: it holds both."
    )


class LeverReturn(BaseModel):
    """What one increment brings for one customer, over what it costs; the same currency on both sides."""

    model_config = ConfigDict(frozen=True)

    cost: float
    estimate: float | None = Field(description="Brought for each unit of money that it costs.")
    interval: tuple[float | None, float | None]
    currency: str


class LeverVerdict(BaseModel):
    """The latest verdict, as far as a leader asks."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str | None
    hypothesis_version: int = Field(description="The version that was judged.")
    outdated: bool = Field(
        description="The hypothesis was amended since: the claim beside it is a newer one."
    )
    proven: bool = Field(
        description="Confirmed as the hypothesis stands now, and not resting on an assumption about direct "
        "effects."
    )
    sentence: str
    slope: SlopeDocument | Unanswered = Field(description="KPI units per increment of improvement.")
    coverage: float | None = Field(
        description="Of the slope's interval: 1 less the error rate at which this verdict was issued."
    )
    reasons: tuple[ReasonDocument, ...]
    needed_units_per_arm: int | None
    experiments: int = Field(description="How many the verdict uses.")
    mechanisms: int = Field(description="How many moved the CPI in them.")
    at_half: VerdictState | None = Field(
        description="The verdict, had half the smallest slope been registered; null if that was not kept."
    )
    at_double: VerdictState | None = Field(description="The verdict, had twice as much been registered.")
    tested_up_to: float = Field(
        description="The largest improvement that an arm surely brought, in increments: beyond it nothing is "
        "known."
    )
    segments: tuple[SegmentLever, ...]
    at: datetime
    age_days: float


class LeverRetrospective(BaseModel):
    """What experiments that were run elsewhere say: no verdict, and no part of one."""

    model_config = ConfigDict(frozen=True)

    grade: PastGrade
    label: str | None
    sentence: str
    slope: SlopeDocument | Unanswered = Field(description="KPI units per increment of improvement.")
    experiments: int
    mechanisms: int
    outdated: bool = Field(description="The hypothesis was amended since.")
    next_experiment: str | None = Field(description="The one to run next, in words; null if unknown.")
    units: int | None = Field(description="That it takes, in all.")
    days: int | None
    at: datetime


EXAMPLE: JsonDict = {
    "hypothesis_id": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
    "statement": 'Each minute less of "Quick quote" will increase "Conversion" by at least 1 point.',
    "cpi": {
        "id": "met_01kq3v5w8x9y2z4a6b8c0d1e2f",
        "version": 1,
        "name": "Quick quote",
        "kind": "cpi",
        "share": False,
        "unit": "minute",
        "better": "lower",
        "cost_of_one_increment": {"amount": 0.4, "currency": "EUR"},
        "expectations": [{"segment": "consumers", "level": 0.5, "note": "While they are on the page"}],
        "current": {"level": 4.1, "before": 4.4, "day": "2026-11-14", "units": 41250},
    },
    "kpi": {
        "id": "met_01kq3v5w8x9y2z4a6b8c0d1e2g",
        "version": 1,
        "name": "Conversion",
        "kind": "kpi",
        "share": True,
        "better": "higher",
        "value_of_one_unit": {"amount": 130, "currency": "EUR"},
    },
    "provisional": False,
    "increment": "1 minute less",
    "direction": "increase",
    "smallest_slope": 0.01,
    "state": "inconclusive",
    "verdict": {
        "id": "ver_01kq3v5w8x9y2z4a6b8c0d1e2f",
        "label": "supported",
        "hypothesis_version": 1,
        "outdated": False,
        "proven": False,
        "sentence": "Inconclusive. “Conversion” changes by +0.021 per 1 minute less, 95 % interval +0.014 to "
        "+0.028. One mechanism cannot tell the CPI from its own side effects.",
        "slope": {"estimate": 0.021, "interval": [0.014, 0.028]},
        "coverage": 0.95,
        "reasons": [
            {"code": "one_mechanism", "text": "One mechanism cannot tell the CPI from its own side effects."}
        ],
        "needed_units_per_arm": 84000,
        "experiments": 1,
        "mechanisms": 1,
        "at_half": "inconclusive",
        "at_double": "inconclusive",
        "tested_up_to": 1.8,
        "segments": [
            {
                "segmentation": "region",
                "segment": "north",
                "slope": {"estimate": 0.024, "interval": [0.013, 0.035]},
                "holds": True,
            }
        ],
        "at": "2026-11-20T09:00:09Z",
        "age_days": 2.4,
    },
    "false_discovery": FALSE_DISCOVERY,
    "retrospective": {
        "grade": "open",
        "label": "supported",
        "sentence": "Retrospective, no verdict: one past experiment leaves it open. “Conversion” changes by "
        "+0.019 per 1 minute less, 95 % interval +0.011 to +0.027. One mechanism cannot tell the CPI from "
        "its own side effects.",
        "slope": {"estimate": 0.019, "interval": [0.011, 0.027]},
        "experiments": 1,
        "mechanisms": 1,
        "outdated": False,
        "next_experiment": "Run one experiment with a control and 3 more arms of the same size.",
        "units": 120000,
        "days": 94,
        "at": "2026-11-01T09:00:00Z",
    },
    "study": {
        "study_id": "stu_01kq3v5w8x9y2z4a6b8c0d1e2f",
        "design": "graph",
        "rung": 1,
        "sentence": "Observed, not proven: “Quick quote” on “Conversion” +0.031 (interval +0.029 to "
        "+0.033) per 1 minute less. 1 of 6 checks speak against it. An experiment would tell.",
        "slope": {"estimate": 0.031, "interval": [0.029, 0.033]},
        "alpha": 0.05,
        "doubts": ["The data contradict missing arrows: plan – season."],
        "at": "2026-10-05T09:00:00Z",
    },
    "standing": STANDING,
    "carried_by": {
        "id": "com_01kq3v5w8x9y2z4a6b8c0d1e2f",
        "team": "growth",
        "person": "ada@example.com",
        "target": 0.5,
        "by": "2027-06-30",
        "note": "Decided on the verdict before this one.",
        "verdict_id": "ver_01kq3v5w8x9y2z4a6b8c0d1e2e",
        "author": "cy@example.com",
        "at": "2026-10-22T09:00:00Z",
    },
    "earning": {"cost": 0.4, "estimate": 6.8, "interval": [4.6, 9.1], "currency": "EUR"},
    "registered_at": "2026-10-01T08:00:00Z",
    "owner": "ada@example.com",
    "team": "growth",
}


class LeverView(BaseModel):
    """A hypothesis with its verdict, slope, and owner."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [EXAMPLE]})

    hypothesis_id: str
    statement: str
    cpi: LeverCpi
    kpi: LeverMetric
    provisional: bool = Field(description="Nobody has yet watched customers want this CPI.")
    increment: str = Field(
        description="The step of the CPI that customers value.", examples=["1 minute less"]
    )
    direction: Direction
    smallest_slope: float = Field(description="As it was registered, above 0 in either direction.")
    state: LeverState
    verdict: LeverVerdict | None
    false_discovery: FalseDiscoveryView | Unanswered | None = Field(
        description="Beside the verdict and never part of it: the expected share of false ones among the "
        "levers at least as sure as this one, over the whole program; null while there is no verdict."
    )
    retrospective: LeverRetrospective | None = Field(
        description="What imported past experiments say, apart from the verdict; null if there are none."
    )
    study: LeverStudy | None = Field(
        description="What unrandomised data say, apart from the verdict; null if nobody asked them."
    )
    standing: Standing = Field(
        description="On which rung of the evidence ladder it stands, and what may be concluded there."
    )
    carried_by: CommitmentView | None = Field(
        description="Who answers for the lever, with which target; null while nobody does."
    )
    earning: LeverReturn | None = Field(
        description="null unless the CPI's cost and the KPI's value are registered, in one currency."
    )
    registered_at: datetime
    owner: str
    team: str
