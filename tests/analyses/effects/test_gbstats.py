"""Are effects those of GrowthBook's gbstats, where its formula is ours?

Its TwoSidedTTest, version 0.8.0, from the sums of the rows that `arm` makes; run once: it wants pandas 1
and so an environment of its own (`tests/bench/effects.py` runs it on larger sums). Of shares it divides the
variance by n, where ours, of values that happen to be 0 and 1, divides by n - 1.
"""

import numpy as np
import pytest

from analyses import ArmMeans, Measure, arm_means, difference, moments_of

MEASURES = (Measure(name="mean", value="y"), Measure(name="ratio", value="y", per="d"))
GOLDEN = {  # value, ends, p
    ("absolute", "mean"): (
        0.35730769230769166,
        (-0.23316511125012396, 0.9477804958655073),
        0.2349540059726665,
    ),
    ("absolute", "ratio"): (
        0.1429230769230767,
        (-0.14775840273535262, 0.433604556581506),
        0.3343973272014451,
    ),
    ("relative", "mean"): (
        0.07167656816603643,
        (-0.05159374551563139, 0.1949468818477043),
        0.2537361043046213,
    ),
    ("relative", "ratio"): (
        0.07167656816603646,
        (-0.07990778656330697, 0.2232609228953799),
        0.353222301236191,
    ),
}


def arm(n: int, lift: int) -> ArmMeans:
    i = np.arange(n)
    y, d = (7 * i) % 11 + lift * (i % 3 == 0), 1 + i % 4
    rows = np.column_stack([y, d]).astype(float)
    return arm_means(moments_of(["y", "d"], rows), MEASURES)


@pytest.mark.parametrize(("kind", "measure"), GOLDEN)
def test_effects_are_those_of_gbstats(kind: str, measure: str) -> None:
    found = dict(zip((one.name for one in MEASURES), difference(arm(200, 0), arm(260, 1)), strict=True))
    ours = getattr(found[measure], kind)
    value, ends, p_value = GOLDEN[kind, measure]
    assert ours.value == pytest.approx(value, rel=1e-8)
    assert (ours.interval.lower, ours.interval.upper) == pytest.approx(ends, rel=1e-8)
    if kind == "absolute":  # of a relative effect we test the difference, they the quotient
        assert ours.p_value == pytest.approx(p_value, rel=1e-8)
