"""What is believed of slopes and direct effects before any experiment, and on which scale?"""

from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats

NAMES = ("beta", "mu_g", "tau_g", "tau_b", "mu_a", "s_a")
LEAST_TAIL = 1e-290  # of a standard normal: 36 deviations out, where no draw has any weight
POSITIVE = np.array([False, False, True, True, False, True])


@dataclass(frozen=True, slots=True, kw_only=True)
class SlopePrior:
    """Standard deviations of the six parameters, half-normal for the three that are spreads.

    ``slope`` (mean of the slopes) and ``slope_spread`` are in smallest slopes of interest d; ``direct`` (what
    all arms do to the KPI past the CPI) and ``direct_spread`` in what a slope of d does at a typical shift;
    ``shift`` and ``shift_spread`` of the CPI in typical shifts. Where a bound on the direct effect was
    registered, ``blocks`` shrinks both direct scales to at most half of it, so that it holds two deviations.
    """

    slope: float = 5.0
    slope_spread: float = 2.0
    direct: float = 1.0
    direct_spread: float = 1.0
    shift: float = 2.0
    shift_spread: float = 2.0

    def __post_init__(self) -> None:
        if min(self.scales) <= 0:
            raise ValueError(f"expected scales above 0, got {self}")

    @property
    def scales(self) -> tuple[float, ...]:
        """In the order of ``NAMES``."""
        return (
            self.slope,
            self.direct,
            self.direct_spread,
            self.slope_spread,
            self.shift,
            self.shift_spread,
        )

    def times(self, factor: float) -> "SlopePrior":
        """What is believed of slopes and direct effects, on a wider or narrower scale."""
        return SlopePrior(
            slope=self.slope * factor,
            slope_spread=self.slope_spread * factor,
            direct=self.direct * factor,
            direct_spread=self.direct_spread * factor,
            shift=self.shift,
            shift_spread=self.shift_spread,
        )


def parameters(z: Floats, scales: Floats) -> Floats:
    """Standard normal draws (n, 6) as parameters: z times the scale, and half-normal where positive.

    A spread is its half-normal quantile at Phi(z), so that the prior of z is standard normal throughout, and
    a spread near zero is a tail that dies as fast as any other.
    """
    from scipy.special import ndtr, ndtri

    found = np.where(POSITIVE, -ndtri(np.maximum(ndtr(-z) / 2, LEAST_TAIL)), z)
    spread: Floats = found * scales
    return spread


def log_prior(values: Floats, scales: Floats) -> Floats:
    """Log density of parameters (n, 6), up to a constant that is the same for all scales of one shape."""
    found: Floats = -0.5 * ((values / scales) ** 2).sum(axis=-1) - np.log(scales).sum()
    return found
