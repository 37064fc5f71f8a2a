"""What may be said of an experiment that was run elsewhere? Three ways, by what its report gives."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, Strict, StringConstraints
from pydantic.config import JsonDict

from service.kit.text import Id, Name, NonNegativeNumber, Note, Number, PositiveNumber, Wire

MOST_EXPERIMENTS = 1_000
MOST_ARMS = 100

type Units = Annotated[int, Strict(), Field(ge=2, le=10**12)]
type Correlation = Annotated[float, Strict(), Field(ge=-1, le=1, allow_inf_nan=False)]
type Flag = Annotated[bool, Strict()]

_CPI = "raw: arm minus control, in the CPI's own unit"
_KPI = "raw: arm minus control, in the KPI's own unit; shares as fractions"


class _Group(Wire):
    """Units that were in one arm."""

    units: Units
    weight: PositiveNumber | None = Field(
        default=None,
        description="planned share on any scale; with it for every arm, the sample ratio is checked",
    )


class _Arm(_Group):
    name: Name
    mechanism: Name | None = Field(
        default=None,
        description="by what the arm moved the CPI: a name, the same in every experiment that used it, or "
        "the id of a registered mechanism",
    )
    placebo: Flag = Field(default=False, description="changed the experience, and was not to move the CPI")


class VarianceControl(_Group):
    """The control's part of the arms' variances; needed where arms share it."""

    var_cpi: NonNegativeNumber | None = None
    cov: Number | None = None
    var_kpi: NonNegativeNumber | None = None


class VarianceArm(_Arm):
    """Effects with their sampling variances and covariance, the control's part included."""

    cpi_effect: Number = Field(description=_CPI)
    kpi_effect: Number = Field(description=_KPI)
    var_cpi: PositiveNumber
    cov: Number
    var_kpi: PositiveNumber


class ErrorControl(_Group):
    """The standard errors of the control's own means; needed where arms share it."""

    se_cpi: NonNegativeNumber | None = None
    se_kpi: NonNegativeNumber | None = None
    correlation: Correlation | None = None


class ErrorArm(_Arm):
    """Effects with their standard errors, and the correlation of the two estimates."""

    cpi_effect: Number = Field(description=_CPI)
    kpi_effect: Number = Field(description=_KPI)
    se_cpi: PositiveNumber
    se_kpi: PositiveNumber
    correlation: Correlation


class _Moments(_Group):
    """Means, and variances and covariance of single units."""

    mean_cpi: Number
    mean_kpi: Number
    unit_var_cpi: NonNegativeNumber
    unit_cov: Number
    unit_var_kpi: NonNegativeNumber


class MomentControl(_Moments):
    """The control's own moments."""


class MomentArm(_Moments, _Arm):
    """An arm's own moments."""


class Doubt(Wire):
    """A check of the experiment that failed: it blocks the grade as it would block a verdict."""

    check: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = Field(
        examples=["observed_set_moved"]
    )
    detail: Note


class _Experiment(Wire):
    id: Name = Field(description="its own name for itself, once for ever within its origin")
    name: Name
    origin: Name = Field(description="where it comes from: a tool, a report, an export")
    hypothesis: Id | None = Field(default=None, description="null: that of the whole import")
    started_on: dt.date | None = None
    ended_on: dt.date | None = None
    notes: Note | None = None
    doubts: Annotated[tuple[Doubt, ...], Field(max_length=20)] = Field(
        default=(), description="checks that failed where it was run; the sample ratio is asked here"
    )
    corrects: Note | None = Field(
        default=None,
        description="why what was imported of this experiment before was wrong: both stay, this one counts",
    )


class VarianceExperiment(_Experiment):
    form: Literal["variances"]
    control: VarianceControl
    arms: Annotated[tuple[VarianceArm, ...], Field(min_length=1, max_length=MOST_ARMS)]


class ErrorExperiment(_Experiment):
    form: Literal["errors"]
    control: ErrorControl
    arms: Annotated[tuple[ErrorArm, ...], Field(min_length=1, max_length=MOST_ARMS)]


class MomentExperiment(_Experiment):
    form: Literal["moments"]
    control: MomentControl
    arms: Annotated[tuple[MomentArm, ...], Field(min_length=1, max_length=MOST_ARMS)]


type PastExperiment = Annotated[
    VarianceExperiment | ErrorExperiment | MomentExperiment, Field(discriminator="form")
]

PAST: JsonDict = {
    "form": "variances",
    "id": "q3-prefill",
    "name": "Prefilled vehicle data, autumn 2025",
    "origin": "web testing tool, export of 2025-11-03",
    "started_on": "2025-09-01",
    "ended_on": "2025-09-28",
    "control": {"units": 20110, "weight": 1},
    "arms": [
        {
            "name": "prefilled",
            "mechanism": "Prefilled vehicle data",
            "units": 20054,
            "weight": 1,
            "cpi_effect": -1.92,
            "kpi_effect": 0.031,
            "var_cpi": 0.0004,
            "cov": -0.000003,
            "var_kpi": 0.000019,
        }
    ],
}


class PastExperiments(Wire):
    """Experiments that were run elsewhere, as evidence on registered hypotheses."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "hypothesis": "hyp_01kq3v5w8x9y2z4a6b8c0d1e2f",
                    "units_per_day": 1500,
                    "experiments": [PAST],
                }
            ]
        }
    )

    hypothesis: Id | None = Field(default=None, description="of every experiment that names none of its own")
    units_per_day: PositiveNumber | None = Field(
        default=None, description="how many new units a next experiment would get a day"
    )
    experiments: Annotated[tuple[PastExperiment, ...], Field(min_length=1, max_length=MOST_EXPERIMENTS)]
