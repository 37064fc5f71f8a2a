"""Does the alarm about the arms' sizes ring when it should, and only then?"""

import numpy as np
import pytest

from analyses import Allocation, srm


def test_the_statistic_and_p_value_are_scipys():
    from scipy.stats import chisquare

    theirs = chisquare([480, 530, 990], [500, 500, 1000])
    check = srm(Allocation(counts={"a": 480, "b": 530, "c": 990}, shares={"a": 1, "b": 1, "c": 2}))
    assert f"χ²(2) = {theirs.statistic:.4g}, p = {theirs.pvalue:.2g}" in check.detail
    assert check.passed


def test_a_mismatch_names_the_arm_that_strays_most():
    check = srm(Allocation(counts={"a": 10_000, "b": 9_000}, shares={"a": 0.5, "b": 0.5}))
    assert check.passed is False
    assert check.gates
    assert "9,500" in check.detail


def test_without_planned_shares_the_question_is_not_asked():
    check = srm(Allocation(counts={"a": 10_000, "b": 9_000}))
    assert (check.passed, check.detail) == (None, "planned shares not given")


def test_a_planned_arm_that_got_nobody_is_a_mismatch():
    assert srm(Allocation(counts={"a": 1000}, shares={"a": 0.5, "b": 0.5})).passed is False


def test_units_in_an_arm_planned_to_get_none_are_a_mismatch():
    check = srm(Allocation(counts={"a": 1000, "b": 1}, shares={"a": 1, "b": 0}))
    assert check.passed is False
    assert "b got units" in check.detail


def test_changed_weights_between_phases_are_no_mismatch():
    ramp = Allocation(counts={"a": 9_000, "b": 1_000}, shares={"a": 0.9, "b": 0.1})
    even = Allocation(counts={"a": 5_000, "b": 5_000}, shares={"a": 0.5, "b": 0.5})
    assert srm(ramp, even).passed
    swapped = Allocation(counts={"a": 5_000, "b": 5_000}, shares={"a": 0.9, "b": 0.1})
    assert srm(swapped, even).passed is False


def test_mismatches_that_cancel_between_phases_are_still_found():
    up = Allocation(counts={"a": 5_500, "b": 5_000}, shares={"a": 1, "b": 1})
    down = Allocation(counts={"a": 5_000, "b": 5_500}, shares={"a": 1, "b": 1})
    assert srm(up, down).passed is False


def test_a_handful_of_units_is_too_few_to_ask():
    check = srm(Allocation(counts={"a": 4, "b": 1}, shares={"a": 1, "b": 1}))
    assert check.passed is None
    assert "too few" in check.detail


def test_every_arm_needs_a_share():
    with pytest.raises(ValueError, match="every arm"):
        Allocation(counts={"a": 4, "b": 1}, shares={"a": 1})
    with pytest.raises(ValueError, match="positive sum"):
        Allocation(counts={"a": 4}, shares={"a": 0})


def test_fair_coins_seldom_alarm():
    heads = np.random.default_rng(30).binomial(20_000, 0.5, size=4000)
    alarms = sum(
        srm(Allocation(counts={"a": int(h), "b": 20_000 - int(h)}, shares={"a": 1, "b": 1})).passed is False
        for h in heads
    )
    assert alarms <= 12  # expected 4 at .001; more than 12 has probability 3e-4


@pytest.mark.parametrize("tiny", [{"0": 1, "1": 2}, {"0": 0, "1": 0}])
def test_a_tiny_phase_does_not_silence_a_mismatch_in_a_large_one(tiny):
    even = {"0": 1, "1": 1}
    large = Allocation(counts={"0": 50_000, "1": 53_000}, shares=even)
    assert srm(large).passed is False
    assert srm(large, Allocation(counts=tiny, shares=even)).passed is False
