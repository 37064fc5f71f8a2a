"""Do scores, rules and what follows from them say what slower ways of reckoning say?"""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from analyses import Covariate, NotEstimable
from analyses.heterogeneity.calibration import Calibration, calibration
from analyses.heterogeneity.design import Design, design
from analyses.heterogeneity.policy import policy_value
from analyses.heterogeneity.rules import LEAST_SHARE, Relation, propose
from analyses.heterogeneity.scores import mean_of, scores
from analyses.heterogeneity.segments import Half, Target, put_to_test, suggestions
from analyses.results import Estimate
from tests.analyses.heterogeneity.planted import QUESTION, SEGMENT, World


def drawn(trial) -> Design:
    found = design(trial)
    assert isinstance(found, Design)
    return found


def test_scores_are_those_of_a_plain_doubly_robust_estimator():
    trial = World(n=600, phases=(0.5, 0.3)).draw(1)
    matrix = drawn(trial).matrix
    found = scores(trial, matrix)
    around = np.column_stack([matrix, trial.strata == 2])
    share = {one: trial.treated[trial.strata == one].mean() for one in (1, 2)}
    models = {}
    for fold in (0, 1):
        for arm in (True, False):
            learn = (np.arange(600) % 2 == fold) & (trial.treated == arm)
            models[1 - fold, arm] = LinearRegression().fit(around[learn], trial.kpi[learn])
    for place in range(0, 600, 37):
        one, zero = (float(models[place % 2, arm].predict(around[[place]])[0]) for arm in (True, False))
        chance = share[int(trial.strata[place])]
        left = trial.kpi[place] - (one if trial.treated[place] else zero)
        weighted = left / chance if trial.treated[place] else -left / (1 - chance)
        assert found.kpi[place] == pytest.approx(one - zero + weighted, rel=1e-9)


def test_a_mean_of_scores_covers_the_effect_within_any_group():
    world, hits = World(n=2_000, shift=0.4, more=1.0, phases=(0.5, 0.2)), 0
    for seed in range(300):
        trial = world.draw(seed)
        found = scores(trial, drawn(trial).matrix)
        inside = (trial.covariates[0].values == 1) & (trial.covariates[1].values < 1)
        effect = mean_of(found.cpi[inside], alpha=0.05)
        assert isinstance(effect, Estimate)
        hits += effect.interval.lower <= 1.4 <= effect.interval.upper
    assert 0.92 <= hits / 300 <= 0.98


def brute(covariates, values):
    """The largest |z| of any one or two conditions, one after the other."""
    conditions = []
    for covariate in covariates:
        if covariate.levels is not None:
            for code, _ in enumerate(covariate.levels):
                conditions += [
                    (covariate.name, covariate.values == code),
                    (covariate.name, covariate.values != code),
                ]
            continue
        for cut in {
            float(f"{one:.3g}") for one in np.quantile(covariate.values, np.arange(1, 8) / 8, method="higher")
        }:
            conditions += [
                (covariate.name, covariate.values < cut),
                (covariate.name, covariate.values >= cut),
            ]
    groups = [one for _, one in conditions]
    groups += [one & other for (a, one), (b, other) in combinations(conditions, 2) if a != b]
    best = 0.0
    for inside in groups:
        if min(inside.mean(), 1 - inside.mean()) < LEAST_SHARE:
            continue
        here, there = values[inside], values[~inside]
        z = (here.mean() - there.mean()) / np.sqrt(here.var() / len(here) + there.var() / len(there))
        best = max(best, abs(float(z)))
    return best


@pytest.mark.parametrize("seed", range(3))
def test_the_search_finds_what_trying_every_rule_finds(seed):
    rng = np.random.default_rng(seed)
    n = 800
    covariates = (
        Covariate(name="a", values=rng.integers(0, 4, n).astype(float), levels=tuple("wxyz")),
        Covariate(name="b", values=rng.normal(size=n)),
        Covariate(name="c", values=rng.poisson(1.0, n).astype(float)),
    )
    values = rng.normal(size=n) + 1.5 * ((covariates[0].values == 2) & (covariates[1].values < 0))
    (rule, z), *_ = propose(covariates, values)
    assert abs(z) == pytest.approx(brute(covariates, values), rel=1e-9)
    assert {one.covariate for one in rule.conditions} == {"a", "b"}
    inside = rule.holds({one.name: one for one in covariates})
    assert LEAST_SHARE <= inside.mean() <= 1 - LEAST_SHARE


def test_what_is_unknown_is_a_condition_of_its_own_and_below_nothing():
    rng = np.random.default_rng(5)
    age = rng.normal(40, 10, 1_000)
    age[rng.random(1_000) < 0.3] = np.nan
    covariate = Covariate(name="age", values=age)
    (rule, _), *_ = propose((covariate,), rng.normal(size=1_000) + 2.0 * np.isnan(age))
    assert {one.relation for one in rule.conditions} <= {Relation.KNOWN, Relation.UNKNOWN}
    assert rule.words in ("age is known", "age is unknown")


def halves_of(trial):
    matrix = drawn(trial).matrix
    found = {}
    for which in (True, False):
        rows = trial.discovery == which
        half = trial.at(rows)
        found[which] = ({one.name: one for one in half.covariates}, scores(half, matrix[rows]))
    return found


