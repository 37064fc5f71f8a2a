"""Do the simulated stories hold by their truth, not by their seed?"""

import numpy as np
import pytest

from analyses import Rule, State
from service.cli.demo.facts import facts_of
from service.cli.demo.simulated import Simulation
from service.cli.demo.simulation import naive
from service.cli.demo.stories import adviser_talks, days_to_decision, payment_flexibility, quick_quote
from service.cli.demo.story import ARRIVAL, WINDOW
from service.kit.clock import now
from tests.demo.judging import contrasts, verdict

SEEDS = range(100, 160)  # none of them the demo's; the gates stop about one in ten by design
QUOTE_RULE = Rule(smallest_slope=0.0075, better=-1)
TALKS_RULE = Rule(smallest_slope=0.03)
DAYS_RULE = Rule(smallest_slope=0.005, better=-1)
PAYMENTS_RULE = Rule(smallest_slope=0.02)
SIMULATIONS = [
    pytest.param(story.SIMULATION, id=story.__name__.rpartition(".")[2])
    for story in (quick_quote, adviser_talks, days_to_decision, payment_flexibility)
]


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_the_same_seed_tells_the_same_story(simulation: Simulation) -> None:
    once, again = simulation.population(0, 7), simulation.population(0, 7)
    assert np.array_equal(once.cpis, again.cpis)
    assert not np.array_equal(once.cpis, simulation.population(0, 8).cpis)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_arms_are_equal_in_size_and_fill_the_plan(simulation: Simulation) -> None:
    for place, trial in enumerate(simulation.trials):
        sizes = np.bincount(simulation.population(place).arm)
        assert len(set(sizes)) == 1
        assert sizes.sum() == trial.planned_units


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_every_arm_moves_every_cpi_as_its_truth_says(simulation: Simulation) -> None:
    cpis = len(simulation.world.cpis)
    for place, trial in enumerate(simulation.trials):
        found = contrasts(simulation, place, seed=1)
        moved = found.effects[:, [0, *range(2, 1 + cpis)]]
        at = [0, *range(2, 1 + cpis)]
        error = np.sqrt(
            np.array([[found.covariance[k, i, k, i] for i in at] for k in range(len(trial.arms))])
        )
        assert (np.abs(moved - np.array([arm.truth for arm in trial.arms])) < 4.5 * error).all()


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_the_kpi_follows_from_the_cpis_by_their_true_slopes(simulation: Simulation) -> None:
    slopes = np.array([cpi.slope for cpi in simulation.world.cpis])
    for place, trial in enumerate(simulation.trials):
        found = contrasts(simulation, place, seed=1)
        told = np.array([arm.truth for arm in trial.arms]) @ slopes
        error = np.sqrt([found.covariance[k, 1, k, 1] for k in range(len(trial.arms))])
        assert (np.abs(found.effects[:, 1] - told) < 4.5 * error).all()


def test_quick_quote_is_confirmed_whatever_the_seed() -> None:
    states = [verdict(quick_quote.SIMULATION, QUOTE_RULE, seed).state for seed in SEEDS]
    assert states.count(State.CONFIRMED) >= 54


def test_talks_are_rejected_on_nearly_every_seed_and_never_confirmed() -> None:
    states = [verdict(adviser_talks.SIMULATION, TALKS_RULE, seed).state for seed in SEEDS]
    assert states.count(State.REJECTED) >= 48
    assert State.CONFIRMED not in states


def test_talks_look_great_in_correlation() -> None:
    seen = naive(adviser_talks.SIMULATION.population(0))
    assert seen.correlation > 0.15
    assert seen.share_high - seen.share_low > 0.15


def test_days_share_their_credit_whatever_the_seed() -> None:
    found = [verdict(days_to_decision.SIMULATION, DAYS_RULE, seed) for seed in SEEDS]
    assert {one.state for one in found} == {State.INCONCLUSIVE}
    shared = [one for one in found if "credit_shared" in [reason.code for reason in one.reasons]]
    assert len(shared) >= 48


def test_the_pilot_is_too_small_and_says_how_small() -> None:
    found = [verdict(payment_flexibility.SIMULATION, PAYMENTS_RULE, seed) for seed in SEEDS]
    assert {one.state for one in found} == {State.INCONCLUSIVE}
    small = [one for one in found if [reason.code for reason in one.reasons] == ["too_few_units"]]
    assert len(small) >= 40
    assert all((one.needed_units_per_arm or 0) > 150 for one in small)


@pytest.mark.parametrize("simulation", SIMULATIONS)
def test_facts_are_complete_unique_and_inside_every_window(simulation: Simulation) -> None:
    start = now()
    arms, population = simulation.trials[0].arm_names, simulation.population(0)
    facts = facts_of(simulation.world, arms, population, "exp_0123456789", start)
    assigned = dict(zip(*(facts.assignments[name].to_pylist() for name in ("unit", "time")), strict=True))
    assert len(assigned) == population.size
    assert all(start < time <= start + ARRIVAL for time in assigned.values())
    ids = facts.outcomes["id"].to_pylist()
    assert len(set(ids)) == len(ids)
    units, times = facts.outcomes["unit"].to_pylist(), facts.outcomes["time"].to_pylist()
    after = [time - assigned[unit] for unit, time in zip(units, times, strict=True)]
    assert all(WINDOW > wait >= 0 * WINDOW for wait in after)
