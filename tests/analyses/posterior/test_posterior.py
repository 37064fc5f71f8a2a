"""Is the posterior right where the answer is known, the same in all units, and silent where it must be?"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analyses import (
    Check,
    NotEstimable,
    Rule,
    SlopePrior,
    State,
    agreement,
    as_json,
    judge,
    slope_posterior,
)
from analyses.posterior.blocks import evidence_of
from analyses.posterior.likelihood import log_likelihood
from tests.analyses.posterior.cases import PAIR, TWELVE, drawn, measured
from tests.analyses.relationship.draws import D, Design

RULE = Rule(smallest_slope=D)
NOTHING = 1e-6  # a scale that leaves no room for what it scales

# Rubin (1981): coaching effects in eight schools and their standard errors
SCHOOLS = ([28, 8, -3, 7, -1, 1, 18, 12], [15, 10, 16, 11, 9, 11, 10, 18])


def test_one_slope_known_shifts_and_no_direct_effects_have_a_normal_posterior():
    shifts, effects, errors = np.array([0.5, 1.0, 2.0]), np.array([0.07, 0.1, 0.32]), np.full(3, 0.05)
    prior = SlopePrior(slope_spread=NOTHING, direct=NOTHING, direct_spread=NOTHING)
    found = slope_posterior(RULE, measured(shifts, effects, errors), seed=1, prior=prior)
    precision = (shifts**2 / errors**2).sum() + 1 / (5 * D) ** 2
    mean, deviation = (shifts * effects / errors**2).sum() / precision, precision**-0.5
    assert found.slope.mean == pytest.approx(mean, abs=4 * deviation / found.diagnostics.ess**0.5)
    assert found.slope.deviation == pytest.approx(deviation, rel=0.05)
    for told, exact in (
        (found.p_positive, stats.norm.sf(0, mean, deviation)),
        (found.p_below_smallest, stats.norm.cdf(D, mean, deviation)),
    ):
        assert told.value == pytest.approx(exact, abs=5 * told.mc_error)


def schools_by_quadrature(slope_scale, spread_scale):
    """Mean and spread, integrated on a grid: an independent computation of the same model."""
    effects, errors = (np.array(one, dtype=float) for one in SCHOOLS)
    mu, tau = np.meshgrid(np.linspace(-60, 60, 961), np.linspace(0.005, 120, 2400), indexing="ij")
    log = stats.norm.logpdf(mu, 0, slope_scale) + stats.halfnorm.logpdf(tau, scale=spread_scale)
    for effect, error in zip(effects, errors, strict=True):
        log += stats.norm.logpdf(effect, mu, np.sqrt(error**2 + tau**2))
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    first = ((effects[0] / errors[0] ** 2 + mu / tau**2) / (errors[0] ** -2 + tau**-2) * weight).sum()
    return (mu * weight).sum(), (tau * weight).sum(), (weight * (mu > 0)).sum(), first


def test_eight_schools_are_the_same_as_by_quadrature_and_as_published():
    """With shifts of 1 and no direct effects the model is Rubin's: Gelman et al. (2013), section 5.5."""
    effects, errors = SCHOOLS
    prior = SlopePrior(slope=100.0, slope_spread=20.0, direct=NOTHING, direct_spread=NOTHING)
    schools = measured(np.ones(8), effects, errors)
    found = slope_posterior(Rule(smallest_slope=1.0), schools, seed=3, prior=prior)
    mean, spread, positive, first = schools_by_quadrature(100.0, 20.0)
    error = found.slope.deviation / found.diagnostics.ess**0.5
    assert found.slope.mean == pytest.approx(mean, abs=4 * error)
    assert found.slope_spread.mean == pytest.approx(spread, abs=4 * 5.5 / found.diagnostics.ess**0.5)
    assert found.p_positive.value == pytest.approx(positive, abs=4 * found.p_positive.mc_error)
    assert found.experiments[0].slope.mean == pytest.approx(first, abs=0.8)
    assert found.experiments[0].slope.median == pytest.approx(10, abs=1.5)  # published: 10
    assert found.experiments[0].rank == min(one.rank for one in found.experiments)  # school A leads


