"""Do the estimators across experiments follow their definitions? Brute force, scipy, and the dense forms."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import linregress, t, ttest_1samp

from analyses import NotEstimable, Shape
from analyses.relationship.across import (
    egger,
    fieller,
    intercept,
    paule_mandel,
    random_effects_score,
    score_set,
    total_covariance,
)
from analyses.relationship.anderson_rubin import minima as dense_minima
from analyses.relationship.anderson_rubin import statistic as dense_statistic
from analyses.relationship.blocks import solved
from analyses.relationship.clr import clr_set as dense_clr
from analyses.relationship.clr import p_value
from analyses.relationship.clusters import Clusters, clr_set, curve, gathered, minima, statistic
from analyses.relationship.heterogeneity import slope_spread, spread
from analyses.relationship.instrumental import overidentification
from analyses.relationship.system import direction, stack
from tests.analyses.relationship.many import Programme, normal, uniform

SINGLE = Programme(cpi=uniform(0.03, 0.11), slopes=normal(0.2, 0.1), experiments=12)
SEVERAL = Programme(
    cpi=normal(0, 0.1), slopes=normal(0.2, 0.1), direct=normal(0, 0.01), doses=(0, 0.5, 1), experiments=9
)
WEAK = replace(SEVERAL, n=300)


def clustered(system):
    """A system's own numbers in blocks, so that both forms are asked the same."""
    names = list(dict.fromkeys(system.experiments))
    rows = [[i for i, name in enumerate(system.experiments) if name == own] for own in names]
    k = max(map(len, rows))
    effects, present = np.zeros((2, len(rows), k)), np.zeros((len(rows), k))
    covariance = np.zeros((2, 2, len(rows), k, k))
    covariance[0, 0] = covariance[1, 1] = np.eye(k)
    for j, own in enumerate(rows):
        size = len(own)
        effects[:, j, :size], present[j, :size] = system.effects[:2, own], 1.0
        covariance[:, :, j, :size, :size] = system.covariance[:2, :2][:, :, own][:, :, :, own]
    arms = tuple(tuple(system.arms[i] for i in own) for own in rows)
    return Clusters(arms=arms, effects=effects, covariance=covariance, present=present, scale=system.scale)


def system_of(programme, seed=7):
    return stack(programme.draw(np.random.default_rng(seed)), 1.0, 1.0)


class Singles:
    """One contrast per experiment, as the formulas of the literature want it."""

    def __init__(self, system):
        self.b, self.a = system.effects
        self.s_bb, self.s_ab, self.s_aa = (
            np.diag(system.covariance[i, j]) for i, j in ((0, 0), (0, 1), (1, 1))
        )
        self.unit, self.count = system.slope_unit, len(self.a)


def ragged():
    """Experiments of one, two and three arms, drawn together."""
    rng = np.random.default_rng(3)
    chosen = []
    for k, doses in enumerate([(1,), (0, 1), (0, 0.5, 1), (1,), (0.5, 1)]):
        found = replace(SEVERAL, doses=doses, experiments=2).draw(rng)
        chosen += [replace(e, experiment=f"{k} {e.experiment}") for e in found]
    return stack(chosen, 1.0, 1.0)


@pytest.mark.parametrize("programme", [SINGLE, SEVERAL, WEAK])
def test_blocks_say_what_the_dense_system_says(programme):
    system = system_of(programme)
    clusters, angles = clustered(system), np.linspace(-1.5, 1.5, 13)
    at = direction(angles)
    assert statistic(clusters, at) == pytest.approx(dense_statistic(system, at), rel=1e-9)
    assert minima(clusters)[0] == pytest.approx(dense_minima(system)[0], abs=1e-9)


@pytest.mark.parametrize(
    "system", [system_of(SEVERAL), system_of(WEAK), ragged()], ids=["strong", "weak", "ragged"]
)
def test_the_conditional_likelihood_ratio_of_blocks_is_the_dense_one(system):
    clusters = clustered(system)
    found, dense = clr_set(clusters, curve(clusters), 0.05), dense_clr(system, 0.05)
    assert found.shape is dense.shape
    ours, theirs = (np.array(s.pieces, dtype=float) for s in (found, dense))
    assert ours == pytest.approx(theirs, rel=1e-7, nan_ok=True)


