"""What does the check of numbers say of what was found?"""

from types import SimpleNamespace

import pytest

from service.evidence.checks import numbers_read
from service.facts import NumbersRead


def check(*found: NumbersRead):
    plan = SimpleNamespace(metric=lambda ref: SimpleNamespace(name=f"metric {ref}"))
    facts = SimpleNamespace(numbers={"a": found} if found else {})
    return numbers_read(plan, facts)


def read(outcomes: int, numbers: int, others: int, name: str | None = "minutes") -> NumbersRead:
    return NumbersRead(event="quoted", property=name, outcomes=outcomes, numbers=numbers, others=others)


@pytest.mark.parametrize(
    ("found", "passed", "told"),
    [
        (
            read(1000, 700, 7),
            False,
            "metric a: 7 of 1,000 outcomes quoted say of minutes what is no number",
        ),
        (read(1000, 0, 0), False, "metric a: none of 1,000 outcomes quoted has a number as minutes"),
        (read(1000, 0, 0, None), False, "metric a: none of 1,000 outcomes quoted has a number as value"),
        (read(1000, 700, 0), True, "what metrics read as numbers are numbers"),
        (read(0, 0, 0), None, "no metric reads a number of an outcome"),
    ],
)
def test_what_is_no_number_is_told_and_blocks_nothing(found, passed, told):
    said = check(found)
    assert (said.passed, said.gates) == (passed, False)
    assert said.detail.startswith(told)


def test_where_nobody_was_asked_it_says_so():
    said = numbers_read(None, SimpleNamespace(numbers=None))
    assert (said.passed, said.detail) == (None, "asked only of the lake, by DuckDB")
    assert check().passed is None
