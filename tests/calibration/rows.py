"""Which truths is the rule asked about? One row each, with what was published for it before the product.

All of them go through ``judge``.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Protocol

import numpy as np

from analyses import ExperimentContrasts, Rule
from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.many import Programme, halves, normal, uniform
from tests.analyses.relationship.test_calibration import FIVE, PAIR, THREE


class Truth(Protocol):
    def draw(self, rng: np.random.Generator) -> Sequence[ExperimentContrasts]: ...


@dataclass(frozen=True)
class Row:
    """``slope`` is the truth; ``published`` says confirm/reject and coverage as they stood before.

    ``smallest`` is the smallest slope of interest, d. ``covered`` says whether the interval's own assumptions
    hold; ``least`` is the share of confirmations that usefulness asks for; ``untestable`` truths look like a
    lever to every rule; ``why`` is said where a row is known to fail.
    """

    name: str
    truth: Truth
    slope: float
    published: str
    bound: float | None = None
    covered: bool = False
    least: float | None = None
    untestable: bool = False
    smallest: float = D
    why: str = ""

    @property
    def rule(self) -> Rule:
        return Rule(smallest_slope=self.smallest, direct_effect_bound=self.bound)


def arm(moved: float = 0.2, **truth: float) -> Design:
    return Design(doses=(moved,), mechanisms="A", **truth)


def weak(arms: int, f: float, **truth: float) -> Design:
    """Arms that share a control, with an expected first-stage F of f."""
    dose = sqrt((f - 1) * (arms + 1) / 50_000)
    return Design(doses=[dose] * arms, mechanisms="AABBB"[:arms], **truth)


TABLE_1 = (
    Row("strong, b = .2", arm(slope=0.2), 0.2, "1/0 .952", bound=0.0, covered=True, least=0.85),
    Row("b = d", arm(slope=D), D, ".85/.022 .951", bound=0.0, covered=True),
    Row(
        "underpowered, b = .2, n = 5k", arm(slope=0.2, n=5_000), 0.2, ".44/.002 .939", bound=0.0, covered=True
    ),
    Row("null, rho = .5", arm(), 0.0, ".029/.91 .947", bound=0.0, covered=True),
    Row("weak F = 3, rho = .6, b = 0", weak(1, 3, rho=0.6), 0.0, ".024/.021 .965", bound=0.0, covered=True),
    Row(
        "five weak arms F = 1.7, rho = .6",
        weak(5, 1.7, rho=0.6),
        0.0,
        ".026/.024 .960",
        bound=0.0,
        covered=True,
    ),
    Row(
        "five weak arms F = 1.2, rho = .8",
        weak(5, 1.2, rho=0.8),
        0.0,
        ".035/.006 .961",
        bound=0.0,
        covered=True,
    ),
    Row("b = -.1, rho = .5", arm(slope=-0.1), -0.1, "0/1 .952", bound=0.0, covered=True),
    Row("b = .2, rho = -.5", arm(slope=0.2, rho=-0.5), 0.2, "1/0 .948", bound=0.0, covered=True, least=0.85),
    Row("direct effect .04, bound unknown", arm(direct=0.04), 0.0, "0/0"),
    Row("direct effect -.04, bound unknown, b = .2", arm(slope=0.2, direct=-0.04), 0.2, "0/0"),
    Row("direct effect .02, bound .02", arm(direct=0.02), 0.0, ".029/0 .972", bound=0.02, covered=True),
    Row("three arms, direct effects .04, 0, .04", Design(**THREE, direct=(0.04, 0, 0.04)), 0.0, "0/0"),
    Row(
        "three arms, direct effects -.04, 0, -.04, b = .2",
        Design(**THREE, slope=0.2, direct=(-0.04, 0, -0.04)),
        0.2,
        "0/0",
    ),
    Row(
        "three arms, direct effects .15 of the CPI's",
        Design(doses=(0.1, 0.2, 0.3), mechanisms="ABC", direct=(0.015, 0.03, 0.045)),
        0.0,
        ".94/0",
        bound=0.0,
        untestable=True,
    ),
)

TABLE_3 = (
    Row(
        "nominal second mechanism, direct effect .3 a in the first",
        Design(doses=(0.2, 0.02), mechanisms="AB", direct=(0.06, 0)),
        0.0,
        ".022/0",
    ),
    Row(
        "mirror: b = .2, direct effect -.2 a",
        Design(doses=(0.2, 0.02), mechanisms="AB", slope=0.2, direct=(-0.04, 0)),
        0.2,
        "0/.008",
    ),
    Row(
        "two equal doses, direct effect -.03, b = .2",
        Design(doses=(0.2, 0.2), mechanisms="AB", slope=0.2, direct=-0.03),
        0.2,
        "0/0",
    ),
    Row(
        "two mechanisms × doses (0, .2), b = .2, 20k",
        Design(**PAIR, slope=0.2, n=20_000),
        0.2,
        ".963/0",
        covered=True,
        least=0.85,
    ),
    Row("same, b = 0", Design(**PAIR), 0.0, ".001/.847", covered=True),
    Row("same, b = d", Design(**PAIR, slope=D), D, ".859/.001", covered=True),
    Row(
        "same, common direct effect .02, b = 0, 20k", Design(**PAIR, direct=0.02, n=20_000), 0.0, ".007/.016"
    ),
    Row(
        "five weak arms F = 1.2 in two mechanisms, rho = .8",
        weak(5, 1.2, rho=0.8),
        0.0,
        ".001/0",
        covered=True,
    ),
    Row(
        "slopes .3 and .1 by mechanism, direct effects ±.02",
        Design(**PAIR, slope=(0.3, 0.3, 0.1, 0.1), direct=(0.02, 0.02, -0.02, -0.02)),
        0.2,
        ".831/0",
    ),
    Row("slopes .3 and 0 by mechanism", Design(**PAIR, slope=(0.3, 0.3, 0, 0)), 0.0, ".025/0"),
    Row(
        "rival is the lever, moved in equal ratio",
        Design(**FIVE, rival_doses=FIVE["doses"], rival_slope=0.2),
        0.0,
        ".001/.001",
    ),
    Row(
        "true lever, rival harms equally",
        Design(**FIVE, slope=0.2, rival_doses=FIVE["doses"], rival_slope=-0.2),
        0.2,
        ".002/.001",
    ),
    Row(
        "true lever, rival not moved",
        Design(**FIVE, slope=0.2, rival_doses=(0,) * 5),
        0.2,
        ".946/0",
        covered=True,
        least=0.85,
    ),
    Row(
        "single arm, direct effect .04, bound .04", arm(direct=0.04), 0.0, ".025/0", bound=0.04, covered=True
    ),
    Row(
        "single arm, direct effect -.04, bound .04, b = d",
        arm(slope=D, direct=-0.04),
        D,
        "0/.029",
        bound=0.04,
        covered=True,
    ),
    Row(
        "single arm, direct effect .04, bound half of it",
        arm(direct=0.04),
        0.0,
        ".888/0",
        bound=0.02,
        untestable=True,
    ),
    Row(
        "a placebo without the active arms' side effect of .02, 50k",
        Design(**PAIR, direct=(0, 0.02, 0, 0.02)),
        0.0,
        ".89/0",
        untestable=True,
    ),
)

EITHER = normal(0, 0.1)  # CPI effects of either sign, F = 250 at 50k units per arm
UPWARDS = uniform(0.03, 0.11)  # all upwards: a common direct effect then passes for a slope
WEAK, VERY_WEAK = {"n": 900, "rho": 0.6}, {"n": 200, "rho": 0.6}  # F = 5.5 and 2

SMALL = 0.005  # a common direct effect that the intercept test mostly misses

TABLE_2 = (
    Row(
        "strong, b = .2",
        Programme(cpi=EITHER, slopes=normal(0.2, 0)),
        0.2,
        "1/0 .955",
        covered=True,
        least=0.85,
    ),
    Row("null, strong", Programme(cpi=UPWARDS), 0.0, ".001/.99 .95", covered=True),
    Row("b = d", Programme(cpi=EITHER, slopes=normal(D, 0)), D, ".976/.022 .96", covered=True),
    Row("weak F = 5.5, rho = .6, b = 0", Programme(cpi=EITHER, **WEAK), 0.0, ".007/.18 .967", covered=True),
    Row(
        "weak F = 5.5, b = .2",
        Programme(cpi=EITHER, **WEAK, slopes=normal(0.2, 0)),
        0.2,
        ".23/- .958",
        covered=True,
    ),
    Row("very weak F = 2, b = 0", Programme(cpi=EITHER, **VERY_WEAK), 0.0, ".005/.06 .967", covered=True),
    Row(
        "very weak F = 2, b = -.1",
        Programme(cpi=EITHER, **VERY_WEAK, slopes=normal(-0.1, 0)),
        -0.1,
        ".007/.17 .95",
        covered=True,
    ),
    Row(
        "strong, b = -.1, rho = .6",
        Programme(cpi=EITHER, rho=0.6, slopes=normal(-0.1, 0)),
        -0.1,
        "0/.999 .956",
        covered=True,
    ),
    Row(
        "direct effects INSIDE, sd .02",
        Programme(cpi=EITHER, direct=normal(0, 0.02)),
        0.0,
        ".020/.59 .957",
        covered=True,
    ),
    Row("common direct effect .02", Programme(cpi=UPWARDS, common=0.02), 0.0, ".017/0 .961"),
    Row("common direct effect .01", Programme(cpi=UPWARDS, common=0.01), 0.0, ".024/.176 .83"),
    Row(
        "common direct effect .02, J = 12", Programme(cpi=UPWARDS, common=0.02, experiments=12), 0.0, ".011/0"
    ),
    Row(
        "common direct effect -.005, b = d",
        Programme(cpi=UPWARDS, common=-SMALL, slopes=normal(D, 0)),
        D,
        "0/.630 .37 (R = 400)",
    ),
    Row(
        "common direct effect -.01, b = d",
        Programme(cpi=UPWARDS, common=-0.01, slopes=normal(D, 0)),
        D,
        "0/.198 .80 (R = 400)",
    ),
    Row(
        "slopes N(.2, .1)",
        Programme(cpi=UPWARDS, slopes=normal(0.2, 0.1)),
        0.2,
        ".87/0 .959",
        covered=True,
    ),
    Row("slopes N(0, .2)", Programme(cpi=EITHER, slopes=normal(0, 0.2)), 0.0, ".016/.33 .965", covered=True),
    Row(
        "slopes half .4, half 0",
        Programme(cpi=UPWARDS, slopes=halves(0.4, 0)),
        0.2,
        ".33/0 .999",
        covered=True,
    ),
    Row(
        "direct effects .15 of the CPI's",
        Programme(cpi=EITHER, proportional=0.15),
        0.0,
        ".99/-",
        untestable=True,
    ),
)

LED = Programme(cpi=UPWARDS, rival=0.7, rival_sd=0.02, rival_slope=0.2)

TABLE_3_MANY = (
    Row("rival is the lever, moved .7 a + N(0, .02)", LED, 0.0, "1.000 before step 4, .002/0"),
    Row(
        "rival is the lever, moved .7 a + N(0, .07)",
        replace(LED, rival_sd=0.07),
        0.0,
        ".983 before step 4, 0/0",
    ),
    Row(
        "true lever, rival moved .7 a + N(0, .07) does nothing",
        replace(LED, rival_sd=0.07, rival_slope=0.0, slopes=normal(0.2, 0)),
        0.2,
        "-",
        covered=True,
    ),
    Row(
        "true lever, rival not moved",
        Programme(cpi=EITHER, rival=0.0, slopes=normal(0.2, 0)),
        0.2,
        "-",
        covered=True,
        least=0.85,
    ),
    Row(
        "half with direct effects .3 of the CPI's",
        Programme(cpi=UPWARDS, proportional=0.3, first_only=True),
        0.0,
        ".87 before step 3 ii",
    ),
    Row(
        "same, slopes N(0, .2) beside them",
        Programme(cpi=EITHER, proportional=0.3, first_only=True, slopes=normal(0, 0.2)),
        0.0,
        "-",
    ),
    Row(
        "same, direct effects INSIDE, sd .02, beside them",
        Programme(cpi=EITHER, proportional=0.3, first_only=True, direct=normal(0, 0.02)),
        0.0,
        "-",
    ),
    Row(
        "half with direct effects -.3 of the CPI's, b = .2",
        Programme(cpi=UPWARDS, proportional=-0.3, first_only=True, slopes=normal(0.2, 0)),
        0.2,
        "-",
    ),
    Row(
        "J = 8, half with direct effects .3 of the CPI's, INSIDE sd .02",
        Programme(
            cpi=EITHER,
            proportional=0.3,
            first_only=True,
            direct=normal(0, 0.02),
            experiments=8,
            doses=(0.5, 1),
        ),
        0.0,
        "-",
    ),
)

PLACEBO = (0.0, 0.5, 1.0)


def _several(count: int) -> tuple[Row, ...]:
    """Experiments of a placebo and two doses that share a control."""
    up = Programme(cpi=UPWARDS, doses=PLACEBO, experiments=count)
    either = replace(up, cpi=EITHER)
    name = f"J = {count}, "
    return (
        Row(name + "b = .2", replace(up, slopes=normal(0.2, 0)), 0.2, "-", covered=True, least=0.85),
        Row(name + "null", up, 0.0, "-", covered=True),
        Row(name + "b = d", replace(up, slopes=normal(D, 0)), D, "-", covered=True),
        Row(name + "weak F = 5.5, b = 0", replace(either, **WEAK), 0.0, "-", covered=True),
        Row(name + "common direct effect .02", replace(up, common=0.02), 0.0, "-"),
        Row(
            name + "common direct effect -.02, b = .2",
            replace(up, common=-0.02, slopes=normal(0.2, 0)),
            0.2,
            "-",
        ),
        Row(
            name + "common direct effect -.005, b = d",
            replace(up, common=-SMALL, slopes=normal(D, 0)),
            D,
            "-",
        ),
        Row(name + "slopes N(d, .05)", replace(up, slopes=normal(D, 0.05)), D, "-", covered=True),
        Row(name + "slopes N(0, .2)", replace(either, slopes=normal(0, 0.2)), 0.0, "-", covered=True),
        Row(name + "slopes N(d, .1)", replace(up, slopes=normal(D, 0.1)), D, "-", covered=True),
        Row(
            name + "direct effects INSIDE by arm, sd .02",
            replace(either, direct=normal(0, 0.02)),
            0.0,
            "-",
            covered=True,
        ),
        Row(
            name + "direct effects INSIDE by experiment, sd .02, b = d",
            replace(either, shared_direct=normal(0, 0.02), slopes=normal(D, 0)),
            D,
            "-",
            covered=True,
        ),
    )


SEVERAL_ARMS = (*_several(8), *_several(30))

TABLES = {
    "One experiment (Table 1)": TABLE_1,
    "Fewer than eight experiments (Table 3)": TABLE_3,
    "Thirty experiments of one contrast (Table 2)": TABLE_2,
    "Eight experiments or more: rivals and mechanisms (Table 3)": TABLE_3_MANY,
    "Many experiments of three arms that share a control": SEVERAL_ARMS,
}
