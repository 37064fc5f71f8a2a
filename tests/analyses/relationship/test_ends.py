"""Corners of Lee's bounds: are their effects and errors those of the bounds, and when may they decide?"""

from dataclasses import replace

import numpy as np
import pytest

from analyses import (
    Check,
    ContrastArm,
    ExperimentContrasts,
    Label,
    Measure,
    Rule,
    arm_means,
    blocked,
    contrasts_of,
    ends,
    judge,
    lee_bounds,
    lee_corners,
    moments_of,
    seen_in,
    stratum_of,
    trimming,
)
from tests.analyses.relationship.draws import Design

COLUMNS = ("cpi", "seen", "kpi")
MEASURES = (Measure(name="cpi", value="cpi", per="seen"), Measure(name="kpi", value="kpi"))
MOVED = Check(name="observed_set_moved", passed=False, detail="cpi was seen for different shares")
PAIR = {"doses": (0, 0.2, 0, 0.2), "mechanisms": "AABB", "placebos": (True, False, True, False)}


def rows(rng: np.random.Generator, n: int, dose: float = 0.0, more: float = 0.0) -> np.ndarray:
    u, w = rng.standard_normal((2, n))
    seen = w + more * (1 + u) > -0.5
    return np.column_stack(
        [np.where(seen, dose + u, 0.0), seen, 0.2 * dose + 0.5 * u + rng.standard_normal(n)]
    )


def contrasts(arms: dict[str, np.ndarray]) -> ExperimentContrasts:
    means = {name: arm_means(moments_of(COLUMNS, own), MEASURES) for name, own in arms.items()}
    treated = [(ContrastArm(name=name, mechanism="A"), means[name]) for name in arms if name != "control"]
    return contrasts_of("one", means["control"], treated, [MOVED])


def corners(*phases: dict[str, np.ndarray]) -> tuple[ExperimentContrasts, ...]:
    strata = [stratum_of(COLUMNS, arms, "control", MEASURES[:1]) for arms in phases]
    return lee_corners(contrasts(phases[0]), "control", strata, MEASURES, ["cpi"])


@pytest.mark.parametrize("fuller", ["arm", "control"])
def test_corners_are_lees_bounds_with_lees_errors(fuller):
    rng = np.random.default_rng(1)
    drawn_in, others = rows(rng, 5_000, 0.4, 0.15), rows(rng, 4_000)
    arms = {"control": others, "a": drawn_in} if fuller == "arm" else {"control": drawn_in, "a": others}
    control, arm = (seen_in(moments_of(COLUMNS, arms[name]), "cpi", "seen") for name in ("control", "a"))
    values = drawn_in[drawn_in[:, 1] > 0, 0]
    truth = lee_bounds(control, arm, *ends(values, trimming(control, arm).keep))
    low, high = corners(arms)
    assert (low.effects[0, 0], high.effects[0, 0]) == pytest.approx((truth.lower, truth.upper), abs=1e-3)
    errors = [float(np.sqrt(one.covariance[0, 0, 0, 0])) for one in (low, high)]
    z = 1.6448536269514722  # the interval of a set: one side each, since it is much wider than its errors
    assert truth.interval.lower == pytest.approx(low.effects[0, 0] - z * errors[0], abs=2e-3)
    assert truth.interval.upper == pytest.approx(high.effects[0, 0] + z * errors[1], abs=2e-3)
    measured = contrasts(arms)
    assert low.effects[0, 1] == pytest.approx(measured.effects[0, 1], rel=1e-12)
    assert low.covariance[0, 1, 0, 1] == pytest.approx(measured.covariance[0, 1, 0, 1], rel=1e-9)


def test_their_covariances_are_those_of_repeated_draws():
    rng = np.random.default_rng(2)
    drawn = [
        corners({"control": rows(rng, 800), "a": rows(rng, 900, 0.4, 0.2), "b": rows(rng, 700, 0.2, -0.2)})
        for _ in range(700)
    ]
    for at in range(4):  # low or high of either arm; the second is seen less than control
        found = np.array([one[at].effects.ravel() for one in drawn])
        said = np.mean([one[at].covariance.reshape(4, 4) for one in drawn], axis=0)
        truth = np.cov(found.T)
        scale = np.sqrt(np.outer(np.diag(said), np.diag(said)))
        assert np.abs(truth - said).max() < 0.15 * scale.max()
        assert np.abs((truth - said) / scale).max() < 0.15


