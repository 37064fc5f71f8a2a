"""May the arms' sizes be asked after every day, and does the alarm still ring in time?"""

from math import exp, log

import numpy as np
import pytest

from analyses import Allocation, log_bayes_factors, sequential_srm
from analyses.validity.sequential_srm import CONCENTRATION

HALF = {"0": 0.5, "1": 0.5}
DAYS, UNITS = 100, 50_000
GOLDEN = [
    ([0.5, 0.5], [60, 40], 1.593996352712302),
    ([0.25, 0.25, 0.5], [5200, 4900, 10100], 0.8058543446767152),
    ([0.1, 0.9], [1200, 9000], 1868933.1533131325),
]


@pytest.mark.parametrize(("shares", "counts", "odds"), GOLDEN)
def test_the_bayes_factor_is_savvis(shares, counts, odds):
    """Multinomial of savvi 0.3.1, concentration 200."""
    names = "abc"[: len(shares)]
    batch = Allocation(
        counts=dict(zip(names, counts, strict=True)), shares=dict(zip(names, shares, strict=True))
    )
    assert exp(log_bayes_factors([batch])[0]) == pytest.approx(odds, rel=1e-7)


def test_the_bayes_factor_is_the_product_of_one_unit_predictions():
    draw = np.random.default_rng(90)
    shares = {"a": 0.2, "b": 0.3, "c": 0.5}
    seen, evidence = dict.fromkeys(shares, 0), 0.0
    for arm in draw.choice(list(shares), size=300):
        total = sum(seen.values())
        evidence += log((CONCENTRATION * shares[arm] + seen[arm]) / (CONCENTRATION + total) / shares[arm])
        seen[str(arm)] += 1
    assert log_bayes_factors([Allocation(counts=seen, shares=shares)])[0] == pytest.approx(evidence, abs=1e-9)


def test_how_units_are_cut_into_batches_does_not_matter():
    days = [Allocation(counts={"0": 50 + k, "1": 55}, shares=HALF) for k in range(5)]
    whole = Allocation(counts={"0": 260, "1": 275}, shares={"0": 2, "1": 2})
    assert log_bayes_factors(days)[-1] == pytest.approx(log_bayes_factors([whole])[0], abs=1e-9)


def test_a_change_of_shares_is_no_mismatch_and_carries_the_evidence_on():
    ramp = Allocation(counts={"0": 9000, "1": 1000}, shares={"0": 0.9, "1": 0.1})
    even = Allocation(counts={"0": 5000, "1": 5000}, shares=HALF)
    assert sequential_srm([ramp, even]).passed
    together = log_bayes_factors([ramp, even])[-1]
    assert together == pytest.approx(log_bayes_factors([ramp])[0] + log_bayes_factors([even])[0])


def test_an_alarm_once_rung_is_not_unrung():
    bad = Allocation(counts={"0": 700, "1": 500}, shares=HALF)
    mended = Allocation(counts={"0": 20_000, "1": 20_200}, shares=HALF)
    assert log_bayes_factors([bad, mended])[-1] < 0
    check = sequential_srm([bad, mended])
    assert check.passed is False
    assert check.gates


def monitored(share: float, experiments: int, seed: int) -> float:
    draw = np.random.default_rng(seed)
    rung = 0
    for arm in draw.binomial(UNITS // DAYS, share, size=(experiments, DAYS)):
        days = [Allocation(counts={"0": int(x), "1": UNITS // DAYS - int(x)}, shares=HALF) for x in arm]
        rung += max(log_bayes_factors(days)) >= log(100)
    return rung / experiments


def test_a_hundred_looks_at_a_kept_plan_ring_in_less_than_one_in_a_hundred():
    """Published: .004. 300 experiments of 50,000 units; .02 is the bound and two Monte Carlo errors."""
    assert monitored(0.5, 300, 91) <= 0.02


def test_one_unit_in_a_hundred_too_many_is_found():
    """Published: .80 at 51/49; 200 experiments, four Monte Carlo errors."""
    assert monitored(0.51, 200, 92) == pytest.approx(0.80, abs=4 * (0.16 / 200) ** 0.5)


def test_what_was_not_planned_is_not_asked_and_strays_are_named():
    assert sequential_srm([]).passed is None
    assert sequential_srm([Allocation(counts={"0": 1, "1": 1})]).detail == "planned shares not given"
    stray = sequential_srm([Allocation(counts={"0": 100, "1": 1}, shares={"0": 1, "1": 0})])
    assert stray.passed is False
    assert stray.detail.startswith("1 got units")
