"""Does nothing hold up where there is nothing? A short version of the rows in tests/calibration/claims."""

from tests.analyses.heterogeneity.planted import World
from tests.calibration.claims.heterogeneity import MORE, anything_holds_up, planted_found, together

SMALL = {"n": 3_000, "others": 2}
TRIES = 40


def test_where_units_do_not_differ_hardly_anything_holds_up() -> None:
    """At .05 a try, seven or more of forty would come once in three hundred times; the seeds are fixed."""
    wrong = sum(bool(anything_holds_up(World(**SMALL))(seed)) for seed in range(TRIES))
    assert wrong <= 6


def test_what_is_planted_is_found_and_covered() -> None:
    world = World(n=6_000, others=2, more=MORE)
    found = [planted_found(world)(seed) for seed in range(10)]
    assert sum(map(bool, found)) >= 9
    covered = [together(world)(seed) for seed in range(TRIES)]
    assert sum(map(bool, covered)) >= 0.85 * sum(one is not None for one in covered)
