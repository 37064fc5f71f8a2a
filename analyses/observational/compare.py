"""How wrong was correlation, where an experiment has answered the same question?"""

from dataclasses import dataclass
from math import sqrt

from analyses.results import Interval, NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Observed minus randomised, both in KPI units per increment of improvement, with its interval.

    ``randomised_interval`` is the one of ``randomised``, as it was given.
    ``agrees`` is whether the interval of the difference holds 0; ``opposite`` whether both are clearly on
    different sides of 0.
    """

    observed: float
    randomised: float
    randomised_interval: Interval
    difference: float
    interval: Interval
    agrees: bool
    opposite: bool
    sentence: str


def against_randomised(
    observed: tuple[float, float, float], randomised: tuple[float, float, float]
) -> Comparison | NotEstimable:
    """The difference of two independent estimates, each given with its interval's ends.

    Question: how wrong would one have been to read the association as the effect?
    Estimand: association minus randomised effect, in KPI units per increment of improvement.
    Assumes: the two come from different units, or nearly so; both intervals at the same level.
    Formula: from the intervals alone, which need not be symmetric (MOVER): with d = o - r,
    d - sqrt((o - l_o)^2 + (u_r - r)^2) to d + sqrt((u_o - o)^2 + (r - l_r)^2).
    Units: KPI units per increment of improvement.
    Errors: the level of the two intervals.
    Reference: Zou & Donner (2008), Statistics in Medicine 27(10).

    >>> found = against_randomised((0.05, 0.04, 0.06), (-0.01, -0.02, 0.0))
    >>> round(found.difference, 2), found.agrees
    (0.06, False)
    >>> found.sentence.partition(": ")[2]
    'it is wrong by +0.06 (+0.0459 to +0.0741).'
    """
    (o, o_low, o_high), (r, r_low, r_high) = observed, randomised
    if not (o_low <= o <= o_high and r_low <= r <= r_high):
        return NotEstimable(
            reason="no_interval", detail="an estimate outside its own interval cannot be compared"
        )
    difference = o - r
    lower = difference - sqrt((o - o_low) ** 2 + (r_high - r) ** 2)
    upper = difference + sqrt((o_high - o) ** 2 + (r - r_low) ** 2)
    agrees = lower <= 0 <= upper
    opposite = (o_low > 0 and r_high < 0) or (o_high < 0 and r_low > 0)
    verdict = "they agree within" if agrees else "it is wrong by"
    return Comparison(
        observed=o,
        randomised=r,
        randomised_interval=Interval(lower=r_low, upper=r_high),
        difference=difference,
        interval=Interval(lower=lower, upper=upper),
        agrees=agrees,
        opposite=opposite,
        sentence=f"Correlation says {o:+.3g}, the experiments say {r:+.3g}: {verdict} {difference:+.3g} "
        f"({lower:+.3g} to {upper:+.3g}).",
    )
