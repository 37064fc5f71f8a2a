"""Do designs that nobody randomised cover planted effects, where their assumptions hold?"""

from collections.abc import Callable

import numpy as np

from analyses import (
    Course,
    Interval,
    NotEstimable,
    Panel,
    Series,
    Shift,
    Threshold,
    difference_in_differences,
    interrupted_series,
    leading_indicator,
    quasi_slope,
    regression_discontinuity,
    synthetic_control,
)
from analyses.moments import Floats
from service.studies.designs import MOST_PLACEBOS
from tests.calibration.claims.claim import COVERED, FALSE, Claim, Try
from tests.calibration.sets import holds

PAIR = ("cpi", "kpi")
SLOPE = 0.5


def wandering(rng: np.random.Generator, shape: tuple[int, ...], rho: float) -> Floats:
    """Autocorrelated errors along the last axis, stationary from the first period on."""
    errors = rng.standard_normal(shape)
    errors[..., 0] /= np.sqrt(1 - rho**2)
    for t in range(1, shape[-1]):
        errors[..., t] += rho * errors[..., t - 1]
    return errors


def rollout(seed: int, *, adopters: int = 10, never: int = 10, effect: float = 1.0) -> tuple[Panel, Floats]:
    """Ten periods; adoption in the fifth, seventh and ninth, effects that grow; and their average."""
    rng = np.random.default_rng(seed)
    groups, periods = adopters + never, 10
    adopted = tuple([4 + 2 * (i % 3) for i in range(adopters)] + [None] * never)
    values = wandering(rng, (2, groups, periods), 0.5) + 0.3 * np.arange(periods)
    values += 2 * rng.standard_normal((2, groups, 1))
    size = effect * np.array([1.0, SLOPE])
    grown = []
    for i, start in enumerate(adopted):
        for t in range(start or periods, periods):
            grown.append(1 + 0.1 * (t - (start or 0)))
            values[:, i, t] += size * grown[-1]
    names = tuple(map(str, range(groups))), tuple(map(str, range(periods)))
    panel = Panel(outcomes=PAIR, groups=names[0], periods=names[1], values=values, adopted=adopted)
    return panel, size * float(np.mean(grown))


def followed(seed: int, *, donors: int = 39, effect: float = 1.0) -> tuple[Panel, Floats]:
    """Groups driven by three common causes; the first meets the change after 20 of 28 periods."""
    rng = np.random.default_rng(seed)
    causes = 0.5 * np.cumsum(rng.standard_normal((2, 3, 28)), axis=2)
    values = rng.uniform(size=(donors + 1, 3)) @ causes + 0.3 * rng.standard_normal((2, donors + 1, 28))
    size = effect * np.array([1.0, SLOPE])
    values[:, 0, 20:] += size[:, None]
    panel = Panel(
        outcomes=PAIR,
        groups=tuple(map(str, range(donors + 1))),
        periods=tuple(map(str, range(28))),
        values=values,
        adopted=(20, *[None] * donors),
    )
    return panel, size


def watched(seed: int, *, rho: float = 0.4, periods: int = 100, start: int = 60) -> tuple[Series, Floats]:
    """Days with a week's pattern, a trend, a step and a change of trend; and the average effect."""
    rng = np.random.default_rng(seed)
    t = np.arange(periods)
    errors = np.linalg.cholesky([[1, 0.5], [0.5, 1]]) @ wandering(rng, (2, periods), rho)
    size = np.array([1.0, SLOPE])
    gone = (t >= start) * (1 + 0.02 * (t - start))
    values = errors + 0.02 * t + np.sin(2 * np.pi * t / 7) + size[:, None] * gone
    series = Series(outcomes=PAIR, values=values, start=start, season=7)
    return series, size * float(gone[start:].mean())


def at_a_threshold(seed: int, *, units: int = 2000, effect: float = 0.04) -> tuple[Threshold, Floats]:
    """Lee's (2008) curve as Imbens & Kalyanaraman (2012) drew it, with a KPI that jumps by half as much."""
    rng = np.random.default_rng(seed)
    x = 2 * rng.beta(2, 4, units) - 1
    below = np.polynomial.Polynomial([0.48, 1.27, 7.18, 20.21, 21.54, 7.33])
    above = np.polynomial.Polynomial([0.48, 0.84, -3.0, 7.99, -9.01, 3.56])
    curve = np.where(x < 0, below(x), above(x) + effect)
    errors = 0.1295 * rng.multivariate_normal([0, 0], [[1, 0.4], [0.4, 1]], units)
    values = np.column_stack([curve, SLOPE * curve]) + errors
    return Threshold(outcomes=PAIR, score=x, values=values, cutoff=0.0), effect * np.array([1.0, SLOPE])


def two_courses(seed: int, *, leads: float, groups: int = 10) -> Course:
    """Ten groups over 60 periods; shocks in common, and a CPI that leads the KPI by a period, or does not."""
    rng = np.random.default_rng(seed)
    shape = (groups, 60)
    common = 0.3 * rng.standard_normal(60)
    cpi, kpi = np.zeros(shape), np.zeros(shape)
    for t in range(1, 60):
        cpi[:, t] = 0.7 * cpi[:, t - 1] + rng.standard_normal(shape[0]) + common[t]
        kpi[:, t] = 0.6 * kpi[:, t - 1] + leads * cpi[:, t - 1] + rng.standard_normal(shape[0]) + common[t]
    return Course(groups=tuple(map(str, range(shape[0]))), cpi=cpi, kpi=kpi)


