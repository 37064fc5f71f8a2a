"""Do slopes by segment tell segments apart when they differ, and rarely when they do not?"""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from analyses import Question, Rule, judge
from analyses.relationship.anderson_rubin import minima, statistic
from analyses.relationship.segments import by_segment
from analyses.relationship.system import direction, stack
from tests.analyses.relationship.draws import D, Design

PAIR = {"doses": (0, 0.2, 0, 0.2), "mechanisms": "AABB", "placebos": (True, False, True, False)}
QUESTION = Question(cpi_step=1.0, kpi_sign=1, smallest_slope=D, bound=None, alpha=0.05)


def told_apart(rng, slopes, n=100_000):
    """One experiment, and the same arms within each of two halves of its units."""
    halves = {}
    for value, slope in zip("ab", slopes, strict=True):
        [halves[value]] = Design(**PAIR, slope=slope, n=n // 2).draw(rng)
    effects = (halves["a"].effects + halves["b"].effects) / 2
    covariance = (halves["a"].covariance + halves["b"].covariance) / 4
    whole = replace(halves["a"], effects=effects, covariance=covariance)
    return replace(whole, segments={"plan": halves, "twice": halves})


def test_each_segment_has_its_own_slope_and_q_is_what_one_slope_costs():
    experiment = told_apart(np.random.default_rng(1), (0.3, 0.1))
    found, twin = by_segment(QUESTION, [experiment])
    for slope, truth in zip(found.slopes, (0.3, 0.1), strict=True):
        ((low, high),) = slope.set.pieces
        assert low < truth < high
        assert low < slope.estimate < high

    def least(experiments):
        system = stack(experiments, 1.0, 1.0)
        return statistic(system, direction(minima(system)[:1]))[0]

    halves = list(experiment.segments["plan"].values())
    between = least(halves) - sum(least([half]) for half in halves)
    assert found.q_between == pytest.approx(between, rel=1e-6)
    assert (found.df, found.p_value) == (1, pytest.approx(chi2.sf(between, 1), rel=1e-6))
    assert found.adjusted_p_value == twin.adjusted_p_value == pytest.approx(found.p_value)


def test_segments_that_are_alike_are_rarely_called_different_and_those_that_differ_are():
    rng = np.random.default_rng(2)
    alike = [by_segment(QUESTION, [told_apart(rng, (0.2, 0.2))])[0].p_value < 0.05 for _ in range(150)]
    assert np.mean(alike) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)
    apart = [by_segment(QUESTION, [told_apart(rng, (0.3, 0.0))])[0].p_value < 0.05 for _ in range(40)]
    assert np.mean(apart) > 0.9


def test_a_lever_that_depends_on_the_segment_says_so():
    experiment = told_apart(np.random.default_rng(3), (0.4, 0.15), n=200_000)
    verdict = judge(Rule(smallest_slope=D), [experiment]).verdict
    assert (verdict.state, verdict.label) == ("confirmed", "segment_dependent")
    assert [reason.code for reason in verdict.reasons] == ["segments_differ"]
    assert "plan" in verdict.sentence


def test_a_single_segment_or_one_without_a_slope_tells_nothing_apart():
    experiment = told_apart(np.random.default_rng(4), (0.2, 0.2))
    halves = experiment.segments["plan"]
    flat = replace(halves["b"], covariance=halves["b"].covariance * np.array([0.0, 1.0])[:, None, None])
    assert by_segment(QUESTION, [replace(experiment, segments={"plan": {"a": halves["a"]}})]) == ()
    assert by_segment(QUESTION, [replace(experiment, segments={"plan": halves | {"b": flat}})]) == ()
    assert by_segment(QUESTION, [replace(experiment, segments={})]) == ()
    (found,) = by_segment(QUESTION, [replace(experiment, segments={"plan": halves | {"c": flat}})])
    assert [(value, why.reason) for value, why in found.left_out] == [("c", "constant_cpi")]
