"""Evidence and the registered rule in, a verdict with its reasons out (rule E)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import ceil

import numpy as np

from analyses.relationship.anderson_rubin import minima
from analyses.relationship.clr import clr_set
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.exclusion import bounded_minimum, breakdown
from analyses.relationship.mechanisms import (
    differenced,
    evidence,
    names,
    own_contrasts,
    two_agree,
    within_mechanism,
)
from analyses.relationship.relate import MOVED, Question, Relationship, relate
from analyses.relationship.sets import ConfidenceSet, Shape
from analyses.relationship.system import System, stack
from analyses.results import Interval, NotEstimable
from analyses.rule import Reason, Rule, reason

GATE = 0.10  # level of the tests that guard a verdict: they must notice, so they are lenient
MANY = 8  # experiments from which on the rule for many experiments applies
POWER = 2.8  # z(.975) + z(.80): standard errors between 0 and d for power .80 on both sides
WIDTH = 3.92  # 2 z(.975): standard errors of a 95 % interval, which then cannot hold both 0 and d


class State(StrEnum):
    """The three answers."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    INCONCLUSIVE = "inconclusive"


class Label(StrEnum):
    """What kind of answer; in order of precedence, the first that holds is given."""

    ON_ASSUMPTION = "on_assumption"
    SIZE_DIFFERS = "size_differs"
    SEGMENT_DEPENDENT = "segment_dependent"
    MECHANISMS_AGREE = "mechanisms_agree"
    SUPPORTED = "supported"
    NOT_SUPPORTED = "not_supported"
    STRONG = "strong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """KPI units per increment of improvement; no single estimate where mechanisms differ in size."""

    estimate: float | None
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The answer. ``needed_units_per_arm`` is given where more units of the same design would decide."""

    state: State
    label: Label | None
    slope: Slope | NotEstimable
    reasons: tuple[Reason, ...]
    needed_units_per_arm: int | None
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the evidence says about the relationship, and the verdict under the registered rule."""

    relationship: Relationship | NotEstimable
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """All that the steps of the rule look at; ends are oriented so that the hypothesis says positive."""

    rule: Rule
    system: System
    relationship: Relationship
    slope: Slope
    d: float
    lower: float
    upper: float
    units: tuple[int, ...]

    @property
    def rejecting(self) -> bool:
        """Which way the interval points: U < d speaks against a lever, whatever L says (step 5)."""
        return self.upper < self.d

    def agrees(self, found: ConfidenceSet | NotEstimable | None, *, rejecting: bool) -> bool:
        """Whether another set gives the same answer: its U < d, or its L > 0."""
        if not isinstance(found, ConfidenceSet) or found.shape is Shape.EMPTY:
            return False
        oriented = found.mirrored(self.rule.direction)
        if rejecting:
            return oriented.upper is not None and oriented.upper < self.d
        return oriented.lower is not None and oriented.lower > 0


def judge(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> Judgement:
    """Answer confirmed, rejected or inconclusive from all experiments that count, under the rule.

    Error rates per hypothesis, valid exclusion: false confirm at slope <= 0 and false reject at slope >= d
    are 2.5 % each with strong contrasts, at most 5 % with weak ones. ValueError without experiments.
    """
    if not experiments:
        raise ValueError("a verdict needs at least one experiment")
    if len({e.metrics[:2] for e in experiments}) != 1:
        raise ValueError("all experiments must measure the same CPI and KPI")
    if len(experiments) >= MANY:
        why = NotEstimable(
            reason="needs_many_experiment_rule", detail=reason("needs_many_experiment_rule").text
        )
        return unanswered(why)
    question = Question(
        cpi_step=rule.increment * rule.better,
        kpi_sign=rule.direction,
        smallest_slope=rule.smallest_slope,
        bound=rule.direct_effect_bound,
        alpha=rule.alpha,
    )
    system = stack(experiments, question.cpi_step, question.kpi_sign)
    if isinstance(system, NotEstimable):
        return unanswered(system)
    relationship = relate(question, system, experiments)
    verdict = _verdict(rule, system, relationship, experiments)
    return Judgement(relationship=relationship, verdict=_said(verdict, rule, experiments[0].metrics[1]))


def unanswered(why: NotEstimable) -> Judgement:
    """What is said where there is no relationship to judge: inconclusive, for that reason."""
    verdict = Verdict(
        state=State.INCONCLUSIVE,
        label=None,
        slope=why,
        reasons=(Reason(code=why.reason, text=why.detail),),
        needed_units_per_arm=None,
        sentence=f"Inconclusive. {why.detail}",
    )
    return Judgement(relationship=why, verdict=verdict)


def _verdict(
    rule: Rule, system: System, relationship: Relationship, experiments: Sequence[ExperimentContrasts]
) -> Verdict:
    """Steps 1 and 2: gates, then the interval that decides."""
    deciding = relationship.clr if relationship.bounded is None else relationship.bounded
    interval = Interval(lower=deciding.lower, upper=deciding.upper)
    slope = Slope(estimate=relationship.liml.estimate, interval=interval)
    if blocked := _gates(rule, experiments):
        return _inconclusive(slope, blocked)
    if rule.smallest_slope is None:
        return _inconclusive(slope, [reason("no_smallest_slope")])
    if deciding.shape is Shape.EMPTY:
        return _inconclusive(slope, [reason("contrasts_disagree", "no slope fits them all")])
    oriented = deciding.mirrored(rule.direction)
    if oriented.lower is None or oriented.upper is None:
        return _inconclusive(slope, [reason("unbounded_set")])
    case = Case(
        rule=rule,
        system=system,
        relationship=relationship,
        slope=slope,
        d=rule.smallest_slope,
        lower=oriented.lower,
        upper=oriented.upper,
        units=tuple(n for e in experiments for n in e.arm_units or ()),
    )
    return _decide(case)


def _gates(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> list[Reason]:
    """Step 1: checks that failed and gate, and experiments that have not reported."""
    failed = [
        Reason(code=check.name, text=f"{e.experiment}: {check.detail}")
        for e in experiments
        for check in e.checks
        if check.gates and check.passed is False
    ]
    return failed + [reason("experiment_missing", name) for name in rule.missing_experiments]


def _decide(case: Case) -> Verdict:
    """Steps 3 to 5, once there is a bounded interval."""
    p_fit = _p_one_slope(case)
    if p_fit < GATE:
        return _sizes_differ(case, p_fit)
    if not case.rejecting and case.lower <= 0:
        return _inconclusive(case.slope, _too_few(case), needed=_needed_units(case))
    unsettled, label = ([], None) if case.rule.direct_effect_bound is not None else _exclusion(case)
    unsettled += _credit(case, rejecting=case.rejecting)
    if unsettled:
        return _inconclusive(case.slope, unsettled, label=label)
    return _answer(case)


def _too_few(case: Case) -> list[Reason]:
    """More units are missing; where they alone would never decide, what else is missing is said too."""
    found = [reason("too_few_units")]
    if case.rule.direct_effect_bound is None:
        if len(case.relationship.mechanisms) < 2:
            found.append(reason("one_mechanism"))
        elif _doses_alike(case):
            found.append(reason("doses_too_alike"))
    return found


def _p_one_slope(case: Case) -> float:
    """P-value of Q: does one slope, with direct effects within the bound if one is registered, fit all?"""
    from scipy.special import chdtrc

    bound, found = case.rule.direct_effect_bound, case.relationship.overidentification
    if isinstance(found, NotEstimable):
        return 1.0
    return found.p_value if bound is None else float(chdtrc(found.df, bounded_minimum(case.system, bound)))


def _exclusion(case: Case) -> tuple[list[Reason], Label | None]:
    """Steps 0 and 3 with the bound unknown: two mechanisms, and no common direct effect behind them."""
    mechanisms = case.relationship.mechanisms
    if len(mechanisms) < 2:
        return [reason("one_mechanism")], Label.SUPPORTED if case.lower > 0 else Label.NOT_SUPPORTED
    ps = [m.p_reject if case.rejecting else m.p_confirm for m in mechanisms]
    both = two_agree([p for p in ps if p is not None], case.rule.alpha)
    apart = case.agrees(case.relationship.differenced, rejecting=case.rejecting)
    unsettled = [] if both else [reason("mechanisms_not_both")]
    if not apart:
        g = breakdown(case.system, case.rule.alpha, case.d if case.rejecting else 0.0)
        unsettled.append(reason("common_direct_effect_possible", f"{g:.3g}"))
    return unsettled, Label.MECHANISMS_AGREE if both and not apart else None


def _sizes_differ(case: Case, p_fit: float) -> Verdict:
    """Step 3 iii: contrasts that disagree may still agree within each mechanism, side effects differenced."""
    disagree = reason("contrasts_disagree", f"one slope for all: p = {p_fit:.2g}")
    if case.rule.direct_effect_bound is not None or len(case.relationship.mechanisms) < 2:
        return _inconclusive(case.slope, [disagree])
    within = [within_mechanism(case.system, name) for name in names(case.system)]
    ps = [1.0 if own is None else evidence(own, None, range(own.size))[0] for own in within]
    sets = [clr_set(own, case.rule.alpha) for own in within if own is not None]
    uppers = [s.upper for s in sets]
    small = bool(uppers) and all(u is not None and u < case.d for u in uppers)
    if not two_agree(ps, case.rule.alpha) or small:
        return _inconclusive(case.slope, [disagree])
    if shared := _credit(case, rejecting=False):
        return _inconclusive(case.slope, [disagree, *shared])
    slope = Slope(estimate=None, interval=_hull([s.mirrored(case.rule.direction) for s in sets]))
    reasons = [reason("size_differs"), reason("on_assumption"), *_unmeasured(case)]
    return _found(State.CONFIRMED, Label.ON_ASSUMPTION, slope, reasons)


def _hull(sets: Sequence[ConfidenceSet]) -> Interval:
    lowers, uppers = [s.lower for s in sets], [s.upper for s in sets]
    return Interval(
        lower=None if None in lowers else min(x for x in lowers if x is not None),
        upper=None if None in uppers else max(x for x in uppers if x is not None),
    )


def _credit(case: Case, *, rejecting: bool) -> list[Reason]:
    """Step 4: each rival that moved too must leave the answer standing when its own slope is free."""
    rivals = case.relationship.rivals
    level = MOVED if rejecting else MOVED / max(len(rivals), 1)
    return [
        reason("credit_shared", rival.metric)
        for rival in rivals
        if rival.p_unmoved < level and not case.agrees(rival.set, rejecting=rejecting)
    ]


def _answer(case: Case) -> Verdict:
    """Step 5, every guard passed."""
    reasons, label = [], None
    if not case.rejecting and case.lower >= case.d:
        label = Label.STRONG
    if case.rejecting:
        reasons.append(reason("below_smallest_slope"))
    if _on_assumption(case):
        reasons.append(reason("on_assumption"))
        label = Label.ON_ASSUMPTION
    state = State.REJECTED if case.rejecting else State.CONFIRMED
    return _found(state, label, case.slope, [*reasons, *_unmeasured(case)])


def _on_assumption(case: Case) -> bool:
    """Whether a bound too small for the planned shift carries the verdict with nothing behind it (step 0)."""
    rule, system = case.rule, case.system
    if rule.direct_effect_bound is None or rule.bound_evidence >= 2 or any(a.placebo for a in system.arms):
        return False
    found = float(np.abs(system.effects[1]).max() * system.scale[1])
    planned = 0.0 if rule.planned_shift is None else abs(rule.planned_shift) / rule.increment
    return rule.direct_effect_bound < case.d * max(found, planned)


def _needed_units(case: Case) -> int | None:
    """Units per arm at which this design would speak with power .80; None where no number would, or is known.

    n = n now * (SE now / SE needed)^2 with SE needed = d / 2.8, or d / 3.92 where that is reached already
    (an interval narrower than d cannot hold both 0 and d). The largest SE counts: of all contrasts and, with
    two mechanisms and an unknown bound, of the second-strongest mechanism and of the differenced contrasts.
    """
    if not case.units:
        return None
    errors = [_std_error(case.system, case)]
    if case.rule.direct_effect_bound is None and len(case.relationship.mechanisms) > 1:
        apart = differenced(case.system)
        if apart is None or _doses_alike(case):
            return None
        own = [case.system.rows(own_contrasts(case.system, name)) for name in names(case.system)]
        errors += [_std_error(apart, case), sorted(_std_error(s, case) for s in own)[1]]
    now = max(errors) / case.d
    wanted = POWER if now * POWER > 1 else WIDTH
    return ceil(sum(case.units) / len(case.units) * (now * wanted) ** 2)


def _doses_alike(case: Case) -> bool:
    """Whether the CPI's shift, less what all arms share, cannot be told from none: its slope is unbounded."""
    found = case.relationship.differenced
    return not isinstance(found, ConfidenceSet) or not found.bounded


