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


def arms_of(*scales: float):
    """Two arms' shifts, 0 and 5, and their covariance; control and arms vary on these scales."""
    control, first, second = scales
    return np.array([0.0, 5.0]), np.diag([first**2, second**2]) + control**2


def test_an_outlier_in_one_arm_hides_nothing_that_the_others_show():
    shifts, covariance = arms_of(0.1, 1e12, 0.1)
    check = first_stage("minutes", shifts, covariance)
    assert check.passed
    assert "χ²(2) = 1,250" in check.detail


def test_an_outlier_in_the_control_is_named_as_what_it_may_be():
    check = first_stage("minutes", *arms_of(1e12, 0.1, 0.1))
    assert check.passed is None
    assert "does not vary" not in check.detail
    assert "an outlier in the control arm" in check.detail


def test_the_scale_of_the_cpi_does_not_matter():
    shifts, covariance = arms_of(1.0, 2.0, 3.0)
    answers = {first_stage("wait", shifts * by, covariance * by**2).detail for by in (1e-150, 1.0, 2.0**40)}
    assert len(answers) == 1
