"""What does the page of one lever show? Its contrasts, its charts, and how its verdicts came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from analyses import slope_of_one_contrast
from service.charts.chart import Chart
from service.charts.relationship import Contrast, Judged, Slopes, contrasts_chart, history_chart
from service.charts.slopes import Allowed, Line, exclusion_chart, forest_chart
from service.evidence.documents import SlopeDocument, VerdictDocument
from service.evidence.sensitivity import SensitivityDocument
from service.evidence.tables import Verdict
from service.experiments import planned as experiments
from service.hypotheses import mechanisms
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.words import Words
from service.metrics.scale import Scale
from service.metrics.service import PinnedMetric
from service.web.lever_words import Size, Told


class ContrastShown(BaseModel):
    """One contrast of a verdict's relationship, as it is kept; fields that a page does not show may come."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    experiment: str
    arm: str
    mechanism: str | None
    placebo: bool
    cpi_effect: float
    kpi_effect: float
    var_cpi: float
    var_kpi: float
    cov: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contrast with the names that people know it by."""

    experiment_id: str
    experiment: str
    contrast: Contrast


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An earlier verdict, as it is told today."""

    at: datetime
    state: str
    size: Size
    reasons: tuple[str, ...]


def past(history: Sequence[Verdict], hypothesis: RegisteredHypothesis) -> list[Past]:
    """Every verdict of the lever, the newest first."""
    told = [(one.created_at, VerdictDocument.model_validate(one.verdict)) for one in history]
    return [
        Past(
            at=at,
            state=verdict.state.value,
            size=Size.of(hypothesis, verdict.slope),
            reasons=tuple(reason.text for reason in verdict.reasons),
        )
        for at, verdict in told
    ]


def charts(
    words: Words,
    lever: Told,
    hypothesis: RegisteredHypothesis,
    history: Sequence[Verdict],
    contrasts: Sequence[Row],
) -> list[Chart]:
    """All that can be drawn of what is known."""
    found = []
    if contrasts:
        drawn = [row.contrast for row in contrasts]
        cpi, kpi = (_unit(words, one) for one in (hypothesis.cpi, hypothesis.kpi))
        found.append(contrasts_chart(words, cpi, kpi, drawn, _raw(lever, hypothesis)))
        found.append(_forest(words, lever, hypothesis, contrasts))
    found += _segments(words, lever)
    if history:
        found += _exclusion(words, lever, hypothesis, history[0])
    if len(history) > 1:
        judged = _judged(history, lever.scale)
        found.append(history_chart(words, _slope_unit(words, lever), lever.smallest, judged))
    return found


def _forest(words: Words, lever: Told, hypothesis: RegisteredHypothesis, contrasts: Sequence[Row]) -> Chart:
    """Every arm by itself, by experiment, and what they say together."""
    _, per = words.gettext, _per(hypothesis)
    lines = [_line(row, per) for row in contrasts if not row.contrast.placebo]
    together = Line(
        name=_("All together"), kind=_("all"), estimate=lever.estimate, low=lever.low, high=lever.high
    )
    unit = _slope_unit(words, lever)
    alt = _(
        "{n} arms, each with the interval (95 %) of the slope that it gives by itself, and what they say "
        "together: {unit}. The dashed line is the smallest slope of interest."
    )
    return forest_chart(
        words,
        title=_("Experiment by experiment"),
        alt=alt.format(n=len(lines), unit=unit),
        unit=unit,
        smallest=lever.smallest,
        lines=[*lines, together] if lever.sized else lines,
    )


def _line(row: Row, per: float) -> Line:
    """The slope of one arm by itself, per increment of improvement; a name that is cut keeps its arm."""
    one = row.contrast
    found = slope_of_one_contrast(one.cpi, one.kpi, var_cpi=one.var_cpi, var_kpi=one.var_kpi, cov=one.cov)
    closed = found.bounded and len(found.pieces) == 1
    ends = sorted(end * per for end in (found.lower, found.upper) if end is not None and closed)
    low, high = ends or (None, None)
    return Line(
        name=f"{one.name.removeprefix(f'{row.experiment}: ')} · {row.experiment}",
        kind=one.mechanism,
        estimate=one.kpi / one.cpi * per if one.cpi else None,
        low=low,
        high=high,
    )


def _segments(words: Words, lever: Told) -> list[Chart]:
    _, unit = words.gettext, _slope_unit(words, lever)
    verdict, factor = lever.lever.verdict, lever.scale.factor
    if verdict is None or not verdict.segments:
        return []
    lines = [
        Line(
            name=one.segment,
            kind=one.segmentation,
            estimate=_scaled(one.slope.estimate, factor),
            low=_scaled(one.slope.interval[0], factor),
            high=_scaled(one.slope.interval[1], factor),
        )
        for one in verdict.segments
    ]
    alt = _("The slope among the customers of {n} segments, each with its interval: {unit}.")
    return [
        forest_chart(
            words,
            title=_("Segment by segment"),
            alt=alt.format(n=len(lines), unit=unit),
            unit=unit,
            smallest=lever.smallest,
            lines=lines,
        )
    ]


