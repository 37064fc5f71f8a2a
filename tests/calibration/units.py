"""Units with a known truth, as products have them: skewed, rare, clustered, seen in part.

Everything from the rows on is the product's: moments, means of arms, contrasts, checks, the rule. ``dose`` is
what an arm adds to the mean of the CPI, ``gain`` what it adds to that of the KPI; whoever has more of the CPI
by nature has more of the KPI too, so that the correlation between units misleads.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, sqrt

import numpy as np

from analyses import (
    CLUSTER_SIZE,
    Check,
    ContrastArm,
    Early,
    ExperimentContrasts,
    Measure,
    Moments,
    Observed,
    arm_means,
    contrasts_of,
    lee_corners,
    moments_of,
    observed_share,
    of_clusters,
    stratum_of,
)

PLAIN = (Measure(name="cpi", value="cpi"), Measure(name="kpi", value="kpi"))
BASE_RATE = 0.01
SD_OF_RATE = sqrt(BASE_RATE * (1 - BASE_RATE))

type Rows = Callable[[np.random.Generator, int, float, float], np.ndarray]


@dataclass(frozen=True)
class Kind:
    """Units of one nature; ``rows`` takes (rng, how many, dose, gain) and gives the columns' values."""

    columns: tuple[str, ...]
    measures: tuple[Measure, Measure]
    rows: Rows
    seen: str | None = None

    def moments(self, rng: np.random.Generator, n: int, dose: float, gain: float) -> Moments:
        return moments_of(self.columns, self.rows(rng, n, dose, gain))

    def whole(
        self, control: np.ndarray, treated: Sequence[tuple[ContrastArm, np.ndarray]]
    ) -> ExperimentContrasts:
        """From the rows of every unit, with the corners of Lee's bounds where arms changed who is seen."""
        moments = [(arm, moments_of(self.columns, rows)) for arm, rows in treated]
        found = self.contrasts(moments_of(self.columns, control), moments)
        if all(check.passed for check in found.checks):
            return found
        rows = {"control": control} | {arm.name: own for arm, own in treated}
        stratum = stratum_of(self.columns, rows, "control", self.measures[:1])
        corners = lee_corners(found, "control", [stratum], self.measures, ["cpi"])
        return replace(found, corners=corners)

    def contrasts(self, control: Moments, arms: Sequence[tuple[ContrastArm, Moments]]) -> ExperimentContrasts:
        """As an experiment reports them: its own covariances, and the check on who was seen."""
        means = [(arm, arm_means(moments, self.measures)) for arm, moments in arms]
        checks = [] if self.seen is None else [self._seen_alike(control, arms)]
        return contrasts_of("one", arm_means(control, self.measures), means, checks)

    def _seen_alike(self, control: Moments, arms: Sequence[tuple[ContrastArm, Moments]]) -> Check:
        everybody = {"control": control} | {arm.name: moments for arm, moments in arms}
        return observed_share("cpi", {name: self._observed(moments) for name, moments in everybody.items()})

    def _observed(self, moments: Moments) -> Observed:
        share = float(moments.mean[moments.index(str(self.seen))])
        return Observed(observed=round(share * moments.n), units=moments.n)


