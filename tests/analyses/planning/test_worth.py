"""Is an experiment's worth what simulating the experiment and the decision after it gives?"""

import numpy as np
import pytest

from analyses import (
    NotEstimable,
    SlopeBelief,
    Stake,
    after_observation,
    untested_slope,
    worth_of_testing,
)

D = 0.01


def simulated(belief, *, proven, draws=400_000):
    """Draw a truth, run the deciding experiment, act if it now looks worth it."""
    rng = np.random.default_rng(3)
    error = D / 2.8
    truth = rng.normal(belief.mean, belief.deviation, draws)
    seen = truth + rng.normal(0, error, draws)
    weight = belief.deviation**2 / (belief.deviation**2 + error**2)
    after = belief.mean + weight * (seen - belief.mean)
    gained = np.where(after > D, truth - D, 0.0).mean()
    today = max(belief.mean - D, 0.0) if proven else 0.0
    return (gained - today) / D, (after > D).mean()


@pytest.mark.parametrize("proven", [False, True])
@pytest.mark.parametrize(
    "belief",
    [
        untested_slope(D),
        SlopeBelief(mean=0.02, deviation=0.004),
        SlopeBelief(mean=0.0, deviation=0.003),
        SlopeBelief(mean=0.03, deviation=0.02),
    ],
)
def test_worth_is_the_mean_gain_over_simulated_experiments(belief, proven):
    found = worth_of_testing(belief, D, proven=proven)
    value, acts = simulated(belief, proven=proven)
    assert found.value == pytest.approx(value, abs=0.03)
    assert found.p_act == pytest.approx(acts, abs=0.005)


def test_what_is_proven_and_sure_is_worth_no_further_test_and_what_nobody_tested_is():
    sure = SlopeBelief(mean=0.05, deviation=0.002)
    assert worth_of_testing(sure, D, proven=True).value < 1e-6
    assert worth_of_testing(untested_slope(D), D, proven=False).value > 1


def test_a_rejected_lever_is_hardly_worth_testing_again():
    assert worth_of_testing(SlopeBelief(mean=-0.01, deviation=0.003), D, proven=False).value < 1e-3


def test_an_observed_slope_raises_belief_and_a_quasi_experiment_raises_it_more():
    prior = untested_slope(D)
    seen = after_observation(prior, 0.04, 0.001)
    quasi = after_observation(prior, 0.04, 0.001, confounded=0.5)
    assert prior.mean < seen.mean < quasi.mean < 0.04
    assert prior.deviation > seen.deviation > quasi.deviation
    values = [worth_of_testing(one, D, proven=False).value for one in (prior, seen, quasi)]
    assert values == sorted(values)


def test_money_is_a_years_value_less_the_studys_cost():
    belief, stake = untested_slope(D), Stake(volume=1e6, increments=2.0, value_per_kpi_unit=5.0)
    free = worth_of_testing(belief, D, proven=False, stake=stake)
    assert free.money == pytest.approx(free.value * D * 1e6 * 2 * 5)
    priced = Stake(volume=1e6, increments=2.0, value_per_kpi_unit=5.0, cost_per_unit=0.1)
    paid = worth_of_testing(belief, D, proven=False, units=200_000, stake=priced)
    assert paid.money == pytest.approx(free.money - 20_000)


def test_a_study_of_unknown_size_has_no_known_cost():
    stake = Stake(volume=1.0, increments=1.0, value_per_kpi_unit=1.0, cost_per_unit=1.0)
    found = worth_of_testing(untested_slope(D), D, proven=False, stake=stake)
    assert isinstance(found, NotEstimable)
    assert found.reason == "study_of_unknown_size"


def test_nonsense_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        worth_of_testing(untested_slope(D), 0.0, proven=False)
    with pytest.raises(ValueError, match="above 0"):
        SlopeBelief(mean=0.0, deviation=0.0)
    with pytest.raises(ValueError, match="above 0"):
        after_observation(untested_slope(D), 0.0, 0.0)
    with pytest.raises(ValueError, match="at least 0"):
        Stake(volume=1.0, increments=1.0, value_per_kpi_unit=-1.0)