def test_the_conditional_p_value_exists_at_a_thousand_contrasts():
    assert p_value(np.array([3.841]), np.array([1e7]), 1000)[0] == pytest.approx(0.05, abs=1e-3)


def test_the_total_covariance_set_is_a_t_test_of_its_terms():
    system = system_of(SINGLE)
    one = Singles(system)
    x = (one.a**2 - one.s_aa) / one.s_aa
    y = (one.a * one.b - one.s_ab) / one.s_aa
    found = fieller(total_covariance(clustered(system)), 0.05)
    for end in (found.lower, found.upper):
        assert ttest_1samp(y - end / one.unit * x, 0).pvalue == pytest.approx(0.05, rel=1e-8)
    middle = total_covariance(clustered(system)).estimate
    assert middle == pytest.approx(y.sum() / x.sum() * one.unit)
    assert found.lower < middle < found.upper


def test_eggers_terms_are_those_of_the_formula():
    system = system_of(SINGLE)
    one, f = Singles(system), 12 / 11
    a, b = one.a - one.a.mean(), one.b - one.b.mean()
    terms = egger(clustered(system))
    assert terms.x == pytest.approx(f * a**2 - one.s_aa, rel=1e-9)
    assert terms.y == pytest.approx(f * a * b - one.s_ab, rel=1e-9)
    found, (x, y) = fieller(terms, 0.05), (terms.x, terms.y)
    for end in (found.lower, found.upper):
        u = y - end / one.unit * x
        squared = u.mean() ** 2 * 12 / u.var(ddof=1)
        assert squared == pytest.approx(t.ppf(0.975, 10) ** 2, rel=1e-8)


def test_without_noise_egger_is_the_line_of_ordinary_least_squares():
    system = system_of(replace(SINGLE, n=10**12))
    one = Singles(system)
    line = linregress(one.a, one.b)
    assert egger(clustered(system)).estimate == pytest.approx(line.slope * one.unit, rel=1e-6)


@pytest.mark.parametrize("estimator", [total_covariance, egger])
def test_terms_have_mean_zero_at_the_truth_however_many_arms_share_a_control(estimator):
    rng, weak = np.random.default_rng(11), replace(WEAK, slopes=normal(0.2, 0), rho=0.8)
    residuals = []
    for _ in range(1500):
        system = stack(weak.draw(rng), 1.0, 1.0)
        terms = estimator(clustered(system))
        residuals.append((terms.y - 0.2 / system.slope_unit * terms.x).sum())
    assert abs(ttest_1samp(residuals, 0).statistic) < 3


def test_arms_of_one_experiment_count_once():
    terms = total_covariance(clustered(ragged()))
    assert (len(terms.x), terms.df) == (10, 9)
    assert egger(clustered(ragged())).df == 8


def test_tau_squared_solves_paule_and_mandels_equation():
    system = system_of(SINGLE)
    one, x = Singles(system), 0.2 / system.slope_unit
    angle = np.array([np.arctan(x)])
    r, V = clustered(system).residual(direction(angle))
    found = paule_mandel(r, V, one.count)[0]
    plain, v = one.b - x * one.a, one.s_bb - 2 * x * one.s_ab + x**2 * one.s_aa
    root = brentq(lambda tau2: (plain**2 / (v + tau2)).sum() - one.count, 0, 1e6, rtol=1e-12)
    assert found / np.cos(angle[0]) ** 2 == pytest.approx(root, rel=1e-9)


def test_the_score_is_that_of_the_formula_and_its_ends_lie_on_the_t_quantile():
    system = system_of(SINGLE)
    one, clusters = Singles(system), clustered(system)

    def definition(x):
        r, v = one.b - x * one.a, one.s_bb - 2 * x * one.s_ab + x**2 * one.s_aa
        root = brentq(lambda tau2: (r**2 / (v + tau2)).sum() - one.count, 0, 1e7, rtol=1e-13)
        independent = one.a - (one.s_ab - x * one.s_aa) / (v + root) * r
        u = independent * r / (v + root)
        return ttest_1samp(u, 0).statistic * abs(u.mean()) / abs(u.mean())

    found = score_set(clusters, total_covariance(clusters).angle, 0.05)
    for end in (found.lower, found.upper):
        assert abs(definition(end / one.unit)) == pytest.approx(t.ppf(0.975, one.count - 1), rel=1e-6)
    middle = np.arctan(0.15 / one.unit)
    assert random_effects_score(clusters, np.array([middle])).t[0] == pytest.approx(
        definition(0.15 / one.unit)
    )


