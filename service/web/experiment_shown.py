"""What does the page of one experiment show? Its result in the order in which people should read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import exp

from service.charts.chart import Chart
from service.charts.experiment import Grown, arrivals_chart, growth_chart
from service.evidence.documents import CheckDocument, VerdictDocument, VerdictState
from service.evidence.kept import Ends, KeptBelief, KeptEffect, KeptGuardrail, KeptNumber, KeptResult
from service.experiments.planned import PlannedExperiment
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.words import Words
from service.metrics.scale import Scale
from service.metrics.service import PinnedMetric
from service.web.lever_words import Size

LATELY = 7  # days from which the end is foretold
QUALITY = {
    "srm": ("srm", "srm_exposed", "sequential_srm", "srm_by_day", "srm_by_segment"),
    "multiple": ("multiple_exposure",),
    "attrition": ("observed_share", "observed_set_moved"),
    "balance": ("covariate_balance",),
}
"""What a reader asks first, and the checks that answer it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """A posterior as a shape from 0 to 100 across and 0 to 20 up; ``zero`` is where nothing lies."""

    path: str
    zero: float
    low: float
    high: float
    mean: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One arm on one metric, in the units that people read; ``early`` marks an interval for every look."""

    metric: PinnedMetric
    scale: Scale
    arm: str
    baseline: float | None
    level: float | None
    estimate: float | None
    interval: Ends | None
    early: bool
    relative: float | None
    density: Density | None
    p_better: float | None
    guardrail: KeptGuardrail | None
    refusal: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """One of the questions of the banner: True passed, False failed, None not checked."""

    name: str
    passed: bool | None
    details: tuple[str, ...]


def quality(checks: Sequence[CheckDocument]) -> list[Quality]:
    """The four questions first, then whatever else failed."""
    told = {name for names in QUALITY.values() for name in names}
    found = [_asked(name, [one for one in checks if one.name in names]) for name, names in QUALITY.items()]
    others = [one for one in checks if one.name not in told and one.passed is False]
    return [*found, *([_asked("other", others)] if others else [])]


def _asked(name: str, checks: Sequence[CheckDocument]) -> Quality:
    states = [one.passed for one in checks]
    failed = tuple(one.detail for one in checks if one.passed is False)
    passed = False if failed else True if True in states else None
    return Quality(name=name, passed=passed, details=failed)


def decision(
    result: KeptResult, tested: Sequence[RegisteredHypothesis], *, analysed: bool
) -> tuple[str, dict[str, object]]:
    """What to do, as the name of a sentence and what stands in it."""
    if not analysed:
        return "not_analysed", {}
    if any(check.gates and check.passed is False for check in result.checks):
        return "not_trusted", {}
    verdicts = [found for one in tested if (found := result.verdict(one.id)) is not None]
    if not verdicts:
        return "not_final", {"why": result.why_not_final or ""}
    harmed = [one for one in result.effects if one.guardrail and one.guardrail.harm_beyond_margin == "shown"]
    if len(verdicts) == 1 and not harmed:
        return "said", {}
    confirmed = sum(one.state is VerdictState.CONFIRMED for one in verdicts)
    rejected = sum(one.state is VerdictState.REJECTED for one in verdicts)
    name = "harmed" if harmed else "several"
    return name, {"confirmed": confirmed, "rejected": rejected, "n": len(verdicts), "harmed": len(harmed)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One hypothesis under test, and what this experiment's run concluded on it, if it did."""

    hypothesis: RegisteredHypothesis
    state: str | None
    size: Size | None
    reasons: tuple[str, ...]


def concluded(result: KeptResult, tested: Sequence[RegisteredHypothesis]) -> list[Tested]:
    """In the order in which the plan names them."""
    return [_concluded(one, result.verdict(one.id)) for one in tested]


def _concluded(hypothesis: RegisteredHypothesis, verdict: VerdictDocument | None) -> Tested:
    return Tested(
        hypothesis=hypothesis,
        state=None if verdict is None else verdict.state.value,
        size=None if verdict is None else Size.of(hypothesis, verdict.slope),
        reasons=() if verdict is None else tuple(reason.text for reason in verdict.reasons),
    )


def groups(
    plan: PlannedExperiment, tested: Sequence[RegisteredHypothesis], result: KeptResult
) -> list[tuple[str, list[EffectRow]]]:
    """Goals, secondary metrics, guardrails: each metric once, where it matters most."""
    goals = {metric.key: metric for one in tested for metric in (one.cpi, one.kpi)}
    secondary = {one.key: one for one in plan.secondary if one.key not in goals}
    guardrails = {one.key: one for one in plan.guardrails if one.key not in goals | secondary}
    named = {"goal": goals, "secondary": secondary, "guardrail": guardrails}
    return [
        (name, [row for one in of.values() for row in _rows(one, plan, result)])
        for name, of in named.items()
        if of
    ]


def _rows(metric: PinnedMetric, plan: PlannedExperiment, result: KeptResult) -> list[EffectRow]:
    return [_row(metric, one, plan, result) for one in result.effects if one.metric == metric.key]


