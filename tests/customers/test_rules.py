"""Is what a customer is told true of the number that it was compared with?"""

import pytest

from service.customers.rules import compared, sentence
from service.metrics.customer import Better, Expectation, Increment
from service.metrics.definitions import CountDefinition

CALLS = CountDefinition.model_validate({"aggregation": "count", "event": {"event": "call"}, "window": "P30D"})


@pytest.mark.parametrize(
    ("value", "level", "better", "said"),
    [
        (0.4999, 0.5, "higher", "0.4999 call in the last 30 days; consumers expect 0.5 at least: not kept."),
        (10.004, 10, "lower", "10.004 call in the last 30 days; consumers expect 10 at most: not kept."),
        (
            1_234_567,
            1_234_560,
            "higher",
            "1234567 call in the last 30 days; consumers expect 1234560 at least: kept.",
        ),
        (
            2 / 3,
            0.00001,
            "higher",
            "0.667 call in the last 30 days; consumers expect 0.00001 at least: kept.",
        ),
        (0.1 + 0.2, 0.3, "lower", "0.3 call in the last 30 days; consumers expect 0.3 at most: kept."),
    ],
)
def test_a_number_is_told_so_that_it_stands_on_its_side_of_the_level(value, level, better, said) -> None:
    step = Increment(amount=1, unit="call", better=Better(better))
    against = compared(value, [Expectation(segment="consumers", level=level)], step)
    assert sentence("Calls", CALLS, step, value, against) == f"Calls: {said}"
