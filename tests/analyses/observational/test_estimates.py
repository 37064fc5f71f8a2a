"""Planted truths come back, intervals cover, and other packages agree on the same data."""

import numpy as np
import pytest

from analyses import (
    AdjustedSlope,
    Identification,
    NotEstimable,
    StrategyKind,
    adjusted_slope,
    doubly_learned,
    front_door,
    identify,
    instrumented,
    mediated,
)
from analyses.observational.estimate import estimated
from tests.analyses.observational.planted import (
    BACKDOOR,
    INSTRUMENT,
    PLANTED,
    TRUE,
    backdoor,
    curved,
    graph,
    instrument,
    sample,
)


def strategy(drawn, kind=None):
    found = identify(drawn)
    assert isinstance(found, Identification)
    return next(one for one in found.strategies if kind is None or one.kind is kind)


@pytest.mark.parametrize("name", PLANTED)
def test_the_planted_slope_comes_back_and_its_interval_covers(name) -> None:
    draw, drawn = PLANTED[name]
    way = strategy(drawn)
    assert way.kind.value == name.replace("-", "_")
    rng = np.random.default_rng(20261122)
    found = [estimated(draw(rng, 1500), "cpi", "kpi", way) for _ in range(200)]
    values = [one.value for one in found if isinstance(one, AdjustedSlope)]
    assert len(values) >= 195
    assert np.mean([one.value for one in values]) == pytest.approx(TRUE, abs=0.02)
    covered = np.mean([one.interval.lower <= TRUE <= one.interval.upper for one in values])
    assert covered >= 0.93 - 2 * np.sqrt(0.93 * 0.07 / 200)  # the bar, less two Monte Carlo errors


def test_regression_is_that_of_statsmodels_with_hc3() -> None:
    import statsmodels.api as sm

    data = backdoor(np.random.default_rng(1), 300)
    ours = adjusted_slope(data, "cpi", "kpi", ["tenure", "plan"])
    design = sm.add_constant(data.values(["cpi", "tenure", "plan"]))
    theirs = sm.OLS(data.values(["kpi"])[:, 0], design).fit(cov_type="HC3", use_t=True)
    assert ours.value.value == pytest.approx(theirs.params[1], rel=1e-10)
    assert ours.value.std_error == pytest.approx(theirs.bse[1], rel=1e-8)
    assert (ours.value.interval.lower, ours.value.interval.upper) == pytest.approx(
        tuple(theirs.conf_int()[1]), rel=1e-8
    )


def test_one_instrument_is_two_stage_least_squares() -> None:
    from linearmodels.iv import IV2SLS

    data = instrument(np.random.default_rng(2), 800)
    ours = instrumented(data, "cpi", "kpi", strategy(INSTRUMENT))
    columns = (data.values([name])[:, 0] for name in ("kpi", "cpi", "queue"))
    kpi, cpi, queue = columns
    theirs = IV2SLS(kpi, np.ones(800), cpi, queue).fit()
    assert ours.value.value == pytest.approx(theirs.params.iloc[1], rel=1e-6)
    assert ours.value.std_error == pytest.approx(theirs.std_errors.iloc[1], rel=0.02)


def test_the_anderson_rubin_set_of_several_instruments_is_ivmodels() -> None:
    from ivmodels.tests import inverse_anderson_rubin_test

    rng = np.random.default_rng(3)
    hidden, a, b = rng.normal(size=(3, 2000))
    cpi = hidden + 0.3 * a + 0.2 * b + rng.normal(size=2000)
    kpi = TRUE * cpi - hidden + rng.normal(size=2000)
    way = strategy(graph({"kpi": ["cpi", "u"], "cpi": ["u", "a", "b"]}, known=["a", "b"], unmeasured=["u"]))
    ours = instrumented(sample(cpi=cpi, kpi=kpi, a=a, b=b), "cpi", "kpi", way)
    theirs = inverse_anderson_rubin_test(
        Z=np.column_stack([a, b]), X=cpi[:, None], y=kpi, alpha=0.05, fit_intercept=True
    )
    ends = (ours.value.interval.lower, ours.value.interval.upper)
    assert ends == pytest.approx(sorted(np.ravel(theirs._boundary())), abs=0.03)


def test_mediation_splits_the_whole() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=20_000)
    cpi = x + rng.normal(size=20_000)
    visits = 0.5 * cpi + x + rng.normal(size=20_000)
    kpi = 0.2 * cpi + 0.6 * visits - x + rng.normal(size=20_000)
    drawn = graph(
        {"kpi": ["cpi", "visits", "x"], "visits": ["cpi", "x"], "cpi": ["x"]}, known=["visits", "x"]
    )
    found = mediated(
        sample(cpi=cpi, kpi=kpi, visits=visits, x=x), "cpi", "kpi", strategy(drawn, StrategyKind.MEDIATION)
    )
    assert found.through.value == pytest.approx(0.3, abs=0.03)
    assert found.past.value == pytest.approx(0.2, abs=0.03)
    assert found.value.value == pytest.approx(found.through.value + found.past.value)