def by_brute_force(evidence, theta, count, rng):
    """Log likelihood by drawing shifts, slopes and direct effects: what the quadrature integrates."""
    total = 0.0
    beta, mu_g, tau_g, tau_b, mu_a, s_a = theta
    for block in evidence.blocks:
        for j in range(block.a.shape[0]):
            k = block.a.shape[1]
            saa = (block.axes[j] * block.noise[j]) @ block.axes[j].T
            sba = block.weights[j] @ saa
            sbb = block.rest[j] + sba @ block.weights[j].T
            slope = rng.normal(beta, tau_b, count)
            # given the slope all is normal: the covariance of (a, b) written out in full
            values = np.concatenate([block.a[j], block.b[j]])
            ones, unit = np.ones(k), np.eye(k)
            densities = [
                stats.multivariate_normal.pdf(
                    values,
                    np.concatenate([mu_a * ones, (x * mu_a + mu_g) * ones]),
                    np.block(
                        [
                            [saa + s_a**2 * unit, sba.T + x * s_a**2 * unit],
                            [sba + x * s_a**2 * unit, sbb + (x**2 * s_a**2 + tau_g**2) * unit],
                        ]
                    ),
                )
                for x in slope
            ]
            total += np.log(np.mean(densities))
    return total


@pytest.mark.parametrize("design", [PAIR, Design(doses=(0.01, 0.2), mechanisms="AB", slope=0.3)])
def test_the_likelihood_is_that_of_the_model_written_out_in_full(design):
    evidence = evidence_of(RULE, drawn(design), SlopePrior())
    theta = np.array([1.5, 0.3, 0.6, 0.8, 0.5, 0.9])
    brute = by_brute_force(evidence, theta, 1500, np.random.default_rng(2))
    assert log_likelihood(evidence, theta[None])[0] == pytest.approx(brute, abs=0.15)


def test_a_lever_of_many_experiments_is_found_with_its_spread():
    found = slope_posterior(RULE, drawn(TWELVE), seed=1)
    assert found.slope.interval.lower < 0.2 < found.slope.interval.upper
    assert found.slope_spread.interval.lower < 0.1 < found.slope_spread.interval.upper
    assert found.p_positive.value > 0.999 > found.p_new_positive.value > 0.85
    assert [one.experiment for one in found.experiments] == [one.experiment for one in drawn(TWELVE)]
    assert sum(one.p_strongest for one in found.experiments) == pytest.approx(1)
    assert all(check.passed for check in found.checks)
    assert isinstance(as_json(found), dict)


def test_a_slope_is_drawn_towards_the_others():
    shifts, effects = np.ones(6), np.array([0.2, 0.21, 0.19, 0.2, 0.22, 0.6])
    found = slope_posterior(RULE, measured(shifts, effects, np.full(6, 0.1)), seed=1)
    odd = found.experiments[-1]
    assert found.slope.mean < odd.slope.mean < 0.6
    assert odd.rank < 2.5


def test_units_and_signs_of_the_cpi_change_the_slope_as_they_should_and_nothing_else():
    base = slope_posterior(RULE, drawn(PAIR), seed=1)
    scaled = [
        replace(e, effects=e.effects * [-60, 1], covariance=e.covariance * _outer([-60, 1]))
        for e in drawn(PAIR)
    ]
    turned = slope_posterior(replace(RULE, increment=60.0, better=-1), scaled, seed=1)
    assert turned.slope.mean == pytest.approx(base.slope.mean, rel=1e-6)
    assert turned.p_new_positive.value == pytest.approx(base.p_new_positive.value, abs=1e-6)


def test_a_kpi_that_should_fall_has_its_own_sign_and_the_same_probabilities():
    base = slope_posterior(RULE, drawn(PAIR), seed=1)
    fallen = [
        replace(e, effects=e.effects * [1, -1], covariance=e.covariance * _outer([1, -1]))
        for e in drawn(PAIR)
    ]
    turned = slope_posterior(replace(RULE, direction=-1), fallen, seed=1)
    assert turned.slope.mean == pytest.approx(-base.slope.mean, rel=1e-6)
    assert turned.direct_effect.mean == pytest.approx(-base.direct_effect.mean, rel=1e-6)
    assert turned.p_positive.value == pytest.approx(base.p_positive.value, abs=1e-9)


def _outer(turn):
    return np.multiply.outer(np.ones(4), np.multiply.outer(turn, np.multiply.outer(np.ones(4), turn)))[
        :, :, :, :
    ]


def test_the_order_of_experiments_changes_nothing_but_their_order():
    experiments = drawn(TWELVE)
    one, other = (slope_posterior(RULE, e, seed=1) for e in (experiments, experiments[::-1]))
    assert one.slope.mean == pytest.approx(other.slope.mean, rel=1e-6)
    first, last = one.experiments[0].slope, other.experiments[-1].slope
    assert first.mean == pytest.approx(last.mean, abs=5 * first.deviation / 2000**0.5)


def test_a_registered_bound_takes_direct_effects_out():
    arm = drawn(Design(doses=(0.2,), mechanisms="A", slope=0.2))
    free = slope_posterior(RULE, arm, seed=1)
    bounded = slope_posterior(replace(RULE, direct_effect_bound=0.0), arm, seed=1)
    assert bounded.p_positive.value > free.p_positive.value
    assert abs(bounded.direct_effect.mean) < 1e-6


