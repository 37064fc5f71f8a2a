"""What is one lever worth in a year? Its slope carried to a stated volume, no further than it was tested."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from sqlalchemy.orm import Session

from analyses import KnownSlope, NotEstimable, YearlyValue, yearly_value
from service.evidence.documents import RefusalDocument, SlopeDocument, Unanswered
from service.levers import service
from service.levers.schemas import EXAMPLE, LeverView

ASSUMES = (
    "The effect of one window, once for each customer a year; volume and value per unit as they were given. "
    "The interval is the slope's own."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How many customers a year, how many increments for each, and what one KPI unit is worth."""

    volume: float
    increments: float
    value_per_kpi_unit: float | None


class LeverValue(BaseModel):
    """A year's value, in money where one KPI unit has a value, else in KPI units over all customers."""

    model_config = ConfigDict(frozen=True)

    estimate: float | None
    interval: tuple[float | None, float | None] = Field(description="null where the slope has no end.")
    currency: str | None = Field(
        description="Of the value that the KPI was registered with; null for one from the request."
    )
    volume: float
    increments: float
    value_per_kpi_unit: float | None = Field(
        description="Of one unit more: a registered value counts as a loss where the KPI should fall."
    )
    tested_up_to: float = Field(
        description="The largest improvement that an arm surely brought, in increments."
    )
    proven: bool = Field(description="Whether the lever is proven; else this is what it would be worth.")
    assumes: str


DETAIL: JsonDict = {
    **EXAMPLE,
    "value": {
        "estimate": 546000.0,
        "interval": [364000.0, 728000.0],
        "currency": "EUR",
        "volume": 200000,
        "increments": 1,
        "value_per_kpi_unit": 130,
        "tested_up_to": 1.8,
        "proven": False,
        "assumes": ASSUMES,
    },
}


class LeverDetail(LeverView):
    """One lever, and what it is worth where a volume was asked about."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [DETAIL]})

    value: LeverValue | Unanswered | None


def detail(session: Session, hypothesis_id: str, asked: Asked | None) -> LeverDetail:
    """The lever of one registered hypothesis."""
    lever = service.show(session, hypothesis_id)
    fields = {name: getattr(lever, name) for name in LeverView.model_fields}
    return LeverDetail.model_validate(fields | {"value": None if asked is None else value_of(lever, asked)})


def value_of(lever: LeverView, asked: Asked) -> LeverValue | Unanswered:
    """A year of one lever as it stands."""
    if lever.verdict is None:
        return _refused(
            NotEstimable(reason="untested", detail="no experiment has reported on this lever yet")
        )
    slope = lever.verdict.slope
    if isinstance(slope, Unanswered):
        return slope
    registered = lever.kpi.value_of_one_unit if asked.value_per_kpi_unit is None else None
    worth = lever.kpi.worth_of_one if asked.value_per_kpi_unit is None else asked.value_per_kpi_unit
    found = yearly_value(
        _known(slope),
        increments=asked.increments,
        volume=asked.volume,
        value_per_kpi_unit=worth,
        tested_up_to=lever.verdict.tested_up_to,
    )
    if isinstance(found, NotEstimable):
        return _refused(found)
    currency = None if registered is None else registered.currency
    return _told(found, currency, proven=lever.verdict.proven)


def _known(slope: SlopeDocument) -> KnownSlope:
    lower, upper = slope.interval
    return KnownSlope(estimate=slope.estimate, lower=lower, upper=upper)


def _refused(why: NotEstimable) -> Unanswered:
    return Unanswered(not_estimable=RefusalDocument.of(why))


def _told(found: YearlyValue, currency: str | None, *, proven: bool) -> LeverValue:
    return LeverValue(
        estimate=found.estimate,
        interval=(found.lower, found.upper),
        currency=currency,
        volume=found.volume,
        increments=found.increments,
        value_per_kpi_unit=found.value_per_kpi_unit,
        tested_up_to=found.tested_up_to,
        proven=proven,
        assumes=ASSUMES,
    )