def test_phases_count_by_their_units():
    rng = np.random.default_rng(3)
    first = {"control": rows(rng, 3_000), "a": rows(rng, 3_000, 0.4, 0.2)}
    second = {"control": rows(rng, 1_000), "a": rows(rng, 1_000, 0.4, 0.2)}
    both, one, other = (corners(*phases)[0] for phases in ((first, second), (first,), (second,)))
    assert both.effects == pytest.approx(0.75 * one.effects + 0.25 * other.effects)
    assert both.covariance == pytest.approx(0.75**2 * one.covariance + 0.25**2 * other.covariance)


def test_where_a_cut_is_missing_or_corners_are_too_many_there_are_none():
    rng = np.random.default_rng(4)
    many = {"control": rows(rng, 200)} | {f"arm {k}": rows(rng, 200, 0.2, 0.2) for k in range(5)}
    assert corners(many) == ()
    nobody = rows(rng, 2000)  # two are seen: their share leaves none of the control's
    nobody[:2, 1], nobody[2:, :2] = 1.0, 0.0
    assert corners({"control": rows(rng, 200), "a": nobody}) == ()


def bounded(*shifts: float, checks=(MOVED,), **design) -> ExperimentContrasts:
    """A drawn experiment whose bounds move the CPI of its active arms by these."""
    [found] = Design(**PAIR, n=50_000, **design).draw(np.random.default_rng(1))
    moved = tuple(
        replace(found, effects=found.effects + np.outer([0, shift, 0, shift], [1, 0])) for shift in shifts
    )
    return replace(found, checks=checks, corners=moved)


def codes(judgement) -> list[str]:
    return [reason.code for reason in judgement.verdict.reasons]


def test_an_answer_that_every_corner_gives_is_given_with_the_hull_of_their_slopes():
    rule, measured = Rule(smallest_slope=0.1), bounded(slope=0.2, checks=())
    found = judge(rule, [bounded(-0.01, 0.0, 0.01, slope=0.2)])
    assert (found.verdict.state, codes(found)[-1]) == ("confirmed", "whoever_is_seen")
    alone = judge(rule, [measured]).verdict.slope.interval
    hull = found.verdict.slope.interval
    assert found.verdict.slope.estimate is None
    assert hull.lower < alone.lower
    assert alone.upper < hull.upper
    assert blocked(rule, [bounded(0.0, slope=0.2), bounded(-0.01, 0.01, slope=0.2)]) == []


def test_corners_that_differ_decide_nothing():
    rule = Rule(smallest_slope=0.1)
    found = judge(rule, [bounded(-0.3, 0.01, slope=0.2)])
    assert found.verdict.state == "inconclusive"
    assert codes(found) == ["observed_set_moved", "bounds_undecided"]
    assert "do not all give the same answer" in found.verdict.sentence


def test_another_gate_blocks_as_ever_and_nothing_is_said_of_bounds():
    rule = Rule(smallest_slope=0.1)
    ratio = Check(name="srm", passed=False, detail="arms of other sizes")
    evidence = [bounded(-0.01, 0.01, slope=0.2, checks=(MOVED, ratio))]
    assert codes(judge(rule, evidence)) == ["observed_set_moved", "srm"]
    assert [reason.code for reason in blocked(rule, evidence)] == ["srm"]
    without = [replace(evidence[0], corners=())]
    assert [reason.code for reason in blocked(rule, without)] == ["observed_set_moved", "srm"]


def test_the_most_careful_label_of_any_corner_is_given():
    one = {"doses": (0.4,), "mechanisms": "A", "slope": 0.2}
    [found] = Design(**one, n=50_000).draw(np.random.default_rng(1))
    sure = replace(found, checks=(MOVED,), corners=(found, found))
    assumed = Rule(smallest_slope=0.1, direct_effect_bound=0.001)
    assert judge(assumed, [sure]).verdict.label is Label.ON_ASSUMPTION


def test_corners_of_several_experiments_are_all_tried_up_to_a_limit():
    rule = Rule(smallest_slope=0.1)
    two = [bounded(-0.01, 0.01, slope=0.2), bounded(-0.3, 0.01, slope=0.2)]
    assert codes(judge(rule, two))[-1] == "bounds_undecided"
    too_many = [bounded(-0.01, 0.01, slope=0.2)] * 5
    assert set(codes(judge(rule, too_many))) == {"observed_set_moved"}
