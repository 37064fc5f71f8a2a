"""Which truths is the rule asked about, of eight experiments or more? Drawn as arm means."""

from dataclasses import replace

from tests.analyses.relationship.draws import D
from tests.analyses.relationship.many import Programme, halves, normal, uniform
from tests.calibration.row import Row

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
NEAR = {  # the bar of usefulness
    8: {
        "times": 10,
        "why": "half of what is missed TC-Fieller leaves open on seven degrees of freedom, a third Egger's "
        "guard (docs/adr/0027-what-eight-experiments-cannot-confirm.md)",
    },
    30: {},
}


def _several(count: int) -> tuple[Row, ...]:
    """Experiments of a placebo and two doses that share a control."""
    up = Programme(cpi=UPWARDS, doses=PLACEBO, experiments=count)
    either = replace(up, cpi=EITHER)
    name = f"J = {count}, "
    return (
        Row(
            name + "b = .2",
            replace(up, slopes=normal(0.2, 0)),
            0.2,
            "-",
            covered=True,
            least=0.85,
            **NEAR[count],
        ),
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
