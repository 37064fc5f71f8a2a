"""Do the lines say what closed forms say, is nothing printed, and is what cannot be answered a reason?"""

import json
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from linearmodels.iv import IV2SLS

from analyses import Covariate, Explored, NotEstimable, as_json, explore
from analyses.heterogeneity import learners
from analyses.heterogeneity.learners import effect_line, slope_line, slope_method
from tests.analyses.heterogeneity.planted import QUESTION, SEGMENT, World
from tests.analyses.heterogeneity.test_scores import drawn


@pytest.mark.parametrize("phases", [(), (0.5, 0.3)])
def test_the_line_of_effects_is_weighted_least_squares_with_interactions(phases):
    trial = World(n=20_000, worth=0.2, phases=phases).draw(1)
    matrix = drawn(trial).matrix
    found = effect_line(trial, trial.kpi, matrix, seed=0, alpha=0.05)
    around = [matrix] if not phases else [matrix, (trial.strata == 2)[:, None].astype(float)]
    treated = trial.treated.astype(float)[:, None]
    full = np.column_stack([np.ones(trial.n), *around, treated, treated * matrix])
    chance = trial.propensity
    weights = 1.0 / np.where(trial.treated, chance, 1.0 - chance)
    oracle = sm.WLS(trial.kpi, full, weights=weights).fit(cov_type="HC1")
    own = oracle.params[-matrix.shape[1] - 1 :], oracle.bse[-matrix.shape[1] - 1 :]
    ours = [found.centre, *found.terms]
    for estimate, value, error in zip(ours, *own, strict=True):
        assert estimate.value == pytest.approx(value, abs=0.25 * error)
        assert estimate.std_error == pytest.approx(error, rel=0.1)
    np.testing.assert_allclose(
        found.predicts(matrix[:3]), found.centre.value + matrix[:3] @ [one.value for one in found.terms]
    )


def test_the_line_of_slopes_is_two_stage_least_squares_where_all_is_linear():
    trial = World(n=40_000, shift=1.0, worth=0.2).draw(2)
    matrix = drawn(trial).matrix
    found = slope_line(trial, matrix, step=2.0, seed=0, alpha=0.05)
    assert slope_method(trial) == "LinearDRIV"
    arm = trial.treated.astype(float)[:, None]
    oracle = IV2SLS(
        trial.kpi,
        np.column_stack([np.ones(trial.n), matrix]),
        np.column_stack([trial.cpi, trial.cpi[:, None] * matrix]),
        np.column_stack([arm, arm * matrix]),
    ).fit(cov_type="robust")
    p = matrix.shape[1] + 1
    age = 4  # two levels of the device, policies, then age
    ours, error = [found.centre, *found.terms], np.asarray(oracle.std_errors)[-p:]
    for estimate, value, std_error in zip(ours, np.asarray(oracle.params)[-p:], error, strict=True):
        assert estimate.value == pytest.approx(2.0 * value, abs=3.0 * std_error)
    assert ours[age].interval.lower < 2.0 * 0.2 < ours[age].interval.upper


def test_a_cpi_of_zero_and_one_goes_to_the_intent_to_treat_learner():
    trial = World(n=20_000).draw(3)
    rng = np.random.default_rng(3)
    called = (rng.random(trial.n) < 0.3 + 0.3 * trial.treated).astype(float)
    trial = replace(trial, cpi=called, kpi=2.0 * called + rng.normal(size=trial.n))
    assert slope_method(trial) == "LinearIntentToTreatDRIV"
    found = slope_line(trial, drawn(trial).matrix, step=1.0, seed=0, alpha=0.01)
    assert found.centre.interval.lower < 2.0 < found.centre.interval.upper


@pytest.fixture
def quick(monkeypatch):
    """A smaller forest: what it costs is its trees."""
    monkeypatch.setattr(learners, "FOREST", learners.FOREST | {"n_estimators": 8})
    monkeypatch.setattr(learners, "FOREST_UNITS", 2_000)


@pytest.mark.usefixtures("quick")
def test_an_experiment_is_explored_from_end_to_end_and_nothing_is_printed(capfd):
    trial = World(n=30_000, more=1.0, phases=(0.5, 0.4)).draw(5)
    stages = []
    found = explore(trial, QUESTION, seed=7, report=lambda name, share: stages.append((name, share)))
    assert capfd.readouterr() == ("", "")
    assert isinstance(found, Explored)
    assert found.segments[0].words == SEGMENT
    assert found.segments[0].held_up
    assert [share for _, share in stages] == sorted(share for _, share in stages)
    assert (found.units, found.share, found.seed) == (30_000, 1.0, 7)
    assert found.discovery + found.confirmation == 30_000
    assert found.effect_cpi.interval.lower < 0.4 + 1.0 * np.exp(-1) / 3 < found.effect_cpi.interval.upper
    linear, forest = found.models
    assert (linear.method, forest.method) == ("LinearDRLearner", "CausalForestDML")
    assert forest.units == 2_000
    assert linear.calibration.best_line.slope.interval.upper > 0.5
    words = [one.words for one in found.cpi_line.terms]
    assert words[0].startswith("device is")
    told = found.policies[0]
    assert told.words == f"only where {SEGMENT}"
    assert told.over_none.interval.lower > 0 > told.over_all.interval.upper
    again = explore(trial, QUESTION, seed=7)
    assert json.dumps(as_json(again)) == json.dumps(as_json(found))


def refused(trial) -> str:
    found = explore(trial, QUESTION)
    assert isinstance(found, NotEstimable)
    assert found.detail
    return found.reason


def test_what_cannot_be_explored_has_a_reason():
    trial = World(n=4_000).draw(6)
    n = trial.n
    assert refused(replace(trial, covariates=())) == "no_covariates"
    constant = Covariate(name="country", values=np.zeros(n), levels=("DE",))
    assert refused(replace(trial, covariates=(constant,))) == "constant"
    assert refused(replace(trial, kpi=np.ones(n))) == "constant"
    assert refused(trial.at(slice(0, 2))) == "too_few_units"
    assert refused(replace(trial, treated=np.zeros(n, dtype=bool))) == "too_few_units"
    tells = Covariate(name="arm", values=trial.treated + 0.01 * np.random.default_rng(0).normal(size=n))
    assert refused(replace(trial, covariates=(tells,))) == "no_overlap"
    rng = np.random.default_rng(1)
    many = tuple(Covariate(name=f"x{place}", values=rng.normal(size=n)) for place in range(200))
    assert refused(replace(trial, covariates=many)) == "too_few_units"
    again = (replace(one, name=f"y{one.name}", values=rng.normal(size=n)) for one in many)
    more = (*many, *again, replace(many[0], name="z", values=rng.normal(size=n)))
    assert refused(replace(trial, covariates=more)) == "too_many_covariates"
    with pytest.raises(ValueError, match="expected finite values"):
        replace(trial, kpi=np.full(n, np.nan))


@pytest.mark.usefixtures("quick")
def test_where_the_arm_moves_no_cpi_there_are_no_slopes_and_a_reason():
    found = explore(World(n=6_000, shift=0.0).draw(8), QUESTION)
    assert isinstance(found, Explored)
    assert isinstance(found.slope_line, NotEstimable)
    assert found.slope_line.reason == "weak_first_stage"
    assert not any(one.held_up for one in found.segments)