def _std_error(system: System, case: Case) -> float:
    """Standard error of the slope from some contrasts, at the slope that fits them all best."""
    angle = minima(case.system)[0]
    _, V = system.residual(np.array([[1.0, -np.tan(angle)]]))
    a = system.effects[1]
    return float(system.slope_unit / np.sqrt(a @ np.linalg.solve(V[0], a)))


def _unmeasured(case: Case) -> list[Reason]:
    return [reason("rival_unmeasured", name) for name in case.relationship.unmeasured]


def _inconclusive(
    slope: Slope, reasons: Sequence[Reason], label: Label | None = None, needed: int | None = None
) -> Verdict:
    return _found(State.INCONCLUSIVE, label, slope, reasons, needed)


def _found(
    state: State, label: Label | None, slope: Slope, reasons: Sequence[Reason], needed: int | None = None
) -> Verdict:
    return Verdict(
        state=state,
        label=label,
        slope=slope,
        reasons=tuple(reasons),
        needed_units_per_arm=needed,
        sentence="",
    )


def _said(verdict: Verdict, rule: Rule, kpi: str) -> Verdict:
    """The verdict with its sentence: the answer, the size where it is known, the reasons, what to do."""
    size, more = "", ""
    if isinstance(verdict.slope, Slope):
        size = _size(verdict.slope, rule, kpi)
    if verdict.needed_units_per_arm is not None:
        more = f" About {verdict.needed_units_per_arm:,} units per arm would make the interval narrow enough."
    why = "".join(f" {r.text}" for r in verdict.reasons)
    return replace(verdict, sentence=f"{verdict.state.capitalize()}.{size}{why}{more}")


def _size(slope: Slope, rule: Rule, kpi: str) -> str:
    low, high = slope.interval.lower, slope.interval.upper
    if low is None or high is None:
        return ""
    middle = "changes" if slope.estimate is None else f"changes by {slope.estimate:+.4g}"
    level = f"{100 * (1 - rule.alpha):.4g} %"
    return f" {kpi} {middle} per {rule.step}, {level} interval {low:+.4g} to {high:+.4g}."
