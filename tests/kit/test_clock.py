"""Is a time said as its docstring says?"""

import doctest

from service.kit import clock


def test_examples_of_docstrings_hold():
    result = doctest.testmod(clock)
    assert result.attempted
    assert result.failed == 0
