"""What is read of each unit for an exploration, and how do the rows become a trial? Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses import Check, Covariate, NotEstimable, Question, Trial
from service.evidence.plan import Plan, PlannedMetric
from service.facts import Levels, MomentsQuery, UnitRows
from service.metrics.definitions import QuantileDefinition, RatioDefinition
from service.metrics.segments import named

ALPHA = 0.05  # nothing of this is judged at the hypothesis' own level
MOST_CELLS = 40_000_000  # units times columns: what two gigabytes hold while models are fitted
MOST_UNITS = 1_000_000
_MANY = 20  # different numbers, above which an attribute is a number and no name


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One arm against the control, on one CPI and one KPI of the plan; attributes beside those planned."""

    cpi: PlannedMetric
    kpi: PlannedMetric
    arm: str
    attributes: tuple[str, ...]
    seed: int
    question: Question


def why_not(plan: Plan, asked: Asked) -> NotEstimable | None:
    """What no unit's row could answer."""
    if plan.clustered and plan.cluster is None:
        detail = "whole clusters were randomised, and the plan does not say which attribute names a unit's"
        return NotEstimable(reason="clusters_unknown", detail=detail)
    return next(filter(None, map(of_no_unit, (asked.cpi, asked.kpi))), None)


def of_no_unit(metric: PlannedMetric) -> NotEstimable | None:
    """Of which no single unit has a value, whatever the data."""
    if isinstance(metric.definition, QuantileDefinition):
        detail = f"{metric.name} is a quantile, which no single unit has"
        return NotEstimable(reason="quantile", detail=detail)
    if isinstance(metric.definition, RatioDefinition):
        detail = f"{metric.name} is a ratio of sums, which no single unit has"
        return NotEstimable(reason="ratio", detail=detail)
    return None


def unseen(plan: Plan, asked: Asked, rows: UnitRows) -> NotEstimable | None:
    """A metric that some units of the two arms lack: who has a value may itself hang on the arm."""
    ours = _ours(plan, asked, rows)
    for metric in (asked.cpi, asked.kpi):
        if f"{metric.ref}/per" not in rows.columns:
            continue
        lacking = int((rows.column(f"{metric.ref}/per")[ours] == 0).sum())
        if lacking:
            detail = (
                f"{metric.name} has no value for {lacking:,} of {int(ours.sum()):,} units: to leave them out "
                "would compare those whom the arm itself may have chosen"
            )
            return NotEstimable(reason="not_per_unit", detail=detail)
    return None


def question_of(plan: Plan, asked: Asked, whole: MomentsQuery) -> MomentsQuery:
    """The analysis' own question, of these two metrics and what adjusts them; attributes tell units apart."""
    segments = tuple(dict.fromkeys((*whole.segments, *plan.analysis.attributes, *asked.attributes)))
    metrics = {one.ref: one.definition for one in (asked.cpi, asked.kpi)}
    metrics |= {one.ref: one.definition for one in plan.metrics if one.ref in plan.covariates}
    return replace(whole, metrics=tuple(metrics.items()), segments=segments, attributes=())


def cap_of(query: MomentsQuery) -> int:
    """A million units, or fewer where each has many columns."""
    columns = 2 * len(query.metrics) + 3 * len(query.segments)
    return min(MOST_UNITS, MOST_CELLS // max(columns, 1))


def trial_of(plan: Plan, asked: Asked, rows: UnitRows) -> Trial:
    """The arm and the control; covariates are what was known of each unit before its exposure."""
    ours = _ours(plan, asked, rows)
    share = float(ours.mean()) if rows.n else 0.0
    return Trial(
        treated=(rows.arms.codes == _code(rows.arms, asked.arm))[ours],
        cpi=rows.column(asked.cpi.ref)[ours],
        kpi=rows.column(asked.kpi.ref)[ours],
        strata=rows.phases[ours],
        discovery=rows.discovery[ours],
        covariates=tuple(replace(one, values=one.values[ours]) for one in _covariates(plan, asked, rows)),
        units=round(rows.analysed * share),
        clusters=None if rows.cluster is None else rows.cluster.codes[ours],
    )


def _ours(plan: Plan, asked: Asked, rows: UnitRows) -> npt.NDArray[np.bool_]:
    """Units of the arm and of the control."""
    return np.isin(rows.arms.codes, [_code(rows.arms, one) for one in (plan.control, asked.arm)])


def _code(levels: Levels, name: str) -> int:
    """Of an arm that nobody is in, one that nobody has."""
    return levels.names.index(name) if name in levels.names else -2


def _covariates(plan: Plan, asked: Asked, rows: UnitRows) -> Sequence[Covariate]:
    planned = (one for one in plan.segments if isinstance(one, str))
    attributes = dict.fromkeys((*planned, *plan.analysis.attributes, *asked.attributes))
    found = [*_before(plan, asked, rows), *(_attribute(name, rows) for name in attributes)]
    for one in plan.segments:
        told = {covariate.name for covariate in found}
        short = one if isinstance(one, str) else one.name
        if named(one) not in told:
            found.append(_level(named(one) if short in told else short, rows.segments[named(one)]))
    return found


def _before(plan: Plan, asked: Asked, rows: UnitRows) -> Sequence[Covariate]:
    """What each metric was in the time before exposure, where it was asked for."""
    wanted = (asked.cpi, asked.kpi, *(one for one in plan.metrics if one.ref in plan.covariates))
    unique: Mapping[str, PlannedMetric] = {one.ref: one for one in wanted}
    return [
        Covariate(name=f"{one.name} before", values=_early(one, rows))
        for one in unique.values()
        if f"{one.ref}/pre" in rows.columns
    ]


def _early(metric: PlannedMetric, rows: UnitRows) -> npt.NDArray[np.float64]:
    """NaN where a metric that not every unit has was not seen before exposure: that is no zero."""
    values, seen = rows.column(f"{metric.ref}/pre"), f"{metric.ref}/pre/per"
    if seen not in rows.columns or isinstance(metric.definition, RatioDefinition):
        return values
    return np.where(rows.column(seen) > 0, values, np.nan)


def _attribute(name: str, rows: UnitRows) -> Covariate:
    """A number where most known values are numbers and many differ, else a name."""
    values, levels = rows.numbers[name], rows.segments[name]
    known = ~np.isnan(values)
    told = int((levels.codes >= 0).sum())
    if told and known.sum() >= 0.95 * told and len(np.unique(values[known])) > _MANY:
        return Covariate(name=name, values=values)
    return _level(name, levels)


def _level(name: str, levels: Levels) -> Covariate:
    return Covariate(name=name, values=levels.codes.astype(float), levels=levels.names)


def windows(rows: UnitRows) -> Check:
    """Units that are still being waited for would add others than those that are here."""
    still_open = sum(n for state, n in rows.left_out.items() if state.value == "window_open")
    detail = (
        f"{still_open:,} units are left out, whose windows are still open"
        if still_open
        else "all windows closed"
    )
    return Check(name="windows", passed=not still_open, detail=detail, gates=False)
