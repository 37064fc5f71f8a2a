"""Stand-ins and yearly value: do simulated truths come back, and is what is not known refused?"""

import numpy as np
import pytest
import statsmodels.api as sm

from analyses import (
    ContrastArm,
    ExperimentContrasts,
    KnownSlope,
    Measure,
    NotEstimable,
    YearlyValue,
    arm_means,
    contrasts_of,
    moments_of,
    proxies,
    surrogate_index,
    yearly_value,
)

COLUMNS = ("c", "kpi", "other")


def arms(rng, doses, *, n=4000, direct=0.0):
    """Rows of control and arms; both CPIs move the KPI."""
    rows = []
    for k, dose in enumerate([0.0, *doses]):
        c, other = dose + rng.normal(size=n), 0.5 * dose + rng.normal(size=n)
        rows.append(
            np.stack([c, 0.4 * c + 0.2 * other + direct * (k > 0) + rng.normal(size=n), other], axis=1)
        )
    return rows


def contrasts(rows):
    means = [arm_means(moments_of(COLUMNS, r), [Measure(name=c, value=c) for c in COLUMNS]) for r in rows]
    return contrasts_of(
        "one", means[0], [(ContrastArm(name=str(k), mechanism="m"), m) for k, m in enumerate(means[1:])]
    )


def index_of(rows, **options):
    control = moments_of(COLUMNS, rows[0])
    return surrogate_index([control], ("kpi", ["c", "other"]), contrasts(rows), **options)


def test_weights_are_the_regression_on_rows_and_the_effect_is_theirs():
    rows = arms(np.random.default_rng(1), [0.3])
    found = index_of(rows)
    theirs = sm.OLS(rows[0][:, 1], sm.add_constant(rows[0][:, [0, 2]])).fit()
    assert found.weights == pytest.approx(tuple(theirs.params[1:]), rel=1e-10)
    assert found.explained == pytest.approx(theirs.rsquared, rel=1e-10)
    index = rows[1][:, [0, 2]] @ theirs.params[1:], rows[0][:, [0, 2]] @ theirs.params[1:]
    (effect,) = found.effects
    assert effect.index.value == pytest.approx(index[0].mean() - index[1].mean(), rel=1e-9)
    moved = contrasts(rows).effects[0, [0, 2]]
    variance = sum(one.var(ddof=1) / len(one) for one in index) + moved @ theirs.cov_params()[1:, 1:] @ moved
    assert effect.index.std_error == pytest.approx(np.sqrt(variance), rel=1e-9)
    assert effect.variance_ratio > 2  # the index needs fewer units than the KPI


@pytest.mark.parametrize(("direct", "level"), [(0.0, (0.93, 1.0)), (0.2, (0.0, 0.2))])
def test_the_gap_is_covered_under_surrogacy_and_seen_without(direct, level):
    rng, rounds, inside = np.random.default_rng(2), 200, 0
    for _ in range(rounds):
        (effect,) = index_of(arms(rng, [0.3], n=1500, direct=direct)).effects
        inside += effect.gap.interval.lower <= 0 <= effect.gap.interval.upper
    assert level[0] - 0.03 <= inside / rounds <= level[1]


def test_an_index_without_variation_or_units_is_refused():
    rows = arms(np.random.default_rng(3), [0.3])
    flat = [np.column_stack([r[:, 0], r[:, 1], 2 * r[:, 0]]) for r in rows]
    assert index_of(flat).reason == "no_variation"
    tiny = surrogate_index([moments_of(COLUMNS, rows[0][:4])], ("kpi", ["c", "other"]), contrasts(rows))
    assert isinstance(tiny, NotEstimable)
    assert tiny.reason == "too_few_units"


LATENT = np.array([[0.01, 0.012, 0.002], [0.012, 0.04, 0.0], [0.002, 0.0, 0.04]])  # kpi, c, other


