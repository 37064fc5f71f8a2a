"""Eight experiments or more: does the deciding interval hold what it must, and who may confirm or reject?

A short, seeded lane like test_calibration.py: limits allow three Monte Carlo errors. The tables themselves
are in docs/calibration.md.
"""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from analyses import NotEstimable, Rule, judge
from analyses.relationship.clr import lr_limit
from analyses.relationship.clusters import gathered
from analyses.relationship.many import hull, many
from analyses.relationship.question import Question
from analyses.relationship.sets import ConfidenceSet, Shape
from tests.analyses.relationship.draws import D
from tests.analyses.relationship.many import Programme, normal, uniform

R = 50
LIMIT = 0.04 + 3 * sqrt(0.04 * 0.96 / R)
COVERED = 0.93 - 3 * sqrt(0.93 * 0.07 / R)
QUESTION = Question(cpi_step=1.0, kpi_sign=1, smallest_slope=D, bound=None, alpha=0.05)

UP = Programme(cpi=uniform(0.03, 0.11))
EITHER = Programme(cpi=normal(0, 0.1))
LEVER = replace(EITHER, slopes=normal(0.2, 0))
ARMS = {"doses": (0, 0.5, 1), "experiments": 8}


def above(found):
    return found.lower is not None and found.lower > 0


def below(found, smallest_slope):
    return smallest_slope is not None and found.upper is not None and found.upper < smallest_slope


def confirms(question, found):
    """Step 5 on the sets alone: what stands beside them is asked of ``judge``."""
    interval, guard = (s.mirrored(question.kpi_sign) for s in (found.interval, found.egger))
    return above(interval) and above(guard) and not below(interval, question.smallest_slope)


def rejects(question, found):
    sets = (s.mirrored(question.kpi_sign) for s in (found.interval, found.egger))
    return all(below(s, question.smallest_slope) for s in sets)


def asked(programme, seed=20261122, question=QUESTION):
    drawn = programme.draw(np.random.default_rng(seed))
    return many(question, gathered(drawn, question.cpi_step, question.kpi_sign))


def interval(lower, upper):
    return ConfidenceSet(shape=Shape.INTERVAL, pieces=((lower, upper),))


def rates(programme, slope):
    """Shares confirmed, rejected and covered."""
    rng, answers = np.random.default_rng(20261122), []
    for _ in range(R):
        found = many(QUESTION, gathered(programme.draw(rng), 1.0, 1.0))
        lower, upper = found.interval.lower, found.interval.upper
        held = (lower is None or lower <= slope) and (upper is None or slope <= upper)
        answers.append((confirms(QUESTION, found), rejects(QUESTION, found), held))
    return np.mean(answers, axis=0)


@pytest.mark.parametrize(
    ("programme", "slope"),
    [
        (replace(EITHER, direct=normal(0, 0.02)), 0.0),
        (replace(EITHER, slopes=normal(0, 0.2), **ARMS), 0.0),
        (replace(UP, slopes=normal(D, 0.1), **ARMS), D),
        (replace(EITHER, n=200, rho=0.8, **ARMS), 0.0),
    ],
    ids=["direct effects", "slopes differ, none", "slopes differ, d", "very weak"],
)
def test_slopes_and_direct_effects_that_differ_are_covered_and_rarely_mistaken(programme, slope):
    confirmed, rejected, covered = rates(programme, slope)
    assert covered >= COVERED
    assert (confirmed if slope <= 0 else rejected) <= LIMIT


def test_a_direct_effect_that_all_contrasts_share_is_rarely_taken_for_a_lever():
    assert rates(replace(UP, common=0.02), 0.0)[0] <= LIMIT


def test_a_small_direct_effect_that_all_contrasts_share_rarely_hides_a_lever():
    assert rates(replace(UP, slopes=normal(D, 0), common=-0.005), D)[1] <= LIMIT


def test_thirty_strong_experiments_find_the_lever_and_reject_its_absence():
    assert rates(LEVER, 0.2)[0] >= 0.85
    assert rates(EITHER, 0.0)[1] >= 0.85


def test_the_interval_holds_every_set_that_decides_and_eggers_where_the_intercept_is_flagged():
    plain, flagged = asked(LEVER, seed=1), asked(replace(UP, common=0.02), seed=1)
    assert (plain.flagged, flagged.flagged) == (False, True)
    for found, sets in (
        (plain, (plain.clr, plain.total_covariance, plain.score)),
        (flagged, (flagged.clr, flagged.total_covariance, flagged.score, flagged.egger)),
    ):
        assert found.interval.lower == min(s.lower for s in sets)
        assert found.interval.upper == max(s.upper for s in sets)
        assert found.interval.lower <= found.estimate <= found.interval.upper


