"""Does a dose design promise the power that slopes will have?"""

import doctest
from math import sqrt

import numpy as np
import pytest

from analyses import (
    ContrastArm,
    DoseDesign,
    ExperimentContrasts,
    NotEstimable,
    PlannedTest,
    UnitNoise,
    design_effect,
    planned_exclusion_power,
    slope_assurance,
    slope_looks,
    slope_power,
    slope_units,
    smallest_slope,
)
from analyses.relationship.early import inflation
from analyses.relationship.exclusion import exclusion_power
from analyses.relationship.system import stack

NOISE = UnitNoise(cpi=1.0, kpi=1.0, covariance=0.5)


def even(*shifts, common=False):
    k = len(shifts)
    return DoseDesign(shifts=shifts, shares=(1 / (k + 1),) * k, common_effect_allowed=common)


def test_examples_of_docstrings_hold():
    from analyses.planning import dose

    result = doctest.testmod(dose)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(("slope", "against"), [(0.2, 0.0), (0.0, 0.1), (-0.3, 0.0)])
def test_one_arms_power_is_that_of_anderson_rubin(slope, against):
    """20,000 draws of the two effects; the set excludes ``against`` on the side of the true slope."""
    draw = np.random.default_rng(60)
    n, a = 8000, 0.15
    per = 4 / n * np.array([[1.0, 0.5], [0.5, 1.0]])
    shift, kpi = draw.multivariate_normal([a, slope * a], per, size=20_000).T
    residual = kpi - against * shift
    error = sqrt(4 / n * NOISE.residual(against))
    excluded = np.mean(np.sign(slope - against) * residual / error > 1.959964)
    planned = slope_power(even(a), NOISE, n, slope=slope, against=against)
    assert planned == pytest.approx(excluded, abs=4 * sqrt(0.25 / 20_000))


@pytest.mark.parametrize("common", [False, True])
def test_several_doses_power_is_that_of_the_efficient_score(common):
    """20,000 draws over arms that share a control; with ``common`` a direct effect is differenced out."""
    draw = np.random.default_rng(61)
    design, units, slope = even(0.0, 0.1, 0.3, common=common), 16_000, 0.1
    V = np.linalg.inv(design.precision) / units
    joint = np.kron([[1.0, 0.5], [0.5, 1.0]], V)
    means = np.concatenate([design.shifts, slope * np.array(design.shifts) + common * 0.7])
    H = np.eye(3)[1:] - np.eye(3)[:1] if common else np.eye(3)
    drawn = draw.multivariate_normal(means, joint, size=20_000)
    a, r = drawn[:, :3] @ H.T, drawn[:, 3:] @ H.T  # the residual at slope 0 is the KPI's effect
    a = a - 0.5 * r  # Cov(a, r) / Var(r)
    Q = np.linalg.inv(H @ V @ H.T)
    score = np.einsum("rk,kl,rl->r", a, Q, r) / np.sqrt(np.einsum("rk,kl,rl->r", a, Q, a))
    planned = slope_power(design, NOISE, units, slope=slope)
    assert planned == pytest.approx(np.mean(score > 1.959964), abs=0.03)


GROUPED = UnitNoise(cpi=1.0, kpi=1.0, covariance=0.5, design_effect=design_effect(20, 0.05, spread=0.5))


@pytest.mark.parametrize("fractions", [None, (0.25, 0.5, 0.75, 1.0)], ids=["once", "four looks"])
@pytest.mark.parametrize("noise", [NOISE, GROUPED], ids=["units", "clusters"])
@pytest.mark.parametrize(
    ("belief", "against", "above"),
    [
        ((0.12, 0.08), 0.0, True),
        ((0.12, 0.08), 0.1, False),
        ((-0.2, 0.3), 0.0, False),
        ((0.05, 0), 0.0, True),
    ],
)
def test_assurance_is_how_often_the_set_excludes_when_slopes_are_drawn_from_the_belief(
    belief, against, above, noise, fractions
):
    """40,000 slopes, each with its own experiment of two doses: effects summed up from look to look."""
    mean, deviation = belief
    draw, rounds, units = np.random.default_rng(62), 40_000, 20_000
    design = even(0.1, 0.25)
    shares = np.diff([0.0, *(fractions or (1.0,))])
    V = np.linalg.inv(design.precision) * noise.design_effect / units
    joint = np.linalg.cholesky(np.kron([[noise.cpi, 0.5], [0.5, noise.kpi]], V))
    a, slopes = np.array(design.shifts), draw.normal(mean, deviation, rounds)
    moved, decided = np.zeros((rounds, 4)), np.zeros(rounds, dtype=int)
    looks = slope_looks(fractions, contrasts=2) if fractions else ()
    critical = [look.quantile for look in looks] or [1.959964]
    w = np.linalg.solve(V / noise.design_effect * units, a)
    for share, so_far, limit in zip(shares, np.cumsum(shares), critical, strict=True):
        means = np.concatenate([np.tile(a, (rounds, 1)), slopes[:, None] * a], axis=1) * share
        moved += means + draw.normal(size=(rounds, 4)) @ joint.T * share**0.5
        residual = (moved[:, 2:] - against * moved[:, :2]) @ w / so_far
        error = (noise.residual(against) * (a @ w) / (units * so_far)) ** 0.5
        crossed = np.sign(residual) * (np.abs(residual) / error > limit)
        decided = np.where(decided == 0, crossed, decided)
    planned = slope_assurance(
        design,
        noise,
        units,
        mean=mean,
        deviation=deviation,
        against=against,
        above=above,
        test=PlannedTest(looks=looks),
    )
    seen = np.mean(decided == (1 if above else -1))
    assert planned == pytest.approx(seen, abs=4 * (0.25 / rounds) ** 0.5)


