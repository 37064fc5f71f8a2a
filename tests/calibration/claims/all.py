"""Every promise, in the order of the page."""

from tests.calibration.claims import heterogeneity, observational, posterior, quasi
from tests.calibration.claims.claim import Claim, tried

CLAIMS: tuple[Claim, ...] = (
    *quasi.CLAIMS,
    *heterogeneity.CLAIMS,
    *observational.CLAIMS,
    *posterior.CLAIMS,
)


def numbered(at: int, replications: int, seed: int) -> tuple[int, int, int]:
    """A row by its number, since functions made for a row do not travel between processes; its counts."""
    kept = tried(CLAIMS[at], replications, seed)
    return kept.held, kept.answered, kept.tries