def test_a_planted_segment_is_proposed_in_words_and_holds_up_with_its_effect():
    trial = World(n=40_000, shift=0.4, more=0.6).draw(3)
    halves = halves_of(trial)
    covariates, ours = halves[True]
    found = put_to_test(suggestions(tuple(covariates.values()), ours), halves, QUESTION)
    (first, *rest) = found
    assert (first.words, first.differs_in, first.held_up) == (SEGMENT, Target.CPI, True)
    assert isinstance(first.confirmation, Half)
    apart = first.confirmation.cpi
    assert apart.difference.interval.lower < 0.6 < apart.difference.interval.upper
    assert apart.inside.interval.lower < 1.0 < apart.inside.interval.upper
    (inside, outside) = first.confirmation.slopes.slopes
    for slope in (inside, outside):
        assert slope.set.lower < 0.5 < slope.set.upper
    assert len(found) <= 5
    assert not any(
        one.held_up for one in rest if {c.covariate for c in one.conditions} <= {"other 0", "other 1"}
    )


def test_a_planted_difference_in_slopes_is_found_as_one():
    trial = World(n=60_000, shift=1.0, worth=0.3).draw(4)
    halves = halves_of(trial)
    covariates, ours = halves[True]
    found = put_to_test(suggestions(tuple(covariates.values()), ours), halves, QUESTION)
    held = [one for one in found if one.held_up]
    assert held
    assert all("age" in one.words for one in held)
    assert any(one.differs_in is Target.SLOPE for one in found)


def test_a_segment_that_nobody_of_the_other_half_is_in_has_a_reason():
    trial = World(n=20_000, more=1.0).draw(6)
    halves = halves_of(trial)
    covariates, ours = halves[True]
    rules = suggestions(tuple(covariates.values()), ours)
    empty = {name: replace(one, values=np.zeros_like(one.values)) for name, one in halves[False][0].items()}
    found = put_to_test(rules, {True: halves[True], False: (empty, halves[False][1])}, QUESTION)
    gone = [one for one in found if isinstance(one.confirmation, NotEstimable)]
    assert gone
    assert {one.confirmation.reason for one in gone} == {"empty_segment"}
    assert not any(one.held_up or one.adjusted_p_value is not None for one in gone)


def test_calibration_is_least_squares_and_means_of_fifths():
    rng = np.random.default_rng(8)
    predicted = rng.normal(size=5_000)
    values = 0.3 + 0.8 * predicted + rng.normal(size=5_000) * (1 + np.abs(predicted))
    found = calibration(predicted, values, alpha=0.05)
    assert isinstance(found, Calibration)
    import statsmodels.api as sm

    oracle = sm.OLS(values, sm.add_constant(predicted - predicted.mean())).fit(cov_type="HC1")
    assert found.best_line.slope.value == pytest.approx(oracle.params[1], rel=1e-9)
    assert found.best_line.slope.std_error == pytest.approx(oracle.bse[1], rel=1e-3)
    assert found.best_line.mean.value == pytest.approx(values.mean())
    order = np.argsort(predicted)
    for place, group in enumerate(found.groups):
        assert group.units == 1_000
        assert group.effect.value == pytest.approx(values[order][place * 1_000 : (place + 1) * 1_000].mean())
    assert found.top_less_bottom.interval.lower > 1.0
    flat = calibration(np.full(100, 2.0), rng.normal(size=100), alpha=0.05)
    assert isinstance(flat, NotEstimable)
    assert flat.reason == "no_spread"


def test_a_policy_is_worth_the_effects_of_those_it_chooses():
    rng = np.random.default_rng(9)
    chosen = rng.random(50_000) < 0.3
    values = np.where(chosen, 1.0, -0.5) + rng.normal(size=50_000)
    found = policy_value("some", chosen, values, alpha=0.05)
    assert found.treated == pytest.approx(0.3, abs=0.01)
    assert found.over_none.interval.lower < 0.3 < found.over_none.interval.upper
    assert found.over_all.interval.lower < 0.35 < found.over_all.interval.upper
    assert found.over_none.value - found.over_all.value == pytest.approx(values.mean())
    nobody = policy_value("none", np.zeros(10, dtype=bool), np.ones(10), alpha=0.05)
    assert isinstance(nobody.over_none, NotEstimable)


def test_columns_that_say_nothing_new_are_left_out_by_name():
    rng = np.random.default_rng(10)
    trial = World(n=2_000).draw(10)
    age = trial.covariates[2]
    more = (
        *trial.covariates,
        Covariate(name="age in days", values=age.values * 365.0 + 3.0),
        Covariate(name="country", values=np.zeros(2_000), levels=("DE",)),
        Covariate(name="nothing", values=np.full(2_000, 7.0)),
        Covariate(name="sum", values=age.values + trial.covariates[1].values),
        Covariate(name="fresh", values=rng.normal(size=2_000)),
    )
    found = drawn(replace(trial, covariates=more))
    assert {(one.words, one.reason.reason) for one in found.left_out} == {
        ("age in days", "collinear"),
        ("country", "constant"),
        ("nothing", "constant"),
        ("sum", "collinear"),
    }
    assert found.terms[-1].words == "fresh"
    assert np.linalg.matrix_rank(found.matrix) == len(found.terms)
