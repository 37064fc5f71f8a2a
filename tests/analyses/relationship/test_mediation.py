"""Mediation from moments: do rows, another package and simulated truths say the same?"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels
import statsmodels.api as sm
import statsmodels.formula.api as smf
from statsmodels.stats.mediation import Mediation as TheirMediation

from analyses import NotEstimable, e_value, mediation, moments_of, robustness


def arms_of(frame: pd.DataFrame, columns, *, by: str = "t"):
    return tuple(moments_of(columns, frame.loc[frame[by] == arm, columns].to_numpy(float)) for arm in (0, 1))


def simulated(rng, n=4000, *, alpha=0.5, direct=0.1, slope=0.4, confounding=0.0) -> pd.DataFrame:
    t, x = np.repeat([0, 1], n // 2), rng.normal(size=n)
    e1 = rng.normal(size=n)
    e2 = confounding * e1 + np.sqrt(1 - confounding**2) * rng.normal(size=n)
    m = alpha * t + 0.5 * x + e1
    y = direct * t + slope * m + 0.3 * x + 2 * e2
    return pd.DataFrame({"t": t, "x": x, "m": m, "y": y})


@pytest.fixture(scope="module")
def framing() -> pd.DataFrame:
    """Brader, Valentino & Suhay (2008), as the R package `mediation` has it and statsmodels carries it."""
    folder = Path(statsmodels.__file__).parent / "stats/tests/results"
    frame = pd.read_csv(folder / "framing.csv")
    frame["women"] = (frame.gender == "female").astype(float)
    return frame


def test_every_number_is_what_ordinary_least_squares_on_rows_gives(framing):
    columns = ["emo", "cong_mesg", "age", "women", "income"]
    found = mediation([arms_of(framing, columns, by="treat")], "emo", "cong_mesg", columns[2:])
    first = smf.ols("emo ~ treat + age + women + income", framing).fit()
    second = smf.ols("cong_mesg ~ treat + emo + age + women + income", framing).fit()
    total = smf.ols("cong_mesg ~ treat + age + women + income", framing).fit()
    alpha, b = first.params.treat, second.params.emo
    assert found.acme.value == pytest.approx(alpha * b, rel=1e-10)
    sobel = np.hypot(alpha * second.bse.emo, b * first.bse.treat)
    assert found.acme.std_error == pytest.approx(sobel, rel=1e-10)
    assert found.ade.value == pytest.approx(second.params.treat, rel=1e-9)
    assert found.ade.std_error == pytest.approx(second.bse.treat, rel=1e-10)
    ends = second.conf_int().loc["treat"]
    assert [found.ade.interval.lower, found.ade.interval.upper] == pytest.approx(list(ends), rel=1e-9)
    assert found.total.p_value == pytest.approx(total.pvalues.treat, rel=1e-8)
    assert found.unit_slope.value == pytest.approx(b, rel=1e-10)
    rho = np.corrcoef(first.resid, total.resid)[0, 1]
    assert found.rho == pytest.approx(rho, rel=1e-10)
    assert found.r2_tilde == pytest.approx(rho**2 * (1 - first.rsquared) * (1 - second.rsquared), rel=1e-9)
    assert found.acme.value + found.ade.value == pytest.approx(found.total.value, rel=1e-10)
    apart = smf.ols("cong_mesg ~ treat * emo + age + women + income", framing).fit()
    assert found.interaction == pytest.approx(apart.pvalues["treat:emo"], rel=1e-8)


def test_statsmodels_mediation_agrees_within_its_own_simulation_noise(framing):
    columns = ["emo", "cong_mesg", "age", "women", "income"]
    exog = sm.add_constant(framing[["treat", "emo", "age", "women", "income"]])
    outcome = sm.OLS(framing.cong_mesg.to_numpy(float), exog)
    mediator = sm.OLS(framing.emo.to_numpy(float), exog.drop(columns="emo"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = TheirMediation(outcome, mediator, [1, 1], 2).fit(
            method="parametric", n_rep=400, rng=np.random.RandomState(4231)
        )
    table = theirs.summary()
    ours = mediation([arms_of(framing, columns, by="treat")], "emo", "cong_mesg", columns[2:])
    for row, one in (
        ("ACME (average)", ours.acme),
        ("ADE (average)", ours.ade),
        ("Total effect", ours.total),
    ):
        noise = 4 * one.std_error / np.sqrt(400)
        assert one.value == pytest.approx(float(table.loc[row, "Estimate"]), abs=noise)
        for end, mine in (
            ("Lower CI bound", one.interval.lower),
            ("Upper CI bound", one.interval.upper),
        ):
            assert mine == pytest.approx(float(table.loc[row, end]), abs=0.35 * one.std_error)


def test_phases_have_intercepts_of_their_own_as_dummies_would():
    rng = np.random.default_rng(2)
    early, late = simulated(rng, 1000), simulated(rng, 600)
    late[["m", "y"]] += [3.0, -5.0]  # another season, and other shares would be Simpson's trap
    late = late.drop(late.index[late.t == 1][:200])
    columns = ["m", "y", "x"]
    found = mediation([arms_of(early, columns), arms_of(late, columns)], "m", "y", ["x"])
    both = pd.concat([early.assign(s=0), late.assign(s=1)])
    first, second = smf.ols("m ~ t + x + s", both).fit(), smf.ols("y ~ t + m + x + s", both).fit()
    assert found.acme.value == pytest.approx(first.params.t * second.params.m, rel=1e-9)
    assert found.ade.std_error == pytest.approx(second.bse.t, rel=1e-9)


def test_the_interval_covers_the_truth_where_the_assumption_holds():
    rng, rounds, hits = np.random.default_rng(3), 200, 0
    for _ in range(rounds):
        frame = simulated(rng, 600)
        found = mediation([arms_of(frame, ["m", "y", "x"])], "m", "y", ["x"])
        hits += found.acme.interval.lower <= 0.5 * 0.4 <= found.acme.interval.upper
    assert hits / rounds >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / rounds)


@pytest.mark.parametrize("confounding", [-0.6, 0.3, 0.6])
def test_with_the_true_error_correlation_the_sensitivity_finds_the_truth_that_the_estimate_misses(
    confounding,
):
    frame = simulated(np.random.default_rng(4), 400_000, confounding=confounding)
    found = mediation([arms_of(frame, ["m", "y", "x"])], "m", "y", ["x"])
    assert abs(found.acme.value - 0.2) > 0.1  # the assumption does not hold, and nothing in the data says so
    assert dict(found.acme_at)[confounding] == pytest.approx(0.2, abs=0.02)


def test_the_mediated_effect_is_zero_at_rho_star_and_the_estimate_at_rho_zero():
    found = mediation([arms_of(simulated(np.random.default_rng(5)), ["m", "y", "x"])], "m", "y", ["x"])
    curve = dict(found.acme_at)
    assert curve[0.0] == pytest.approx(found.acme.value, rel=1e-12)
    assert (curve[-0.9] > 0 > curve[0.9]) == (found.acme.value > 0)
    assert found.r2_star == pytest.approx(found.rho**2)
    assert found.r2_tilde < found.r2_star
    assert "cannot test it" in found.assumption


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1e12])
def test_the_interval_does_not_depend_on_the_unit_of_the_kpi(unit):
    frame = simulated(np.random.default_rng(8), n=800)
    whole, scaled = (
        mediation([arms_of(frame.assign(y=frame.y * factor), ["m", "y"])], "m", "y") for factor in (1.0, unit)
    )
    assert scaled.acme.interval.lower == pytest.approx(whole.acme.interval.lower * unit, rel=1e-9)
    assert scaled.acme.interval.upper == pytest.approx(whole.acme.interval.upper * unit, rel=1e-9)


def test_a_covariate_that_repeats_another_changes_nothing():
    frame = simulated(np.random.default_rng(6)).assign(twice=lambda f: 2 * f.x)
    one = mediation([arms_of(frame, ["m", "y", "x"])], "m", "y", ["x"])
    two = mediation([arms_of(frame, ["m", "y", "x", "twice"])], "m", "y", ["x", "twice"])
    assert two.acme.value == pytest.approx(one.acme.value, rel=1e-9)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"m": 1.0}, "constant_cpi"),
        ({"y": 1.0}, "constant_kpi"),
    ],
)
def test_what_does_not_vary_is_refused(change, reason):
    frame = simulated(np.random.default_rng(7)).assign(**change)
    found = mediation([arms_of(frame, ["m", "y"])], "m", "y")
    assert isinstance(found, NotEstimable)
    assert found.reason == reason


def test_a_kpi_that_is_the_cpi_and_a_handful_of_units_are_refused():
    frame = simulated(np.random.default_rng(8)).assign(y=lambda f: 3 * f.m - 1)
    assert mediation([arms_of(frame, ["m", "y"])], "m", "y").reason == "kpi_is_cpi"
    assert mediation([arms_of(frame.iloc[[0, 1, -1]], ["m", "y"])], "m", "y").reason == "too_few_units"


def test_robustness_values_are_the_published_ones():
    """Cinelli & Hazlett (2020), table 1: the Darfur survey, as sensemakr and PySensemakr print it too."""
    found = robustness(4.18445, 783)
    published = (0.0219, 0.139, 0.076)
    assert (found.partial_r2, found.value, found.value_alpha) == pytest.approx(published, abs=5e-4)
    half = robustness(4.18445, 783, q=0.5)
    assert half.value == pytest.approx(robustness(4.18445 / 2, 783).value, rel=1e-12)


def test_a_confounder_as_strong_as_the_robustness_value_explains_the_slope_away():
    t, dof = 5.0, 400
    rv = robustness(t, dof).value
    # bias of a confounder with partial R2 rv on both sides, in standard errors: sqrt(rv^2 / (1 - rv) dof)
    assert np.sqrt(rv * rv / (1 - rv) * dof) == pytest.approx(t, rel=1e-10)
    assert robustness(0.0, dof).value == robustness(1.0, dof).value_alpha == 0.0
    huge = robustness(1e6, dof)
    assert 0.999 < huge.value <= 1
    assert 0.999 < huge.value_alpha <= 1
    with pytest.raises(ValueError, match="dof > 1"):
        robustness(2.0, 1)


def test_an_e_value_is_the_published_one_and_symmetric():
    assert e_value(3.9) == pytest.approx(7.26, abs=0.005)  # VanderWeele & Ding (2017)
    assert e_value(1 / 3.9) == pytest.approx(e_value(3.9))
    assert e_value(1.0) == 1.0
    with pytest.raises(ValueError, match="> 0"):
        e_value(0.0)
