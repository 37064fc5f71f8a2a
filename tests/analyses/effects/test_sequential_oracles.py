"""Are the sequential tests those of savvi, the package of Lindon's papers?"""

import numpy as np
import pytest

from analyses import Allocation, anytime, log_bayes_factors, normal


def test_the_evidence_against_planned_shares_is_savvis():
    from savvi.multinomial import Multinomial

    draw = np.random.default_rng(3)
    planned = np.array([0.5, 0.3, 0.2])
    days = draw.multinomial(400, [0.52, 0.29, 0.19], size=12)
    theirs, found = Multinomial(alpha=0.01, theta_0=planned, k=200), []
    for day in days:
        theirs.update(day)
        found.append(float(np.log(theirs.odds)))
    shares = dict(zip("abc", planned.tolist(), strict=True))
    ours = log_bayes_factors(
        [Allocation(counts=dict(zip("abc", day.tolist(), strict=True)), shares=shares) for day in days]
    )
    assert ours == pytest.approx(found, abs=1e-8)


@pytest.mark.parametrize("z", [0.5, 2.0, 3.5])
def test_the_e_value_of_an_effect_is_the_limit_of_savvis_sequential_t(z):
    """Theirs mixes over Student's t; with 1e8 degrees of freedom it is the normal mixture that ours is."""
    from savvi.linear_regression import log_bf

    units, planned = 6000, 10_000
    ours = anytime(normal(z, 1.0, 0.05), units=units, planned_units=planned)
    x = units * (-2 * np.log(0.05) + np.log(-2 * np.log(0.05) + 1)) / planned
    theirs = log_bf(np.array(z**2), nu=1e8, phi=1.0, z2=np.array(x))
    assert ours.log_e_value == pytest.approx(float(theirs), abs=1e-6)
