"""Does the experiment that past ones advise let the rule answer as often as promised?"""

from dataclasses import replace

import numpy as np
import pytest

from analyses import (
    DecidingExperiment,
    NotEstimable,
    PlannedArmRole,
    Rule,
    State,
    deciding_experiment,
    judge,
)
from analyses.planning.deciding import past_noise
from analyses.relationship.contrast import Early
from tests.analyses.relationship.draws import D, Design


def past(doses=(0.2, 0.3), mechanisms=("A", "B"), n=50_000, **truth):
    design = Design(doses=doses, mechanisms=mechanisms, slope=D, n=n, **truth)
    return design.draw(np.random.default_rng(1))


def rule(**given):
    return Rule(smallest_slope=D, **given)


def roles(found):
    return [arm.role.value for arm in found.arms]


@pytest.mark.parametrize(
    ("given", "arms"),
    [
        ({}, ["control", "placebo", "treatment", "treatment"]),
        ({"direct_effect_bound": 0.0}, ["control", "placebo", "treatment"]),
        ({"direct_effect_bound": 0.005, "bound_evidence": 2}, ["control", "treatment"]),
    ],
)
@pytest.mark.parametrize(("slope", "wanted"), [(D, State.CONFIRMED), (0.0, State.REJECTED)])
def test_the_planned_experiment_decides_as_often_as_promised(given, arms, slope, wanted):
    """Experiments of the advised size through the rule itself: .80 at least, less three standard errors."""
    found = deciding_experiment(rule(**given), past())
    assert isinstance(found, DecidingExperiment)
    assert roles(found) == arms
    treated = found.arms[1:]
    design = Design(
        doses=[arm.shift for arm in treated],
        mechanisms=[arm.mechanism for arm in treated],
        placebos=[arm.role is PlannedArmRole.PLACEBO for arm in treated],
        slope=slope,
        n=found.units // len(found.arms),
    )
    draw, rounds = np.random.default_rng(7), 80
    decided = sum(judge(rule(**given), design.draw(draw)).verdict.state is wanted for _ in range(rounds))
    assert decided / rounds > 0.8 - 3 * (0.8 * 0.2 / rounds) ** 0.5


def drawn(found, slope, share, rng):
    """One experiment as advised, with a share of its units, through the rule: its state."""
    treated, n = found.arms[1:], found.units // len(found.arms)
    design = Design(
        doses=[arm.shift for arm in treated],
        mechanisms=[arm.mechanism for arm in treated],
        placebos=[arm.role is PlannedArmRole.PLACEBO for arm in treated],
        slope=slope,
        n=round(share * n),
    )
    seen = design.draw(rng)
    if share < 1:
        early = Early(units=round(share * found.units), planned_units=found.units)
        seen = [replace(one, early=early) for one in seen]
    return judge(rule(), seen).verdict.state


@pytest.mark.parametrize(("slope", "wanted"), [(D, State.CONFIRMED), (0.0, State.REJECTED)])
def test_stopped_before_its_end_it_answers_at_least_as_often_as_said(slope, wanted):
    found = deciding_experiment(rule(), past())
    assert [one.fraction for one in found.early] == [0.5, 0.75, 0.9]
    chances = [one.chance for one in found.early]
    assert chances == sorted(chances)
    assert 0.1 < chances[-1] < 0.8, "sets that hold at any time are wider than the end's"
    rng, rounds = np.random.default_rng(9), 60
    states = [drawn(found, slope, 0.9, rng) for _ in range(rounds)]
    assert states.count(wanted) / rounds > chances[-1] - 3 * (0.25 / rounds) ** 0.5


def clusters(experiments, effect, size):
    """The same contrasts from ``effect`` times the units, in clusters of this size."""
    return [
        replace(
            one,
            arm_units=tuple(round(effect * n) for n in one.arm_units),
            control_units=round(effect * one.control_units),
            units_per_cluster=size,
        )
        for one in experiments
    ]


def test_clusters_are_planned_with_the_noise_of_clusters_where_any_were_randomised():
    plain, grouped = past(), clusters(past(), effect=3.0, size=20.0)
    alone, found = deciding_experiment(rule(), plain), deciding_experiment(rule(), grouped)
    assert (alone.clusters, found.units / alone.units) == (None, pytest.approx(3.0, rel=1e-3))
    assert found.units == 20 * found.clusters
    assert found.clusters % len(found.arms) == 0
    both = deciding_experiment(rule(), [*plain, *grouped])
    assert (both.units, both.clusters) == (found.units, found.clusters), (
        "units alone know nothing of clusters"
    )
    few = deciding_experiment(rule(), clusters(past(), effect=1.0, size=1e6))
    assert few.clusters == 10 * len(few.arms), "fewer clusters carry no interval"


def test_half_the_units_would_not_do():
    """The advice is no mere plenty: with half of it power is well below what is promised."""
    found = deciding_experiment(rule(), past())
    treated = found.arms[1:]
    design = Design(
        doses=[arm.shift for arm in treated],
        mechanisms=[arm.mechanism for arm in treated],
        placebos=[arm.role is PlannedArmRole.PLACEBO for arm in treated],
        slope=D,
        n=found.units // len(found.arms) // 2,
    )
    draw = np.random.default_rng(8)
    states = [judge(rule(), design.draw(draw)).verdict.state for _ in range(60)]
    assert states.count(State.CONFIRMED) / 60 < 0.7


def test_the_noise_of_single_units_is_read_back_from_contrasts():
    found = past_noise(past(n=1_000))
    assert (found.cpi, found.covariance) == (pytest.approx(1.0), pytest.approx(0.5 + D))
    assert found.kpi == pytest.approx(1 + 2 * 0.5 * D + D**2)


def test_the_mechanisms_that_surely_moved_the_cpi_furthest_are_taken():
    found = deciding_experiment(
        rule(), past(doses=(0.1, 0.4, 0.2, 0.001), mechanisms=("A", "A", "B", "C"), n=20_000)
    )
    assert [(arm.mechanism, arm.tried) for arm in found.arms[2:]] == [
        ("A", ("one", "arm 1")),
        ("B", ("one", "arm 2")),
    ]


def test_a_second_mechanism_is_asked_for_where_only_one_was_tried():
    found = deciding_experiment(rule(), past(doses=(0.3,), mechanisms=("A",)))
    second = found.arms[3]
    assert (second.mechanism, second.tried, second.shift) == (None, None, found.arms[2].shift)


def test_units_do_not_depend_on_how_the_cpi_is_counted():
    """Minutes or seconds, more or less: the same experiment."""
    found = deciding_experiment(rule(), past())
    turned = past()
    for one in turned:
        one.effects[:, 0] *= -60
        one.covariance[:, 0] *= -60
        one.covariance[:, :, :, 0] *= -60
    again = deciding_experiment(Rule(smallest_slope=D, increment=60, better=-1), turned)
    assert again.units == found.units


@pytest.mark.parametrize(
    ("given", "experiments", "why"),
    [
        ({}, past(doses=(0.0001,), mechanisms=("A",), n=100), "no_known_dose"),
        ({"direct_effect_bound": 0.05}, past(), "bound_hides_the_slope"),
        ({}, [], "no_unit_noise"),
    ],
)
def test_what_cannot_be_planned_is_said(given, experiments, why):
    found = deciding_experiment(rule(**given), experiments)
    assert isinstance(found, NotEstimable)
    assert found.reason == why


def test_without_a_smallest_slope_nothing_is_planned():
    assert deciding_experiment(Rule(), past()).reason == "no_smallest_slope"
