"""Is it said whether the arms moved the CPI, and without blocking anything?"""

import numpy as np
import pytest

from analyses import first_stage


def test_one_arm_is_the_squared_t():
    check = first_stage("wait", np.array([2.1]), np.array([[1.0]]))
    assert check.passed
    assert "χ²(1) = 4.41" in check.detail


def test_several_arms_share_their_control():
    """F of the regression of the CPI on the arms, when the arms have the same variance."""
    import statsmodels.api as sm

    draw = np.random.default_rng(40)
    arm = np.repeat([0, 1, 2], 4000)
    cpi = draw.normal(size=12_000) + 0.03 * arm
    fit = sm.OLS(cpi, sm.add_constant(np.column_stack([arm == 1, arm == 2]).astype(float))).fit()
    check = first_stage("wait", fit.params[1:], fit.cov_params()[1:, 1:])
    assert f"F = {fit.fvalue:.4g}" in check.detail
    assert check.passed is bool(fit.f_pvalue < 0.05)


def test_a_still_cpi_fails_without_gating():
    check = first_stage("wait", np.array([0.1, -0.1]), np.eye(2))
    assert check.passed is False
    assert not check.gates


@pytest.mark.parametrize("shifts", [np.array([]), np.array([0.0]), np.array([1.0])])
def test_nothing_to_ask_is_not_answered(shifts):
    assert first_stage("wait", shifts, np.zeros((len(shifts), len(shifts)))).passed is None
