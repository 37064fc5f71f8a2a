"""What is one lever worth in a year? Its slope carried to a stated volume, no further than it was tested."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict
from sqlalchemy.orm import Session

from analyses import KnownSlope, NotEstimable, YearlyValue, yearly_value
from service.evidence import service as evidence
from service.evidence.documents import RefusalDocument, SlopeDocument, Unanswered
from service.evidence.tables import Verdict
from service.hypotheses import registered as hypotheses
from service.levers import service
from service.levers.schemas import EXAMPLE, LeverView

ASSUMES = (
    "The effect of one window, once for each customer a year; volume and value per unit as they were given. "
    "The interval is the slope's own."
)


SURE = 1.96  # standard errors that are taken off an arm's effect, as where doses are planned


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
    value_per_kpi_unit: float | None
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
    return LeverDetail.model_validate(
        fields | {"value": None if asked is None else _value(session, lever, asked)}
    )


def _value(session: Session, lever: LeverView, asked: Asked) -> LeverValue | Unanswered:
    verdict = evidence.latest_verdict(session, lever.hypothesis_id)
    if verdict is None or lever.verdict is None:
        return _refused(
            NotEstimable(reason="untested", detail="no experiment has reported on this lever yet")
        )
    slope = lever.verdict.slope
    if isinstance(slope, Unanswered):
        return slope
    kpi = hypotheses.get_registered(session, lever.hypothesis_id).kpi
    registered = kpi.value_of_one_unit if asked.value_per_kpi_unit is None else None
    found = yearly_value(
        _known(slope),
        increments=asked.increments,
        volume=asked.volume,
        value_per_kpi_unit=asked.value_per_kpi_unit if registered is None else registered.amount,
        tested_up_to=tested_up_to(verdict),
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


def tested_up_to(verdict: Verdict) -> float:
    """The largest improvement of the CPI that an arm surely brought, in increments; 0 if none did.

    Effect less 1.96 standard errors, as past doses are planned with: the largest of many arms that did
    nothing is an error. Arms that were left out stood still, and a placebo is no dose.
    """
    contrasts = verdict.relationship.get("contrasts")
    step = _number(verdict.rule, "increment") * _number(verdict.rule, "better")
    if not isinstance(contrasts, list) or not step:
        return 0.0
    return max([0.0, *(_reach(one, step) for one in contrasts if isinstance(one, dict))])


def _reach(contrast: Mapping[str, JsonValue], step: float) -> float:
    """The improvement that an arm surely brought, in increments."""
    if contrast.get("placebo"):
        return 0.0
    error = sqrt(_number(contrast, "var_cpi")) / abs(step)
    return _number(contrast, "cpi_effect") / step - SURE * error


def _number(document: Mapping[str, JsonValue], name: str) -> float:
    found = document.get(name)
    return float(found) if isinstance(found, int | float) else 0.0