def test_the_intercept_is_the_jackknife_over_experiments():
    system = system_of(SEVERAL)
    clusters = clustered(system)
    names = np.array(system.experiments)

    def crossing(keep):
        part = system.rows(np.flatnonzero(keep))
        terms = egger(clustered(part))
        return part.effects[0].mean() - terms.y.sum() / terms.x.sum() * part.effects[1].mean()

    whole, count = crossing(names != ""), clusters.count
    pseudo = [count * whole - (count - 1) * crossing(names != one) for one in dict.fromkeys(names)]
    expected = ttest_1samp(pseudo, 0).statistic
    found = intercept(clusters)
    assert found.statistic == pytest.approx(expected, rel=1e-9)
    assert found.p_value == pytest.approx(2 * t.sf(abs(expected), count - 2), rel=1e-9)


def test_an_intercept_cannot_be_told_from_a_slope_where_all_doses_are_alike():
    system = system_of(replace(SINGLE, cpi=normal(0.1, 0), n=10**9))
    flat = replace(system, effects=np.stack([system.effects[0], np.full(12, system.effects[1].mean())]))
    found = intercept(clustered(flat))
    assert isinstance(found, NotEstimable)
    assert found.reason == "doses_alike"


def test_q_is_the_overidentification_statistic_and_i_squared_its_excess():
    system = system_of(SEVERAL)
    clusters, expected = clustered(system), overidentification(system)
    found = spread(clusters, minima(clusters)[0], total_covariance(clusters).angle)
    assert (found.q, found.p_value) == pytest.approx((expected.statistic, expected.p_value), rel=1e-8)
    assert found.df == expected.df == 26
    assert found.i_squared == pytest.approx(1 - 26 / expected.statistic)


def test_the_spread_of_slopes_is_recovered_and_vanishes_where_there_is_none():
    def found(programme):
        system = system_of(replace(programme, experiments=400))
        clusters = clustered(system)
        return slope_spread(clusters, total_covariance(clusters).angle) * system.slope_unit

    assert found(SINGLE) == pytest.approx(0.1, abs=0.015)
    assert found(replace(SEVERAL, direct=normal(0, 0))) == pytest.approx(0.1, abs=0.015)
    assert found(replace(SINGLE, slopes=normal(0.2, 0))) < 0.03


def test_a_new_experiment_is_certain_to_agree_only_where_slopes_do_not_spread():
    drawn = system_of(SINGLE)
    clusters = clustered(replace(drawn, effects=np.stack([0.2 * drawn.effects[1], drawn.effects[1]])))
    alike = spread(clusters, minima(clusters)[0], minima(clusters)[0])
    assert (alike.tau, alike.p_new_positive) == (0, 1)
    wide = clustered(system_of(replace(SINGLE, slopes=normal(0.2, 0.4), experiments=400)))
    assert 0.6 < spread(wide, minima(wide)[0], total_covariance(wide).angle).p_new_positive < 0.78  # Phi(.5)


def test_contrasts_that_moved_nothing_leave_the_slope_open():
    clusters = clustered(system_of(replace(SINGLE, cpi=normal(0, 0), n=100)))
    assert fieller(total_covariance(clusters), 0.05).shape in {Shape.LINE, Shape.RAYS}


def test_experiments_gathered_in_blocks_are_those_that_are_stacked():
    drawn = replace(SEVERAL, n=20_000).draw(np.random.default_rng(3))
    blocks, dense = gathered(drawn, 2.0, -1.0), clustered(stack(drawn, 2.0, -1.0))
    for name in ("effects", "covariance", "present", "scale"):
        assert getattr(blocks, name) == pytest.approx(getattr(dense, name), rel=1e-12, abs=1e-12), name


@pytest.mark.parametrize("k", [1, 2, 5, 14])
def test_small_systems_are_solved_all_at_once(k):
    rng = np.random.default_rng(k)
    roots, r = rng.normal(size=(7, 3, k, k)), rng.normal(size=(7, 3, k))
    V = roots @ np.swapaxes(roots, -1, -2) + np.eye(k)
    assert (V @ solved(V, r)[..., None])[..., 0] == pytest.approx(r, abs=1e-9)
