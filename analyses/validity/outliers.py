"""How much of an effect hangs on a thousandth of the units?"""

from collections.abc import Sequence
from dataclasses import dataclass

from analyses.moments import Moments
from analyses.order_statistics import Largest
from analyses.results import Check, Estimate, NotEstimable

MOST_FROM_FEW = 0.5
"""Share of an effect that a thousandth of the units may bring before somebody should look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """Of one arm and metric: the effect, the part of it that the largest units bring, and their share of it.

    ``without`` is arm minus control with the largest units of both left out, in units of the metric.
    """

    name: str
    effect: Estimate | NotEstimable
    from_largest: float
    without: float
    units: int

    @property
    def share(self) -> float | None:
        """None where the effect is no effect beyond chance: a share of nothing is no number."""
        found = self.effect
        if isinstance(found, NotEstimable) or found.value == 0:
            return None
        lower, upper = found.interval.lower, found.interval.upper
        if lower is None or upper is None or lower <= 0 <= upper:
            return None
        return self.from_largest / found.value


type Seen = tuple[Moments, Largest]
"""One arm's units in one phase, and the largest of them."""


def influence(
    name: str,
    effect: Estimate | NotEstimable,
    phases: Sequence[tuple[Seen, Seen]],
    column: str,
    *,
    shares: Sequence[float] = (1.0,),
) -> Influence:
    """What the largest units, a thousandth of all arms', bring to the difference of two arms' means.

    ``phases`` are control and arm, ``shares`` the phases' weights in the effect. In each phase mean = total
    of the largest / n + total of the rest / n, so the effect is the sum of two differences. Moments are of
    units, also where whole clusters were randomised: their mean is over units as well.
    """
    pairs = list(zip(phases, shares, strict=True))
    return Influence(
        name=name,
        effect=effect,
        from_largest=sum(share * (_part(arm) - _part(control)) for (control, arm), share in pairs),
        without=sum(share * (_rest(arm, column) - _rest(control, column)) for (control, arm), share in pairs),
        units=sum(large.n for pair in phases for _, large in pair),
    )


def _part(of: Seen) -> float:
    moments, large = of
    return large.total / moments.n


def _rest(of: Seen, column: str) -> float:
    moments, large = of
    whole = moments.n * float(moments.mean[moments.index(column)])
    return (whole - large.total) / max(moments.n - large.n, 1)


def outlier_influence(found: Sequence[Influence]) -> Check:
    """Whether an effect beyond chance comes mostly from a thousandth of the units; gates nothing.

    Question: would the effect be there without its largest customers?
    Estimand: share of the difference of means that units above the .999 quantile of the absolute value bring.
    Assumes: the quantile is that of all arms together, so no arm has its own.
    Formula: (T1/n1 - T0/n0) / (m1 - m0), T the total of an arm's largest units; more than half is told.
    Reference: Kohavi, Tang & Xu (2020), Trustworthy online controlled experiments, chapter 3 (outliers).
    """
    name = "outlier_influence"
    asked = [(one, share) for one in found if (share := one.share) is not None and one.units]
    if not asked:
        return Check(name=name, passed=None, detail="no effect beyond chance of which to ask", gates=False)
    failed = [(one, share) for one, share in asked if abs(share) > MOST_FROM_FEW]
    if not failed:
        most = max(abs(share) for _, share in asked)
        detail = f"the largest thousandth of the units brings at most {most:.0%} of an effect"
        return Check(name=name, passed=True, detail=detail, gates=False)
    told = "; ".join(
        f"{one.name}: {share:.0%} of the effect is from {one.units:,} units, {one.without:+.4g} without"
        for one, share in failed[:5]
    )
    return Check(
        name=name,
        passed=False,
        detail=f"{told}: look at these units (bots, resellers, errors), and cap the metric in a new version",
        gates=False,
    )
