"""How long does the rule take over 300 contrasts? CPU milliseconds of a verdict, the best of a few."""

import time

import numpy as np

from analyses import Rule, judge
from tests.analyses.relationship.many import Programme, normal

SHAPES = {"300 experiments of one arm": (300, 1), "100 of three arms": (100, 3), "30 of ten arms": (30, 10)}


def milliseconds(experiments: int, arms: int, *, times: int = 5) -> float:
    """One shape of 300 contrasts through ``judge``."""
    doses = tuple(np.linspace(0, 1, arms + 1)[1:])
    programme = Programme(cpi=normal(0, 0.1), slopes=normal(0.2, 0), experiments=experiments, doses=doses)
    drawn, rule = programme.draw(np.random.default_rng(1)), Rule(smallest_slope=0.1)
    taken = []
    for _ in range(times):
        start = time.process_time()
        judge(rule, drawn)
        taken.append(time.process_time() - start)
    return 1000 * min(taken)


def main() -> None:
    for name, (experiments, arms) in SHAPES.items():
        print(f"{name}: {milliseconds(experiments, arms):.1f} ms")


if __name__ == "__main__":
    main()
