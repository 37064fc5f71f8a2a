"""Does the posterior keep what it promises, at few replications? Gross errors alone show here."""

import pytest
from scipy.stats import kstest

from analyses.posterior.prior import NAMES
from tests.calibration.claims.claim import tried
from tests.calibration.claims.posterior import CLAIMS
from tests.calibration.ranks import ranks


def test_ranks_of_the_truth_among_draws_are_uniform():
    """Simulation-based calibration: Talts, Betancourt, Simpson, Vehtari & Gelman (2018), arXiv:1804.06788."""
    found = [one for seed in range(40) if (one := ranks("importance sampling", seed)) is not None]
    assert len(found) >= 38
    for name, of in zip(NAMES, zip(*found, strict=True), strict=True):
        assert kstest(of, "uniform").pvalue > 1e-3, name


@pytest.mark.parametrize(
    "claim", [one for one in CLAIMS if "12 experiments" in one.name], ids=lambda one: one.name
)
def test_promises_are_not_grossly_broken(claim):
    kept = tried(claim, 4, 1)
    assert kept.answered
    assert kept.short <= 4 * kept.error
