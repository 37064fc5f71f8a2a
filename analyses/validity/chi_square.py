"""Pearson's chi-square, as the checks of counts share it."""

from collections.abc import Sequence
from dataclasses import dataclass

FEWEST_EXPECTED = 5.0
"""Below this expected count the chi-square approximation does not hold (Cochran 1954)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiSquare:
    """A statistic with its degrees of freedom, and the smallest count expected in any cell behind it."""

    statistic: float
    df: int
    fewest: float

    @classmethod
    def of(cls, strata: Sequence["ChiSquare"]) -> "ChiSquare":
        """Independent strata as one test: statistics and degrees of freedom add up."""
        return cls(
            statistic=sum(s.statistic for s in strata),
            df=sum(s.df for s in strata),
            fewest=min(s.fewest for s in strata),
        )

    @property
    def p_value(self) -> float:
        """Probability of a statistic this large by chance; 1 where nothing could differ."""
        from scipy.special import chdtrc

        return float(chdtrc(self.df, self.statistic)) if self.df > 0 else 1.0

    @property
    def text(self) -> str:
        """The numbers as a reader of checks wants them."""
        size = f"{self.statistic:.4g}" if self.statistic < 1000 else f"{self.statistic:,.0f}"
        return f"χ²({self.df}) = {size}, {chance(self.p_value)}"


def chance(p_value: float) -> str:
    """A p-value in a sentence.

    >>> chance(0.0312), chance(1e-300)
    ('p = 0.031', 'p < .0001')
    """
    return "p < .0001" if p_value < 0.0001 else f"p = {p_value:.2g}"
