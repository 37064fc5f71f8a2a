"""Does the omnibus test of balance ring when arms were unlike, and only then?"""

import numpy as np
import pytest

from analyses import covariate_balance, moments_of
from analyses.validity.balance import _omnibus

COLUMNS = ["age", "visits", "spend"]


def arms_of(rows, assigned, columns=COLUMNS):
    return {str(k): moments_of(columns, rows[assigned == k]) for k in np.unique(assigned)}


@pytest.fixture
def units():
    draw = np.random.default_rng(100)
    base = draw.normal(size=(900, 1))
    rows = np.hstack([40 + 9 * base, draw.poisson(3, size=(900, 1)), 5 * base + draw.normal(size=(900, 1))])
    return rows, draw.integers(0, 3, size=900)


def test_the_statistic_is_pillais_trace_of_statsmodels(units):
    """(N - 1) times Pillai's trace is the same quadratic form."""
    from statsmodels.multivariate.manova import MANOVA

    rows, assigned = units
    dummies = np.column_stack([np.ones(900), assigned == 1, assigned == 2]).astype(float)
    contrast = [("arms", np.array([[0.0, 1, 0], [0, 0, 1]]), None)]
    theirs = MANOVA(rows, dummies).mv_test(contrast).results["arms"]["stat"]
    found = _omnibus(COLUMNS, arms_of(rows, assigned))
    assert found.statistic == pytest.approx(899 * float(theirs.loc["Pillai's trace", "Value"]), rel=1e-9)
    assert found.df == 6


def test_fresh_assignments_ring_as_often_as_said(units):
    """2,000 assignments of the same units: p < .05 in a twentieth, within four Monte Carlo errors."""
    rows, _ = units
    draw = np.random.default_rng(101)
    p = [_omnibus(COLUMNS, arms_of(rows, draw.permutation(np.arange(900) % 3))).p_value for _ in range(2000)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=4 * (0.0475 / 2000) ** 0.5)


def test_an_arm_of_other_customers_is_named_with_what_sets_it_apart(units):
    rows, assigned = units
    rows[assigned == 2, 1] += 1.0
    check = covariate_balance(COLUMNS, arms_of(rows, assigned))
    assert check.passed is False
    assert check.gates
    assert "most so in visits: arm 2" in check.detail


def test_repeated_and_constant_covariates_change_nothing(units):
    rows, assigned = units
    wide = np.column_stack([rows, rows[:, 0] * 2 + rows[:, 1], np.full(900, 0.1)])
    plain = _omnibus(COLUMNS, arms_of(rows, assigned))
    more = _omnibus([*COLUMNS, "sum", "constant"], arms_of(wide, assigned, [*COLUMNS, "sum", "constant"]))
    assert more.df == plain.df
    assert more.statistic == pytest.approx(plain.statistic, rel=1e-8)


def test_a_change_of_shares_between_phases_is_no_imbalance():
    draw = np.random.default_rng(102)
    early, late = draw.normal(30, 5, size=(4000, 1)), draw.normal(50, 5, size=(4000, 1))
    phases = [
        arms_of(early, (draw.random(4000) < 0.1).astype(int), ["age"]),
        arms_of(late, (draw.random(4000) < 0.5).astype(int), ["age"]),
    ]
    assert covariate_balance(["age"], *phases).passed
    pooled = {k: phases[0][k] + phases[1][k] for k in ("0", "1")}
    assert covariate_balance(["age"], pooled).passed is False


def test_what_cannot_be_asked_is_not_asked(units):
    rows, assigned = units
    assert covariate_balance([], arms_of(rows, assigned)).passed is None
    assert covariate_balance(COLUMNS, arms_of(rows[:30], assigned[:30])).passed is None
    same = np.full((900, 1), 3.0)
    assert covariate_balance(["age"], arms_of(same, assigned, ["age"])).passed is None
