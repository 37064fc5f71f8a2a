"""Is drift of whole clusters what a regression with clustered errors says, and seldom seen where none is?"""

from datetime import date

import numpy as np
import pytest

from analyses import (
    OVER_DAYS,
    OverDays,
    moments_of,
    novelty,
    trend_of_clusters,
    weekday_drift,
    weekdays_of_clusters,
)

FEWEST = 5


def units(clusters=40, n_days=28, effect=lambda day: 0.0 * day, *, seed, ratio=False):
    """(cluster, day, weight, value): a cluster's units are alike, and each cluster has a trend of its own."""
    draw = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), draw.integers(15, 45, clusters))
    day = draw.integers(0, n_days, len(cluster)).astype(float)
    own, slope = draw.normal(0, 1, clusters), draw.normal(0, 0.05, clusters)
    value = 5 + own[cluster] + slope[cluster] * (day - n_days / 2) + draw.normal(0, 1, len(cluster))
    value += 0.3 * (day % 7 >= 5) + effect(day)
    weight = draw.poisson(3, len(cluster)) + 1.0 if ratio else np.ones(len(cluster))
    return cluster, day, weight, value * weight


def totals(cluster, day, weight, value):
    rows = np.zeros((int(cluster.max()) + 1, len(OVER_DAYS)))
    weekday = day.astype(int) % 7
    np.add.at(rows, (cluster, weekday), weight)
    np.add.at(rows, (cluster, 7 + weekday), weight * day)
    np.add.at(rows, (cluster, 14 + weekday), value)
    np.add.at(rows, (cluster, 21), weight * day**2)
    np.add.at(rows, (cluster, 22), value * day)
    return moments_of(OVER_DAYS, rows)


def phase(control, arm):
    return OverDays(control=totals(*control), arm=totals(*arm), days=28, span=(0.0, 27.0))


def regression(control, arm, columns):
    """statsmodels, arm by arm: coefficients and clustered covariances with G / (G - 1) alone."""
    from statsmodels.regression.linear_model import WLS

    found = []
    for cluster, day, weight, value in (control, arm):
        fitted = WLS(value / weight, columns(day), weights=weight).fit(
            cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
        )
        g = cluster.max() + 1
        found.append((fitted.params, fitted.cov_params() * g / (g - 1)))
    (b0, v0), (b1, v1) = found
    return b1 - b0, v0 + v1


@pytest.mark.parametrize("ratio", [False, True])
def test_trend_and_weekdays_are_those_of_statsmodels_with_clustered_errors(ratio):
    control, arm = units(seed=1, ratio=ratio), units(seed=2, ratio=ratio, effect=lambda day: 0.02 * day)
    difference, covariance = regression(control, arm, lambda day: np.column_stack([np.ones_like(day), day]))
    t = difference[1] / covariance[1, 1] ** 0.5
    found = trend_of_clusters([phase(control, arm)], fewest_days=FEWEST)
    assert float(found.text.split("= ")[1].split(",")[0]) == pytest.approx(t, rel=1e-3)
    assert found.p_value == pytest.approx(_student(t, covariance, control, arm), rel=1e-8)

    def weekdays(day):
        return np.column_stack([np.eye(7)[day.astype(int) % 7], day])

    difference, covariance = regression(control, arm, weekdays)
    between = np.hstack([-np.ones((6, 1)), np.eye(6), np.zeros((6, 1))])
    apart = between @ difference
    wald = apart @ np.linalg.solve(between @ covariance @ between.T, apart)
    tested = weekdays_of_clusters([phase(control, arm)], fewest_days=FEWEST)
    assert tested.p_value == pytest.approx(_hotelling(wald, 40 + 40 - 2), rel=1e-8)


def _student(t, covariance, control, arm):
    from scipy.stats import t as student

    parts = [
        regression(one, one, lambda d: np.column_stack([np.ones_like(d), d]))[1][1, 1] / 2
        for one in (control, arm)
    ]
    assert sum(parts) == pytest.approx(covariance[1, 1], rel=1e-9)
    dof = sum(parts) ** 2 / sum(part**2 / 39 for part in parts)
    return 2 * student.sf(abs(t), dof)


def _hotelling(wald, dof):
    from scipy.stats import f

    return f.sf(wald * (dof - 5) / (dof * 6), 6, dof - 5)


def test_an_effect_that_wears_off_or_comes_at_weekends_is_told_with_its_size():
    control = units(seed=3)
    worn = phase(control, units(seed=4, effect=lambda day: 2.0 - day / 14))
    found = novelty({"sales in new": [worn]})
    assert found.passed is False
    assert "first half of the days" in found.detail
    weekend = phase(control, units(seed=5, effect=lambda day: 1.0 * (day % 7 == 2)))
    told = weekday_drift({"sales in new": [weekend, weekend]})
    assert told.passed is False
    assert "Saturdays" in told.detail
    few = [OverDays(control=worn.control, arm=worn.arm, days=4, span=(0.0, 3.0))]
    assert novelty({"sales in new": few}).passed is None
    assert weekday_drift({"sales in new": few}).passed is None


@pytest.mark.parametrize("test", [trend_of_clusters, weekdays_of_clusters])
def test_false_alarms_keep_to_their_level_though_each_cluster_trends_by_itself(test):
    """600 experiments of two times 20 clusters without drift, at .05: a tenth or more by days as if alone."""
    rings = [
        test([phase(units(20, seed=2 * k), units(20, seed=2 * k + 1))], fewest_days=FEWEST).p_value < 0.05
        for k in range(600)
    ]
    assert 0.02 < np.mean(rings) < 0.08


def test_where_clusters_or_days_say_nothing_there_is_no_test():
    control, arm = units(3, seed=6), units(3, seed=7)
    assert weekdays_of_clusters([phase(control, arm)], fewest_days=FEWEST) is None
    same_day = [units(seed=seed, n_days=1) for seed in (8, 9)]
    assert trend_of_clusters([phase(*same_day)], fewest_days=FEWEST) is None
    assert date(1970, 1, 1).strftime("%A") == "Thursday"
