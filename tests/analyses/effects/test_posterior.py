"""Are the probabilities and losses those of the posterior, without drawing from it?"""

from itertools import pairwise
from math import sqrt

import numpy as np
import pytest

from analyses import (
    Belief,
    Beta,
    Normal,
    NotEstimable,
    belief,
    best_arm,
    normal,
    normal_posterior,
    past_prior,
    rate_belief,
)

DRAWS = 400_000
NOTHING = Beta(a=1, b=1)


def said_by(draws, *, better, negligible) -> dict[str, float]:
    return {
        "mean": draws.mean(),
        "deviation": draws.std(),
        "lower": np.quantile(draws, 0.025),
        "upper": np.quantile(draws, 0.975),
        "p_better": np.mean(better * draws > 0),
        "p_negligible": np.mean(abs(draws) <= negligible),
        "loss_of_choosing": np.mean(np.maximum(-better * draws, 0)),
        "loss_of_keeping": np.mean(np.maximum(better * draws, 0)),
    }


def agree(found: Belief, draws, *, better, negligible):
    spread = draws.std()
    for name, value in said_by(draws, better=better, negligible=negligible).items():
        ours = getattr(found.interval, name) if name in {"lower", "upper"} else getattr(found, name)
        scale = 1.0 if name.startswith("p_") else spread
        assert ours == pytest.approx(value, abs=6e-3 * scale), name


@pytest.mark.parametrize("better", [1, -1])
@pytest.mark.parametrize(("mean", "deviation"), [(0.3, 1.0), (-2.0, 0.7), (0.001, 0.0008)])
def test_a_normal_belief_is_what_draws_say(mean, deviation, better):
    """400,000 draws; .006 is above four Monte Carlo errors of each figure."""
    draws = np.random.default_rng(80).normal(mean, deviation, size=DRAWS)
    found = belief(Normal(mean=mean, deviation=deviation), better=better, negligible=deviation / 2)
    agree(found, draws, better=better, negligible=deviation / 2)


@pytest.mark.parametrize("better", [1, -1])
@pytest.mark.parametrize(
    ("control", "arm"),
    [((10, 100), (18, 100)), ((0, 5), (1, 7)), ((480, 50_000), (530, 50_000)), ((99, 100), (1000, 1000))],
)
def test_a_belief_about_rates_is_what_draws_say(control, arm, better):
    draw = np.random.default_rng(81)
    c, a = NOTHING.updated(*control), NOTHING.updated(*arm)
    draws = draw.beta(a.a, a.b, size=DRAWS) - draw.beta(c.a, c.b, size=DRAWS)
    agree(rate_belief(c, a, better=better, negligible=0.005), draws, better=better, negligible=0.005)


def test_the_chance_that_one_rate_is_higher_is_millers_closed_sum():
    """Evan Miller (2015), Formulas for Bayesian A/B testing: exact for whole numbers."""
    from scipy.special import betaln

    c, a = NOTHING.updated(35, 210), NOTHING.updated(52, 230)
    i = np.arange(int(a.a))
    exact = np.exp(betaln(c.a + i, a.b + c.b) - np.log(a.b + i) - betaln(1 + i, a.b) - betaln(c.a, c.b)).sum()
    assert rate_belief(c, a).p_better == pytest.approx(exact, abs=1e-10)


def test_rates_of_many_units_are_the_normal_belief():
    c, a = NOTHING.updated(100_000, 1_000_000), NOTHING.updated(100_900, 1_000_000)
    exact, near = rate_belief(c, a), belief(Normal(mean=9e-4, deviation=sqrt(2 * 0.09 / 1e6)))
    assert exact.p_better == pytest.approx(near.p_better, abs=2e-3)
    assert exact.loss_of_choosing == pytest.approx(near.loss_of_choosing, rel=0.05)


def test_swapping_the_arms_swaps_the_losses_exactly():
    c, a = NOTHING.updated(10, 100), NOTHING.updated(18, 120)
    there, back = rate_belief(c, a), rate_belief(a, c)
    assert there.loss_of_choosing == pytest.approx(back.loss_of_keeping, rel=1e-9)
    assert there.p_better + back.p_better == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("better", [1, -1])
def test_the_best_of_many_arms_is_what_draws_say(better):
    """Widths from .01 to 3, so that a coarse grid would miss the narrow arms."""
    known = {"0": (0.0, 1.0), "a": (0.5, 0.01), "b": (0.505, 0.3), "c": (-1.0, 3.0), "d": (0.4, 0.05)}
    draw = np.random.default_rng(82)
    draws = better * np.array([draw.normal(m, s, size=DRAWS) for m, s in known.values()])
    found = best_arm({k: Normal(mean=m, deviation=s) for k, (m, s) in known.items()}, better=better)
    wins = np.bincount(draws.argmax(axis=0), minlength=5) / DRAWS
    losses = (draws.max(axis=0) - draws).mean(axis=1)
    for k, name in enumerate(known):
        assert found[name].p_best == pytest.approx(wins[k], abs=4e-3)
        assert found[name].expected_loss == pytest.approx(losses[k], abs=1.5e-2)
    assert sum(s.p_best for s in found.values()) == pytest.approx(1.0, abs=1e-9)


