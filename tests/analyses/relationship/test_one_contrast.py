"""Is a single contrast's interval the Anderson-Rubin set of a system that holds nothing else?"""

import numpy as np
import pytest

from analyses import ContrastArm, ExperimentContrasts, slope_of_one_contrast
from analyses.relationship.anderson_rubin import anderson_rubin_set
from analyses.relationship.system import stack

CASES = [
    (2.0, 1.0, 0.01, 0.02, 0.003),  # moved the CPI: an interval
    (-2.0, 1.0, 0.01, 0.02, -0.003),
    (0.1, 0.9, 0.01, 0.02, 0.003),  # may not have: two rays
    (0.1, 0.1, 0.01, 0.02, 0.003),  # nothing moved: the whole line
]


@pytest.mark.parametrize(("cpi", "kpi", "var_cpi", "var_kpi", "cov"), CASES)
def test_it_is_the_set_of_anderson_and_rubin(cpi, kpi, var_cpi, var_kpi, cov) -> None:
    experiment = ExperimentContrasts(
        experiment="one",
        metrics=("cpi", "kpi"),
        arms=(ContrastArm(name="arm", mechanism="a"),),
        effects=np.array([[cpi, kpi]]),
        covariance=np.array([[var_cpi, cov], [cov, var_kpi]]).reshape(1, 2, 1, 2),
    )
    system = stack([experiment], 1.0, 1)
    expected = anderson_rubin_set(system, 0.05)
    found = slope_of_one_contrast(cpi, kpi, var_cpi=var_cpi, var_kpi=var_kpi, cov=cov)
    assert found.shape is expected.shape
    for own, theirs in zip(found.pieces, expected.pieces, strict=True):
        assert own == pytest.approx(theirs)


def test_an_arm_that_is_known_very_well_keeps_the_width_of_its_interval() -> None:
    found = slope_of_one_contrast(2.0, 1.0, var_cpi=1e-20, var_kpi=1e-20, cov=0.0)
    [(lower, upper)] = found.pieces
    assert upper - lower == pytest.approx(2 * 1.959963984540054e-10 * np.sqrt(1.25) / 2, rel=1e-5)
