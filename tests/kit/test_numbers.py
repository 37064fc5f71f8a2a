"""Do numbers read as their docstrings say, and do English units agree with them?"""

import doctest

import pytest

from service.kit import numbers


def test_examples_of_docstrings_hold():
    result = doctest.testmod(numbers)
    assert result.attempted > 5
    assert result.failed == 0


@pytest.mark.parametrize(
    ("unit", "one", "three"),
    [
        ("call", "1 call", "3 calls"),
        ("minutes", "1 minute", "3 minutes"),
        ("query", "1 query", "3 queries"),
        ("box", "1 box", "3 boxes"),
        ("fees", "1 fee", "3 fees"),
        ("status", "1 status", "3 status"),
        ("analysis", "1 analysis", "3 analysis"),
        ("percent", "1 percent", "3 percent"),
        ("sek", "1 sek", "3 sek"),
        ("m²", "1 m²", "3 m²"),
    ],
)
def test_an_english_unit_agrees_with_its_number_or_stays_as_it_was_typed(unit, one, three):
    assert (numbers.amount(1, unit, "en"), numbers.amount(3, unit, "en")) == (one, three)