@dataclass(frozen=True)
class Units:
    """One experiment drawn unit by unit; ``response`` turns an arm's dose into its effect on the KPI."""

    kind: Kind
    slope: float
    doses: Sequence[float] = (0.4,)
    mechanisms: Sequence[str] = "A"
    n: int = 8_000
    arm_size: float = 1.0  # of the treated arms, control = 1
    response: Callable[[float], float] | None = None

    def draw(self, rng: np.random.Generator) -> list[ExperimentContrasts]:
        control = self.kind.rows(rng, self.n, 0.0, 0.0)
        treated = round(self.n * self.arm_size)
        arms = [
            (arm, self.kind.rows(rng, treated, dose, self.gain(dose)))
            for arm, dose in zip(self.arms(), self.doses, strict=True)
        ]
        return [self.kind.whole(control, arms)]

    def gain(self, dose: float) -> float:
        return self.slope * dose if self.response is None else self.response(dose)

    def arms(self) -> list[ContrastArm]:
        return [
            ContrastArm(name=f"arm {k}", mechanism=name, placebo=dose == 0)
            for k, (dose, name) in enumerate(zip(self.doses, self.mechanisms, strict=True))
        ]

    def days(self, rng: np.random.Generator, count: int) -> list[ExperimentContrasts]:
        """The experiment as it stands after each of so many equal days, and how far it got of its plan."""
        daily, arms = replace(self, n=self.n // count), self.arms()
        sizes = [daily.n] + [round(daily.n * self.arm_size)] * len(arms)
        truths = [(0.0, 0.0)] + [(dose, self.gain(dose)) for dose in self.doses]
        so_far: list[Moments] = []
        found = []
        for day in range(1, count + 1):
            new = [self.kind.moments(rng, n, *truth) for n, truth in zip(sizes, truths, strict=True)]
            so_far = [one + more for one, more in zip(so_far, new, strict=True)] if so_far else new
            early = Early(units=day * sum(sizes), planned_units=count * sum(sizes))
            contrasts = self.kind.contrasts(so_far[0], list(zip(arms, so_far[1:], strict=True)))
            found.append(replace(contrasts, early=early))
        return found


def uneven(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    """Treated units scatter twice as much, and their CPI and KPI go together the other way."""
    u, v = rng.standard_normal((2, n))
    turned = -0.8 if dose else 0.5
    spread = 2.0 if dose else 1.0
    return np.column_stack([dose + spread * u, gain + spread * (turned * u + sqrt(1 - turned**2) * v)])


def rare(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    """The KPI is a yes of one unit in a hundred, a little likelier where the CPI is high by nature."""
    u = rng.uniform(-sqrt(3), sqrt(3), n)
    return np.column_stack([dose + u, rng.random(n) < BASE_RATE + gain + 0.004 * u])


SIGMA = 1.5  # of the logarithm of revenue: its skewness is 33
MEAN_REVENUE = exp(SIGMA**2 / 2)
SD_REVENUE = MEAN_REVENUE * sqrt(exp(SIGMA**2) - 1)


def skewed(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    """Log-normal revenue of standard deviation 1, raised by the same share for everybody."""
    u, v = rng.standard_normal((2, n))
    revenue = np.exp(SIGMA * (0.5 * u + sqrt(0.75) * v)) / SD_REVENUE
    return np.column_stack([dose + u, revenue * (1 + gain * SD_REVENUE / MEAN_REVENUE)])


BUYERS = 0.05
ONE_SALE = exp(0.5)
SD_OF_SALES = sqrt(BUYERS * exp(2.0) - (BUYERS * ONE_SALE) ** 2)


def mostly_nothing(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    """Nineteen units in twenty bring nothing, the others a log-normal amount; the effect is on who buys."""
    u, v = rng.standard_normal((2, n))
    buys = rng.random(n) < BUYERS + gain * SD_OF_SALES / ONE_SALE + 0.02 * np.clip(u, -2, 2)
    return np.column_stack([dose + u, np.where(buys, np.exp(v), 0.0) / SD_OF_SALES])


def ratio(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    """The CPI is the mean over visits, of which a unit has one or more, more of them where it takes long."""
    u, v, w = rng.standard_normal((3, n))
    visits = 1.0 + rng.poisson(np.exp(0.5 + 0.4 * u))
    return np.column_stack([visits * (dose + u) + np.sqrt(visits) * w, visits, gain + 0.5 * u + 0.87 * v])


def clustered(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    """Totals of clusters of about ten units; a tenth of the variance lies between clusters."""
    sizes = 1 + rng.poisson(9, n // 10)
    shared, units = rng.standard_normal((2, len(sizes))), rng.standard_normal((2, sizes.sum()))
    values = sqrt(0.9) * units + sqrt(0.1) * np.repeat(shared, sizes, axis=1)
    values[1] = gain + 0.5 * values[0] + sqrt(0.75) * values[1]
    values[0] += dose
    totals = np.add.reduceat(values, np.concatenate([[0], np.cumsum(sizes)[:-1]]), axis=1)
    return np.column_stack([*totals, sizes])


def seen_by_chance(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    return _seen(rng, n, dose, gain, more=0.0)


def seen_a_little_more(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    return _seen(rng, n, dose, gain, more=0.03)


def seen_more(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    return _seen(rng, n, dose, gain, more=0.15)


def _seen(rng: np.random.Generator, n: int, dose: float, gain: float, *, more: float) -> np.ndarray:
    """The CPI is there for about seven in ten; treated units with much of it are seen rather than not."""
    u, v, w = rng.standard_normal((3, n))
    cpi = dose + u
    seen = w + (more * u + more if dose else 0.0) > -0.52
    return np.column_stack([np.where(seen, cpi, 0.0), seen, gain + 0.5 * u + sqrt(0.75) * v])


OF_TEN, DRAWN_IN = 0.5244, 0.4125  # above which three in ten, and with those drawn in 34 in a hundred, lie


def requesters(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    """Three units in ten ask for a quote, whatever the arm, and have the CPI then; the effect is theirs."""
    u, v, w = rng.standard_normal((3, n))
    asks = w > OF_TEN
    return np.column_stack([np.where(asks, dose + u, 0.0), asks, gain + 0.5 * u + sqrt(0.75) * v])


def drawn_in(rng: np.random.Generator, n: int, dose: float, gain: float) -> np.ndarray:
    """Where ``dose`` is 1, four more in a hundred ask: they have more of the CPI by nature, and buy more."""
    u, v, w = rng.standard_normal((3, n))
    more = (w > DRAWN_IN) & (w <= OF_TEN)
    asks = (w > OF_TEN) | (more & (dose > 0))
    kpi = gain + 0.5 * u + sqrt(0.75) * v + np.where(more & (dose > 0), 1.0, 0.0)
    return np.column_stack([np.where(asks, u + more, 0.0), asks, kpi])


UNEVEN = Kind(columns=("cpi", "kpi"), measures=PLAIN, rows=uneven)
RARE = Kind(columns=("cpi", "kpi"), measures=PLAIN, rows=rare)
SKEWED = Kind(columns=("cpi", "kpi"), measures=PLAIN, rows=skewed)
MOSTLY_NOTHING = Kind(columns=("cpi", "kpi"), measures=PLAIN, rows=mostly_nothing)
RATIO = Kind(
    columns=("time", "visits", "kpi"),
    measures=(Measure(name="cpi", value="time", per="visits"), PLAIN[1]),
    rows=ratio,
)
CLUSTERED = Kind(
    columns=("cpi", "kpi", CLUSTER_SIZE),
    measures=(of_clusters(PLAIN[0]), of_clusters(PLAIN[1])),
    rows=clustered,
)
PARTLY = Kind(
    columns=("cpi", "seen", "kpi"),
    measures=(Measure(name="cpi", value="cpi", per="seen"), PLAIN[1]),
    rows=seen_by_chance,
    seen="seen",
)
REQUESTERS = replace(PARTLY, rows=requesters)
