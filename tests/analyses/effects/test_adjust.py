"""Is the adjusted effect Lin's, and does it survive covariates that say nothing or repeat each other?"""

import numpy as np
import pytest

from analyses import Estimate, Measure, NotEstimable, adjust, arm_means, difference, moments_of


def arms_of(columns, rows, assigned):
    return {str(k): moments_of(columns, rows[assigned == k]) for k in (0, 1)}


def effect(arms, measures, at: int = 0) -> Estimate:
    adjusted = adjust(arms, measures)
    return difference(adjusted["0"], adjusted["1"])[at].absolute


@pytest.fixture(scope="module")
def study():
    """20,000 units; the slopes on two covariates differ by arm, and so does the noise."""
    draw = np.random.default_rng(20)
    n = 20_000
    x = draw.multivariate_normal([1.0, -2.0], [[1.0, 0.4], [0.4, 2.0]], size=n)
    assigned = (draw.random(n) < 0.3).astype(int)
    y = (
        1
        + 0.2 * assigned
        + x @ [0.8, -0.3]
        + assigned * (x @ [0.5, 0.1])
        + draw.normal(size=n) * (1 + assigned)
    )
    z = 0.5 * y + x[:, 0] + draw.normal(size=n)
    return np.column_stack([y, z, x]), assigned


COLUMNS = ["y", "z", "x1", "x2"]
Y = Measure(name="y", value="y", covariates=("x1", "x2"))


def test_the_effect_is_lins_regression_with_hc2_of_statsmodels(study):
    import statsmodels.api as sm

    rows, assigned = study
    x = rows[:, 2:] - rows[:, 2:].mean(axis=0)
    design = np.column_stack([np.ones(len(x)), assigned, x, assigned[:, None] * x])
    theirs = sm.OLS(rows[:, 0], design).fit(cov_type="HC2")
    ours = effect(arms_of(COLUMNS, rows, assigned), [Y])
    assert ours.value == pytest.approx(theirs.params[1], abs=1e-8)
    assert ours.std_error == pytest.approx(theirs.bse[1], rel=1e-3)


def test_adjusting_makes_the_interval_shorter(study):
    rows, assigned = study
    arms = arms_of(COLUMNS, rows, assigned)
    raw = difference(*(arm_means(arms[k], [Y]) for k in ("0", "1")))[0].absolute
    assert effect(arms, [Y]).std_error < 0.85 * raw.std_error


def test_a_common_slope_agrees_with_the_cuped_of_tea_tasting():
    """Theirs pools one slope over the arms, ours fits one in each: within 0.2 % where the slopes agree."""
    import pandas as pd
    import tea_tasting as tt

    draw = np.random.default_rng(21)
    x = draw.normal(5, 2, size=20_000)
    assigned = np.repeat([0, 1], 10_000)
    y = 3 + 0.1 * assigned + x + draw.normal(size=20_000)
    data = pd.DataFrame({"variant": assigned, "y": y, "x": x})
    theirs = tt.Experiment({"y": tt.Mean("y", "x", use_t=True, equal_var=False)}).analyze(data)["y"]
    arms = arms_of(["y", "x"], np.column_stack([y, x]), assigned)
    ours = effect(arms, [Measure(name="y", value="y", covariates=("x",))])
    half = (theirs.effect_size_ci_upper - theirs.effect_size_ci_lower) / 2
    assert ours.value == pytest.approx(theirs.effect_size, abs=2e-3 * half)
    assert 1.960 * ours.std_error == pytest.approx(half, rel=2e-3)


def test_without_covariates_nothing_changes(study):
    rows, assigned = study
    arms = arms_of(COLUMNS, rows, assigned)
    plain = [Measure(name="y", value="y")]
    raw, adjusted = arm_means(arms["1"], plain), adjust(arms, plain)["1"]
    assert adjusted.mean[0] == pytest.approx(raw.mean[0], rel=1e-14)
    assert adjusted.covariance[0, 0] == pytest.approx(raw.covariance[0, 0], rel=1e-14)


