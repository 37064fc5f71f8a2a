"""For whom does the lever work, and for whom not? Everything that one experiment's units say of it.

Exploratory, always: no part of this enters a verdict. One half of the units proposes, the other tests.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyses.heterogeneity.calibration import Calibration, calibration
from analyses.heterogeneity.design import Design, LeftOut, design
from analyses.heterogeneity.learners import (
    Fit,
    Line,
    NoError,
    clustered_line,
    effect_line,
    forest,
    line_of,
    slope_line,
    slope_method,
)
from analyses.heterogeneity.policy import PolicyValue, policy_value
from analyses.heterogeneity.scores import Scores, mean_of, scores
from analyses.heterogeneity.segments import Proposal, put_to_test, suggestions
from analyses.heterogeneity.trial import UNITS_A_COLUMN, WEAK, Trial, in_clusters, overlap, usable
from analyses.moments import Floats
from analyses.quiet import silenced, told
from analyses.relationship.question import Question
from analyses.results import Check, Estimate, NotEstimable

CALIBRATED_ON = 100_000  # units that a forest is asked about

type Report = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of the effect on the KPI, judged by units it has not seen, and what following it is worth."""

    method: str
    units: int  # that it has seen
    calibration: Calibration | NotEstimable
    policy: PolicyValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored:
    """Where an arm's effect on KPI and CPI, and the CPI's slope, seem to differ between units.

    Effects are arm minus control in raw units; slopes in KPI units per increment of improvement. ``share`` is
    that of the sample among the analysed units. ``discovery`` and ``confirmation`` are units of the halves;
    ``clusters`` is how many clusters they are of, where clusters were drawn.
    """

    units: int
    share: float
    discovery: int
    confirmation: int
    clusters: int | None
    seed: int
    alpha: float
    effect_kpi: Estimate
    effect_cpi: Estimate
    segments: tuple[Proposal, ...]
    policies: tuple[PolicyValue, ...]
    kpi_line: Line | NotEstimable
    cpi_line: Line | NotEstimable
    slope_line: Line | NotEstimable
    models: tuple[Model, ...]
    left_out: tuple[LeftOut, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Half:
    trial: Trial
    matrix: Floats
    scores: Scores


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Halves:
    discovery: _Half
    confirmation: _Half
    design: Design
    question: Question
    seed: int


def explore(
    trial: Trial, question: Question, *, seed: int = 0, report: Report | None = None
) -> Explored | NotEstimable:
    """Segments in words, lines and a forest, each found in one half of the units and tested in the other.

    Question: for which customers is the effect, and the slope, larger or smaller?
    Estimand: effects within groups of units; nothing of it is a slope of everybody, and none of it decides.
    Assumes: arms drawn with a chance that is constant in each stratum, of units or of whole clusters.
    Formula: doubly robust scores in either half; in the first a search over rules of one and two conditions,
    in the second differences of mean scores inside and outside of at most five of them, Holm's p-values, and
    Q between the slopes. Where clusters were drawn, a cluster is in one half and in one fold, and errors are
    those of sums over clusters.
    Reference: Athey & Imbens (2016), PNAS 113(27); Chernozhukov et al. (2025), Econometrica 93(4).
    """
    report = report or _unheard
    known, clusters = in_clusters(trial)
    fitting = usable(known)
    if isinstance(fitting, NotEstimable):
        return fitting
    ours, phases = fitting
    drawn = design(ours)
    if isinstance(drawn, NotEstimable):
        return drawn
    if why := _too_few(ours, drawn):
        return why
    alike = overlap(drawn.matrix, ours)
    if isinstance(alike, NotEstimable):
        return alike
    report("scoring", 0.1)
    halves = _Halves(
        discovery=_half(ours, drawn, ours.discovery),
        confirmation=_half(ours, drawn, ~ours.discovery),
        design=replace(drawn, matrix=drawn.matrix[:0]),
        question=question,
        seed=seed,
    )
    checks = (phases, alike) if trial.clusters is None else (phases, clusters, alike)
    return _explored(trial.units, halves, checks, report)


def _unheard(_stage: str, _share: float) -> None:
    """Nobody asks how far it is."""


def _half(ours: Trial, drawn: Design, rows: "np.typing.NDArray[np.bool_]") -> _Half:
    half, matrix = ours.at(rows), drawn.matrix[rows]
    return _Half(trial=half, matrix=matrix, scores=scores(half, matrix))


def _too_few(trial: Trial, drawn: Design) -> NotEstimable | None:
    fewest = min(
        int(((trial.discovery == half) & (trial.treated == arm)).sum())
        for half in (True, False)
        for arm in (True, False)
    )
    needed = UNITS_A_COLUMN * len(drawn.terms)
    if fewest >= needed:
        return None
    detail = (
        f"{len(drawn.terms)} columns take {needed:,} units of each arm in each half, and one has {fewest:,}"
    )
    return NotEstimable(reason="too_few_units", detail=detail)


def _explored(
    units: int, halves: _Halves, checks: tuple[Check, ...], report: Report
) -> Explored | NotEstimable:
    found, alpha = halves.confirmation.scores, halves.question.alpha
    kpi, cpi = (mean_of(one, alpha=alpha, clusters=found.clusters) for one in (found.kpi, found.cpi))
    if isinstance(kpi, NotEstimable):
        return kpi
    if isinstance(cpi, NotEstimable):
        return cpi
    report("searching", 0.2)
    segments = _segments(halves)
    with silenced() as said:
        lines, models, seen = _fitted(halves, report)
    n = halves.discovery.trial.n + halves.confirmation.trial.n
    return Explored(
        units=n,
        share=n / units if units else 0.0,
        discovery=halves.discovery.trial.n,
        confirmation=halves.confirmation.trial.n,
        clusters=_clusters(halves),
        seed=halves.seed,
        alpha=alpha,
        effect_kpi=kpi,
        effect_cpi=cpi,
        segments=segments,
        policies=tuple(_targeting(one, halves, len(segments)) for one in segments),
        kpi_line=lines[0],
        cpi_line=lines[1],
        slope_line=lines[2],
        models=models,
        left_out=halves.design.left_out,
        checks=(*checks, *seen, *told("EconML", said)),
    )


def _clusters(halves: _Halves) -> int | None:
    told = [len(np.unique(one)) for half in _each(halves) if (one := half.trial.clusters) is not None]
    return sum(told) if told else None


def _segments(halves: _Halves) -> tuple[Proposal, ...]:
    first, second = halves.discovery, halves.confirmation
    rules = suggestions(first.trial.covariates, first.scores)
    by_name = {
        which: ({one.name: one for one in half.trial.covariates}, half.scores)
        for which, half in ((True, first), (False, second))
    }
    return put_to_test(rules, by_name, halves.question)


def _targeting(one: Proposal, halves: _Halves, proposals: int) -> PolicyValue:
    """Treat the segment where the first half says that it gains more than the rest, else treat the rest."""
    half, sign = halves.confirmation, halves.question.kpi_sign
    inside = np.ones(half.trial.n, dtype=bool)
    by_name = {covariate.name: covariate for covariate in half.trial.covariates}
    for condition in one.conditions:
        inside &= condition.holds(by_name[condition.covariate])
    gains = sign * one.discovery.kpi.difference.value > 0
    words = f"only where {one.words}" if gains else f"everywhere but where {one.words}"
    alpha = halves.question.alpha / proposals
    chosen = inside if gains else ~inside
    return policy_value(words, chosen, half.scores.kpi, alpha=alpha, clusters=half.scores.clusters)


type _Lines = tuple[Line | NotEstimable, Line | NotEstimable, Line | NotEstimable]


def _fitted(halves: _Halves, report: Report) -> tuple[_Lines, tuple[Model, ...], tuple[Check, ...]]:
    """The three lines, and the two models of the effect on the KPI."""
    report("fitting lines", 0.4)
    kpi = [_tried(lambda h: _effect(h, h.trial.kpi, h.scores.kpi, halves), half) for half in _each(halves)]
    cpi = [_tried(lambda h: _effect(h, h.trial.cpi, h.scores.cpi, halves), half) for half in _each(halves)]
    report("fitting slopes", 0.6)
    slope = [_tried(lambda h: _slope(h, halves), half) for half in _each(halves)]
    clustered = halves.discovery.trial.clusters is not None
    method = "least squares of doubly robust scores" if clustered else "LinearDRLearner"
    lines = (
        _line(method, halves, kpi),
        _line(method, halves, cpi),
        _line(slope_method(halves.discovery.trial), halves, slope),
    )
    report("growing a forest", 0.75)
    models = [] if isinstance(kpi[0], NotEstimable) else [_linear_model(method, kpi[0], halves)]
    grown = _forest_model(halves)
    if isinstance(grown, NotEstimable):
        return lines, tuple(models), (Check(name="forest", passed=None, detail=grown.detail, gates=False),)
    return lines, (*models, grown), ()


def _each(halves: _Halves) -> tuple[_Half, _Half]:
    return halves.discovery, halves.confirmation


def _tried(fit: Callable[[_Half], Fit | NotEstimable], half: _Half) -> Fit | NotEstimable:
    try:
        return fit(half)
    except (NoError, np.linalg.LinAlgError) as error:
        return NotEstimable(reason="singular", detail=f"the model could not be fitted: {error}")


def _effect(half: _Half, outcome: Floats, values: Floats, halves: _Halves) -> Fit | NotEstimable:
    alpha, clusters = halves.question.alpha, half.trial.clusters
    if clusters is not None:
        return clustered_line(values, clusters, half.matrix, alpha=alpha)
    return effect_line(half.trial, outcome, half.matrix, seed=halves.seed, alpha=alpha)


def _slope(half: _Half, halves: _Halves) -> Fit | NotEstimable:
    """None where the arm hardly moved the CPI; in KPI units per increment of improvement."""
    alpha, step = halves.question.alpha, halves.question.cpi_step
    if half.trial.clusters is not None:
        detail = "slopes of single units are told where units were drawn, and clusters were"
        return NotEstimable(reason="clusters_randomised", detail=detail)
    first = mean_of(half.scores.cpi, alpha=alpha)
    if isinstance(first, NotEstimable) or abs(first.value) < WEAK * first.std_error:
        detail = "the arm moved the CPI too little for slopes of single units"
        return NotEstimable(reason="weak_first_stage", detail=detail)
    return slope_line(half.trial, half.matrix, step=step, seed=halves.seed, alpha=alpha)


def _line(method: str, halves: _Halves, fits: Sequence[Fit | NotEstimable]) -> Line | NotEstimable:
    first, second = fits
    if isinstance(first, NotEstimable):
        return first
    if isinstance(second, NotEstimable):
        return second
    return line_of(method, halves.design, first, second, alpha=halves.question.alpha)


def _linear_model(method: str, fit: Fit, halves: _Halves) -> Model:
    second = halves.confirmation
    return _model(
        method, halves.discovery.trial.n, fit.predicts(second.matrix), second.scores, halves.question
    )


def _forest_model(halves: _Halves) -> Model | NotEstimable:
    """Asked about the first units of the confirming half alone: they are a sample of it."""
    first, second = halves.discovery, halves.confirmation
    grown = forest(first.trial, first.trial.kpi, first.matrix, seed=halves.seed)
    if isinstance(grown, NotEstimable):
        return grown
    predicts, seen = grown
    asked = slice(0, CALIBRATED_ON)
    predicted = predicts(second.matrix[asked])
    return _model("CausalForestDML", seen, predicted, second.scores.at(asked), halves.question)


def _model(method: str, units: int, predicted: Floats, found: Scores, question: Question) -> Model:
    alpha, clusters, words = question.alpha, found.clusters, f"where {method} foresees a gain"
    pays = question.kpi_sign * predicted > 0
    return Model(
        method=method,
        units=units,
        calibration=calibration(predicted, found.kpi, alpha=alpha, clusters=clusters),
        policy=policy_value(words, pays, found.kpi, alpha=alpha, clusters=clusters),
    )