def test_a_direct_effect_common_to_all_arms_is_told_from_a_slope():
    doses, n = (0.1, 0.2, 0.3, 0.4), 200_000
    truth = Design(doses=doses, mechanisms="ABAB", experiments="wxyz", direct=0.03, n=n)
    found = slope_posterior(RULE, drawn(truth), seed=1)
    assert found.direct_effect.interval.lower < 0.03 < found.direct_effect.interval.upper
    assert found.p_positive.value < 0.9


def test_half_and_double_scales_of_the_prior_are_told_beside_the_answer():
    found = slope_posterior(RULE, drawn(PAIR), seed=1)
    narrow, wide = found.sensitivity
    again = slope_posterior(RULE, drawn(PAIR), seed=5, prior=SlopePrior().times(2.0))
    assert (narrow.factor, wide.factor) == (0.5, 2.0)
    assert narrow.slope.deviation < found.slope.deviation < wide.slope.deviation
    assert wide.p_positive == pytest.approx(again.p_positive.value, abs=6 * again.p_positive.mc_error)


def test_an_experiment_that_fits_nothing_is_named():
    effects = [0.2, 0.21, 0.19, 0.2, 0.22, 0.2, 0.21, 0.2, 0.19, 0.2, 0.21, 0.9]
    prior = SlopePrior(slope_spread=0.3, direct_spread=0.3)
    found = slope_posterior(RULE, measured(np.ones(12), effects, np.full(12, 0.02)), seed=1, prior=prior)
    if isinstance(found, NotEstimable):
        pytest.fail(found.detail)
    assert found.predicted.farthest == "experiment 11"


@pytest.mark.parametrize(
    ("rule", "change", "reason"),
    [
        (Rule(), {}, "no_smallest_slope"),
        (replace(RULE, missing_experiments=("Late",)), {}, "experiment_missing"),
        (RULE, {"checks": (Check(name="srm", passed=False, detail="ratio"),)}, "srm"),
        (RULE, {"covariance": np.zeros((4, 2, 4, 2))}, "constant_cpi"),
        (RULE, {"effects": np.zeros((4, 2))}, "cpi_stood_still"),
    ],
)
def test_what_cannot_be_answered_has_a_reason(rule, change, reason):
    (one,) = drawn(PAIR)
    found = slope_posterior(rule, [replace(one, **change)], seed=1)
    assert isinstance(found, NotEstimable)
    assert found.reason == reason


def test_no_experiments_have_no_posterior():
    assert slope_posterior(RULE, [], seed=1).reason == "no_experiments"


def test_scales_of_zero_are_refused():
    with pytest.raises(ValueError, match="above 0"):
        SlopePrior(slope=0.0)


def test_the_same_seed_gives_the_same_numbers():
    assert slope_posterior(RULE, drawn(PAIR), seed=9) == slope_posterior(RULE, drawn(PAIR), seed=9)


def test_weak_experiments_leave_the_prior_almost_as_it_was():
    found = slope_posterior(RULE, drawn(Design(doses=(1e-5, 1e-5), mechanisms="AB", n=500)), seed=1)
    assert found.slope.deviation == pytest.approx(5 * D, rel=0.15)
    assert 0.3 < found.p_positive.value < 0.7


@pytest.mark.parametrize(
    ("truth", "state"),
    [(TWELVE, State.CONFIRMED), (replace(TWELVE, slopes=TWELVE.direct), State.REJECTED)],
)
def test_verdict_and_posterior_agree_on_what_is_clear(truth, state):
    experiments = drawn(truth)
    verdict, found = judge(RULE, experiments).verdict, slope_posterior(RULE, experiments, seed=1)
    assert verdict.state is state
    told = agreement(verdict.state, verdict.label, found)
    assert told.agrees
    assert "agrees with the verdict" in told.text


def test_a_capped_verdict_stands_against_a_posterior_that_is_sure_and_the_sentence_says_why():
    experiments = [
        replace(e, arms=tuple(replace(arm, mechanism="A") for arm in e.arms)) for e in drawn(TWELVE)
    ]
    verdict, found = judge(RULE, experiments).verdict, slope_posterior(RULE, experiments, seed=1)
    assert (verdict.state, verdict.label) == ("inconclusive", "supported")
    told = agreement(verdict.state, verdict.label, found)
    assert not told.agrees
    assert "would read confirmed" in told.text
    assert "stays inconclusive" in told.text


def test_a_posterior_that_is_less_sure_than_the_verdict_says_why():
    verdict, found = judge(RULE, drawn(PAIR)).verdict, slope_posterior(RULE, drawn(PAIR), seed=1)
    assert verdict.state is State.CONFIRMED
    told = agreement(verdict.state, verdict.label, found)
    assert not told.agrees
    assert "less sure" in told.text
