"""Do designs that nobody randomised agree with others, keep their promises, and say when they cannot?"""

from dataclasses import replace

import causaldata
import numpy as np
import pytest
import statsmodels.api as sm

from analyses import (
    Course,
    NotEstimable,
    Panel,
    Series,
    Threshold,
    difference_in_differences,
    interrupted_series,
    leading_indicator,
    quasi_slope,
    regression_discontinuity,
    synthetic_control,
)
from analyses.quasi.interrupted import _design
from tests.calibration.claims import quasi
from tests.calibration.claims.claim import tried
from tests.calibration.claims.quasi import at_a_threshold, followed, rollout, two_courses, watched

REPLICATIONS = 40


@pytest.mark.parametrize("claim", quasi.CLAIMS, ids=lambda claim: f"{claim.family}, {claim.name}")
def test_promises_are_kept(claim):
    kept = tried(replace(claim, most=20 if "a year" in claim.name else None), REPLICATIONS, seed=1)
    assert kept.answered == kept.tries
    assert kept.short <= 3 * kept.error


def test_two_periods_are_the_textbooks_difference_in_differences():
    rng = np.random.default_rng(1)
    values, sizes = rng.standard_normal((1, 20, 2)), rng.uniform(1, 5, 20)
    adopted = tuple([1] * 8 + [None] * 12)
    names = tuple(map(str, range(20)))
    found = difference_in_differences(
        Panel(
            outcomes=("kpi",),
            groups=names,
            periods=("0", "1"),
            values=values,
            adopted=adopted,
            sizes=tuple(sizes),
        )
    )
    treated = np.array([at is not None for at in adopted], dtype=float)
    grown = values[0, :, 1] - values[0, :, 0]
    fit = sm.WLS(grown, sm.add_constant(treated), weights=sizes).fit()
    assert found.overall.effects[0].value == pytest.approx(fit.params[1], rel=1e-12)
    assert found.groups == (8, 12)


def test_later_adopters_are_compared_with_those_that_had_not_adopted_yet():
    """By hand: what an adopter gained since the period before, less what those without the change gained."""
    panel, _ = rollout(3, adopters=6, never=5)
    found = difference_in_differences(panel, placebos=0)
    Y, starts, effects = panel.values[1], panel.starts, []
    for i, start in enumerate(starts):
        for t in range(start, 10) if start < 10 else ():
            others = [k for k in range(11) if starts[k] > t]
            effects.append(Y[i, t] - Y[i, start - 1] - np.mean([Y[k, t] - Y[k, start - 1] for k in others]))
    assert found.overall.effects[1].value == pytest.approx(np.mean(effects), rel=1e-12)


def test_a_trend_before_the_change_is_told():
    panel, _ = rollout(4)
    drift = np.array([0.0 if at is None else 1.0 for at in panel.adopted])
    drifting = replace(panel, values=panel.values + drift[None, :, None] * np.arange(10))
    assert [check.passed for check in difference_in_differences(panel, placebos=0).checks] == [True, True]
    assert [check.passed for check in difference_in_differences(drifting, placebos=0).checks] == [
        False,
        False,
    ]


def test_placebo_dates_tell_a_real_rollout_from_none():
    real, nothing = rollout(5, effect=4)[0], rollout(5, effect=0)[0]
    assert max(difference_in_differences(real).placebo_p) < 0.01
    assert min(difference_in_differences(nothing).placebo_p) > 0.05


def castle() -> Panel:
    """Castle doctrine laws of 21 states, 2000 to 2010, and homicides (Cheng & Hoekstra 2013)."""
    rows = causaldata.castle.load_pandas().data
    homicides = rows.pivot(index="sid", columns="year", values="l_homicide")
    law = rows.pivot(index="sid", columns="year", values="post").to_numpy() > 0
    return Panel(
        outcomes=("homicides",),
        groups=tuple(map(str, homicides.index)),
        periods=tuple(map(str, homicides.columns)),
        values=homicides.to_numpy()[None],
        adopted=tuple(int(row.argmax()) if row.any() else None for row in law),
        sizes=tuple(rows.groupby("sid")["popwt"].mean()),
    )


def test_castle_laws_raised_homicides_by_about_what_was_published():
    """The paper's abstract says 8 per cent, by two-way fixed effects."""
    found = difference_in_differences(castle(), placebos=0)
    effect = found.overall.effects[0]
    assert effect.value == pytest.approx(0.0750, abs=5e-4)
    assert effect.interval.lower < 0.08 < effect.interval.upper


