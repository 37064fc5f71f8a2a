"""What do changes that nobody randomised say, read from groups, periods and thresholds?"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from analyses import (
    Check,
    Course,
    Foretelling,
    NotEstimable,
    Panel,
    QuasiSlope,
    Series,
    Threshold,
    as_json,
    difference_in_differences,
    interrupted_series,
    leading_indicator,
    quasi_slope,
    regression_discontinuity,
    synthetic_control,
)
from service.studies.findings import (
    OBSERVED,
    QUASI,
    Details,
    increment,
    no_answer,
    refusal,
    refused,
    sentence_of,
    shown,
    spoken,
    unknown,
)
from service.studies.reading import COMPARISON, EVERYBODY, Averages, Read
from service.studies.rules import PERIODS
from service.studies.schemas import (
    CPI,
    KPI,
    DifferencesStudy,
    LeadingStudy,
    SeriesStudy,
    StudyFinding,
    StudyRefusal,
    StudySlope,
    SyntheticStudy,
    ThresholdStudy,
)
from service.studies.service import Question

OUTCOMES = (CPI, KPI)
WEEK = 7  # days after which a daily pattern repeats
MOST_PLACEBOS = 1 / 3
"""Of earlier dates that show a change. Dates overlap, so that shares scatter: at most one series in ten that
nothing happened to has more (docs/calibration.md)."""
ONLY_THROUGH = "The change reached the KPI through the CPI alone, and through nothing else that came with it."
ASSUMPTIONS = {
    "did": "Without the change all groups would have moved alike, and nobody changed before it came.",
    "synthetic_control": "The mix of groups that moved alike before would have moved alike after.",
    "its": "Trend and season would have gone on as before, and nothing else happened at that time.",
    "rdd": "Nobody places himself exactly above or below the threshold, and nothing else changes there.",
}
ANY_SLOPE = "the change moved the CPI by no more than chance does, so that any slope fits the data"
ANY_SIZE = (
    "the change moved the CPI by no more than chance does, so that slopes of either sign and any size fit "
    "the data"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answered:
    """What a design found of the slope, in raw units, with its checks."""

    slope: QuasiSlope | NotEstimable
    checks: tuple[Check, ...]
    details: Details
    units: int


def panel_finding(question: Question, found: Averages) -> StudyFinding:
    """Of a design that reads groups over periods."""
    match question.draft:
        case DifferencesStudy():
            return _quasi(question, _differences(question.draft, found), found.left_out)
        case SyntheticStudy():
            return _quasi(question, _synthetic(question.draft, found), found.left_out)
        case SeriesStudy():
            return _quasi(question, _series(question.draft, found), found.left_out)
        case LeadingStudy():
            return _leading(question, question.draft, found)
        case _:
            raise TypeError(f"{question.draft.design} reads no periods")


def threshold_finding(question: Question, read: Read) -> StudyFinding:
    """Of units on either side of a threshold."""
    draft = question.draft
    if not isinstance(draft, ThresholdStudy):
        raise TypeError(f"expected a threshold, got {draft.design}")
    if why := unknown(draft, read):
        return refused(question, why, QUASI, units=0, left_out=read.left_out)
    sample = read.sample
    known = f"{draft.score.name}: known"
    if known in sample.columns:
        sample = sample.only(sample.values([known])[:, 0] > 0)
    found = regression_discontinuity(
        Threshold(
            outcomes=OUTCOMES,
            score=sample.values([draft.score.name])[:, 0],
            values=sample.values(OUTCOMES),
            cutoff=draft.cutoff,
        ),
        alpha=draft.alpha,
    )
    if isinstance(found, NotEstimable):
        return _quasi(question, found, read.left_out)
    answered = _Answered(
        slope=quasi_slope(found.jump, CPI, KPI, alpha=draft.alpha),
        checks=found.checks,
        details=_document(found),
        units=sum(found.units),
    )
    return _quasi(question, answered, read.left_out)


def _differences(draft: DifferencesStudy, found: Averages) -> _Answered | NotEstimable:
    if why := _unheard(found, draft.groups, draft.adopted):
        return why
    adopted = {name: _place(found, draft.every, moment) for name, moment in draft.adopted.items()}
    panel, lost = _panel(found, adopted)
    result = difference_in_differences(panel, alpha=draft.alpha, seed=draft.seed)
    if isinstance(result, NotEstimable):
        return result
    return _Answered(
        slope=quasi_slope(result.overall, CPI, KPI, alpha=draft.alpha),
        checks=(*result.checks, _dealt_at_random(result.placebo_p, draft.alpha), *lost),
        details=_document(result),
        units=found.analysed,
    )


def _unheard(found: Averages, attribute: str, named: Collection[str]) -> NotEstimable | None:
    """Groups that were named and are none, or that were never seen whole."""
    if not found.groups:
        detail = f"no unit came in the period whose {attribute} was known by then"
        return NotEstimable(reason="empty_population", detail=detail)
    if unheard := sorted(set(named) - set(found.groups)):
        return NotEstimable(reason="unknown_group", detail=f"no unit belongs to {', '.join(unheard)}")
    if not (found.units > 0).all(axis=1).any():
        empty = [
            period
            for period, n in zip(found.periods, (found.units > 0).sum(axis=0), strict=True)
            if n < len(found.groups)
        ]
        lacking = ", ".join(empty[:5]) + (" and others" if len(empty) > 5 else "")
        detail = (
            f"no group has units in every period: some lack them in {lacking}. Choose a period, or a length "
            "of periods, in which groups have units throughout"
        )
        return NotEstimable(reason="no_whole_group", detail=detail)
    return None


def _synthetic(draft: SyntheticStudy, found: Averages) -> _Answered | NotEstimable:
    if why := _unheard(found, draft.groups, [draft.group]):
        return why
    panel, lost = _panel(found, {draft.group: _place(found, draft.every, draft.changed_at)})
    result = synthetic_control(panel, cpi=CPI, kpi=KPI, alpha=draft.alpha)
    if isinstance(result, NotEstimable):
        return result
    return _Answered(
        slope=result.slope,
        checks=(*result.checks, *lost),
        details=_document(result),
        units=found.analysed,
    )


def _series(draft: SeriesStudy, found: Averages) -> _Answered | NotEstimable:
    wanted = (EVERYBODY,) if draft.comparison is None else (EVERYBODY, COMPARISON)
    if missing := [name for name in wanted if name not in found.groups]:
        who = "nobody" if missing == [EVERYBODY] else "nobody whom the change did not reach"
        return NotEstimable(reason="empty_group", detail=f"{who} came in any period: there is no average")
    places = [found.groups.index(name) for name in wanted]
    if not (found.units[places] > 0).all():
        return NotEstimable(reason="missing_cell", detail="in some period nobody came: there is no average")
    series = Series(
        outcomes=OUTCOMES,
        values=found.values[:, places[0]],
        start=_place(found, draft.every, draft.changed_at),
        season=WEEK if draft.every == "day" else None,
        comparison=None if draft.comparison is None else found.values[:, places[1]],
    )
    result = interrupted_series(series, alpha=draft.alpha)
    if isinstance(result, NotEstimable):
        return result
    return _Answered(
        slope=quasi_slope(result.overall, CPI, KPI, alpha=draft.alpha),
        checks=(*result.checks, _at_earlier_dates(result.placebo_share)),
        details=_document(result),
        units=found.analysed,
    )


def _dealt_at_random(placebo_p: tuple[float, ...], alpha: float) -> Check:
    """The placebo of a rollout: the same dates, dealt out to groups at random."""
    cpi, kpi = placebo_p
    return Check(
        name="placebo_rollouts",
        passed=cpi < alpha,
        detail=f"Of rollouts dealt to groups at random {cpi:.1%} move the CPI as clearly, {kpi:.1%} the KPI.",
        gates=False,
    )


def _at_earlier_dates(shares: tuple[float, ...] | NotEstimable) -> Check:
    """The placebo of a series: dates before the change, at which nothing happened."""
    name = "placebo_dates"
    if isinstance(shares, NotEstimable):
        return Check(name=name, passed=None, detail=sentence_of(shares.detail), gates=False)
    cpi, kpi = shares
    return Check(
        name=name,
        passed=max(shares) <= MOST_PLACEBOS,
        detail=f"At earlier dates, {cpi:.0%} show a change of the CPI and {kpi:.0%} one of the KPI.",
        gates=False,
    )


def _leading(question: Question, draft: LeadingStudy, found: Averages) -> StudyFinding:
    """It foretells or it does not; there is no slope in it."""
    units = found.analysed
    if why := _unheard(found, draft.groups, ()):
        return refused(question, why, OBSERVED, units=0, left_out=found.left_out)
    whole, lost = _complete(found)
    course = Course(
        groups=tuple(np.array(found.groups)[whole].tolist()),
        cpi=found.values[0][whole],
        kpi=found.values[1][whole],
    )
    result = leading_indicator(course, horizon=draft.horizon, lags=draft.lags, alpha=draft.alpha)
    if isinstance(result, NotEstimable):
        return refused(question, result, OBSERVED, units=units, left_out=found.left_out)
    ours = result.kpi_by_cpi
    leads = ours.p_value < draft.alpha
    said = "foretells the growth of" if leads else "does not foretell the growth of"
    return StudyFinding(
        rung=OBSERVED,
        sentence=f"“{question.pins[CPI].name}” {said} “{question.pins[KPI].name}” "
        f"{draft.horizon} {draft.every}s ahead: it takes {ours.gain:.1%} off the forecasts' squared error "
        f"(p = {ours.p_value:.2g}). What leads need not cause.",
        slope=StudyRefusal(
            reason="foretelling_is_no_effect",
            detail="forecasts say which metric moves first, and nothing of how much one moves the other",
        ),
        units=units,
        left_out=dict(found.left_out),
        assumptions=("Periods are alike over time, apart from what the forecasts see.",),
        checks=shown(question, (*lost, _one_direction(result.cpi_by_kpi, draft.alpha, leads=leads))),
        details=_document(result),
    )


def _one_direction(back: Foretelling, alpha: float, *, leads: bool) -> Check:
    """What foretells each other may both follow from something else."""
    return Check(
        name="one_direction",
        passed=not (leads and back.p_value < alpha),
        detail=f"The other way round the KPI takes {back.gain:.1%} off the error of forecasts "
        f"of the CPI (p = {back.p_value:.2g}).",
        gates=False,
    )


def _quasi(question: Question, found: _Answered | NotEstimable, left_out: Mapping[str, int]) -> StudyFinding:
    """Per increment of improvement, with what must hold."""
    if isinstance(found, NotEstimable):
        return refused(question, found, QUASI, units=0, left_out=left_out)
    told = found.slope if isinstance(found.slope, NotEstimable) else _told(found.slope)
    if isinstance(told, NotEstimable):
        said = no_answer(question, told)
        slope: StudySlope | StudyRefusal = refusal(question, told)
    else:
        slope = _scaled(told, question.step)
        cpi, kpi, (lower, upper) = question.pins[CPI].name, question.pins[KPI].name, spoken(slope.interval)
        said = (
            f"Not randomised: “{cpi}” on “{kpi}” {slope.estimate:+.3g} (interval {lower} to {upper}) per "
            f"{increment(question)}, if the change reached it through the CPI alone. "
            "An experiment would tell."
        )
    return StudyFinding(
        rung=QUASI,
        sentence=said,
        slope=slope,
        units=found.units,
        left_out=dict(left_out),
        assumptions=(ASSUMPTIONS[question.draft.design], ONLY_THROUGH),
        checks=shown(question, found.checks),
        details=found.details,
    )


def _told(slope: QuasiSlope) -> QuasiSlope | NotEstimable:
    """A set that is open on both sides says of no slope how large it is, so that no number is shown."""
    lower, upper = slope.confidence.lower, slope.confidence.upper
    if lower is not None or upper is not None:
        return slope
    between = len(slope.confidence.pieces) > 1
    return NotEstimable(reason="cpi_not_told_moved", detail=ANY_SIZE if between else ANY_SLOPE)


def _scaled(slope: QuasiSlope, step: float) -> StudySlope:
    """Its set's outermost ends, per increment of improvement; an unbounded side stays open."""
    found = slope.confidence.mirrored(1.0 if step > 0 else -1.0)
    lower, upper = found.lower, found.upper
    return StudySlope(
        estimate=slope.value * step,
        interval=(None if lower is None else lower * abs(step), None if upper is None else upper * abs(step)),
    )


