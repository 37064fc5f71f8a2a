"""Are the boundaries of planned looks the published ones, and do they keep alpha?"""

from math import sqrt

import numpy as np
import pytest

from analyses import Spending, boundaries, inflation, normal, planned_look, stopping_chances

LOOKS = 5
FIFTHS = [k / LOOKS for k in range(1, LOOKS + 1)]


GSDESIGN = {  # R package gsDesign 3.10.1: gsDesign(k, alpha=0.025, sfu=sfLDOF), upper bounds, four digits
    2: [2.9626, 1.9686],
    3: [3.7103, 2.5114, 1.9930],
    4: [4.3326, 2.9631, 2.3590, 2.0141],
    5: [4.8769, 3.3570, 2.6803, 2.2898, 2.0310],
}
LD98 = [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]  # Reboussin, DeMets, Kim & Lan (2000), Pocock's spending


@pytest.mark.parametrize("looks", GSDESIGN)
def test_obrien_and_flemings_boundaries_are_those_of_gsdesign(looks):
    """Two-sided at .05 and one-sided at .025 are the same to far more digits than are published."""
    found = boundaries([k / looks for k in range(1, looks + 1)])
    assert [b.quantile for b in found] == pytest.approx(GSDESIGN[looks], abs=1e-4)


def test_pococks_boundaries_are_the_published_ones():
    found = boundaries(FIFTHS, spending=Spending.POCOCK)
    assert [b.quantile for b in found] == pytest.approx(LD98, abs=1e-4)


@pytest.mark.parametrize("spending", Spending)
@pytest.mark.parametrize("fractions", [(0.2, 0.4), (0.3, 0.9), (0.5, 1.0)])
def test_the_second_boundary_is_that_of_an_adaptive_integral(spending, fractions):
    """P(not beyond at the first look, beyond at the second) by scipy's quadrature over the first."""
    from scipy.integrate import quad
    from scipy.stats import norm

    first, second = boundaries(fractions, spending=spending)
    edge, sd = second.quantile * sqrt(fractions[1]), sqrt(fractions[1] - fractions[0])

    def beyond(z: float) -> float:
        at = z * sqrt(fractions[0])
        return norm.pdf(z) * (norm.sf((edge - at) / sd) + norm.cdf((-edge - at) / sd))

    spent, _ = quad(beyond, -first.quantile, first.quantile, epsabs=1e-14, epsrel=1e-12, limit=400)
    assert spent == pytest.approx(second.spent - first.spent, rel=1e-8)


@pytest.mark.parametrize("spending", Spending)
@pytest.mark.parametrize("fractions", [FIFTHS, [0.1, 0.15, 0.7, 1.0], [k / 20 for k in range(1, 21)]])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_boundaries_agree_with_multivariate_normal_integration(spending, fractions, alpha):
    """The first two looks by another integration, and alpha is spent in full by the last."""
    from scipy.stats import multivariate_normal, norm

    found = boundaries(fractions, spending=spending, alpha=alpha)
    assert stopping_chances(found, 0.0)[-1] == pytest.approx(alpha, abs=1e-8)
    assert found[-1].spent == pytest.approx(alpha, rel=1e-12)
    first, second = found[:2]
    if first.quantile is None or second.quantile is None:
        return
    assert 2 * norm.sf(first.quantile) == pytest.approx(first.spent, rel=1e-6)
    r = sqrt(first.fraction / second.fraction)
    upper = [first.quantile, second.quantile]
    stay = multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf(upper, lower_limit=[-u for u in upper])
    assert 1 - stay == pytest.approx(second.spent, abs=1e-6)


def test_one_look_is_the_fixed_test():
    only = boundaries([1.0])[0]
    assert only.quantile == pytest.approx(1.959964, abs=1e-6)
    assert inflation([only]) == pytest.approx(1.0, abs=1e-6)


def test_looks_beyond_the_plan_spend_no_more_than_alpha():
    found = boundaries([0.5, 1.3])
    assert found[-1].spent == pytest.approx(0.05)
    assert stopping_chances(found, 0.0)[-1] == pytest.approx(0.05, abs=1e-8)


def test_a_look_too_early_to_spend_anything_stops_nothing():
    first = boundaries([0.01, 1.0])[0]
    assert first.quantile is None
    look = planned_look(normal(100.0, 1.0, 0.05), first)
    assert not look.crossed
    assert look.interval.lower is None


@pytest.fixture(scope="module")
def walks():
    """Z statistics of 4,000 experiments at five looks without effect."""
    steps = np.random.default_rng(70).normal(size=(4000, LOOKS))
    return steps.cumsum(axis=1) / np.sqrt(np.arange(1, LOOKS + 1))


@pytest.mark.parametrize("spending", Spending)
@pytest.mark.parametrize("drift", [0.0, 2.8])
def test_experiments_stop_as_often_as_said(walks, spending, drift):
    looks = boundaries(FIFTHS, spending=spending)
    z = walks + drift * np.sqrt(FIFTHS)
    crossed = [
        [
            planned_look(normal(value, 1.0, 0.05), look).crossed
            for value, look in zip(path, looks, strict=True)
        ]
        for path in z
    ]
    by = np.maximum.accumulate(np.array(crossed), axis=1).mean(axis=0)
    for seen, said in zip(by, stopping_chances(looks, drift), strict=True):
        assert seen == pytest.approx(said, abs=4 * sqrt(max(said * (1 - said), 1e-4) / 4000))


def test_repeated_intervals_cover_at_all_looks_together(walks):
    looks = boundaries(FIFTHS)
    missed = (abs(walks) > [b.quantile for b in looks]).any(axis=1).mean()
    assert missed == pytest.approx(0.05, abs=4 * sqrt(0.05 * 0.95 / 4000))


def test_inflated_units_restore_the_power():
    looks = boundaries(FIFTHS, spending=Spending.POCOCK)
    factor = inflation(looks, target=0.9)
    assert 1.1 < factor < 1.3
    assert stopping_chances(looks, 3.2415 * sqrt(factor))[-1] == pytest.approx(0.9, abs=1e-4)


def test_looks_must_move_on():
    with pytest.raises(ValueError, match="growing shares"):
        boundaries([0.5, 0.5])
    with pytest.raises(ValueError, match="growing shares"):
        boundaries([])
    with pytest.raises(ValueError, match="alpha"):
        boundaries([1.0], alpha=0.0)
