"""All effects from moments: a bounded time, and no more memory for more rows."""

from tests.bench.effects import ARMS, METRICS, analysed, milliseconds, moments, peak_bytes

GENEROUS = 500.0  # ms of CPU; the goal is 10 on a machine with nothing else to do


def test_every_effect_is_read_and_takes_milliseconds():
    arms = moments(100_000)
    assert len(analysed(arms)) == METRICS * (len(ARMS) - 1)
    assert min(milliseconds(lambda: analysed(arms), 2)) < GENEROUS


def test_memory_does_not_grow_with_rows():
    analysed(moments(1_000))  # what is loaded once is not counted
    assert peak_bytes(1_000_000_000) < 1.2 * peak_bytes(1_000)
