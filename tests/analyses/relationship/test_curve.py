"""Is every change of sign found, as exactly as another method finds it, and in few questions?"""

import numpy as np
import pytest
from scipy.optimize import brentq

from analyses.relationship.blocks import solved
from analyses.relationship.crossings import crossings
from analyses.relationship.curve import charted

WIDTH = np.pi / 257


def asked(of, left, right):
    """The crossings, and how often the function was called for them."""
    calls = []

    def counted(at):
        calls.append(len(at))
        return of(at)

    ends = np.array(left), np.array(right)
    return crossings(counted, ends, (of(ends[0]), of(ends[1]))), calls


@pytest.mark.parametrize("bend", [0.1, 5.0, 300.0])
def test_crossings_are_those_of_brent_and_take_few_calls(bend):
    draw = np.random.default_rng(3)
    centre = np.linspace(-1.5, 1.5, 40)
    left = centre - WIDTH * draw.random(40)

    def of(at):
        nearest = centre[np.abs(at[:, None] - centre).argmin(axis=1)]
        return np.expm1(bend * (at - nearest)) * (2 + np.cos(at))

    for low, high in zip(left, left + WIDTH, strict=True):
        found, calls = asked(of, [low], [high])
        theirs = brentq(lambda at: float(of(np.array([at]))[0]), low, high, xtol=1e-15, rtol=1e-14)
        assert found[0] == pytest.approx(theirs, abs=3e-14)
        assert len(calls) <= 12


def test_all_places_are_asked_together_until_each_is_known():
    found, calls = asked(np.sin, [-0.4, 3.0, 6.1], [0.3, 3.3, 6.4])
    assert found == pytest.approx([0.0, np.pi, 2 * np.pi], abs=1e-14)
    assert calls[0] == 3
    assert len(calls) <= 8


def test_a_jump_is_found_where_it_is_and_an_end_that_is_zero_is_the_place():
    found, _ = asked(lambda at: np.where(at > 0.3, 5.0, -1e-9), [0.0], [1.0])
    assert found[0] == pytest.approx(0.3, abs=1e-14)
    same, calls = asked(lambda at: at, [0.0, -1.0], [1.0, 0.0])
    assert list(same) == [0.0, 0.0]
    assert not calls


def test_a_valley_narrower_than_the_grid_is_on_the_curve_once_it_is_named():
    deep, width = 0.123456, 1e-5

    def of(angles):
        return 0.01 + np.sin(angles - 1.0) ** 2 - 2 * np.exp(-(np.sin(angles - deep) ** 2) / (2 * width**2))

    def slope(angles):
        away = np.sin(angles - deep)
        valley = np.exp(-(away**2) / (2 * width**2)) * away * np.cos(angles - deep) / width**2
        return np.sin(2 * (angles - 1.0)) + 2 * valley

    found = charted(of, slope, np.array([deep]))
    assert found.lows[0] == pytest.approx(deep, abs=1e-9)
    assert found.least == pytest.approx(np.sin(deep - 1) ** 2 - 1.99, abs=1e-6)
    inside = found.where(lambda value: value, 1.0)
    assert len(inside.pieces) == 1
    assert inside.pieces[0][0] < np.tan(deep) < inside.pieces[0][1] < np.tan(deep) + 1e-4


@pytest.mark.parametrize("arms", [1, 2, 3, 7, 14])
@pytest.mark.parametrize("stacked", [(), (3,), (400,), (30, 9)])
def test_elimination_and_lapack_agree(arms, stacked):
    draw = np.random.default_rng(arms)
    root = draw.normal(size=(*stacked, arms, arms + 2))
    V, r = root @ np.swapaxes(root, -1, -2), draw.normal(size=(*stacked, arms))
    assert solved(V, r) == pytest.approx(np.linalg.solve(V, r[..., None])[..., 0], rel=1e-8, abs=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_search_for_a_sign_that_nothing_has_ends_at_once(value):
    with pytest.raises(ValueError, match="expected finite"):
        crossings(lambda at: at * value, (np.zeros(1), np.ones(1)), (-np.ones(1), np.array([value])))
    with pytest.raises(ValueError, match="got none"):
        crossings(lambda at: at * np.nan, (np.zeros(1), np.ones(1)), (-np.ones(1), np.ones(1)))