def test_two_normal_arms_have_the_closed_form():
    from scipy.stats import norm

    found = best_arm({"0": Normal(mean=1.0, deviation=0.3), "1": Normal(mean=1.2, deviation=0.4)})
    assert found["1"].p_best == pytest.approx(norm.cdf(0.2 / 0.5), abs=1e-12)
    both = belief(Normal(mean=0.2, deviation=0.5))
    assert found["1"].expected_loss == pytest.approx(both.loss_of_choosing, abs=1e-12)


@pytest.mark.parametrize("far", [-1e9, 1e6, 1e12])
def test_losses_do_not_depend_on_where_zero_lies(far):
    near = {"0": (0.0, 2.0), "1": (0.5, 1.0), "2": (-0.25, 3.0)}
    here = best_arm({k: Normal(mean=m, deviation=s) for k, (m, s) in near.items()})
    there = best_arm({k: Normal(mean=far + m, deviation=s) for k, (m, s) in near.items()})
    for name, standing in here.items():
        assert there[name].p_best == pytest.approx(standing.p_best, abs=1e-9)
        assert there[name].expected_loss == pytest.approx(standing.expected_loss, abs=1e-9)


def test_an_interval_of_rates_holds_where_one_arm_is_known_far_better():
    """Each end by adaptive integration over the wide posterior, with the narrow one's step where it lies."""
    from scipy.integrate import quad
    from scipy.stats import beta

    control, arm = Beta(a=1, b=9), Beta(a=153, b=325_119)
    found = rate_belief(control, arm).interval
    for end, chance in ((found.lower, 0.025), (found.upper, 0.975)):

        def density(rate: float, end: float = end) -> float:
            return beta.pdf(rate, 1, 9) * beta.cdf(rate + end, 153, 325_119)

        step = np.clip(153 / 325_272 - end + np.array([-5e-4, 0.0, 5e-4]), 0.0, 1.0)
        pieces = np.unique([0.0, *step, 1.0])
        below = sum(quad(density, *piece, epsabs=1e-12)[0] for piece in pairwise(pieces))
        assert below == pytest.approx(chance, abs=1e-8)


def test_the_best_rate_among_arms_of_very_different_size():
    arms = {"0": NOTHING.updated(0, 0), "1": NOTHING.updated(500_000, 1_000_000)}
    assert best_arm(arms)["0"].p_best == pytest.approx(0.5, abs=1e-6)


def test_a_posterior_lies_between_prior_and_data_and_a_vague_prior_is_the_data():
    effect = normal(2.0, 0.5, 0.05)
    drawn = normal_posterior(effect, Normal(mean=0.0, deviation=0.5))
    assert (drawn.mean, drawn.deviation) == pytest.approx((1.0, 0.5 / sqrt(2)))
    vague = normal_posterior(effect, Normal(mean=-9.0, deviation=1e6))
    assert vague.mean == pytest.approx(2.0, abs=1e-9)
    assert normal_posterior(effect) == Normal(mean=2.0, deviation=0.5)


def past(true, errors, seed):
    seen = true + errors * np.random.default_rng(seed).normal(size=len(true))
    return [normal(float(v), float(s), 0.05) for v, s in zip(seen, errors, strict=True)]


def test_a_prior_from_many_clear_effects_is_that_of_random_effects_in_statsmodels():
    """Paule-Mandel there, penalised likelihood here: the same within a few per cent at 200 effects."""
    from statsmodels.stats.meta_analysis import combine_effects

    draw = np.random.default_rng(83)
    effects = past(draw.normal(0.1, 0.4, size=200), draw.uniform(0.05, 0.3, size=200), 84)
    theirs = combine_effects(
        np.array([e.value for e in effects]), np.array([e.std_error for e in effects]) ** 2, method_re="pm"
    )
    found = past_prior(effects)
    assert found.mean == pytest.approx(theirs.mean_effect_re, abs=5e-3)
    assert found.deviation == pytest.approx(sqrt(theirs.tau2), rel=0.03)


def test_past_effects_that_are_all_noise_still_leave_a_proper_prior_that_shrinks_hard():
    errors = np.full(30, 1.0)
    prior = past_prior(past(np.zeros(30), errors, 85))
    assert 0 < prior.deviation < 0.8
    shrunk = normal_posterior(normal(3.0, 1.0, 0.05), prior)
    assert abs(shrunk.mean) < 1.5


def test_shrinkage_undoes_the_winners_curse():
    """4,000 effects N(0, 1) seen with error 1.5: winners overstate by half, their posteriors do not."""
    draw = np.random.default_rng(86)
    true = draw.normal(size=4000)
    effects = past(true, np.full(4000, 1.5), 87)
    prior = past_prior(effects[:100])
    winners = [k for k, e in enumerate(effects) if e.value > 1.96 * 1.5]
    truth = true[winners].mean()
    naive = np.mean([effects[k].value for k in winners])
    shrunk = np.mean([normal_posterior(effects[k], prior).mean for k in winners])
    assert naive > 2 * truth
    assert shrunk == pytest.approx(truth, rel=0.25)


def test_a_handful_of_past_effects_makes_no_prior():
    refused = past_prior([normal(1.0, 1.0, 0.05)] * 4)
    assert isinstance(refused, NotEstimable)
    assert refused.reason == "too_few_past_effects"


def test_impossible_beliefs_are_bad_calls():
    with pytest.raises(ValueError, match="deviation above 0"):
        Normal(mean=0.0, deviation=0.0)
    with pytest.raises(ValueError, match="above 0"):
        Beta(a=0.0, b=1.0)
    with pytest.raises(ValueError, match="successes"):
        NOTHING.updated(3, 2)