def test_a_mix_of_states_is_the_one_that_another_package_finds():
    pysyncon = pytest.importorskip("pysyncon", reason="the oracle of weights is a package for development")
    rows = causaldata.texas.load_pandas().data.pivot(index="state", columns="year", values="bmprison")
    start = list(rows.columns).index(1993)
    values = rows.to_numpy(dtype=float)
    panel = Panel(
        outcomes=("prisoners",),
        groups=tuple(rows.index),
        periods=tuple(map(str, rows.columns)),
        values=values[None],
        adopted=tuple(start if name == "Texas" else None for name in rows.index),
    )
    found = synthetic_control(panel)
    others = [name for name in rows.index if name != "Texas"]
    before = rows[rows.columns[:start]]
    X0, X1 = before.loc[others].T / 1e4, before.loc["Texas"] / 1e4
    oracle = pysyncon.Synth()
    spread = before.T.div(1e4).var(axis="columns")  # it divides each year by that, which takes it back
    oracle.fit(X0=X0, X1=X1, Z0=X0, Z1=X1, custom_V=spread.to_numpy())
    weights = {others[at]: weight for at, weight in enumerate(oracle.W) if weight > 1e-3}
    assert dict(found.weights) == pytest.approx(weights, abs=5e-3)
    assert 20_000 < found.gaps[0][start + 2] < 30_000  # Cunningham (2021), figure 73: some 25,000 by 1995


def test_one_group_among_many_is_as_unusual_as_its_rank():
    panel, truth = followed(2, effect=3)
    found = synthetic_control(panel, cpi="cpi", kpi="kpi")
    assert [effect.p_value for effect in found.effects] == [1 / 40, 1 / 40]
    assert sum(weight for _, weight in found.weights) == pytest.approx(1)
    assert found.effects[0].value == pytest.approx(truth[0], abs=0.5)
    ((lower, upper),) = found.slope.confidence.pieces
    assert lower < quasi.SLOPE < upper


def test_an_interrupted_series_is_generalised_least_squares_at_its_autocorrelation():
    series, _ = watched(7, rho=0.5)
    found = interrupted_series(series)
    rho, y = found.autocorrelation[1], series.values[1]
    X = _design(100, 60, 7)
    sigma = rho ** np.abs(np.subtract.outer(np.arange(100), np.arange(100)))
    fit = sm.GLS(y, X, sigma=sigma).fit()
    assert found.step.effects[1].value == pytest.approx(fit.params[0], rel=1e-8)
    assert found.trend.effects[1].std_error == pytest.approx(fit.bse[1], rel=1e-8)
    assert found.overall.effects[1].value == pytest.approx(fit.params[0] + 19.5 * fit.params[1], rel=1e-8)


def test_a_comparison_takes_away_what_happened_to_both():
    series, truth = watched(8)
    shock = np.where(np.arange(100) >= 60, 5.0, 0.0)
    shaken = replace(series, values=series.values + shock)
    alone = interrupted_series(shaken).overall.effects[1].value
    both = interrupted_series(replace(shaken, comparison=np.tile(shock, (2, 1)))).overall.effects[1].value
    assert alone - both == pytest.approx(5.0)
    assert both == pytest.approx(truth[1], abs=0.8)


def test_a_comparison_is_the_regression_of_both_series_with_every_term_by_series():
    """The controlled design of Lopez Bernal et al. (2018), fitted by statsmodels to the stacked series."""
    series, _ = watched(9, rho=0.5)
    draw = np.random.default_rng(9)
    shock = draw.standard_normal((2, 100)).cumsum(axis=1) * 0.2
    theirs = shock + draw.standard_normal((2, 100))
    found = interrupted_series(replace(series, values=series.values + shock, comparison=theirs))
    X, rho = _design(100, 60, 7), found.autocorrelation[1]
    sigma = rho ** np.abs(np.subtract.outer(np.arange(100), np.arange(100)))
    both = np.concatenate([series.values[1] + shock[1], theirs[1]])
    terms = np.block([[X, X], [np.zeros_like(X), X]])
    fit = sm.GLS(both, terms, sigma=np.kron(np.eye(2), sigma)).fit()
    assert found.step.effects[1].value == pytest.approx(fit.params[0], rel=1e-7)
    assert found.trend.effects[1].value == pytest.approx(fit.params[1], rel=1e-7)
    alone = interrupted_series(replace(series, values=series.values + shock - theirs))
    assert found.overall == alone.overall


def test_a_jump_is_a_weighted_parabola_on_either_side():
    threshold, _ = at_a_threshold(9)
    found = regression_discontinuity(threshold)
    h, x, y = found.bandwidth, threshold.score, threshold.values[:, 1]
    edges = []
    for side in (x < 0, x >= 0):
        here = side & (np.abs(x) < h)
        X = np.column_stack([np.ones(here.sum()), x[here], x[here] ** 2])
        fit = sm.WLS(y[here], X, weights=1 - np.abs(x[here]) / h).fit(cov_type="HC2")
        edges.append((fit.params[0], fit.bse[0] ** 2))
    effect = found.jump.effects[1]
    assert effect.value == pytest.approx(edges[1][0] - edges[0][0], rel=1e-9)
    assert effect.std_error == pytest.approx(np.sqrt(edges[0][1] + edges[1][1]), rel=1e-6)


