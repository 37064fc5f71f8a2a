"""Are weights smoothed, and their tails judged, as the method's authors do?"""

import numpy as np
import pytest
from arviz_stats.base import array_stats

from analyses.posterior.smoothing import smoothed


@pytest.mark.parametrize(("shape", "n"), [(0.2, 4000), (0.5, 4000), (0.9, 4000), (0.5, 400)])
def test_smoothed_weights_and_shape_are_those_of_arviz(shape, n):
    raw = shape * np.random.default_rng(4).exponential(size=n)
    found = smoothed(raw)
    theirs, k = array_stats.psislw(-raw)  # it takes log densities, whose negatives are log weights
    assert found.k == pytest.approx(float(k), abs=1e-6)
    assert found.values == pytest.approx(np.exp(theirs - np.logaddexp.reduce(theirs)), rel=1e-6)


def test_equal_weights_have_no_tail_and_count_in_full():
    found = smoothed(np.zeros(1000))
    assert found.k < 0.7
    assert found.ess == pytest.approx(1000)


def test_one_draw_that_carries_everything_does_not_pass():
    found = smoothed(np.concatenate([np.zeros(999), [30.0]]))
    assert found.k > 0.7