def test_a_hull_is_the_line_where_one_set_has_no_end_and_leaves_out_empty_ones():
    rays = ConfidenceSet(shape=Shape.RAYS, pieces=((None, 0.1), (0.4, None)))
    empty = ConfidenceSet(shape=Shape.EMPTY, pieces=())
    assert hull([interval(1.0, 2.0), rays]).shape is Shape.LINE
    assert hull([interval(1.0, 2.0), empty, interval(0.5, 1.5)]).pieces == ((0.5, 2.0),)


def test_neither_answer_stands_where_egger_does_not_agree():
    lever, nothing = asked(LEVER), asked(EITHER)
    assert confirms(QUESTION, lever)
    assert not confirms(QUESTION, replace(lever, egger=interval(-0.01, 0.3)))
    assert rejects(QUESTION, nothing)
    assert not rejects(QUESTION, replace(nothing, egger=interval(-0.1, 0.11)))
    assert not rejects(replace(QUESTION, smallest_slope=None), nothing)


def test_an_expected_decrease_mirrors_the_sets_and_keeps_the_answer():
    falling = replace(QUESTION, kpi_sign=-1)
    drawn = LEVER.draw(np.random.default_rng(5))
    turned = [replace(e, effects=e.effects * [1, -1], covariance=_turned(e.covariance)) for e in drawn]
    up, down = many(QUESTION, gathered(drawn, 1.0, 1)), many(falling, gathered(turned, 1.0, -1))
    assert down.estimate == pytest.approx(-up.estimate)
    assert down.interval.lower == pytest.approx(-up.interval.upper)
    assert confirms(QUESTION, up)
    assert confirms(falling, down)


def test_a_hypothesis_of_a_decrease_is_worded_as_its_mirror_image():
    drawn = replace(UP, slopes=normal(0.3, 0)).draw(np.random.default_rng(9))
    turned = [replace(e, effects=e.effects * [1, -1], covariance=_turned(e.covariance)) for e in drawn]
    up = judge(Rule(smallest_slope=D), drawn).verdict
    down = judge(Rule(smallest_slope=D, direction=-1), turned).verdict
    assert up.state == "confirmed"
    assert (down.state, down.label) == (up.state, up.label)
    assert [one.code for one in down.reasons] == [one.code for one in up.reasons]


def test_experiments_that_are_all_the_same_are_judged_without_a_division_by_zero():
    [one, *_] = LEVER.draw(np.random.default_rng(10))
    same = [replace(one, experiment=f"{k}") for k in range(8)]
    assert judge(Rule(smallest_slope=D), same).verdict.state == "inconclusive"


@pytest.mark.parametrize("contrasts", [2, 3, 5])
def test_a_cpi_that_moved_without_any_doubt_has_the_limit_of_one_degree_of_freedom(contrasts):
    """At a strength of 1e20 the level at that limit is .05 but for rounding, on either side of it."""
    assert lr_limit(1e20, contrasts, 0.05) == pytest.approx(3.841458820694124, rel=1e-9)


def _turned(covariance):
    sign = np.array([1, -1])
    return covariance * sign[None, :, None, None] * sign[None, None, None, :]


def test_order_of_experiments_and_the_size_of_a_step_do_not_matter():
    drawn = replace(LEVER, **ARMS).draw(np.random.default_rng(6))
    found, shuffled = (many(QUESTION, gathered(e, 1.0, 1)) for e in (drawn, drawn[::-1]))
    ends = [found.interval.lower, found.interval.upper, found.intercept.p_value]
    assert ends == pytest.approx(
        [shuffled.interval.lower, shuffled.interval.upper, shuffled.intercept.p_value]
    )
    stepped = many(QUESTION, gathered(drawn, 2.0, 1))
    assert stepped.interval.lower == pytest.approx(2 * found.interval.lower, rel=1e-6)


def test_three_experiments_are_too_few():
    found = asked(replace(LEVER, experiments=3))
    assert isinstance(found, NotEstimable)
    assert found.reason == "too_few_experiments"


def test_contrasts_that_moved_nothing_decide_nothing():
    found = asked(replace(EITHER, cpi=normal(0, 0), n=100))
    assert not confirms(QUESTION, found)
    assert not rejects(QUESTION, found)