def _row(metric: PinnedMetric, effect: KeptEffect, plan: PlannedExperiment, result: KeptResult) -> EffectRow:
    """Before the planned end, the interval that holds at every look stands where the other one will."""
    scale, view = Scale.of(metric.definition), effect.chosen
    early = view.estimate is None and view.anytime is not None and view.anytime.estimate is not None
    shown = view.anytime if early and view.anytime is not None else view
    control, own = (result.level(metric.key, arm) for arm in (plan.control.name, effect.arm))
    belief = None if effect.posterior is None else effect.posterior.belief
    return EffectRow(
        metric=metric,
        scale=scale,
        arm=effect.arm,
        baseline=None if control is None else _times(control.mean, scale),
        level=None if own is None else _times(own.mean, scale),
        estimate=_times(shown.estimate, scale),
        interval=None if shown.interval is None else _both(shown.interval, scale),
        early=early,
        relative=None if view.relative is None else view.relative.estimate,
        density=None if belief is None else density(belief),
        p_better=None if belief is None else belief.p_better,
        guardrail=effect.guardrail,
        refusal=None if shown.not_estimable is None else shown.not_estimable.detail,
    )


def _times(value: float | None, scale: Scale) -> float | None:
    return None if value is None else value * scale.factor


def _both(ends: Ends, scale: Scale) -> Ends:
    return _times(ends[0], scale), _times(ends[1], scale)


def density(belief: KeptBelief) -> Density | None:
    """Four deviations either way, and nothing (0) within the picture."""
    if belief.deviation <= 0:
        return None
    least = min(belief.mean - 4 * belief.deviation, 0.0)
    most = max(belief.mean + 4 * belief.deviation, 0.0)

    def across(value: float) -> float:
        return round(100 * (value - least) / (most - least), 2)

    steps = [belief.mean + belief.deviation * k / 8 for k in range(-32, 33)]
    points = [
        f"{across(x):g} {20 - 19 * exp(-(((x - belief.mean) / belief.deviation) ** 2) / 2):.2f}"
        for x in steps
    ]
    low, high = belief.interval
    return Density(
        path=f"M{across(steps[0]):g} 20 L{' L'.join(points)} L{across(steps[-1]):g} 20 Z",
        zero=across(0.0),
        low=across(belief.mean if low is None else low),
        high=across(belief.mean if high is None else high),
        mean=across(belief.mean),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far it has come, and when it will be there if units go on coming as lately."""

    analysed: int
    planned: int
    end: date | None


def progress(plan: PlannedExperiment, result: KeptResult, at: datetime | None) -> Progress:
    """The end is foretold from the last week, for an experiment that runs."""
    analysed = sum(arm.n for arm in result.arms if arm.experiment == plan.id)
    end = None
    if at is not None and plan.stopped_at is None and analysed < plan.planned_units:
        end = _end(result, plan.planned_units - analysed)
    return Progress(analysed=analysed, planned=plan.planned_units, end=end)


def _end(result: KeptResult, missing: int) -> date | None:
    days = result.daily.days
    if not days:
        return None
    first = max(days[0], days[-1] - timedelta(days=LATELY - 1))
    came = sum(
        n for arm in result.daily.units.values() for day, n in zip(days, arm, strict=True) if day >= first
    )
    per_day = came / ((days[-1] - first).days + 1)
    return days[-1] + timedelta(days=-int(-missing // per_day)) if per_day else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How many units fell out at one step, and how many are left after it."""

    state: str
    n: int
    left: int


def funnel(result: KeptResult, analysed: int) -> list[Left]:
    """From everybody who was seen to those who are analysed, in the order in which units are judged."""
    fell = [(state, n) for state, n in result.units.items() if n]
    left = analysed + sum(n for _, n in fell)
    found = []
    for state, n in fell:
        left -= n
        found.append(Left(state=state, n=n, left=left))
    return found


def effect_lines(result: KeptResult) -> list[dict[str, object]]:
    """A line for each effect; ``adjusted`` says which estimate it is."""
    return [
        {
            "metric": one.metric,
            "arm": one.arm,
            "adjusted": one.adjusted is not None,
            "estimate": one.chosen.estimate,
            "low": one.chosen.interval and one.chosen.interval[0],
            "high": one.chosen.interval and one.chosen.interval[1],
            **_any_look(one.chosen.anytime),
            "why_not": one.chosen.not_estimable and one.chosen.not_estimable.reason,
        }
        for one in result.effects
    ]


def _any_look(found: KeptNumber | None) -> dict[str, object]:
    """The same names whether there is one or not: every line has the columns of the first."""
    low, high = (None, None) if found is None or found.interval is None else found.interval
    return {
        "any_look_estimate": None if found is None else found.estimate,
        "any_look_low": low,
        "any_look_high": high,
    }


def charts(words: Words, result: KeptResult, goals: Sequence[PinnedMetric]) -> list[Chart]:
    """Who came when, then each goal over time."""
    daily = result.daily
    found = [arrivals_chart(words, daily.days, daily.units)] if daily.days else []
    return [*found, *(one for metric in goals for one in _growth(words, metric, result))]


def _growth(words: Words, metric: PinnedMetric, result: KeptResult) -> list[Chart]:
    scale = Scale.of(metric.definition)
    grown = [
        Grown(
            day=one.day,
            arm=one.arm,
            units=one.units,
            estimate=one.estimate * scale.factor,
            low=_times(one.interval[0], scale),
            high=_times(one.interval[1], scale),
        )
        for one in result.daily.effects
        if one.metric == metric.key
    ]
    return [growth_chart(words, metric.name, unit_of(words, metric), grown)] if grown else []


def unit_of(words: Words, metric: PinnedMetric) -> str:
    """“minute”, or points for a share; nothing where nobody named a unit."""
    if Scale.of(metric.definition).points:
        return words.gettext("points")
    return "" if metric.increment is None else words.unit(metric.increment.unit)


def goals_of(tested: Sequence[RegisteredHypothesis]) -> list[PinnedMetric]:
    """CPIs and KPIs under test, each once."""
    found: Mapping[str, PinnedMetric] = {m.key: m for one in tested for m in (one.cpi, one.kpi)}
    return list(found.values())
