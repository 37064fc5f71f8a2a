"""Does the ladder hold what the verdict rule does, on every rung?"""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from analyses import LADDER, EvidenceCount, Rule, Rung, State, counted_in, judge, rung_of
from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.many import Programme, normal

PAIR = {"doses": (0, 0.2, 0, 0.2), "mechanisms": "AABB", "placebos": (True, False, True, False)}


def test_rungs_are_in_order_and_each_says_why_no_more_may_be_concluded():
    assert [step.rung for step in LADDER] == list(Rung)
    for step in LADDER:
        assert State.INCONCLUSIVE in step.states
        assert set(step.states) <= set(step.states_bounded)
        assert step.reason
        assert step.further


@pytest.mark.parametrize("rung", [Rung.STATED, Rung.OBSERVED, Rung.QUASI_EXPERIMENTAL])
def test_nothing_is_confirmed_or_rejected_without_randomisation_whatever_bound_was_registered(rung):
    assert LADDER[rung].ceiling(bounded=True) == (State.INCONCLUSIVE,)


@pytest.mark.parametrize(
    ("counts", "rung"),
    [
        ({}, Rung.STATED),
        ({"observations": 9}, Rung.OBSERVED),
        ({"observations": 9, "quasi_experiments": 1}, Rung.QUASI_EXPERIMENTAL),
        ({"experiments": 1, "mechanisms": 1, "quasi_experiments": 4}, Rung.RANDOMISED),
        ({"experiments": 1, "mechanisms": 0}, Rung.RANDOMISED),
        ({"experiments": 30, "mechanisms": 1}, Rung.RANDOMISED),
        ({"experiments": 1, "mechanisms": 2}, Rung.SEVERAL_MECHANISMS),
        ({"experiments": 7, "mechanisms": 3}, Rung.SEVERAL_MECHANISMS),
        ({"experiments": 8, "mechanisms": 2}, Rung.REPLICATED),
    ],
)
def test_what_was_counted_reaches_its_rung(counts, rung):
    assert rung_of(EvidenceCount(**counts)).rung is rung


def test_counts_below_zero_are_refused():
    with pytest.raises(ValueError, match="at least 0"):
        EvidenceCount(experiments=-1)


DESIGNS = {
    "one arm": Design(doses=(0.2,), mechanisms="A"),
    "doses of one mechanism": Design(doses=(0.1, 0.4), mechanisms="AA"),
    "one mechanism and a placebo": Design(doses=(0, 0.3), mechanisms=(None, "A"), placebos=(True, False)),
    "unnamed arms": Design(doses=(0.2, 0.4), mechanisms=(None, None)),
    "two mechanisms with placebos": Design(**PAIR),
    "two experiments": Design(**PAIR, experiments=("one", "one", "two", "two")),
}


@pytest.mark.parametrize(
    ("name", "slope", "direct", "bound"),
    list(product(DESIGNS, (-0.2, 0.0, 0.5), (0.0, 0.04), (None, 0.0, 0.04))),
)
def test_the_verdict_never_exceeds_the_ladders_ceiling(name, slope, direct, bound):
    design = DESIGNS[name]
    truth = replace(design, slope=slope, direct=direct)
    rule = Rule(smallest_slope=D, direct_effect_bound=bound)
    drawn = truth.draw(np.random.default_rng(3))
    step = rung_of(counted_in(rule, drawn))
    assert judge(rule, drawn).verdict.state in step.ceiling(bounded=bound is not None)


@pytest.mark.parametrize(
    ("several", "rung", "state"),
    [(False, Rung.RANDOMISED, State.INCONCLUSIVE), (True, Rung.REPLICATED, State.CONFIRMED)],
)
def test_many_experiments_of_one_mechanism_are_capped_and_of_two_are_not(several, rung, state):
    drawn = Programme(cpi=normal(0.3, 0.15), slopes=normal(0.3, 0)).draw(np.random.default_rng(5))
    if not several:
        drawn = [replace(e, arms=tuple(replace(arm, mechanism="A") for arm in e.arms)) for e in drawn]
    rule = Rule(smallest_slope=D)
    step = rung_of(counted_in(rule, drawn))
    assert (step.rung, judge(rule, drawn).verdict.state) == (rung, state)
    assert state in step.ceiling(bounded=False)


def test_an_arm_that_is_left_out_counts_for_no_rung():
    design = Design(doses=(0.2, 0.0), mechanisms=("A", None), experiments=("one", "two"), n=10**7)
    drawn = design.draw(np.random.default_rng(1))
    assert counted_in(Rule(smallest_slope=D), drawn) == EvidenceCount(experiments=1, mechanisms=1)
