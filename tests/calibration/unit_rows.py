"""Which truths is the rule asked about unit by unit? Distributions, designs and scales as products have them.

No covariance is known here: all of them are estimated from the units that were drawn.
"""

from dataclasses import replace

from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.many import Programme, normal, uniform
from tests.calibration.looks import Looks
from tests.calibration.row import Row
from tests.calibration.units import (
    CLUSTERED,
    MOSTLY_NOTHING,
    PARTLY,
    RARE,
    RATIO,
    SD_OF_RATE,
    SKEWED,
    UNEVEN,
    Kind,
    Units,
    seen_a_little_more,
    seen_more,
)

TWENTY = {"n": 2_000, "doses": (0.8,)}  # yeses in an arm
SLOPES = {"b = 0": 0.0, "b = d": 1.0, "b = 2d": 2.0}
UNKNOWN_BOUND = {"doses": (0.0, 0.6, 0.0, 0.6), "mechanisms": "AABB"}


def _three(
    name: str, kind: Kind, *, smallest: float = D, bound: float | None = 0.0, covered: bool = True, **units
) -> list[Row]:
    """The same units at slope 0, d and 2d; between two mechanisms with placebos where no bound is known."""
    design = units if bound is not None else UNKNOWN_BOUND | units
    return [
        Row(
            f"{name}, {told}",
            Units(kind, times * smallest, **design),
            times * smallest,
            "-",
            bound=bound,
            covered=covered,
            smallest=smallest,
        )
        for told, times in SLOPES.items()
    ]


FROM_UNITS = (
    *_three("treated scatter twice as much, 8k and 2k units", UNEVEN, arm_size=0.25, doses=(0.8,)),
    *_three("same scatter, two mechanisms", UNEVEN, bound=None, doses=(0.0, 0.9, 0.0, 0.9)),
    *_three("yes or no of 1 %, 20k", RARE, smallest=D * SD_OF_RATE, n=20_000),
    *_three("yes or no of 1 %, 2k: twenty yeses an arm", RARE, smallest=D * SD_OF_RATE, **TWENTY),
    *_three("log-normal revenue, 8k", SKEWED),
    *_three("log-normal revenue, two mechanisms", SKEWED, bound=None),
    *_three("revenue of one unit in twenty, 8k", MOSTLY_NOTHING),
    *_three("ratio CPI", RATIO),
    *_three("clusters of ten, 800 an arm", CLUSTERED),
    *_three("clusters of ten, 30 an arm", CLUSTERED, n=300, doses=(2.0,)),
    *_three("CPI seen for seven in ten, by chance", PARTLY),
    *_three(
        "CPI seen for one in a hundred more if treated",
        replace(PARTLY, rows=seen_a_little_more),
        covered=False,
    ),
    *_three("CPI seen for one in twenty more if treated", replace(PARTLY, rows=seen_more), covered=False),
    *_three(
        "CPI seen for one in twenty more if treated, two mechanisms",
        replace(PARTLY, rows=seen_more),
        bound=None,
        doses=(0.0, 0.9, 0.0, 0.9),
        covered=False,
    ),
)

LARGE = {"n": 3_000_000}
SMALLEST = 0.05  # so that a CPI effect of .02 to .05 makes a KPI effect of .001 to .005
FINE = {"doses": (0.0, 0.05, 0.0, 0.05), "mechanisms": "AABB", "placebos": (True, False, True, False)}


def _large(name: str, slope: float, *, least: float | None = None) -> tuple[Row, Row, Row]:
    """One arm with a bound, two mechanisms without one, thirty experiments."""
    shared = {"slope": slope, "published": "-", "covered": True, "least": least, "smallest": SMALLEST}
    thirty = Programme(cpi=uniform(0.02, 0.05), slopes=normal(slope, 0), **LARGE)
    return (
        Row(
            f"one arm, {name}",
            Design(doses=(0.05,), mechanisms="A", slope=slope, **LARGE),
            bound=0.0,
            **shared,
        ),
        Row(f"two mechanisms, {name}", Design(**FINE, slope=slope, **LARGE), **shared),
        Row(f"thirty experiments, {name}", thirty, **shared),
    )


REALISTIC = (*_large("b = 0", 0.0), *_large("b = d", SMALLEST), *_large("b = 2d", 2 * SMALLEST))

DOSES = {"doses": (0.3, 0.9, 0.3, 0.9), "mechanisms": "AABB"}


def from_a_threshold(dose: float) -> float:
    """Nothing below half a step, then at once what a slope of 2d would have brought at the larger dose."""
    return 2 * D * 0.9 if dose > 0.5 else 0.0


def all_at_once(dose: float) -> float:
    """What a slope of 2d brings at the smaller dose, and nothing for more."""
    return 2 * D * 0.3 if dose > 0 else 0.0


# The slope is that at the dose where the lever works at all: to reject it is wrong, to confirm is not.
NOT_LINEAR = (
    Row(
        "nothing below a threshold, 2d in all at the larger dose, bound 0",
        Units(UNEVEN, 2 * D, doses=(0.3, 0.9), mechanisms="AA", response=from_a_threshold),
        2 * D,
        "-",
        bound=0.0,
    ),
    Row(
        "nothing below a threshold, two mechanisms",
        Units(UNEVEN, 2 * D, **DOSES, response=from_a_threshold),
        2 * D,
        "-",
    ),
    Row(
        "2d at the smaller dose, nothing for more, bound 0",
        Units(UNEVEN, 2 * D, doses=(0.3, 0.9), mechanisms="AA", response=all_at_once),
        2 * D,
        "-",
        bound=0.0,
    ),
    Row(
        "2d at the smaller dose, two mechanisms",
        Units(UNEVEN, 2 * D, **DOSES, response=all_at_once),
        2 * D,
        "-",
    ),
)


def _looks(kind: Kind, name: str, n: int = 8_000) -> list[Row]:
    return [
        replace(row, truth=Looks(units=row.truth))
        for row in _three(name, kind, n=n)
        if isinstance(row.truth, Units)
    ]


EVERY_DAY = (
    *_looks(UNEVEN, "treated scatter twice as much"),
    *_looks(SKEWED, "log-normal revenue"),
)

UNIT_TABLES = {
    "From unit rows": FROM_UNITS,
    "Realistic scale: 3 M units an arm, KPI effects of .001 to .005 sd (drawn as arm means)": REALISTIC,
    "Where the slope depends on the dose, from unit rows": NOT_LINEAR,
    "Twenty daily looks: ever confirmed, ever rejected, covered on every day, from unit rows": EVERY_DAY,
}
