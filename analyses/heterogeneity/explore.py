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
    effect_line,
    forest,
    line_of,
    slope_line,
    slope_method,
)
from analyses.heterogeneity.policy import PolicyValue, policy_value
from analyses.heterogeneity.scores import Scores, mean_of, scores
from analyses.heterogeneity.segments import Proposal, put_to_test, suggestions
from analyses.heterogeneity.trial import WEAK, Trial, overlap, usable
from analyses.moments import Floats
from analyses.relationship.question import Question
from analyses.results import Check, Estimate, NotEstimable

UNITS_A_COLUMN = 10  # of each arm in each half, for every column of a model
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
    that of the sample among the analysed units. ``discovery`` and ``confirmation`` are units of the halves.
    """

    units: int
    share: float
    discovery: int
    confirmation: int
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
    Assumes: arms drawn with a chance that is constant in each stratum; units in no clusters.
    Formula: doubly robust scores in either half; in the first a search over rules of one and two conditions,
    in the second differences of mean scores inside and outside of at most five of them, Holm's p-values, and
    Q between the slopes.
    Reference: Athey & Imbens (2016), PNAS 113(27); Chernozhukov et al. (2025), Econometrica 93(4).
    """
    told = report or _unheard
    fitting = usable(trial)
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
    told("scoring", 0.1)
    halves = _Halves(
        discovery=_half(ours, drawn, ours.discovery),
        confirmation=_half(ours, drawn, ~ours.discovery),
        design=replace(drawn, matrix=drawn.matrix[:0]),
        question=question,
        seed=seed,
    )
    return _explored(trial.units, halves, [phases, alike], told)


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


def _explored(units: int, halves: _Halves, checks: list[Check], report: Report) -> Explored | NotEstimable:
    found = halves.confirmation.scores
    alpha = halves.question.alpha
    kpi, cpi = (mean_of(values, alpha=alpha) for values in (found.kpi, found.cpi))
    if isinstance(kpi, NotEstimable):
        return kpi
    if isinstance(cpi, NotEstimable):
        return cpi
    report("searching", 0.2)
    segments = _segments(halves)
    said: list[Check] = []
    report("fitting lines", 0.4)
    lines, models = _fitted(halves, said, report)
    n = halves.discovery.trial.n + halves.confirmation.trial.n
    return Explored(
        units=n,
        share=n / units if units else 0.0,
        discovery=halves.discovery.trial.n,
        confirmation=halves.confirmation.trial.n,
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
        checks=(*checks, *said),
    )


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
    return policy_value(words, inside if gains else ~inside, half.scores.kpi, alpha=alpha)


type _Lines = tuple[Line | NotEstimable, Line | NotEstimable, Line | NotEstimable]


def _fitted(halves: _Halves, said: list[Check], report: Report) -> tuple[_Lines, tuple[Model, ...]]:
    """The three lines, and the two models of the effect on the KPI."""
    kpi = [_tried(lambda h: _effect(h, h.trial.kpi, halves, said), half) for half in _each(halves)]
    cpi = [_tried(lambda h: _effect(h, h.trial.cpi, halves, said), half) for half in _each(halves)]
    report("fitting slopes", 0.6)
    slope = [_tried(lambda h: _slope(h, halves, said), half) for half in _each(halves)]
    lines = (
        _line("LinearDRLearner", halves, kpi),
        _line("LinearDRLearner", halves, cpi),
        _line(slope_method(halves.discovery.trial), halves, slope),
    )
    report("growing a forest", 0.75)
    models = [] if isinstance(kpi[0], NotEstimable) else [_linear_model(kpi[0], halves)]
    return lines, (*models, _forest_model(halves, said))


def _each(halves: _Halves) -> tuple[_Half, _Half]:
    return halves.discovery, halves.confirmation


def _tried(fit: Callable[[_Half], Fit | NotEstimable], half: _Half) -> Fit | NotEstimable:
    try:
        return fit(half)
    except (NoError, np.linalg.LinAlgError) as error:
        return NotEstimable(reason="singular", detail=f"the model could not be fitted: {error}")


def _effect(half: _Half, outcome: Floats, halves: _Halves, said: list[Check]) -> Fit:
    alpha = halves.question.alpha
    return effect_line(half.trial, outcome, half.matrix, seed=halves.seed, alpha=alpha, said=said)


def _slope(half: _Half, halves: _Halves, said: list[Check]) -> Fit | NotEstimable:
    """None where the arm hardly moved the CPI; in KPI units per increment of improvement."""
    alpha, step = halves.question.alpha, halves.question.cpi_step
    first = mean_of(half.scores.cpi, alpha=alpha)
    if isinstance(first, NotEstimable) or abs(first.value) < WEAK * first.std_error:
        detail = "the arm moved the CPI too little for slopes of single units"
        return NotEstimable(reason="weak_first_stage", detail=detail)
    return slope_line(half.trial, half.matrix, step=step, seed=halves.seed, alpha=alpha, said=said)


def _line(method: str, halves: _Halves, fits: Sequence[Fit | NotEstimable]) -> Line | NotEstimable:
    first, second = fits
    if isinstance(first, NotEstimable):
        return first
    if isinstance(second, NotEstimable):
        return second
    return line_of(method, halves.design, first, second, alpha=halves.question.alpha)


def _linear_model(fit: Fit, halves: _Halves) -> Model:
    second = halves.confirmation
    return _model(
        "LinearDRLearner", halves.discovery.trial.n, fit.predicts(second.matrix), second.scores.kpi, halves
    )


def _forest_model(halves: _Halves, said: list[Check]) -> Model:
    """Asked about the first units of the confirming half alone: they are a sample of it."""
    first, second = halves.discovery, halves.confirmation
    predicts, seen = forest(first.trial, first.trial.kpi, first.matrix, seed=halves.seed, said=said)
    asked = slice(0, CALIBRATED_ON)
    return _model("CausalForestDML", seen, predicts(second.matrix[asked]), second.scores.kpi[asked], halves)


def _model(method: str, units: int, predicted: Floats, values: Floats, halves: _Halves) -> Model:
    alpha, sign = halves.question.alpha, halves.question.kpi_sign
    return Model(
        method=method,
        units=units,
        calibration=calibration(predicted, values, alpha=alpha),
        policy=policy_value(f"where {method} foresees a gain", sign * predicted > 0, values, alpha=alpha),
    )