def _exclusion(words: Words, lever: Told, hypothesis: RegisteredHypothesis, verdict: Verdict) -> list[Chart]:
    hangs_on, factor = SensitivityDocument.of_relationship(verdict.relationship), lever.scale.factor
    if hangs_on is None or not isinstance(hangs_on.direct_effects, tuple):
        return []
    allowed = [
        Allowed(bound=one.bound * factor, low=_scaled(one.lower, factor), high=_scaled(one.upper, factor))
        for one in hangs_on.direct_effects
    ]
    registered = _scaled(hypothesis.direct_effect_bound, factor)
    return [
        exclusion_chart(
            words,
            kpi=_unit(words, hypothesis.kpi),
            unit=_slope_unit(words, lever),
            allowed=allowed,
            breakdown=breakdown_of(verdict, factor),
            registered=registered,
        )
    ]


def breakdown_of(verdict: Verdict, factor: float) -> float | None:
    """The smallest direct effect that would let the slope be nothing, in the units that people read."""
    found = verdict.relationship.get("breakdown")
    return found * factor if isinstance(found, float) else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _per(hypothesis: RegisteredHypothesis) -> float:
    """What turns a slope per unit of the CPI, as people read it, into one per step of improvement."""
    return Scale.of(hypothesis.cpi.definition).factor * hypothesis.cpi.valued.step


def rows(session: Session, verdict: Verdict, hypothesis: RegisteredHypothesis) -> list[Row]:
    """The contrasts in the units that people read; a relationship that could not be estimated has none."""
    kept = verdict.relationship.get("contrasts")
    shown = [ContrastShown.model_validate(one) for one in kept] if isinstance(kept, list) else []
    names = experiments.names(session, {one.experiment for one in shown})
    named = mechanisms.names(session, {one.mechanism for one in shown if one.mechanism})
    cpi, kpi = Scale.of(hypothesis.cpi.definition).factor, Scale.of(hypothesis.kpi.definition).factor
    return [
        Row(
            experiment_id=one.experiment,
            experiment=names[one.experiment],
            contrast=Contrast(
                name=f"{names[one.experiment]}: {one.arm}",
                mechanism=named.get(one.mechanism or "", one.mechanism or "unnamed"),
                placebo=one.placebo,
                cpi=one.cpi_effect * cpi,
                kpi=one.kpi_effect * kpi,
                var_cpi=one.var_cpi * cpi**2,
                var_kpi=one.var_kpi * kpi**2,
                cov=one.cov * cpi * kpi,
            ),
        )
        for one in shown
    ]


def _raw(lever: Told, hypothesis: RegisteredHypothesis) -> Slopes:
    """The lever's slope per unit of the CPI as it is measured, where it was per step of improvement."""
    if not lever.sized:
        return Slopes(estimate=None, low=None, high=None)
    per = _per(hypothesis)
    ends = sorted(x / per for x in (lever.low, lever.high) if x is not None)
    closed = len(ends) == 2
    return Slopes(
        estimate=None if lever.estimate is None else lever.estimate / per,
        low=ends[0] if closed else None,
        high=ends[1] if closed else None,
    )


def _judged(history: Sequence[Verdict], scale: Scale) -> list[Judged]:
    """Oldest first."""
    told_of = [(one, VerdictDocument.model_validate(one.verdict)) for one in reversed(history)]
    found = []
    for row, verdict in told_of:
        slope = verdict.slope if isinstance(verdict.slope, SlopeDocument) else None
        low, high = (None, None) if slope is None else slope.interval
        estimate = None if slope is None else slope.estimate
        found.append(
            Judged(
                at=row.created_at,
                state=verdict.state.value,
                estimate=_scaled(estimate, scale.factor),
                low=_scaled(low, scale.factor),
                high=_scaled(high, scale.factor),
            )
        )
    return found


def _unit(words: Words, metric: PinnedMetric) -> str:
    """“Quick quote (minute)”; a share is told in points."""
    if Scale.of(metric.definition).points:
        return words.gettext("{name} (points)").format(name=metric.name)
    return f"{metric.name} ({words.unit(metric.increment.unit)})" if metric.increment else metric.name


def _slope_unit(words: Words, lever: Told) -> str:
    told = (
        words.gettext("{kpi} (points) per {step}")
        if lever.scale.points
        else words.gettext("{kpi} per {step}")
    )
    return told.format(kpi=lever.lever.kpi.name, step=words.retold(lever.lever.increment))
