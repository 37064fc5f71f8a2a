"""Are the ends that Lee's bounds ask for those of the values themselves?"""

import random

import numpy as np
import pytest

from analyses import Measure, Seen, ends, lee_bounds, stratum_of, trimming
from tests.facts.reference import Assigned, Happened
from tests.facts.test_moments import DAY, START, asked, parsed

EXPOSED = START + 2 * DAY
RATED = {"aggregation": "mean", "event": {"event": "rated"}, "value_type": "rating"}


def company(asking: dict[str, int], n: int = 300):
    """Of each arm's customers the first so many rate; who is drawn in by the arm rates low."""
    rng = random.Random(3)
    assigned, happened, values = [], [], {}
    for arm, share in asking.items():
        values[arm] = []
        for k in range(n):
            unit = f"{arm}{k}"
            assigned.append(Assigned("exp_1", unit, arm, EXPOSED))
            if k < share:
                value = rng.gauss(5, 1) - 2 * (k >= 150)
                values[arm].append(value)
                happened.append(Happened(unit, unit, "rated", EXPOSED + DAY, value=value))
    return assigned, happened, {arm: np.array(of) for arm, of in values.items()}


@pytest.mark.parametrize(("control", "quick"), [(150, 220), (220, 150)])
def test_an_arm_that_draws_units_in_is_bounded_as_from_its_values(read, control, quick):
    assigned, happened, values = company({"control": control, "quick": quick})
    result = read(assigned, happened, asked(parsed(RATED)))
    found = result.trimmed["met_0@1", "quick"][0]
    seen = {
        arm: Seen(units=300, observed=len(of), mean=float(of.mean()), variance=float(of.var(ddof=1)))
        for arm, of in values.items()
    }
    for ours, truth in ((found.control, seen["control"]), (found.arm, seen["quick"])):
        assert (ours.units, ours.observed) == (truth.units, truth.observed)
        assert (ours.mean, ours.variance) == pytest.approx((truth.mean, truth.variance), rel=1e-9)
    wanted = trimming(seen["control"], seen["quick"])
    fuller = values["quick" if quick > control else "control"]
    truth = lee_bounds(seen["control"], seen["quick"], *ends(fuller, wanted.keep))
    ours = lee_bounds(found.control, found.arm, found.lowest, found.highest)
    assert (ours.lower, ours.upper) == pytest.approx((truth.lower, truth.upper), rel=1e-9)
    assert ours.interval.lower == pytest.approx(truth.interval.lower, rel=1e-9)
    assert ours.lower < ours.upper


@pytest.mark.parametrize(("control", "quick"), [(150, 220), (220, 150)])
def test_moments_at_the_ends_are_those_of_the_rows(read, control, quick):
    assigned, happened, values = company({"control": control, "quick": quick})
    (found,) = read(assigned, happened, asked(parsed(RATED))).strata
    rows = {
        arm: np.pad(np.column_stack([of, np.ones(len(of))]), [(0, 300 - len(of)), (0, 0)])
        for arm, of in values.items()
    }
    measure = Measure(name="met_0@1", value="met_0@1", per="met_0@1/per")
    truth = stratum_of((measure.value, str(measure.per)), rows, "control", [measure])
    assert found.cuts == truth.cuts
    for arm, moments in truth.arms.items():
        at = [found.arms[arm].index(name) for name in moments.columns]
        assert found.arms[arm].n == moments.n
        assert found.arms[arm].mean[at] == pytest.approx(moments.mean, rel=1e-9)
        assert found.arms[arm].scatter[np.ix_(at, at)] == pytest.approx(moments.scatter, rel=1e-9)


def test_arms_that_are_seen_alike_need_no_bounds(read):
    assigned, happened, _ = company({"control": 200, "quick": 201})
    found = read(assigned, happened, asked(parsed(RATED)))
    assert (found.trimmed, found.strata) == ({}, ())