def test_curves_are_found_where_straight_lines_are_wrong() -> None:
    data = curved(np.random.default_rng(6), 3000)
    lines = adjusted_slope(data, "cpi", "kpi", ["tenure", "plan"])
    curves = doubly_learned(data, "cpi", "kpi", ["tenure", "plan"], seed=1)
    assert lines.value.interval.upper < TRUE  # lines see the curve of tenure as the CPI's doing
    assert curves.value.interval.lower <= TRUE <= curves.value.interval.upper
    again = doubly_learned(data, "cpi", "kpi", ["tenure", "plan"], seed=1)
    assert again.value == curves.value


def test_a_cpi_of_two_values_is_learned_per_raw_unit() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=4000)
    cpi = 2.0 * (rng.random(4000) < 1 / (1 + np.exp(-x)))
    kpi = TRUE * cpi + x + rng.normal(size=4000)
    found = doubly_learned(sample(cpi=cpi, kpi=kpi, x=x), "cpi", "kpi", ["x"], seed=1)
    assert found.value.value == pytest.approx(TRUE, abs=0.06)


@pytest.mark.parametrize("factor", [10.0, -3.0])
def test_rescaling_the_cpi_rescales_the_slope(factor) -> None:
    data = backdoor(np.random.default_rng(9), 400)
    turned = data.replaced("cpi", factor * data.values(["cpi"])[:, 0])
    one, other = (adjusted_slope(each, "cpi", "kpi", ["tenure"]) for each in (data, turned))
    assert other.value.value * factor == pytest.approx(one.value.value, rel=1e-9)
    assert other.value.std_error * abs(factor) == pytest.approx(one.value.std_error, rel=1e-9)


def test_what_the_data_cannot_bear_is_refused_by_name() -> None:
    rng = np.random.default_rng(10)
    x, cpi, kpi = rng.normal(size=(3, 200))
    base = sample(cpi=cpi, kpi=kpi, x=x)
    assert adjusted_slope(base.replaced("cpi", 2 * x + 1), "cpi", "kpi", ["x"]).reason == "collinear"
    assert adjusted_slope(base.replaced("cpi", np.full(200, 0.1)), "cpi", "kpi", ["x"]).reason == "constant"
    assert adjusted_slope(base.replaced("kpi", np.zeros(200)), "cpi", "kpi", ["x"]).reason == "constant_kpi"
    assert adjusted_slope(base.only(slice(4)), "cpi", "kpi", ["x"]).reason == "too_few_units"
    assert doubly_learned(base.only(slice(50)), "cpi", "kpi", ["x"]).reason == "too_few_units"
    weak = instrumented(
        base,
        "cpi",
        "kpi",
        strategy(INSTRUMENT).__class__(kind=StrategyKind.INSTRUMENT, instruments=("x",), assumptions=()),
    )
    assert isinstance(weak, NotEstimable)
    assert weak.reason == "weak_instrument"


def test_covariates_that_repeat_one_another_change_nothing_and_are_named() -> None:
    data = backdoor(np.random.default_rng(11), 400)
    both = sample(
        **{name: data.values([name])[:, 0] for name in data.columns},
        months=12 * data.values(["tenure"])[:, 0],
        nothing=np.zeros(400),
    )
    clean = adjusted_slope(data, "cpi", "kpi", ["tenure", "plan"])
    found = adjusted_slope(both, "cpi", "kpi", ["tenure", "plan", "months", "nothing"])
    assert found.value.value == pytest.approx(clean.value.value, rel=1e-9)
    (said,) = found.checks
    assert "nothing" in said.detail
    assert ("months" in said.detail) != ("tenure" in said.detail)


def test_two_hundred_covariates_and_clusters_of_one() -> None:
    rng = np.random.default_rng(12)
    many = rng.normal(size=(600, 200))
    cpi = many[:, 0] + rng.normal(size=600)
    kpi = TRUE * cpi - many[:, 0] + rng.normal(size=600)
    names = [f"x{i}" for i in range(200)]
    data = sample(cpi=cpi, kpi=kpi, **dict(zip(names, many.T, strict=True)))
    found = adjusted_slope(data, "cpi", "kpi", names)
    assert found.value.interval.lower <= TRUE <= found.value.interval.upper
    lonely = sample(cpi=cpi[:5], kpi=kpi[:5], **{f"group {i}": np.arange(5) == i for i in range(5)})
    assert adjusted_slope(lonely, "cpi", "kpi", [f"group {i}" for i in range(5)]).reason == "too_few_units"


def test_the_front_door_refuses_a_mediator_that_is_the_cpi() -> None:
    rng = np.random.default_rng(13)
    cpi, kpi = rng.normal(size=(2, 300))
    way = strategy(PLANTED["front-door"][1])
    assert front_door(sample(cpi=cpi, kpi=kpi, visits=3 * cpi), "cpi", "kpi", way).reason == "collinear"


def test_the_right_set_was_held_fixed() -> None:
    assert strategy(BACKDOOR).adjust == ("plan", "tenure")
