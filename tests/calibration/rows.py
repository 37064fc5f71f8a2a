"""Which truths is the rule asked about? One experiment, and fewer than eight, drawn as arm means."""

from math import sqrt

from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.test_calibration import FIVE, PAIR, THREE
from tests.calibration.row import Row


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
