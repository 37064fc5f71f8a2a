"""What did a change do that groups met at different times, seen against groups that had not met it yet?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.quasi.panel import Panel
from analyses.quasi.shift import Shift, shift_of
from analyses.results import Check, NotEstimable

FEWEST = 5  # groups on either side: below, the errors between groups are a guess (coverage in the tests)

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgedShift:
    """Effects ``age`` periods after the change came (0 is its first period; below 0 there should be none)."""

    age: int
    shift: Shift | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The average over treated groups and periods, the effects by age, and what placebos say.

    ``placebo_p`` (one for each outcome) is the share of random redistributions of the dates of adoption over
    groups whose effect is at least as many errors from zero.
    """

    overall: Shift
    by_age: tuple[AgedShift, ...]
    checks: tuple[Check, ...]
    placebo_p: tuple[float, ...]
    groups: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Share:
    """Effects (M,), and what each group adds to them (M, G) by its own change and as a comparison."""

    value: Floats
    treated: Floats
    compared: Floats
    sides: tuple[int, int]  # groups that take part as treated, and as comparison


def difference_in_differences(
    panel: Panel, *, alpha: float = 0.05, placebos: int = 499, seed: int = 0
) -> Differences | NotEstimable:
    """Effects of a change that came to groups at different times, or to some of them never.

    Question: how did outcomes of groups that met the change move, beyond those that had not met it yet?
    Estimand: the average effect on the treated over the groups and periods under the change, each group
    weighted by its size times its periods.
    Assumes: parallel trends (without the change all groups would have moved alike), no anticipation, no group
    reached by another's change. None of it can be proven; the check of earlier periods can only contradict
    it.
    Formula: for group i that adopts at g and a period t: Y_it - Y_i,g-1 less the size-weighted mean of the
    same difference over groups that adopt after max(t, g - 1); averaged over groups and t >= g. No treated
    group is ever compared with one treated before it, which is what biases two-way fixed effects.
    Units: those of the outcomes.
    Errors: clustered by group, adopters taken as a sample of those that might adopt; Welch-Satterthwaite
    freedom over adopters and comparisons. Refused below five groups on either side.
    Reference: Callaway & Sant'Anna (2021), Journal of Econometrics 225(2); Goodman-Bacon (2021), ibid.
    """
    refused = panel.refusal() or _refusal(panel)
    if refused:
        return refused
    ages = _ages(panel)
    share = _share(panel, panel.starts, [age for age in ages if age >= 0])
    overall = _shift(panel, share, alpha)
    if isinstance(overall, NotEstimable):
        return overall
    return Differences(
        overall=overall,
        by_age=tuple(
            AgedShift(age=age, shift=_shift(panel, _share(panel, panel.starts, [age]), alpha))
            for age in ages
            if age != -1
        ),
        checks=_earlier(panel, [age for age in ages if age < -1], alpha),
        placebo_p=_placebo(panel, overall, placebos, seed),
        groups=share.sides,
    )


def _refusal(panel: Panel) -> NotEstimable | None:
    starts, last = panel.starts, len(panel.periods)
    if not (starts < last).any():
        return NotEstimable(reason="nobody_changed", detail="no group met the change within the periods seen")
    if (starts[starts < last] < 1).all():
        detail = "every group that met the change met it before the first period: there is no before"
        return NotEstimable(reason="no_before", detail=detail)
    if not _ages(panel):
        detail = "no period under the change has groups that had not met it yet to compare with"
        return NotEstimable(reason="no_comparison", detail=detail)
    moves = np.ptp(np.diff(panel.values, axis=2), axis=(1, 2))
    if not moves.all():
        still = panel.outcomes[int(np.argmin(moves))]
        return NotEstimable(reason="no_variation", detail=f"{still} moves alike in every group and period")
    sides = _share(panel, starts, [age for age in _ages(panel) if age >= 0]).sides
    if min(sides) < FEWEST:
        detail = (
            f"groups that met the change: {sides[0]}, that can be compared with: {sides[1]}; from fewer than "
            f"{FEWEST} on either side, how much groups differ by themselves is not known"
        )
        return NotEstimable(reason="too_few_groups", detail=detail)
    return None


def _ages(panel: Panel) -> list[int]:
    """Periods since the change at which some group can be compared, in rising order."""
    starts, last = panel.starts, len(panel.periods)
    cohorts = [int(g) for g in np.unique(starts) if 1 <= g < last]
    found = {t - g for g in cohorts for t in range(last) if (starts > max(t, g - 1)).any() and t != g - 1}
    found |= {-1} if cohorts else set()
    return sorted(found) if any(age >= 0 for age in found) else []


