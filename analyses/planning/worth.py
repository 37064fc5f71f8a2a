"""Which lever should be tested next? What an experiment is expected to be worth, before it is run."""

from dataclasses import dataclass
from math import exp, pi, sqrt

from analyses.gaussian import cdf
from analyses.results import NotEstimable

DECIDES = 2.8  # the smallest slope over the standard error of an experiment that decides with power .80
PRIOR = 5.0  # standard deviation of slopes nobody has tested, in smallest slopes of interest
CONFOUNDED = 1.0  # what confounding may make of an observed slope: all of it, at one standard deviation
QUASI_CONFOUNDED = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SlopeBelief:
    """What is believed of a slope, oriented so that the hypothesis says positive, KPI units per increment."""

    mean: float
    deviation: float

    def __post_init__(self) -> None:
        if not self.deviation > 0:
            raise ValueError(f"expected a standard deviation above 0, got {self.deviation}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What an experiment is expected to bring.

    ``value`` in smallest slopes of interest d, per increment; ``money`` is it for a year of the stated
    customers, less ``cost``, where both are known. ``p_act`` is the chance that the team would act on the
    lever afterwards, ``p_now`` that acting is worth it at all as far as is known today.
    """

    value: float
    money: float | None
    p_act: float
    p_now: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """Customers a year, increments for each, worth of one KPI unit, and what one unit of a study costs.

    The worth is of one unit in the hypothesised direction, as beliefs are oriented: a harm has none.
    """

    volume: float
    increments: float
    value_per_kpi_unit: float
    cost_per_unit: float = 0.0

    def __post_init__(self) -> None:
        if self.value_per_kpi_unit < 0:
            raise ValueError(
                f"expected a worth of at least 0, got {self.value_per_kpi_unit}: a harm is no gain"
            )


def untested_slope(smallest_slope: float) -> SlopeBelief:
    """A slope that nobody has tested: as likely to hurt as to help, five times d wide.

    >>> untested_slope(0.01)
    SlopeBelief(mean=0.0, deviation=0.05)
    """
    return SlopeBelief(mean=0.0, deviation=PRIOR * smallest_slope)


def after_observation(
    prior: SlopeBelief, estimate: float, std_error: float, *, confounded: float = CONFOUNDED
) -> SlopeBelief:
    """A slope seen without randomisation: it shifts belief by as much as confounding lets it.

    Question: how much of an unrandomised slope should be believed before anybody randomises?
    Assumes: confounding adds a normal error whose standard deviation is ``confounded`` times the estimate:
    all of it (1) for an association, half (.5) for a quasi-experiment. An assumption, stated as one.
    Formula: normal prior times N(estimate, std_error^2 + (confounded estimate)^2).
    Units: KPI units per increment, oriented to the hypothesis.
    Reference: Greenland (2005), Journal of the Royal Statistical Society A 168(2), on bias as a prior.

    >>> after = after_observation(untested_slope(0.01), 0.04, 0.004)
    >>> round(after.mean, 4), round(after.deviation, 4)
    (0.0243, 0.0313)
    """
    error = std_error**2 + (confounded * estimate) ** 2
    if not error > 0:
        raise ValueError("expected a standard error above 0")
    precision = prior.deviation**-2 + 1 / error
    return SlopeBelief(
        mean=(prior.mean * prior.deviation**-2 + estimate / error) / precision, deviation=precision**-0.5
    )


def worth_of_testing(
    belief: SlopeBelief,
    smallest_slope: float,
    *,
    proven: bool,
    units: float | None = None,
    stake: Stake | None = None,
) -> Worth | NotEstimable:
    """The expected value of running the one experiment that decides.

    Question: which hypothesis, tested next, is expected to bring most?
    Estimand: the expected gain from acting on what is known after the experiment, over acting on what is
    proven today. A team acts on a lever that is proven, and gains its slope less d: d is, by registration,
    the slope at which acting just pays.
    Assumes: belief is normal; the experiment is sized as it would be planned, its standard error d / 2.8; no
    loss of time; other levers unchanged. Without a stake every d counts the same in all hypotheses.
    Formula: after the experiment the mean is N(m, s^4 / (s^2 + v)), v = (d / 2.8)^2; value =
    E max(0, mean - d), less max(0, m - d) if the lever is proven and so acted on already; in units of d.
    Money = value d volume increments (worth of a KPI unit), less units times their cost.
    Units: smallest slopes of interest, per increment; money in the currency of the KPI's worth.
    Reference: Raiffa & Schlaifer (1961), Applied Statistical Decision Theory, ch. 5: preposterior analysis
    with normal loss; Wilson (2015), Value in Health 18(6), for its use in ranking studies.

    >>> found = worth_of_testing(untested_slope(0.01), 0.01, proven=False)
    >>> round(found.value, 3), round(found.p_act, 3)
    (1.53, 0.421)
    """
    if not smallest_slope > 0:
        raise ValueError(f"expected a smallest slope of interest above 0, got {smallest_slope}")
    m, s = belief.mean / smallest_slope, belief.deviation / smallest_slope
    spread = s * s / sqrt(s * s + DECIDES**-2)
    value = _loss(m - 1, spread) - (max(m - 1, 0.0) if proven else 0.0)
    money = None
    if stake is not None:
        if stake.cost_per_unit and units is None:
            return NotEstimable(
                reason="study_of_unknown_size",
                detail="units cost money, and how many the experiment takes is not known yet",
            )
        yearly = value * smallest_slope * stake.volume * stake.increments * stake.value_per_kpi_unit
        money = yearly - (units or 0.0) * stake.cost_per_unit
    return Worth(value=max(value, 0.0), money=money, p_act=cdf((m - 1) / spread), p_now=cdf((m - 1) / s))


def _loss(mean: float, deviation: float) -> float:
    """E max(0, N(mean, deviation^2)): the unit normal loss."""
    u = mean / deviation
    return mean * cdf(u) + deviation * exp(-u * u / 2) / sqrt(2 * pi)
