"""How often is the rule wrong where experiments stop when it suits, or a verdict is asked each time?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analyses import (
    Early,
    ExperimentContrasts,
    Look,
    NotEstimable,
    Rule,
    State,
    information,
    judge,
    next_look,
)
from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.test_calibration import ONE, PAIR
from tests.calibration.row import Row

ARM = Design(**ONE)


@dataclass(frozen=True)
class Stopped:
    """Several experiments of one design; each is stopped at half where its KPI effect does not suit.

    ``wanted`` is the sign of the answer that somebody would like: an experiment whose KPI effect, less the
    true one, goes the other way is stopped, so that it counts with a wider error, and the others run on.
    """

    designs: Sequence[Design]
    wanted: int

    def draw(self, rng: np.random.Generator) -> list[ExperimentContrasts]:
        return [self._one(rng, design, f"experiment {k}") for k, design in enumerate(self.designs)]

    def _one(self, rng: np.random.Generator, design: Design, name: str) -> ExperimentContrasts:
        half, rest = (replace(design, n=design.n // 2).draw(rng)[0] for _ in range(2))
        truth = np.asarray(design.slope) * np.asarray(design.doses) + np.asarray(design.direct)
        planned = design.n * (len(design.doses) + 1)
        if self.wanted * float((half.effects[:, 1] - truth).sum()) < 0:
            early = Early(units=planned // 2, planned_units=planned)
            return replace(half, experiment=name, early=early)
        return replace(
            half,
            experiment=name,
            effects=(half.effects + rest.effects) / 2,
            covariance=half.covariance / 2,
            arm_units=(design.n,) * len(design.doses),
            control_units=design.n,
        )


@dataclass(frozen=True)
class InTurn:
    """Experiments that report one after the other; a verdict is asked for after each of them."""

    design: Design
    count: int = 20
    growth: float = 1.0  # of the units, from each to the next

    def draw(self, rng: np.random.Generator) -> list[ExperimentContrasts]:
        return [replace(self._sized(k).draw(rng)[0], experiment=f"experiment {k}") for k in range(self.count)]

    def _sized(self, k: int) -> Design:
        return replace(self.design, n=round(self.design.n * self.growth**k))


def judged_in_turn(rule: Rule, drawn: Sequence[ExperimentContrasts]) -> set[State]:
    """The states of all verdicts that were due, each at its own error rate."""
    states: set[State] = set()
    last: Look | None = None
    for count in range(1, len(drawn) + 1):
        so_far = drawn[:count]
        known = information(rule, so_far)
        if isinstance(known, NotEstimable):
            continue
        due = next_look(rule.alpha, last, known)
        if due is not None:
            last = due
            states.add(judge(replace(rule, alpha=due.alpha), so_far).verdict.state)
    return states


def _half(count: int, name: str, slope: float, wanted: int) -> Row:
    designs = [replace(ARM, slope=slope)] * count
    told = f"{count} experiment{'s' * (count > 1)} of one arm, {name}"
    return Row(told, Stopped(designs, wanted), slope, "-", bound=0.0)


def _pairs(count: int, name: str, slope: float, wanted: int) -> Row:
    designs = [Design(**PAIR, slope=slope)] * count
    told = f"{count} experiments of two mechanisms with placebos, {name}"
    return Row(told, Stopped(designs, wanted), slope, "-")


TO_CONFIRM, TO_REJECT = "b = 0, stopped where against the lever", "b = d, stopped where for it"

STOPPED = (
    _half(1, TO_CONFIRM, 0.0, 1),
    *(_half(count, TO_CONFIRM, 0.0, 1) for count in (3, 5, 7)),
    *(_half(count, TO_REJECT, D, -1) for count in (1, 3, 7)),
    _pairs(3, TO_CONFIRM, 0.0, 1),
    _pairs(3, TO_REJECT, D, -1),
    _pairs(3, "b = 2d, stopped where for it", 2 * D, -1),
    _pairs(8, TO_CONFIRM, 0.0, 1),
    _pairs(8, TO_REJECT, D, -1),
)

WEAK = Design(doses=(0.02,), mechanisms="A", rho=0.8)
FEW_UNITS = Design(**ONE, n=5_000)

IN_TURN = (
    Row("twenty equal experiments, bound 0, b = 0", InTurn(FEW_UNITS), 0.0, "-", bound=0.0),
    Row(
        "twenty equal experiments, bound 0, b = d",
        InTurn(replace(FEW_UNITS, slope=D)),
        D,
        "-",
        bound=0.0,
    ),
    Row(
        "ten experiments, each twice the last, bound 0, b = 0",
        InTurn(replace(FEW_UNITS, n=500), count=10, growth=2.0),
        0.0,
        "-",
        bound=0.0,
    ),
    Row(
        "ten experiments, each twice the last, bound 0, b = d",
        InTurn(replace(FEW_UNITS, n=500, slope=D), count=10, growth=2.0),
        D,
        "-",
        bound=0.0,
    ),
    Row(
        "twenty weak ones, each 1.3 times the last, bound 0, b = 0",
        InTurn(replace(WEAK, n=5_000), growth=1.3),
        0.0,
        "-",
        bound=0.0,
    ),
    Row(
        "ten of two mechanisms, each 1.5 times the last, b = 0",
        InTurn(Design(**PAIR, n=2_000), count=10, growth=1.5),
        0.0,
        "-",
    ),
    Row(
        "ten of two mechanisms, each 1.5 times the last, b = d",
        InTurn(Design(**PAIR, n=2_000, slope=D), count=10, growth=1.5),
        D,
        "-",
    ),
)

STOPPING_TABLES = {
    "Several experiments, each stopped at half when its own effect does not suit": STOPPED,
    "Verdicts in turn, as experiments report: ever confirmed, ever rejected": IN_TURN,
}