def programme(rng, count, latent=LATENT, noise=0.1, per=2) -> list[ExperimentContrasts]:
    """Experiments whose true effects come from one population; arms share the control's noise."""
    found = []
    for j in range(count):
        true = rng.multivariate_normal([0.05, 0.1, 0.0], latent, size=per)[:, [1, 0, 2]]
        draw = noise * rng.normal(size=(per + 1, 3))
        covariance = np.broadcast_to((noise**2 * np.eye(3))[None, :, None, :], (per, 3, per, 3)).copy()
        for k in range(per):
            covariance[k, :, k, :] += noise**2 * np.eye(3)
        names = tuple(ContrastArm(name=str(k), mechanism=None) for k in range(per))
        found.append(
            ExperimentContrasts(
                experiment=str(j),
                metrics=COLUMNS,
                arms=names,
                effects=true + draw[1:] - draw[0],
                covariance=covariance,
            )
        )
    return found


def test_qualities_are_those_of_the_population_and_noise_does_not_flatter_them():
    found = proxies(programme(np.random.default_rng(4), 1200), ["c", "other"])
    usual = 2 * 0.1**2
    truth = [LATENT[0, i] / np.sqrt((LATENT[i, i] + usual) * LATENT[0, 0]) for i in (1, 2)]
    assert [one.quality for one in found.cpis] == pytest.approx(truth, abs=0.06)
    assert found.kpi.quality == pytest.approx(np.sqrt(0.01 / (0.01 + usual)), abs=0.06)
    both = LATENT[1:, 1:] + usual * np.eye(2)
    best = np.linalg.solve(both, LATENT[1:, 0])
    assert found.weights == pytest.approx(tuple(best), abs=0.03)
    assert found.mix.quality == pytest.approx(np.sqrt(best @ LATENT[1:, 0] / LATENT[0, 0]), abs=0.06)
    assert all(0 < one.std_error < 0.1 for one in (*found.cpis, found.mix))
    assert "never as proof" in found.note


def test_effects_that_are_noise_alone_make_no_stand_in():
    rng, quality = np.random.default_rng(5), []
    for _ in range(20):
        found = proxies(programme(rng, 40, latent=np.zeros((3, 3))), ["c", "other"])
        quality.append(None if isinstance(found, NotEstimable) else found)
    assert quality.count(None) >= 5  # nothing is left once the noise is taken out, about half of the time
    few = proxies(programme(rng, 7), ["c", "other"])
    assert few.reason == "too_few_experiments"
    assert proxies(programme(rng, 9), ["c", "unheard of"]).reason == "too_few_experiments"


KNOWN = KnownSlope(estimate=0.5, lower=0.4, upper=0.7)


def value(slope=KNOWN, **changes) -> YearlyValue | NotEstimable:
    asked = {"increments": 1.0, "volume": 1000.0, "value_per_kpi_unit": 2.0, "tested_up_to": 1.5}
    return yearly_value(slope, **(asked | changes))


def test_value_is_the_slope_times_what_was_asked_and_a_cost_turns_its_ends():
    found = value(increments=1.5)
    assert (found.lower, found.estimate, found.upper) == pytest.approx((1200, 1500, 2100))
    cost = value(value_per_kpi_unit=-2.0)
    assert (cost.lower, cost.estimate, cost.upper) == pytest.approx((-1400, -1000, -800))
    units = value(value_per_kpi_unit=None)
    assert (units.lower, units.estimate, units.upper) == pytest.approx((400, 500, 700))


def test_an_end_that_is_not_known_stays_unknown():
    open_above = value(KnownSlope(estimate=None, lower=0.4, upper=None))
    assert (open_above.lower, open_above.estimate, open_above.upper) == (800.0, None, None)
    assert value(KnownSlope(estimate=None, lower=None, upper=None)).reason == "slope_unknown"


@pytest.mark.parametrize("tested", [0.0, -1.0, 0.99])
def test_beyond_the_doses_that_were_tested_nothing_is_said(tested):
    found = value(tested_up_to=tested)
    assert isinstance(found, NotEstimable)
    assert found.reason == "extrapolation"
    assert "nothing is known" in found.detail


@pytest.mark.parametrize("bad", [{"increments": 0.0}, {"increments": float("nan")}, {"volume": -1.0}])
def test_a_question_that_makes_no_sense_is_an_error(bad):
    with pytest.raises(ValueError, match="expected increments > 0"):
        value(**bad)