def test_looks_at_a_slope_are_judged_as_an_experiment_that_was_stopped_early():
    from scipy.special import chdtri

    for contrasts in (1, 4):
        *before, last = slope_looks((0.2, 0.6, 1.0), contrasts=contrasts, alpha=0.025)
        for look in before:
            units = round(look.fraction * 100_000)
            factor = inflation(contrasts, units, 100_000, 0.025)
            assert look.quantile**2 == pytest.approx(factor * float(chdtri(1, 0.025)), rel=1e-4)
        assert last.quantile == pytest.approx(float(chdtri(1, 0.025)) ** 0.5)


def test_units_are_the_formula_of_the_verdict_rule():
    """Units an arm: n = 2 v(b) / (a^2 SE^2) with SE = d / 2.8, that is 80 % power."""
    d, a = 0.1, 0.2
    flat = UnitNoise(cpi=1.0, kpi=1.0, covariance=0.0)
    assert slope_units(even(a), flat, slope=d) / 2 == pytest.approx(2 / (a**2 * (d / 2.8016) ** 2), rel=1e-3)


def test_units_slope_and_power_are_one_relation():
    design = even(0.1, 0.25)
    units = slope_units(design, NOISE, slope=0.15, target=0.9)
    assert slope_power(design, NOISE, units, slope=0.15) == pytest.approx(0.9, abs=1e-3)
    assert smallest_slope(design, NOISE, units, target=0.9) == pytest.approx(0.15, rel=1e-3)


def test_doses_that_do_not_differ_cannot_tell_a_common_effect_from_the_slope():
    refused = slope_units(even(0.2, 0.2, common=True), NOISE, slope=0.1)
    assert isinstance(refused, NotEstimable)
    assert refused.reason == "doses_do_not_differ"
    assert slope_power(even(0.2, 0.2, common=True), NOISE, 1e9, slope=0.1) == pytest.approx(0.025, abs=2e-3)
    assert isinstance(smallest_slope(even(0.2, 0.2, common=True), NOISE, 1e6), NotEstimable)
    assert isinstance(slope_units(even(0.2, 0.2), NOISE, slope=0.1), int)


def test_the_price_of_an_unknown_bound_is_a_placebo_arm_in_place_of_control():
    """Differenced by its placebo, an arm stands against a third of the units instead of a half."""
    bare = slope_units(even(0.2), NOISE, slope=0.1)
    guarded = slope_units(even(0.0, 0.2, common=True), NOISE, slope=0.1)
    assert guarded / bare == pytest.approx(1.5, rel=1e-3)


@pytest.mark.parametrize(
    ("shifts", "power"), [((0.2, 0.2), 0.10), ((0.0, 0.2, 0.2), 0.58), ((0.0, 0.2, 0.4), 0.91)]
)
def test_exclusion_power_is_the_published_figure(shifts, power):
    """50,000 an arm with one control; the effect is .1 times the mean shift."""
    found = planned_exclusion_power(
        even(*shifts),
        UnitNoise(cpi=1, kpi=1, covariance=0),
        50_000 * (len(shifts) + 1),
        direct_effect=0.1 * np.mean(shifts),
    )
    assert found == pytest.approx(power, abs=0.005)


def test_planned_exclusion_power_is_what_the_analysis_reports_when_all_goes_as_planned():
    design, units, slope = even(0.05, 0.1, 0.3), 60_000, 0.2
    a = np.array(design.shifts)
    V = np.linalg.inv(design.precision) / units
    each = np.array([[NOISE.cpi, NOISE.covariance], [NOISE.covariance, NOISE.kpi]])
    contrasts = ExperimentContrasts(
        experiment="planned",
        metrics=("cpi", "kpi"),
        arms=tuple(ContrastArm(name=f"{x}", mechanism=None) for x in a),
        effects=np.column_stack([a, slope * a]),
        covariance=np.einsum("kl,ij->kilj", V, each),
    )
    reported = exclusion_power(stack([contrasts], 1.0, 1.0), 0.1)
    planned = planned_exclusion_power(design, NOISE, units, direct_effect=0.1 * a.mean(), slope=slope)
    assert planned == pytest.approx(reported, rel=1e-6)


def test_impossible_designs_are_bad_calls():
    with pytest.raises(ValueError, match="one share for each"):
        DoseDesign(shifts=(0.1,), shares=(0.3, 0.3))
    with pytest.raises(ValueError, match="leave some to control"):
        DoseDesign(shifts=(0.1,), shares=(1.0,))
    with pytest.raises(ValueError, match="move the CPI"):
        DoseDesign(shifts=(0.0,), shares=(0.5,))
    with pytest.raises(ValueError, match="pair of variables"):
        UnitNoise(cpi=1, kpi=1, covariance=2)
    with pytest.raises(ValueError, match="from itself"):
        slope_units(even(0.1), NOISE, slope=0.1, against=0.1)
