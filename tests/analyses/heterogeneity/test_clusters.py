"""Where whole clusters were drawn: are errors those of clusters, and is what cannot be told a reason?"""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from analyses import Explored, NotEstimable, explore
from analyses.heterogeneity import learners
from analyses.heterogeneity.calibration import calibration
from analyses.heterogeneity.learners import clustered_line
from analyses.heterogeneity.scores import difference_of, error_of, mean_of, scores
from tests.analyses.heterogeneity.planted import QUESTION, SEGMENT, World
from tests.analyses.heterogeneity.test_scores import drawn

STORES = World(n=6_000, clusters=200, others=1)


def by_clusters(values, columns, clusters):
    """Statsmodels' own: coefficients and errors robust to clusters."""
    return sm.OLS(values, columns).fit(cov_type="cluster", cov_kwds={"groups": clusters})


def test_means_differences_and_lines_have_the_errors_of_least_squares_with_clusters():
    trial = STORES.draw(1)
    matrix = drawn(trial).matrix
    values, clusters = scores(trial, matrix).kpi, trial.clusters
    n, ones = trial.n, np.ones(trial.n)
    mean = mean_of(values, alpha=0.05, clusters=clusters)
    oracle = by_clusters(values, ones, clusters)
    assert mean.value == pytest.approx(oracle.params[0])
    assert mean.std_error == pytest.approx(oracle.bse[0], rel=1e-9)
    assert mean.std_error > 2 * mean_of(values, alpha=0.05).std_error

    inside = trial.covariates[0].values == 1
    apart = difference_of(values, inside, ~inside, alpha=0.05, clusters=clusters)
    oracle = by_clusters(values, np.column_stack([ones, inside]), clusters)
    assert apart.value == pytest.approx(oracle.params[1])
    assert apart.std_error == pytest.approx(oracle.bse[1] * np.sqrt((n - 2) / (n - 1)), rel=1e-9)

    line = clustered_line(values, clusters, matrix, alpha=0.05)
    oracle = by_clusters(values, sm.add_constant(matrix), clusters)
    for estimate, value, error in zip([line.centre, *line.terms], oracle.params, oracle.bse, strict=True):
        assert estimate.value == pytest.approx(value)
        assert estimate.std_error == pytest.approx(error, rel=1e-9)

    predicted = matrix @ np.arange(1.0, matrix.shape[1] + 1)
    told = calibration(predicted, values, alpha=0.05, clusters=clusters).best_line.slope
    oracle = by_clusters(values, sm.add_constant(predicted - predicted.mean()), clusters)
    assert (told.value, told.std_error) == pytest.approx((oracle.params[1], oracle.bse[1]), rel=1e-9)


def test_clusters_of_one_unit_are_units():
    values = np.random.default_rng(2).normal(size=500)
    centred = values - values.mean()
    assert error_of(centred, np.arange(500)) == pytest.approx(error_of(centred, None))


def test_no_cluster_is_in_two_folds_and_each_fold_has_both_arms():
    """An outcome model that had seen a unit's neighbours would know what they share."""
    trial = STORES.draw(3)
    whole = scores(trial, drawn(trial).matrix)
    one = int(trial.clusters[0])
    nudged = np.where(trial.clusters == one, trial.kpi + 5.0, trial.kpi)
    moved = scores(replace(trial, kpi=nudged), drawn(trial).matrix).kpi - whole.kpi
    chance = trial.propensity[0]
    own = moved[trial.clusters == one]
    np.testing.assert_allclose(own, 5.0 / (chance if trial.treated[0] else chance - 1.0))


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(learners, "FOREST", learners.FOREST | {"n_estimators": 8})


@pytest.mark.usefixtures("quick")
def test_an_experiment_on_clusters_is_explored_by_clusters():
    trial = replace(STORES, n=12_000, more=1.5).draw(4)
    found = explore(trial, QUESTION)
    assert isinstance(found, Explored)
    assert found.segments[0].words == SEGMENT
    assert found.segments[0].held_up
    assert found.clusters == len(np.unique(trial.clusters)) == 200
    assert isinstance(found.segments[0].confirmation.slopes, NotEstimable)
    assert found.segments[0].confirmation.slopes.reason == "clusters_cut"
    assert isinstance(found.slope_line, NotEstimable)
    assert found.slope_line.reason == "clusters_randomised"
    assert [one.method for one in found.models] == [
        "least squares of doubly robust scores",
        "CausalForestDML",
    ]
    assert found.kpi_line.method == found.models[0].method
    assert [(one.name, one.passed) for one in found.checks[:3]] == [
        ("phases", True),
        ("clusters", True),
        ("overlap", True),
    ]


@pytest.mark.usefixtures("quick")
def test_units_of_no_cluster_and_of_one_in_two_arms_are_left_out_and_counted():
    trial = STORES.draw(5)
    clusters, treated = trial.clusters.copy(), trial.treated.copy()
    ours = np.flatnonzero(clusters == clusters[0])
    treated[ours[0]] = not treated[ours[0]]
    unknown = np.flatnonzero(clusters != clusters[0])[:40]
    clusters[unknown] = -1
    found = explore(replace(trial, clusters=clusters, treated=treated), QUESTION)
    assert isinstance(found, Explored)
    (told,) = [one for one in found.checks if one.name == "clusters"]
    assert told.passed is False
    assert told.detail.startswith(f"{len(ours) + 40} units are left out")
    assert found.units == trial.n - len(ours) - 40
    with pytest.raises(ValueError, match="each cluster in one half"):
        replace(trial, discovery=np.arange(trial.n) % 2 == 0)


@pytest.mark.usefixtures("quick")
def test_too_few_clusters_are_a_reason():
    few = explore(replace(STORES, clusters=60).draw(6), QUESTION)
    assert isinstance(few, NotEstimable)
    assert few.reason == "too_few_clusters"
    wide = explore(replace(STORES, n=10_000, clusters=120, others=12).draw(6), QUESTION)
    assert isinstance(wide, Explored)
    assert isinstance(wide.kpi_line, NotEstimable)
    assert wide.kpi_line.reason == "too_few_clusters"
    assert [one.method for one in wide.models] == ["CausalForestDML"]
    (overlap,) = [one for one in wide.checks if one.name == "overlap"]
    assert overlap.passed is None
