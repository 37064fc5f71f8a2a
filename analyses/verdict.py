"""Evidence and the registered rule in, a verdict with its reasons out (rule E)."""

from collections.abc import Sequence

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
from analyses.relationship.clusters import Clusters, gathered
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.question import Question
from analyses.relationship.relate import Relationship, relate
from analyses.relationship.relate_many import relate_many
from analyses.relationship.sets import ConfidenceSet, Shape
from analyses.relationship.system import System, stack
from analyses.results import Interval, NotEstimable
from analyses.rule import Reason, Rule, reason

__all__ = ["Judgement", "Label", "Slope", "State", "Verdict", "judge", "unanswered"]

MANY = 8  # experiments from which on the rule for many experiments applies


def judge(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> Judgement:
    """Answer confirmed, rejected or inconclusive from all experiments that count, under the rule.

    Error rates per hypothesis, valid exclusion: false confirm at slope <= 0 and false reject at slope >= d
    are 2.5 % each with strong contrasts, at most 5 % with weak ones. ValueError without experiments.
    """
    if not experiments:
        raise ValueError("a verdict needs at least one experiment")
    if len({e.metrics[:2] for e in experiments}) != 1:
        raise ValueError("all experiments must measure the same CPI and KPI")
    question = Question(
        cpi_step=rule.increment * rule.better,
        kpi_sign=rule.direction,
        smallest_slope=rule.smallest_slope,
        bound=rule.direct_effect_bound,
        alpha=rule.alpha,
    )
    system = _stacked(question, experiments)
    if isinstance(system, NotEstimable):
        return unanswered(system)
    relationship = _related(question, system, experiments)
    if isinstance(relationship, NotEstimable):
        return unanswered(relationship)
    verdict = _verdict(rule, system, relationship, experiments)
    return Judgement(relationship=relationship, verdict=said(verdict, rule, experiments[0].metrics[1]))


def _stacked(
    question: Question, experiments: Sequence[ExperimentContrasts]
) -> System | Clusters | NotEstimable:
    """All contrasts as one system, or with eight experiments or more in blocks."""
    form = gathered if len(experiments) >= MANY else stack
    return form(experiments, question.cpi_step, question.kpi_sign)


def _related(
    question: Question, system: System | Clusters, experiments: Sequence[ExperimentContrasts]
) -> Relationship | NotEstimable:
    if isinstance(system, Clusters):
        return relate_many(question, system, experiments)
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
    if blocked := _gates(rule, experiments):
        return inconclusive(slope, blocked)
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


def _gates(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> list[Reason]:
    """Step 1: checks that failed and gate, and experiments that have not reported."""
    failed = [
        Reason(code=check.name, text=f"{e.experiment}: {check.detail}")
        for e in experiments
        for check in e.checks
        if check.gates and check.passed is False
    ]
    return failed + [reason("experiment_missing", name) for name in rule.missing_experiments]
