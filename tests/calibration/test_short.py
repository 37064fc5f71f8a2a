"""A short version of the long lane: does any table, as a whole, miss its bar grossly?

A row alone would show little at so few draws. All draws of a table together show an estimator that errs in
one in ten of them; what is slow to draw is drawn less often. Promises of other estimators are tried in short
beside their own tests (tests/analyses/quasi, heterogeneity, observational and posterior).
"""

from math import sqrt

import numpy as np
import pytest

from tests.calibration.measure import COVERED, WRONG, Rates, measured
from tests.calibration.programme import RULES, UNCORRECTED, Q, discoveries
from tests.calibration.tables import TABLES

DRAWS = {  # of each row
    "One experiment (Table 1)": 40,
    "Fewer than eight experiments (Table 3)": 30,
    "Thirty experiments of one contrast (Table 2)": 20,
    "Eight experiments or more: rivals and mechanisms (Table 3)": 20,
    "Many experiments of three arms that share a control": 12,
    "The rest of Table 3": 12,
    "A true lever of 2d at so many times the units of the KPI's own test": 40,
    "From unit rows": 12,
    "Realistic scale: 3 M units an arm, KPI effects of .001 to .005 sd (drawn as arm means)": 40,
    "Where the slope depends on the dose, from unit rows": 40,
    "Twenty daily looks: ever confirmed, ever rejected, covered on every day, from unit rows": 10,
    "Several experiments, each stopped at half when its own effect does not suit": 30,
    "Verdicts in turn, as experiments report: ever confirmed, ever rejected": 6,
}
ERRORS = 3  # Monte Carlo errors that are let pass


def test_every_table_has_its_draws():
    assert [*DRAWS] == [*TABLES]


def beyond(share: float, bar: float, draws: int) -> float:
    """How many Monte Carlo errors at the bar a share lies above it."""
    return (share - bar) / sqrt(bar * (1 - bar) / draws)


@pytest.mark.parametrize("table", TABLES)
def test_no_table_misses_its_bar_grossly(table):
    rows = [row for row in TABLES[table] if not row.untestable and (row.least or not row.why)]
    found: list[Rates] = [measured(row, DRAWS[table], 1) for row in rows]
    judged = [one.wrong for one in found if one.row.slope <= 0 or one.row.slope >= one.row.smallest]
    assert judged
    assert beyond(float(np.mean(judged)), WRONG, DRAWS[table] * len(judged)) < ERRORS
    missed = [1 - one.coverage for one in found if one.row.covered]
    if missed:
        assert beyond(float(np.mean(missed)), 1 - COVERED, DRAWS[table] * len(missed)) < ERRORS
    for one in found:
        if one.row.least is not None:
            assert beyond(1 - one.confirmed, 1 - one.row.least, DRAWS[table]) < ERRORS + 1


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != UNCORRECTED])
def test_false_discoveries_stay_within_their_share_of_a_programme(rule):
    found = discoveries("20 of 200 true, z = 4", rule, 60, 1)
    assert found.false_share < Q + 4 * found.error
    assert found.found > 0.3


def test_without_a_correction_false_discoveries_are_many():
    assert discoveries("20 of 200 true, z = 4", UNCORRECTED, 20, 1).false_share > 0.15
