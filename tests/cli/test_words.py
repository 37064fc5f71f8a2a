"""Are numbers and sets said so that a reader cannot mistake them?"""

import doctest

import pytest

from analyses import ConfidenceSet, NotEstimable, Shape
from service.cli.onefile import words


def test_the_examples_hold():
    result = doctest.testmod(words)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("shape", "pieces", "said"),
    [
        (Shape.INTERVAL, ((0.1, 0.2),), "0.1 to 0.2"),
        (Shape.INTERVALS, ((-1.0, 0.1), (0.2, 3.0)), "-1 to 0.1, or 0.2 to 3"),
        (Shape.RAYS, ((None, -1.0), (2.0, None)), "-1 and below, or 2 and above"),
        (Shape.LINE, ((None, None),), "every slope fits: nothing is ruled out"),
        (Shape.EMPTY, (), "no slope fits the data"),
    ],
)
def test_every_shape_of_a_set_has_words(shape, pieces, said):
    assert words.slopes(ConfidenceSet(shape=shape, pieces=pieces)) == said


def test_what_is_not_estimable_says_why():
    assert words.slopes(NotEstimable(reason="one_contrast", detail="needs two")) == "needs two"


@pytest.mark.parametrize(("p", "said"), [(0.0312, "p = .0312"), (1.0, "p = 1.0000"), (1e-9, "p < .0001")])
def test_p_values_are_never_said_to_be_zero(p, said):
    assert words.chance(p) == said