def test_close_elections_move_votes_as_published():
    """Lee, Moretti & Butler (2004), table 1: a Democrat elected barely votes 21.2 points more liberally."""
    rows = causaldata.close_elections_lmb.load_pandas().data.dropna()
    threshold = Threshold(
        outcomes=("score",),
        score=rows["lagdemvoteshare"].to_numpy(dtype=float),
        values=rows[["score"]].to_numpy(dtype=float),
        cutoff=0.5,
    )
    found = regression_discontinuity(threshold)
    interval = found.jump.effects[0].interval
    assert interval.lower < 21.2 < interval.upper
    assert found.checks[0].passed


def test_crowding_at_the_threshold_is_told():
    threshold, _ = at_a_threshold(10)
    pushed = (threshold.score < 0) & (threshold.score > -0.08)
    crowded = replace(threshold, score=np.where(pushed, -threshold.score, threshold.score))
    assert regression_discontinuity(threshold, bandwidth=0.3).checks[0].passed
    assert not regression_discontinuity(crowded, bandwidth=0.3).checks[0].passed


def test_a_cpi_that_leads_is_found_and_one_that_is_led_is_not():
    found = leading_indicator(two_courses(11, leads=0.3), horizon=1)
    assert found.kpi_by_cpi.p_value < 0.01 < found.cpi_by_kpi.p_value
    assert found.kpi_by_cpi.gain > 0 > found.cpi_by_kpi.interval.lower


def test_units_of_measurement_change_nothing_but_units():
    panel, _ = rollout(12, effect=4)
    one = difference_in_differences(panel, placebos=0)
    other = difference_in_differences(
        replace(panel, values=panel.values * np.array([60.0, 0.01])[:, None, None] + 7), placebos=0
    )
    ((lower, upper),) = quasi_slope(one.overall, *quasi.PAIR).confidence.pieces
    assert quasi_slope(other.overall, *quasi.PAIR).confidence.pieces[0] == pytest.approx(
        (lower / 6000, upper / 6000), rel=1e-6
    )
    course = two_courses(13, leads=0.2)
    scaled = Course(groups=course.groups, cpi=course.cpi * 60 + 5, kpi=course.kpi * 0.01)
    gains = [leading_indicator(each, horizon=2).kpi_by_cpi.gain for each in (course, scaled)]
    assert gains[0] == pytest.approx(gains[1], rel=1e-8)


def refused(panel: Panel) -> str:
    return difference_in_differences(panel).reason


def test_what_a_panel_cannot_say_is_said():
    panel, _ = rollout(14)
    hole = panel.values.copy()
    hole[0, 3, 2] = np.nan
    assert refused(replace(panel, values=hole)) == "missing_cell"
    assert refused(replace(panel, adopted=(None,) * 20)) == "nobody_changed"
    assert refused(replace(panel, adopted=(0,) * 10 + (None,) * 10)) == "no_before"
    assert refused(replace(panel, adopted=(5,) * 20)) == "no_comparison"
    assert refused(rollout(14, adopters=2)[0]) == "too_few_groups"
    assert refused(replace(panel, values=np.ones_like(panel.values))) == "no_variation"
    assert refused(replace(panel, sizes=(0.0,) * 20)) == "empty_group"


def test_what_a_mix_a_series_a_threshold_or_a_course_cannot_say_is_said():
    few, _ = followed(15, donors=10)
    assert synthetic_control(few, cpi="cpi", kpi="kpi").slope.reason == "too_few_groups"
    assert synthetic_control(replace(few, adopted=(3, *[None] * 10))).reason == "too_few_periods"
    assert synthetic_control(replace(few, adopted=(20, 20, *[None] * 9))).reason == "not_one_group"
    assert synthetic_control(replace(few, values=np.zeros_like(few.values))).reason == "no_variation"
    series, _ = watched(15)
    assert interrupted_series(replace(series, start=95)).reason == "too_few_periods"
    assert interrupted_series(replace(series, values=np.ones((2, 100)))).reason == "no_variation"
    walk = np.cumsum(np.random.default_rng(15).standard_normal((2, 400)), axis=1)
    assert (
        interrupted_series(Series(outcomes=quasi.PAIR, values=walk, start=200)).reason == "wandering_series"
    )
    threshold, _ = at_a_threshold(15, units=60)
    assert regression_discontinuity(replace(threshold, cutoff=2.0)).reason == "too_few_units"
    assert regression_discontinuity(replace(threshold, values=np.ones((60, 2)))).reason == "too_few_units"
    course = two_courses(15, leads=0)
    short = Course(groups=course.groups, cpi=course.cpi[:, :15], kpi=course.kpi[:, :15])
    assert leading_indicator(short, horizon=2).reason == "too_few_periods"
    flat = replace(course, cpi=np.ones_like(course.cpi))
    assert isinstance(leading_indicator(flat, horizon=2), NotEstimable)
