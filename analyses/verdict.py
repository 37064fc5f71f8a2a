"""Evidence and the registered rule in, a verdict with its reasons out (rule E)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from analyses.decision import few, many
from analyses.decision.answers import (
    Judgement,
    Label,
    Slope,
    State,
    Verdict,
    inconclusive,
    said,
    unanswered,
)
from analyses.decision.case import Case
from analyses.decision.linking import Linked, answered_by, linked
from analyses.decision.seen import corners_of, over_corners
from analyses.ladder import MANY
from analyses.relationship import instrumental, relate_many
from analyses.relationship.anderson_rubin import minima
from analyses.relationship.clusters import Clusters, gathered
from analyses.relationship.clusters import minima as minima_across
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.early import widened
from analyses.relationship.question import Question
from analyses.relationship.relate import Relationship, published, relate
from analyses.relationship.sets import ConfidenceSet, Shape
from analyses.relationship.system import System, stack
from analyses.results import Interval, NotEstimable
from analyses.rule import Reason, Rule, missing, reason

__all__ = ["Judgement", "Label", "Slope", "State", "Verdict", "blocked", "information", "judge", "unanswered"]


def judge(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> Judgement:
    """Answer confirmed, rejected or inconclusive from all experiments that count, under the rule.

    Error rates per hypothesis, valid exclusion: false confirm at slope <= 0 and false reject at slope >= d
    are 2.5 % each with strong contrasts, at most 5 % with weak ones. ValueError without experiments.
    """
    measured, corners = _answered(rule, experiments), corners_of(experiments)
    if not corners or _gates(rule, corners[0]):
        return measured
    judgement, told = over_corners(measured, [_answered(rule, corner) for corner in corners])
    verdict = replace(judgement.verdict, reasons=(*judgement.verdict.reasons, *told))
    return replace(judgement, verdict=said(verdict, rule, experiments[0].metrics[1]))


def _answered(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> Judgement:
    """The answer on contrasts as they stand, measured or at a corner of their bounds."""
    found = _prepared(rule, experiments)
    judgement, told = answered_by(found, partial(_judged, rule))
    told += [reason("stopped_early", e.experiment) for e in found.speaking if e.early is not None]
    return _told(_shown(judgement, experiments), told, rule, found)


def information(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> float | NotEstimable:
    """1 / SE^2 of the slope in KPI units per CPI unit: what must double before the next verdict is due."""
    found = _prepared(rule, experiments)
    system = stacked(question_of(rule), found.speaking)
    if isinstance(system, NotEstimable):
        return system
    if isinstance(system, Clusters):
        known = relate_many.information(system, float(minima_across(system)[0]))
    else:
        known = instrumental.information(system, minima(system))
    return known * rule.increment**2


def _prepared(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> Linked:
    """The arms that speak, with what looking on the way has cost them."""
    if not experiments:
        raise ValueError("a verdict needs at least one experiment")
    if len({e.metrics[:2] for e in experiments}) != 1:
        raise ValueError("all experiments must measure the same CPI and KPI")
    return linked([widened(e, rule.alpha) for e in experiments])


def _shown(judgement: Judgement, experiments: Sequence[ExperimentContrasts]) -> Judgement:
    """With every contrast as it was measured, those that were left out or widened too."""
    if isinstance(judgement.relationship, NotEstimable):
        return judgement
    every = tuple(contrast for e in experiments for contrast in published(e))
    return replace(judgement, relationship=replace(judgement.relationship, contrasts=every))


def _told(judgement: Judgement, told: Sequence[Reason], rule: Rule, found: Linked) -> Judgement:
    """The judgement with what is to be said beside it; one that its own arms do not give is none."""
    if not told or isinstance(judgement.relationship, NotEstimable):
        return judgement
    verdict = replace(judgement.verdict, reasons=(*judgement.verdict.reasons, *told))
    if any(one.code == "own_arms_undecided" for one in told):
        verdict = replace(verdict, state=State.INCONCLUSIVE, label=None, reasons=tuple(told))
    return replace(judgement, verdict=said(verdict, rule, found.speaking[0].metrics[1]))


def question_of(rule: Rule) -> Question:
    """The rule as estimators take it."""
    return Question(
        cpi_step=rule.increment * rule.better,
        kpi_sign=rule.direction,
        smallest_slope=rule.smallest_slope,
        bound=rule.direct_effect_bound,
        alpha=rule.alpha,
    )


def _judged(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> Judgement:
    """Steps 1 to 5 on the arms that speak."""
    question = question_of(rule)
    system = stacked(question, experiments)
    if isinstance(system, NotEstimable):
        return unanswered(system)
    relationship = _related(question, system, experiments)
    if isinstance(relationship, NotEstimable):
        return unanswered(relationship)
    verdict = _verdict(rule, system, relationship, experiments)
    return Judgement(relationship=relationship, verdict=said(verdict, rule, experiments[0].metrics[1]))


def stacked(
    question: Question, experiments: Sequence[ExperimentContrasts]
) -> System | Clusters | NotEstimable:
    """All contrasts as one system, or with eight experiments or more in blocks."""
    form = gathered if len(experiments) >= MANY else stack
    return form(experiments, question.cpi_step, question.kpi_sign)


def _related(
    question: Question, system: System | Clusters, experiments: Sequence[ExperimentContrasts]
) -> Relationship | NotEstimable:
    if isinstance(system, Clusters):
        return relate_many.relate_many(question, system, experiments)
    return relate(question, system, experiments)


def _verdict(
    rule: Rule,
    system: System | Clusters,
    relationship: Relationship,
    experiments: Sequence[ExperimentContrasts],
) -> Verdict:
    """Steps 1 and 2: gates, then the interval that decides."""
    deciding, estimate = _deciding(relationship)
    interval = Interval(lower=deciding.lower, upper=deciding.upper)
    slope = Slope(estimate=estimate, interval=interval)
    if gates := _gates(rule, experiments):
        return inconclusive(slope, gates)
    if rule.smallest_slope is None:
        return inconclusive(slope, [reason("no_smallest_slope")])
    if deciding.shape is Shape.EMPTY:
        return inconclusive(slope, [reason("contrasts_disagree", "no slope fits them all")])
    oriented = deciding.mirrored(rule.direction)
    if oriented.lower is None or oriented.upper is None:
        return inconclusive(slope, [reason("unbounded_set")])
    case = Case(
        rule=rule,
        relationship=relationship,
        slope=slope,
        d=rule.smallest_slope,
        lower=oriented.lower,
        upper=oriented.upper,
        placebo=any(arm.placebo for e in experiments for arm in e.arms),
        largest_shift=float(np.abs(system.effects[1]).max() * system.scale[1]),
        units=tuple(n for e in experiments for n in e.arm_units or ()),
    )
    if isinstance(system, System):
        return few.decide(case, system)
    return many.decide(case, system)


def _deciding(relationship: Relationship) -> tuple[ConfidenceSet, float]:
    """The set that decides, and the estimate beside it."""
    if relationship.many is not None:
        return relationship.many.interval, relationship.many.estimate
    bounded = relationship.bounded
    return relationship.clr if bounded is None else bounded, relationship.liml.estimate


def blocked(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> list[Reason]:
    """Step 1: what keeps a verdict from being given at all, whatever the effects are.

    A set of observed units that moved does not where Lee's bounds may decide (docs/adr/0017).
    """
    corners = corners_of(experiments)
    return _gates(rule, corners[0] if corners else experiments)


def _gates(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> list[Reason]:
    """Checks that failed and gate, and experiments that have not reported."""
    failed = [
        Reason(code=check.name, text=f"{e.experiment}: {check.detail}")
        for e in experiments
        for check in e.checks
        if check.gates and check.passed is False
    ]
    return [*failed, *missing(rule.missing_experiments)]
