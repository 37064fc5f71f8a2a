"""Fewer than eight experiments: which steps stand between a bounded interval and an answer?"""

from collections.abc import Sequence
from math import ceil

import numpy as np

from analyses.decision.answers import Label, Slope, State, Verdict, answered, inconclusive
from analyses.decision.case import GATE, Case, answer, capped, credit, unmeasured
from analyses.relationship.anderson_rubin import minima
from analyses.relationship.clr import clr_set
from analyses.relationship.exclusion import bounded_minimum, breakdown
from analyses.relationship.mechanisms import (
    differenced,
    evidence,
    names,
    own_contrasts,
    two_agree,
    within_mechanism,
)
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import System
from analyses.results import Interval, NotEstimable
from analyses.rule import Reason, reason

Z_POWER = 0.8416  # of the standard normal: power .80


def decide(case: Case, system: System) -> Verdict:
    """Steps 3 to 5, once there is a bounded interval."""
    p_fit = _p_one_slope(case, system)
    if p_fit < GATE:
        return _sizes_differ(case, system, p_fit)
    if not case.rejecting and case.lower <= 0:
        return inconclusive(case.slope, _too_few(case), needed=_needed_units(case, system))
    unsettled, label = ([], None) if case.rule.direct_effect_bound is not None else _exclusion(case, system)
    unsettled += credit(case, rejecting=case.rejecting)
    if unsettled:
        return inconclusive(case.slope, unsettled, label=label)
    return answer(case)


def _too_few(case: Case) -> list[Reason]:
    """More units are missing; where they alone would never decide, what else is missing is said too."""
    found = [reason("too_few_units")]
    if case.rule.direct_effect_bound is None:
        if len(case.relationship.mechanisms) < 2:
            found.append(reason("one_mechanism"))
        elif _doses_alike(case):
            found.append(reason("doses_too_alike"))
    return found


def _p_one_slope(case: Case, system: System) -> float:
    """P-value of Q: does one slope, with direct effects within the bound if one is registered, fit all?"""
    from scipy.special import chdtrc

    bound, found = case.rule.direct_effect_bound, case.relationship.overidentification
    if isinstance(found, NotEstimable):
        return 1.0
    return found.p_value if bound is None else float(chdtrc(found.df, bounded_minimum(system, bound)))


def _exclusion(case: Case, system: System) -> tuple[list[Reason], Label | None]:
    """Steps 0 and 3 with the bound unknown: two mechanisms, and no common direct effect behind them."""
    mechanisms = case.relationship.mechanisms
    if len(mechanisms) < 2:
        return capped(case)
    ps = [m.p_reject if case.rejecting else m.p_confirm for m in mechanisms]
    both = two_agree([p for p in ps if p is not None], case.rule.alpha)
    apart = case.agrees(case.relationship.differenced, rejecting=case.rejecting)
    unsettled = [] if both else [reason("mechanisms_not_both")]
    if not apart:
        g = breakdown(system, case.rule.alpha, case.d if case.rejecting else 0.0)
        unsettled.append(reason("common_direct_effect_possible", f"{g:.3g}"))
    return unsettled, Label.MECHANISMS_AGREE if both and not apart else None


def _sizes_differ(case: Case, system: System, p_fit: float) -> Verdict:
    """Step 3 iii: contrasts that disagree may still agree within each mechanism, side effects differenced."""
    disagree = reason("contrasts_disagree", f"one slope for all: p = {p_fit:.2g}")
    if case.rule.direct_effect_bound is not None or len(case.relationship.mechanisms) < 2:
        return inconclusive(case.slope, [disagree])
    within = [within_mechanism(system, name) for name in names(system)]
    ps = [1.0 if own is None else evidence(own, None, range(own.size))[0] for own in within]
    sets = [clr_set(own, case.rule.alpha) for own in within if own is not None]
    uppers = [s.upper for s in sets]
    small = bool(uppers) and all(u is not None and u < case.d for u in uppers)
    if not two_agree(ps, case.rule.alpha) or small:
        return inconclusive(case.slope, [disagree])
    if shared := credit(case, rejecting=False):
        return inconclusive(case.slope, [disagree, *shared])
    slope = Slope(estimate=None, interval=_hull([s.mirrored(case.rule.direction) for s in sets]))
    reasons = [reason("size_differs"), reason("on_assumption"), *unmeasured(case)]
    return answered(State.CONFIRMED, Label.ON_ASSUMPTION, slope, reasons)


def _hull(sets: Sequence[ConfidenceSet]) -> Interval:
    lowers, uppers = [s.lower for s in sets], [s.upper for s in sets]
    return Interval(
        lower=None if None in lowers else min(x for x in lowers if x is not None),
        upper=None if None in uppers else max(x for x in uppers if x is not None),
    )


def _needed_units(case: Case, system: System) -> int | None:
    """Units per arm at which this design would speak with power .80; None where no number would, or is known.

    n = n now * (SE now / SE needed)^2 with SE needed = d / (z + .84), d / 2.8 at alpha .05, or d / 2z where
    that is reached already (an interval narrower than d cannot hold both 0 and d); z at the level of the
    next verdict, which is to judge them. The largest SE counts: of all contrasts and, with two mechanisms and
    an unknown bound, of the second-strongest mechanism and of the differenced contrasts.
    """
    from scipy.special import ndtri

    if not case.units:
        return None
    errors = [_std_error(system)]
    if case.rule.direct_effect_bound is None and len(case.relationship.mechanisms) > 1:
        apart = differenced(system)
        if apart is None or _doses_alike(case):
            return None
        own = [system.rows(own_contrasts(system, name)) for name in names(system)]
        errors += [_std_error(apart), sorted(_std_error(s) for s in own)[1]]
    now = max(errors) / case.d
    z = float(ndtri(1 - (case.rule.next_alpha or case.rule.alpha) / 2))
    wanted = z + Z_POWER if now * (z + Z_POWER) > 1 else 2 * z
    return ceil(sum(case.units) / len(case.units) * (now * wanted) ** 2)


def _doses_alike(case: Case) -> bool:
    """Whether the CPI's shift, less what all arms share, cannot be told from none: its slope is unbounded."""
    found = case.relationship.differenced
    return not isinstance(found, ConfidenceSet) or not found.bounded


def _std_error(system: System) -> float:
    """Standard error of the slope from some contrasts, at the slope that fits them all best."""
    angle = minima(system)[0]
    _, V = system.residual(np.array([[1.0, -np.tan(angle)]]))
    a = system.effects[1]
    return float(system.slope_unit / np.sqrt(a @ np.linalg.solve(V[0], a)))