def _place(found: Averages, every: str, moment: datetime) -> int:
    """The first period under a change: the one it fell in, or what it is compared with had it in part."""
    return sum(start + PERIODS[every] <= moment for start in found.starts)


def _panel(found: Averages, adopted: Mapping[str, int]) -> tuple[Panel, tuple[Check, ...]]:
    """Groups that were seen in every period, weighed by their units; treated ones stay whatever they miss."""
    whole, lost = _complete(found, always=frozenset(adopted))
    last = len(found.periods)
    names = tuple(np.array(found.groups)[whole].tolist())
    starts = [adopted.get(name) for name in names]
    return (
        Panel(
            outcomes=OUTCOMES,
            groups=names,
            periods=found.periods,
            values=found.values[:, whole],
            adopted=tuple(None if at is None or at >= last else at for at in starts),
            sizes=tuple(float(n) for n in found.units[whole].mean(axis=1)),
        ),
        lost,
    )


def _complete(
    found: Averages, always: frozenset[str] = frozenset()
) -> tuple[npt.NDArray[np.intp], tuple[Check, ...]]:
    """Places of the groups that had units in every period, and what is said of the others."""
    full = [at for at, name in enumerate(found.groups) if name in always or bool((found.units[at] > 0).all())]
    lost = [name for at, name in enumerate(found.groups) if at not in full]
    if not lost:
        return np.array(full, dtype=np.intp), ()
    detail = f"Left out, since nobody came in some period: {', '.join(lost[:10])}."
    check = Check(name="groups_complete", passed=False, detail=detail, gates=False)
    return np.array(full, dtype=np.intp), (check,)


def _document(found: object) -> Details:
    document = as_json(found)
    if not isinstance(document, dict):
        raise TypeError(f"expected a document, got {type(document).__name__}")
    return dict(document)
