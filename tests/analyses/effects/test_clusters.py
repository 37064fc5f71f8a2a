"""Is the effect of clustered arms the one that unit rows with clustered errors give?"""

import numpy as np
import pytest

from analyses import (
    CLUSTER_SIZE,
    Circumstances,
    Measure,
    Wanted,
    arm_means,
    difference,
    moments_of,
    of_clusters,
    phase_means,
    read_effects,
)

Y = Measure(name="y", value="y")


@pytest.fixture(scope="module")
def study():
    """Eighty clusters of unequal size, alike inside; larger ones have more."""
    draw = np.random.default_rng(8)
    sizes = draw.integers(5, 60, size=80)
    arm = np.repeat([0, 1], 40)
    cluster = np.repeat(np.arange(80), sizes)
    treated = arm[cluster]
    x = draw.normal(size=80)[cluster] + draw.normal(size=len(cluster))
    noise = draw.normal(size=80)[cluster] + draw.normal(size=len(cluster))
    y = 3 + 0.4 * treated + 0.02 * sizes[cluster] + x + noise
    return np.column_stack([y, x, 1 + draw.poisson(2, size=len(cluster))]), cluster, treated


def totals(study) -> dict[str, np.ndarray]:
    rows, cluster, treated = study
    sums = np.array([np.append(rows[cluster == g].sum(axis=0), (cluster == g).sum()) for g in range(80)])
    of = np.array([treated[cluster == g][0] for g in range(80)])
    return {str(k): moments_of(["y", "x", "visits", CLUSTER_SIZE], sums[of == k]) for k in (0, 1)}


def test_the_effect_is_that_of_rows_with_clustered_errors_of_statsmodels(study):
    """Theirs without its small-sample factor; ours carries G / (G - 1) of each arm, 40 clusters here."""
    import statsmodels.api as sm

    rows, cluster, treated = study
    theirs = sm.OLS(rows[:, 0], sm.add_constant(treated)).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    arms = {k: arm_means(one, [of_clusters(Y)]) for k, one in totals(study).items()}
    ours = difference(arms["0"], arms["1"])[0].absolute
    assert ours.value == pytest.approx(theirs.params[1], abs=1e-8)
    assert ours.std_error == pytest.approx(theirs.bse[1] * np.sqrt(40 / 39), rel=1e-8)
    naive = sm.OLS(rows[:, 0], sm.add_constant(treated)).fit()
    assert ours.std_error > 2 * naive.bse[1]


def test_a_ratio_metric_of_clusters_is_the_ratio_of_totals(study):
    rows, _, treated = study
    measure = of_clusters(Measure(name="per visit", value="y", per="visits"))
    assert measure.per == "visits"
    found = arm_means(totals(study)["1"], [measure])
    assert found.mean[0] == pytest.approx(rows[treated == 1, 0].sum() / rows[treated == 1, 2].sum())


def test_clusters_of_one_unit_are_units():
    draw = np.random.default_rng(2)
    rows = draw.normal(5, 1, size=(300, 1))
    units = arm_means(moments_of(["y"], rows), [Y])
    single = moments_of(["y", CLUSTER_SIZE], np.column_stack([rows, np.ones(300)]))
    clusters = arm_means(single, [of_clusters(Y)])
    assert clusters.mean[0] == pytest.approx(units.mean[0], rel=1e-12)
    assert clusters.covariance[0, 0] == pytest.approx(units.covariance[0, 0], rel=1e-12)


def test_adjusting_with_cluster_totals_sharpens_and_covers():
    draw = np.random.default_rng(21)
    measure = of_clusters(Measure(name="y", value="y", covariates=("x",)))
    columns = ["y", "x", CLUSTER_SIZE]
    covered = narrower = 0
    repeats = 600
    for _ in range(repeats):
        sizes = draw.integers(10, 40, size=120)
        level = draw.normal(size=120)
        arm = np.repeat([0, 1], 60)
        x = sizes * level + draw.normal(size=120) * np.sqrt(sizes)
        y = sizes * (2 + 0.3 * arm + level) + draw.normal(size=120) * np.sqrt(sizes)
        rows = np.column_stack([y, x, sizes])
        cells = {1: {str(k): moments_of(columns, rows[arm == k]) for k in (0, 1)}}
        found = read_effects(cells, "0", ["1"], [Wanted(measure=measure)], Circumstances(units=120))[0]
        interval = found.adjusted.absolute.interval
        covered += interval.lower <= 0.3 <= interval.upper
        narrower += found.adjusted.absolute.std_error < 0.6 * found.raw.absolute.std_error
    assert 0.92 < covered / repeats < 0.975, covered / repeats
    assert narrower > 0.95 * repeats


def test_blocks_are_strata_with_one_weight_for_all_arms():
    """Randomised 1:4 in one block and 4:1 in the other: pooled means differ, the blocked effect does not."""
    draw = np.random.default_rng(3)

    def cell(level: float, n: int):
        return moments_of(["y"], draw.normal(level, 1, size=(n, 1)))

    blocks = {1: {"0": cell(0, 400), "1": cell(0, 1600)}, 2: {"0": cell(6, 1600), "1": cell(6, 400)}}
    means = phase_means(blocks, ["0", "1"], [Y], adjusted=False)
    found = difference(means["0"], means["1"])[0].absolute
    assert abs(found.value) < 4 * found.std_error < 0.2
    cells = [blocks[b][k] for b in (1, 2) for k in "01"]
    by_hand = sum(0.25 * cell.covariance[0, 0] / cell.n for cell in cells)
    assert found.std_error == pytest.approx(np.sqrt(by_hand), rel=1e-12)