Answered = tuple[Shift | NotEstimable, Floats]


def differences(**design: int) -> Callable[[int], Answered]:
    def answered(seed: int) -> Answered:
        panel, truth = rollout(seed, **design)
        found = difference_in_differences(panel, placebos=0)
        return (found if isinstance(found, NotEstimable) else found.overall), truth

    return answered


def interrupted(**design: float) -> Callable[[int], Answered]:
    def answered(seed: int) -> Answered:
        series, truth = watched(seed, **design)  # type: ignore[arg-type]
        found = interrupted_series(series)
        return (found if isinstance(found, NotEstimable) else found.overall), truth

    return answered


def discontinuity(units: int) -> Callable[[int], Answered]:
    def answered(seed: int) -> Answered:
        threshold, truth = at_a_threshold(seed, units=units)
        found = regression_discontinuity(threshold)
        return (found if isinstance(found, NotEstimable) else found.jump), truth

    return answered


def effect_covered(answered: Callable[[int], Answered]) -> Try:
    """Whether the KPI's interval holds its effect."""

    def attempt(seed: int) -> bool | None:
        found, truth = answered(seed)
        if isinstance(found, NotEstimable):
            return None
        return inside(found.effects[1].interval, float(truth[1]))

    return attempt


def slope_covered(answered: Callable[[int], Answered]) -> Try:
    """Whether the set of slopes holds the true one."""

    def attempt(seed: int) -> bool | None:
        found, _ = answered(seed)
        slope = found if isinstance(found, NotEstimable) else quasi_slope(found, *PAIR)
        return None if isinstance(slope, NotEstimable) else holds(slope.confidence, SLOPE)

    return attempt


def inside(interval: Interval, truth: float) -> bool:
    low, high = interval.lower, interval.upper
    return (low is None or low <= truth) and (high is None or truth <= high)


def mix_effect_covered(seed: int) -> bool | None:
    panel, truth = followed(seed)
    found = synthetic_control(panel)
    if isinstance(found, NotEstimable) or isinstance(found.effects[1].interval, NotEstimable):
        return None
    return inside(found.effects[1].interval, float(truth[1]))


def mix_slope_covered(seed: int) -> bool | None:
    panel, _ = followed(seed)
    found = synthetic_control(panel, cpi="cpi", kpi="kpi")
    if isinstance(found, NotEstimable) or isinstance(found.slope, NotEstimable):
        return None
    return holds(found.slope.confidence, SLOPE)


def mix_signal(seed: int) -> bool | None:
    panel, _ = followed(seed, effect=0.0)
    found = synthetic_control(panel)
    return None if isinstance(found, NotEstimable) else found.effects[1].p_value <= FALSE


def doubted_by_its_past(**design: float) -> Try:
    """Whether more earlier dates show a change than a study lets pass, where nothing happened at any."""

    def attempt(seed: int) -> bool | None:
        series, _ = watched(seed, **design)  # type: ignore[arg-type]
        found = interrupted_series(series)
        if isinstance(found, NotEstimable) or isinstance(found.placebo_share, NotEstimable):
            return None
        return max(found.placebo_share) > MOST_PLACEBOS

    return attempt


def foretold(seed: int) -> bool | None:
    found = leading_indicator(two_courses(seed, leads=0.0), horizon=2)
    return None if isinstance(found, NotEstimable) else found.kpi_by_cpi.p_value <= FALSE


SERIES = {
    "100 days, autocorrelation .4": {},
    "100 days, autocorrelation .7": {"rho": 0.7},
    "a year, autocorrelation .7": {"rho": 0.7, "periods": 365, "start": 200},
}
DESIGNS = {
    "difference in differences": {
        "10 adopters at three dates, 10 never": differences(),
        "5 adopters, 30 never": differences(adopters=5, never=30),
    },
    "interrupted series": {name: interrupted(**design) for name, design in SERIES.items()},
    "regression discontinuity": {
        "500 units": discontinuity(500),
        "2,000 units": discontinuity(2000),
    },
}

DOUBTED = 0.1  # dates overlap, so that what one says falsely many say
CLAIMS = (
    *(
        Claim(family=family, name=f"{what}, {name}", attempt=promise(answered), at_least=COVERED)
        for family, designs in DESIGNS.items()
        for name, answered in designs.items()
        for what, promise in (("effect covered", effect_covered), ("slope covered", slope_covered))
    ),
    *(
        Claim(
            family="interrupted series",
            name=f"doubted by earlier dates, at which nothing happened, {name}",
            attempt=doubted_by_its_past(**design),
            at_most=DOUBTED,
        )
        for name, design in SERIES.items()
    ),
    Claim(
        family="synthetic control",
        name="effect covered, 39 donors",
        attempt=mix_effect_covered,
        at_least=COVERED,
    ),
    Claim(
        family="synthetic control",
        name="slope covered, 39 donors",
        attempt=mix_slope_covered,
        at_least=COVERED,
    ),
    Claim(family="synthetic control", name="signal where nothing is", attempt=mix_signal, at_most=FALSE),
    Claim(family="leading indicator", name="signal where nothing leads", attempt=foretold, at_most=FALSE),
)
