"""Looking costs error rate: verdicts in turn, experiments that stopped early; and arms made for nothing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from analyses import (
    Early,
    ExperimentContrasts,
    Look,
    NotEstimable,
    Question,
    Rule,
    anytime_quantile,
    anytime_set,
    information,
    judge,
    look_alpha,
    next_look,
)
from analyses.relationship.early import anytime_limit, inflation, widened
from tests.analyses.relationship.draws import D, Design

PAIR = {"doses": (0, 0.2, 0, 0.2), "mechanisms": "AABB", "placebos": (True, False, True, False)}
QUESTION = Question(cpi_step=1.0, kpi_sign=1, smallest_slope=D, bound=None, alpha=0.05)


def drawn(seed=1, **design) -> ExperimentContrasts:
    [experiment] = Design(**design).draw(np.random.default_rng(seed))
    return experiment


def codes(verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_all_verdicts_of_a_hypothesis_share_its_error_rate():
    assert sum(look_alpha(0.05, k) for k in range(1, 10_000)) == pytest.approx(0.05, rel=1e-3)
    with pytest.raises(ValueError, match="counted from 1"):
        look_alpha(0.05, 0)


def test_a_verdict_is_due_when_the_information_has_doubled():
    first = next_look(0.05, None, 100.0)
    assert first == Look(number=1, alpha=0.025, information=100.0)
    assert next_look(0.05, first, 199.9) is None
    assert next_look(0.05, first, 199.9, again=True) == replace(first, information=199.9)
    second = next_look(0.05, first, 200.0)
    assert (second.number, second.alpha, second.next_at) == (2, pytest.approx(0.05 / 6), 400.0)


def test_information_is_the_inverse_variance_of_the_slope_whatever_the_step():
    experiment = drawn(doses=(0.2,), mechanisms="A", slope=0.1)
    a, cov = experiment.effects[0, 0], experiment.covariance[0, :, 0, :]
    slope = experiment.effects[0, 1] / a
    v = cov[1, 1] - 2 * slope * cov[0, 1] + slope**2 * cov[0, 0]
    for rule in (Rule(), Rule(increment=4.0, better=-1)):
        assert information(rule, [experiment]) == pytest.approx(a**2 / v, rel=1e-9)
    many = Design(doses=(0.2,) * 9, mechanisms="ABABABABA", experiments="abcdefghi").draw(
        np.random.default_rng(0)
    )
    assert information(Rule(), many) == pytest.approx(sum(information(Rule(), [e]) for e in many), rel=0.05)
    flat = replace(experiment, covariance=experiment.covariance * np.array([0, 1])[:, None, None])
    assert isinstance(information(Rule(), [flat]), NotEstimable)


def test_the_limit_of_one_contrast_is_that_of_an_effect_and_of_several_holds_at_every_look():
    assert anytime_limit(1, 300, 1000, 0.05) == pytest.approx(anytime_quantile(300, 1000) ** 2)
    assert anytime_limit(3, 300, 1000, 0.05) > chi2.isf(0.05, 3)
    rng, looks, paths = np.random.default_rng(5), 40, 2000
    walk = rng.standard_normal((paths, looks, 3)).cumsum(axis=1)
    n = np.arange(1, looks + 1)
    ar = (walk**2).sum(axis=2) / n
    limits = np.array([anytime_limit(3, int(k), looks, 0.05) for k in n])
    assert (ar > limits).any(axis=1).mean() <= 0.05
    overrun = np.array([anytime_limit(3, int(k), looks // 5, 0.05) for k in n])  # on to five times the plan
    assert (ar > overrun).any(axis=1).mean() <= 0.05
    assert (ar > chi2.isf(0.05, 3)).any(axis=1).mean() > 0.15  # what a fixed quantile would have cost
    with pytest.raises(ValueError, match="at least one unit"):
        anytime_limit(1, 0, 10, 0.05)


def test_an_early_experiment_counts_with_the_error_of_looking_and_says_so():
    whole = drawn(**PAIR, slope=0.2)
    early = replace(whole, early=Early(units=250_000, planned_units=500_000))
    assert widened(whole, 0.05) is whole
    factor = inflation(4, 250_000, 500_000, 0.05)
    assert factor > anytime_quantile(250_000, 500_000) ** 2 / chi2.isf(0.05, 1) - 1e-9
    assert widened(early, 0.05).covariance == pytest.approx(whole.covariance * factor)
    fixed, looked = (judge(Rule(smallest_slope=D), [e]) for e in (whole, early))
    (inner,), (outer,) = fixed.relationship.clr.pieces, looked.relationship.clr.pieces
    assert outer[0] < inner[0] < inner[1] < outer[1]
    assert codes(looked.verdict)[-1] == "stopped_early"
    assert looked.relationship.contrasts == fixed.relationship.contrasts
    assert information(Rule(), [early]) < information(Rule(), [whole])


def test_the_set_of_a_running_experiment_holds_the_fixed_one():
    whole = drawn(doses=(0.2, 0.4), mechanisms="AB", slope=0.2)
    (shown,) = anytime_set(QUESTION, replace(whole, early=Early(units=9, planned_units=10))).pieces
    (fixed,) = judge(Rule(smallest_slope=D), [whole]).relationship.anderson_rubin.pieces
    assert shown[0] < fixed[0] < fixed[1] < shown[1]
    with pytest.raises(ValueError, match="expected the units and the plan"):
        anytime_set(QUESTION, whole)


def price_test(seed: int) -> ExperimentContrasts:
    experiment = drawn(seed, doses=(0.0,), mechanisms=(None,), direct=0.05)
    return replace(experiment, experiment=f"price test {seed}")


def test_an_arm_that_nobody_made_for_the_hypothesis_and_that_left_the_cpi_alone_says_nothing():
    own = drawn(**PAIR, slope=0.2)
    assert judge(Rule(smallest_slope=D), [own]).verdict.state == "confirmed"
    judgement = judge(Rule(smallest_slope=D), [own, price_test(3)])
    assert (judgement.verdict.state, codes(judgement.verdict)) == ("confirmed", ["arms_left_out"])
    assert len(judgement.relationship.contrasts) == 5
    assert "price test 3" in judgement.verdict.sentence


def test_an_unnamed_arm_that_moved_the_cpi_speaks():
    own, other = drawn(**PAIR, slope=0.2), drawn(7, doses=(0.2,), mechanisms=(None,), slope=-0.1)
    rule = Rule(smallest_slope=D, direct_effect_bound=0.0)
    verdict = judge(rule, [own, replace(other, experiment="other")]).verdict
    assert (verdict.state, "contrasts_disagree" in codes(verdict)) == ("inconclusive", True)


def test_an_answer_that_arms_with_a_role_do_not_give_alone_is_none_where_others_were_left_out():
    weak = drawn(doses=(0.2,), mechanisms="A", slope=0.2)
    helpers = [
        replace(drawn(10 + k, doses=(0.0, 0.2), mechanisms=(None, None), slope=0.2), experiment=f"help {k}")
        for k in range(2)
    ]
    rule = Rule(smallest_slope=D)
    together = judge(rule, [weak, *helpers]).verdict
    assert together.state == "inconclusive"
    assert "arms_left_out" in codes(together)


def test_without_any_role_every_arm_speaks():
    arms = drawn(doses=(0.0, 0.2), mechanisms=(None, None), slope=0.2)
    assert codes(judge(Rule(smallest_slope=D), [arms]).verdict) == ["one_mechanism"]