@pytest.mark.parametrize("extra", ["constant", "copy", "sum", "rescaled copy"])
def test_a_covariate_that_adds_nothing_changes_nothing(study, extra):
    rows, assigned = study
    x1, x2 = rows[:, 2], rows[:, 3]
    column = {
        "constant": np.full(len(rows), 0.1),
        "copy": x1,
        "sum": x1 + x2,
        "rescaled copy": 1e6 * x1 + 3,
    }[extra]
    wide = np.column_stack([rows, column])
    more = Measure(name="y", value="y", covariates=("x1", "x2", "more"))
    ours = effect(arms_of([*COLUMNS, "more"], wide, assigned), [more])
    plain = effect(arms_of(COLUMNS, rows, assigned), [Y])
    assert ours.value == pytest.approx(plain.value, abs=1e-7)
    assert ours.std_error == pytest.approx(plain.std_error, rel=1e-7)


def test_the_fill_of_missing_covariates_does_not_matter_beside_their_indicator(study):
    rows, assigned = study
    missing = np.random.default_rng(22).random(len(rows)) < 0.2
    results = []
    for fill in (0.0, rows[~missing, 2].mean(), 40.0):
        wide = np.column_stack([rows[:, 0], np.where(missing, fill, rows[:, 2]), missing])
        measure = Measure(name="y", value="y", covariates=("x", "x/missing"))
        results.append(effect(arms_of(["y", "x", "x/missing"], wide, assigned), [measure]))
    assert results[1].value == pytest.approx(results[0].value, rel=1e-7)
    assert results[2].std_error == pytest.approx(results[0].std_error, rel=1e-7)


def test_measures_with_different_covariates_keep_their_joint_covariance():
    """Covariances over 4,000 fresh experiments against those that one experiment states."""
    draw = np.random.default_rng(23)
    measures = [
        Measure(name="y", value="y", covariates=("x1",)),
        Measure(name="z", value="z", covariates=("x2",)),
    ]
    found, stated = [], []
    for _ in range(4000):
        x1, x2, common, u, v = draw.normal(size=(5, 200))
        rows = np.column_stack([x1 + common + u, x2 + common + v, x1, x2])
        adjusted = adjust(arms_of(COLUMNS, rows, np.repeat([0, 1], 100)), measures)
        found.append(adjusted["1"].mean - adjusted["0"].mean)
        stated.append(adjusted["1"].covariance + adjusted["0"].covariance)
    np.testing.assert_allclose(np.cov(np.array(found).T), np.mean(stated, axis=0), rtol=0.08)


def test_a_ratio_is_adjusted_through_its_linearisation():
    draw = np.random.default_rng(24)
    ability = draw.normal(size=(200, 2000))
    per = draw.poisson(np.exp(0.3 * ability)) + 1.0
    value = per * (2 + ability) + draw.normal(size=ability.shape)
    ratio = Measure(name="r", value="value", per="per", covariates=("ability",))
    estimates = [
        effect(arms_of(["value", "per", "ability"], np.column_stack(unit), np.repeat([0, 1], 1000)), [ratio])
        for unit in zip(value, per, ability, strict=True)
    ]
    errors = np.mean([e.std_error for e in estimates])
    assert np.std([e.value for e in estimates]) == pytest.approx(errors, rel=0.15)
    assert np.mean([e.value for e in estimates]) == pytest.approx(0.0, abs=4 * errors / np.sqrt(200))


def test_a_covariate_that_explains_everything_leaves_no_variance():
    x = np.random.default_rng(25).normal(size=200)
    arms = arms_of(["y", "x"], np.column_stack([2 * x + 1, x]), np.repeat([0, 1], 100))
    adjusted = adjust(arms, [Measure(name="y", value="y", covariates=("x",))])
    assert difference(adjusted["0"], adjusted["1"])[0].absolute.reason == "no_variance"


def test_fewer_units_than_slopes_is_refused():
    rows = np.random.default_rng(26).normal(size=(6, 4))
    refused = adjust(arms_of(COLUMNS, rows, np.repeat([0, 1], 3)), [Y])
    assert isinstance(refused, NotEstimable)
    assert refused.reason == "too_few_units"