def _share(panel: Panel, starts: Ints, ages: Sequence[int]) -> _Share:
    """The effect averaged over treated groups and ages, with every group's part in it.

    A treated group's part is its own effect less the average; a comparison's is what its departure from the
    other comparisons does to the effects it is in.
    """
    Y, w, last = panel.values, panel.weights, len(panel.periods)
    own, weight = np.zeros(Y.shape[:2]), np.zeros(len(starts))
    compared, drawn_on = np.zeros(Y.shape[:2]), np.zeros(len(starts), dtype=bool)
    for g in np.unique(starts[(starts >= 1) & (starts < last)]):
        members = starts == g
        for t in (g + age for age in ages if 0 <= g + age < last):
            others = (starts > max(t, g - 1)) & ~members
            if not others.any():
                continue
            change = Y[:, :, t] - Y[:, :, g - 1]
            base = change[:, others] @ w[others] / w[others].sum()
            own[:, members] += change[:, members] - base[:, None]
            weight[members] += 1
            drawn_on[others] = True
            pull = w[others] / w[others].sum() * w[members].sum()
            compared[:, others] -= pull * (change[:, others] - base[:, None])
    total, sides = float(w @ weight), (int((weight > 0).sum()), int(drawn_on.sum()))
    if total == 0:
        nothing = np.full(len(Y), np.nan)
        return _Share(value=nothing, treated=own, compared=compared, sides=sides)
    value = own @ w / total
    treated = w * (own - weight * value[:, None]) / total
    return _Share(value=value, treated=treated, compared=compared / total, sides=sides)


def _covariance(share: _Share) -> tuple[Floats, float]:
    """Of the effects, clustered by group, with its degrees of freedom."""
    treated, compared, sides = share.treated, share.compared, share.sides
    factors = [np.sqrt(n / (n - 1)) if n > 1 else 1.0 for n in sides]
    both = treated * factors[0] + compared * factors[1]
    V = both @ both.T
    variances = [f**2 * np.diag(part @ part.T) for f, part in zip(factors, (treated, compared), strict=True)]
    spread = sum(v**2 / max(n - 1, 1) for v, n in zip(variances, sides, strict=True))
    freedom = np.divide(sum(variances) ** 2, spread, out=np.full(len(V), np.inf), where=spread > 0)
    return V, float(freedom.min())


def _shift(panel: Panel, share: _Share, alpha: float) -> Shift | NotEstimable:
    if min(share.sides) < 2:
        detail = "one group alone met the change this long ago, or one alone can be compared with"
        return NotEstimable(reason="too_few_groups", detail=detail)
    V, dof = _covariance(share)
    return shift_of(panel.outcomes, share.value, V, dof, alpha)


def _earlier(panel: Panel, ages: Sequence[int], alpha: float) -> tuple[Check, ...]:
    """Whether outcomes moved alike before the change: the average of all earlier effects against zero.

    One number, since a joint test of every age has no known error rate with few groups.
    """
    shift = _shift(panel, _share(panel, panel.starts, ages), alpha)
    if isinstance(shift, NotEstimable):
        detail = "there are no earlier periods, or too few groups, to compare movements before the change in"
        return (Check(name="parallel_before", passed=None, detail=detail, gates=False),)
    return tuple(
        Check(
            name="parallel_before",
            passed=effect.p_value >= alpha,
            detail=f"{outcome} before the change, against groups without it: p = {effect.p_value:.3g}",
            gates=False,
        )
        for outcome, effect in zip(panel.outcomes, shift.effects, strict=True)
    )


def _placebo(panel: Panel, overall: Shift, placebos: int, seed: int) -> tuple[float, ...]:
    """How often dates of adoption dealt to groups at random do as well as the true ones."""
    rng = np.random.default_rng(seed)
    ours = np.array([abs(effect.value) / effect.std_error for effect in overall.effects])
    ages, beyond = [age for age in _ages(panel) if age >= 0], np.ones(len(ours))
    for _ in range(placebos):
        share = _share(panel, rng.permutation(panel.starts), ages)
        V, _ = _covariance(share)
        errors = np.sqrt(np.diag(V))
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond += ~(np.abs(share.value) / errors < ours)
    return tuple(map(float, beyond / (placebos + 1)))
