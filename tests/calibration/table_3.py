"""The rest of Table 3: side effects that differ, shared credit, and how many units a true lever takes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from analyses import ExperimentContrasts
from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.test_calibration import FIVE, PAIR, THREE
from tests.calibration.row import Row
from tests.calibration.rows import arm
from tests.calibration.units import REQUESTERS, Units, drawn_in

SIDE = 0.02  # standard deviation of side effects that differ between arms


@dataclass(frozen=True)
class SideEffects:
    """A design whose arms each have a side effect of their own, drawn anew in every replication."""

    design: Design

    def draw(self, rng: np.random.Generator) -> list[ExperimentContrasts]:
        direct = rng.normal(0, SIDE, len(self.design.doses))
        return replace(self.design, direct=direct).draw(rng)


MORE = (
    Row(
        "direct effect .3 a in one mechanism, inert rival moved by the other, b = 0",
        Design(**PAIR, direct=(0, 0.06, 0, 0), rival_doses=(0, 0, 0, 0.2)),
        0.0,
        ".011/0",
    ),
    Row(
        "direct effect -.3 a in one mechanism, inert rival moved by the other, b = .2",
        Design(**PAIR, slope=0.2, direct=(0, -0.06, 0, 0), rival_doses=(0, 0, 0, 0.2)),
        0.2,
        "0/0",
    ),
    Row(
        "true lever, inert rival moved too, 1 and .7 of it by mechanism",
        Design(**FIVE, slope=0.2, rival_doses=(0.0, 0.1, 0.14, 0.3, 0.28)),
        0.2,
        ".479/0",
        covered=True,
    ),
    Row(
        "single arm, direct effect -.04, bound half of it, b = d",
        arm(slope=D, direct=-0.04),
        D,
        "0/.888",
        bound=0.02,
        untestable=True,
    ),
    Row(
        "three arms of one mechanism, direct effects .04, 0, .04",
        Design(**(THREE | {"mechanisms": "AAA"}), direct=(0.04, 0, 0.04)),
        0.0,
        "0/0",
    ),
    Row(
        "three arms of two mechanisms, direct effects -.04, 0, -.04, b = .2",
        Design(**(THREE | {"mechanisms": "AAB"}), slope=0.2, direct=(-0.04, 0, -0.04)),
        0.2,
        "0/0",
    ),
    Row(
        "side effects that differ between arms of one mechanism, sd .02",
        SideEffects(Design(**PAIR)),
        0.0,
        ".108/-",
        why="step 3 iii takes one direct effect per mechanism; such an answer is labelled on_assumption",
    ),
    Row(
        "a placebo without the active arms' side effect of .02, 20k",
        Design(**PAIR, direct=(0, 0.02, 0, 0.02), n=20_000),
        0.0,
        ".40/0",
        untestable=True,
    ),
    Row(
        "CPI seen for requesters only, 30 to 34 % drawn in, who buy more; nobody's CPI changes",
        Units(
            replace(REQUESTERS, rows=drawn_in), 0.0, doses=(0.0, 1.0, 0.0, 1.0), mechanisms="AABB", n=20_000
        ),
        0.0,
        ".910 before step 1, 0/0",
    ),
    Row(
        "CPI seen for requesters only, three in ten of every arm, b = 2d",
        Units(REQUESTERS, 2 * D, doses=(0.0, 0.9, 0.0, 0.9), mechanisms="AABB", n=20_000),
        2 * D,
        ".743, .61-.69 with rivals",
        covered=True,
    ),
)

NEEDED = 2.5  # times the units of the KPI's own test: a true lever of 2d is to be confirmed at .80 or more
POWER_AT_80 = (1.959964 + 0.841621) ** 2


def own_test(dose: float, slope: float = 2 * D) -> int:
    """Units an arm of the KPI's own test at power .80, for an arm that moves the CPI so far."""
    [noise] = Design(doses=(dose,), mechanisms="A", slope=slope).unit_covariance()[1:2, 1]
    return ceil(2 * POWER_AT_80 * noise / (slope * dose) ** 2)


def _needed(name: str, second: float, times: float = NEEDED, **design: Sequence[object]) -> Row:
    """At so many times the units of the own test of the second-strongest mechanism."""
    drawn = Design(**design, slope=2 * D, n=ceil(times * own_test(second)))
    return Row(f"{name}, {times:g} times", drawn, 2 * D, "-", covered=True, least=0.80)


PLACEBO_TWO = {"doses": (0, 0.2, 0.4), "mechanisms": "AAB", "placebos": (True, False, False)}
THREE_DOSES = {"doses": (0.1, 0.2, 0.3), "mechanisms": "ABC"}
FOUR = {"doses": (0.1, 0.3, 0.1, 0.3), "mechanisms": "AABB"}
SIX = {
    "doses": (0, 0.1, 0.3, 0, 0.1, 0.3),
    "mechanisms": "AAABBB",
    "placebos": (True, False, False, True, False, False),
}

USEFUL = (
    _needed("two mechanisms × doses (0, .2)", 0.2, 1.04, **PAIR),
    _needed("two mechanisms × doses (0, .2)", 0.2, **PAIR),
    _needed("placebo, .2 and .4", 0.2, **PLACEBO_TWO),
    _needed("three mechanisms at .1, .2, .3", 0.2, **THREE_DOSES),
    _needed("two mechanisms at .1 and .3", 0.1, doses=(0.1, 0.3), mechanisms="AB"),
    _needed("five contrasts of two mechanisms", 0.3, **FIVE),
    _needed("two mechanisms × doses (.1, .3)", 0.3, **FOUR),
    _needed("two mechanisms × doses (0, .1, .3)", 0.3, **SIX),
)
