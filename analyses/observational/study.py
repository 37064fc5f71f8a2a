"""What do unrandomised data say of one causal question, with all that speaks against it?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from analyses.observational.compare import Comparison, against_randomised
from analyses.observational.estimate import AdjustedSlope, adjusted_slope, estimated
from analyses.observational.graph import CausalGraph
from analyses.observational.identify import Strategy, StrategyKind, identify
from analyses.observational.implied import ImpliedIndependences, implied_independences
from analyses.observational.learned import doubly_learned
from analyses.observational.overlap import Overlap, overlap
from analyses.observational.refute import Refutation, RefuterKind, refuted
from analyses.observational.sample import Sample
from analyses.observational.sensitivity import Benchmark, Sensitivity, sensitivity
from analyses.results import Check, Estimate, Interval, NotEstimable

LEAST_UNITS = 50
UNADJUSTED = "Nothing was adjusted for: this is a raw correlation."
MOST_APART = 2.0  # joint errors between straight lines and curves, above which lines are doubted


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalQuestion:
    """``step`` is one increment of improvement in raw CPI units, negative where lower is better.

    ``randomised`` is what experiments found: slope and its interval's ends, in KPI units per increment.
    """

    graph: CausalGraph
    step: float = 1.0
    alpha: float = 0.05
    seed: int = 0
    randomised: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyAnswer:
    """What one strategy yields, in KPI units per increment of improvement."""

    strategy: Strategy
    found: AdjustedSlope | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """What was tried against the backdoor's answer; each None where that strategy is not the graph's.

    Overlap, and the slope among units that have counterparts, are None too where nothing was held fixed.
    """

    overlap: Overlap | NotEstimable | None = None
    trimmed: AdjustedSlope | NotEstimable | None = None
    learned: AdjustedSlope | NotEstimable | None = None
    sensitivity: Sensitivity | NotEstimable | None = None
    refutations: tuple[Refutation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedEffect:
    """All of a study. ``answer`` is the first strategy that gives a number; ``naive`` holds nothing fixed.

    Slopes are KPI units per increment of improvement. Nothing here ever confirms.
    """

    units: int
    naive: AdjustedSlope | NotEstimable
    answers: tuple[StudyAnswer, ...]
    answer: StudyAnswer | NotEstimable
    independences: ImpliedIndependences | NotEstimable
    doubts: Doubts
    comparison: Comparison | NotEstimable | None
    checks: tuple[Check, ...]
    dowhy: bool


def observed_effect(asked: CausalQuestion, sample: Sample) -> ObservedEffect | NotEstimable:
    """Identify, estimate by every strategy that the graph allows, and try to refute what comes out.

    Question: what do unrandomised data say of a CPI's effect on a KPI, and how easily are they wrong?
    Estimand: the average change of the KPI per increment of improvement of the CPI.
    Assumes: the graph; each strategy says in words what else.
    Formula: ``identify``, then ``adjusted_slope``, ``instrumented``, ``front_door`` or ``mediated``; beside a
    backdoor answer ``overlap`` with trimming, ``doubly_learned``, ``sensitivity``; ``refuted`` a hundred
    times; ``implied_independences``; ``against_randomised`` with the randomised answer.
    Units: KPI units per increment of improvement.
    Errors: intervals at 1 - alpha, right only if the assumptions are: such evidence ranks what to test.
    Reference: of each part, its own.
    """
    if sample.n < LEAST_UNITS:
        reason = "empty_population" if sample.n == 0 else "too_few_units"
        return NotEstimable(
            reason=reason,
            detail=f"units that have everything that the graph names: {sample.n}; it takes {LEAST_UNITS}",
        )
    identified = identify(asked.graph)
    if isinstance(identified, NotEstimable):
        return identified
    t, y = asked.graph.treatment, asked.graph.outcome
    answers = tuple(_answer(asked, sample, one) for one in identified.strategies)
    main = _main(answers)
    independences = implied_independences(asked.graph, sample)
    doubts = Doubts() if isinstance(main, NotEstimable) else _doubts(asked, sample, main.strategy)
    naive = adjusted_slope(sample, t, y, (), alpha=asked.alpha)
    comparison = _comparison(asked, main)
    return ObservedEffect(
        units=sample.n,
        naive=_scaled(naive, asked.step),
        answers=answers,
        answer=main,
        independences=independences,
        doubts=doubts,
        comparison=comparison,
        checks=tuple(_checks(asked.graph, main, independences, doubts, comparison)),
        dowhy=identified.dowhy,
    )


def _answer(asked: CausalQuestion, sample: Sample, strategy: Strategy) -> StudyAnswer:
    graph = asked.graph
    found = estimated(sample, graph.treatment, graph.outcome, strategy, alpha=asked.alpha)
    return StudyAnswer(strategy=strategy, found=_scaled(found, asked.step))


def _main(answers: tuple[StudyAnswer, ...]) -> StudyAnswer | NotEstimable:
    """The first that gives a number; else the first reason."""
    whole = [one for one in answers if one.strategy.kind is not StrategyKind.MEDIATION]
    for one in whole:
        if isinstance(one.found, AdjustedSlope):
            return one
    first = whole[0].found
    if isinstance(first, AdjustedSlope):
        raise TypeError("an estimate is no reason")
    return first


def _doubts(asked: CausalQuestion, sample: Sample, strategy: Strategy) -> Doubts:
    t, y, step = asked.graph.treatment, asked.graph.outcome, asked.step

    def again(some: Sample) -> AdjustedSlope | NotEstimable:
        return _scaled(estimated(some, t, y, strategy, alpha=asked.alpha), step)

    kinds: tuple[RefuterKind, ...] = (RefuterKind.PLACEBO, RefuterKind.SUBSET)
    if strategy.kind is StrategyKind.INSTRUMENT:
        kinds = (RefuterKind.SUBSET,)  # a CPI dealt out anew is moved by no instrument: nothing to refute
    refutations = tuple(refuted(sample, t, again, kind, seed=asked.seed) for kind in kinds)
    if strategy.kind is not StrategyKind.BACKDOOR:
        return Doubts(refutations=refutations)
    covariates = sample.columns_of(strategy.adjust)
    # Of nothing all units are alike: that they are is no answer, and no check to pass.
    alike = overlap(sample, t, covariates) if covariates else None
    kept = sample.only(alike.kept > 0) if isinstance(alike, Overlap) else None
    return Doubts(
        overlap=alike,
        trimmed=None if kept is None else again(kept),
        learned=_scaled(doubly_learned(sample, t, y, covariates, alpha=asked.alpha, seed=asked.seed), step),
        sensitivity=_stepped(
            sensitivity(
                sample.moments,
                t,
                y,
                [(node, sample.of(node)) for node in strategy.adjust],
                contrast=step,
                alpha=asked.alpha,
            ),
            step,
        ),
        refutations=refutations,
    )


def _stepped(found: Sensitivity | NotEstimable, step: float) -> Sensitivity | NotEstimable:
    """What its benchmarks leave, per increment of improvement instead of per raw unit."""
    if isinstance(found, NotEstimable):
        return found
    return replace(found, benchmarks=tuple(_benchmark(one, step) for one in found.benchmarks))


def _benchmark(one: Benchmark, step: float) -> Benchmark:
    lower, upper = sorted((one.lower * step, one.upper * step))
    return replace(one, adjusted=one.adjusted * step, lower=lower, upper=upper)


def _comparison(asked: CausalQuestion, main: StudyAnswer | NotEstimable) -> Comparison | NotEstimable | None:
    if (
        asked.randomised is None
        or isinstance(main, NotEstimable)
        or not isinstance(main.found, AdjustedSlope)
    ):
        return None
    value = main.found.value
    lower, upper = value.interval.lower, value.interval.upper
    if lower is None or upper is None:
        return NotEstimable(reason="no_interval", detail="the answer's interval is open")
    return against_randomised((value.value, lower, upper), asked.randomised)


def _scaled(found: AdjustedSlope | NotEstimable, step: float) -> AdjustedSlope | NotEstimable:
    """Per increment of improvement instead of per raw unit."""
    if isinstance(found, NotEstimable):
        return found
    return AdjustedSlope(
        value=_times(found.value, step),
        units=found.units,
        checks=found.checks,
        through=None if found.through is None else _times(found.through, step),
        past=None if found.past is None else _times(found.past, step),
    )


def _times(one: Estimate, step: float) -> Estimate:
    ends = [None if end is None else end * step for end in (one.interval.lower, one.interval.upper)]
    lower, upper = ends if step > 0 else reversed(ends)
    return Estimate(
        value=one.value * step,
        std_error=one.std_error * abs(step),
        interval=Interval(lower=lower, upper=upper),
        p_value=one.p_value,
    )


def _checks(
    graph: CausalGraph,
    main: StudyAnswer | NotEstimable,
    independences: ImpliedIndependences | NotEstimable,
    doubts: Doubts,
    comparison: Comparison | NotEstimable | None,
) -> Iterator[Check]:
    if isinstance(main, StudyAnswer) and isinstance(main.found, AdjustedSlope):
        yield from main.found.checks
        if main.strategy.kind is StrategyKind.BACKDOOR and not main.strategy.adjust:
            yield Check(name="adjusted", passed=False, detail=UNADJUSTED, gates=False)
    if isinstance(independences, ImpliedIndependences):
        pairs = ", ".join(" – ".join(map(graph.said, pair)) for pair in independences.contradicted)
        said = f"The data contradict missing arrows: {pairs}." if pairs else "No missing arrow is refuted."
        yield Check(name="graph_fits", passed=not pairs, detail=said, gates=False)
    if isinstance(doubts.overlap, Overlap):
        good = doubts.overlap.good
        yield Check(name="overlap", passed=good, detail=doubts.overlap.detail, gates=False)
    elif doubts.overlap is not None:
        yield Check(name="overlap", passed=False, detail=f"{doubts.overlap.detail}.", gates=False)
    for one in doubts.refutations:
        yield Check(name=f"refuter_{one.kind}", passed=one.passed, detail=one.detail, gates=False)
    if isinstance(doubts.sensitivity, Sensitivity):
        robust = not doubts.sensitivity.fragile
        yield Check(name="unmeasured_cause", passed=robust, detail=doubts.sensitivity.detail, gates=False)
    if isinstance(main, StudyAnswer):
        yield from _curves(main.found, doubts.learned)
    if isinstance(comparison, Comparison):
        yield Check(
            name="agrees_with_experiments", passed=comparison.agrees, detail=comparison.sentence, gates=False
        )


def _curves(
    main: AdjustedSlope | NotEstimable, learned: AdjustedSlope | NotEstimable | None
) -> Iterator[Check]:
    if not (isinstance(main, AdjustedSlope) and isinstance(learned, AdjustedSlope)):
        return
    yield from learned.checks
    apart = abs(main.value.value - learned.value.value)
    joint = float(np.hypot(main.value.std_error, learned.value.std_error))
    yield Check(
        name="curves_agree",
        passed=apart <= MOST_APART * joint,
        detail=f"Straight lines give {main.value.value:.4g}, learned curves {learned.value.value:.4g}.",
        gates=False,
    )
