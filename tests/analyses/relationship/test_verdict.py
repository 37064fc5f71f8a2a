"""The rule, step by step: what it answers, with which label and reasons, and what must not change it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses import (
    Check,
    ContrastArm,
    ExperimentContrasts,
    Interval,
    Rule,
    as_json,
    at_look,
    judge,
    look_alpha,
)
from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.many import Programme, normal

PAIR = {"doses": (0, 0.2, 0, 0.2), "mechanisms": "AABB", "placebos": (True, False, True, False)}


def noiseless(design: Design) -> list[ExperimentContrasts]:
    """The contrasts that the design's truth gives on average."""
    drawn = design.draw(np.random.default_rng(0))
    many = [design.draw(np.random.default_rng(i)) for i in range(400)]
    return [replace(e, effects=np.mean([m[at].effects for m in many], axis=0)) for at, e in enumerate(drawn)]


def codes(verdict) -> list[str]:
    return [r.code for r in verdict.reasons]


def answer(design: Design, **rule):
    return judge(Rule(smallest_slope=D, **rule), noiseless(design)).verdict


def test_two_mechanisms_with_placebos_confirm_a_strong_lever():
    verdict = answer(Design(**PAIR, slope=0.2))
    assert (verdict.state, verdict.label, codes(verdict)) == ("confirmed", "strong", [])
    assert verdict.slope.interval.lower < 0.2 < verdict.slope.interval.upper


def test_two_mechanisms_with_placebos_reject_a_cpi_that_moves_nothing():
    verdict = answer(Design(**PAIR))
    assert (verdict.state, codes(verdict)) == ("rejected", ["below_smallest_slope"])


@pytest.mark.parametrize(("slope", "label"), [(0.2, "supported"), (0.0, "not_supported")])
def test_one_mechanism_is_capped_both_ways(slope, label):
    verdict = answer(Design(doses=(0.2,), mechanisms="A", slope=slope))
    assert (verdict.state, verdict.label, codes(verdict)) == ("inconclusive", label, ["one_mechanism"])


def test_arms_without_a_mechanism_share_one():
    verdict = answer(Design(doses=(0.2, 0.3), mechanisms=(None, None), slope=0.2))
    assert codes(verdict) == ["one_mechanism"]


def test_a_bound_lets_one_mechanism_decide_and_says_that_it_did():
    verdict = answer(Design(doses=(0.2,), mechanisms="A", slope=0.2), direct_effect_bound=0.0)
    assert (verdict.state, verdict.label) == ("confirmed", "on_assumption")


def test_a_bound_with_a_placebo_or_earlier_experiments_behind_it_is_no_mere_assumption():
    one = Design(doses=(0.2,), mechanisms="A", slope=0.2)
    assert answer(one, direct_effect_bound=0.0, bound_evidence=2).label == "strong"
    placebo = Design(doses=(0, 0.2), mechanisms=(None, "A"), placebos=(True, False), slope=0.2)
    assert answer(placebo, direct_effect_bound=0.0).label == "strong"


def test_a_bound_above_what_the_lever_itself_would_do_is_no_assumption_worth_a_label():
    verdict = answer(Design(doses=(0.4,), mechanisms="A", slope=0.4), direct_effect_bound=0.05)
    assert (verdict.state, verdict.label) == ("confirmed", "strong")


def test_equal_mechanisms_without_placebo_agree_but_cannot_decide():
    verdict = answer(Design(doses=(0.2, 0.2), mechanisms="AB", slope=0.2))
    assert (verdict.state, verdict.label) == ("inconclusive", "mechanisms_agree")
    assert codes(verdict) == ["common_direct_effect_possible"]


def test_a_second_mechanism_that_hardly_moves_the_cpi_does_not_count():
    verdict = answer(Design(doses=(0.2, 0.4, 0.005), mechanisms="AAB", slope=0.2))
    assert verdict.state == "inconclusive"
    assert "mechanisms_not_both" in codes(verdict)


def test_contrasts_that_disagree_are_not_averaged():
    verdict = answer(Design(doses=(0.2, 0.2, 0.2), mechanisms="ABC", direct=(0.04, 0, 0.04)))
    assert codes(verdict) == ["contrasts_disagree"]


def test_mechanisms_that_differ_in_size_confirm_with_a_range():
    design = Design(**PAIR, slope=(0.3, 0.3, 0.12, 0.12), direct=(0.03, 0.03, -0.03, -0.03), n=80_000)
    verdict = answer(design)
    assert (verdict.state, verdict.label) == ("confirmed", "on_assumption")
    assert codes(verdict)[:2] == ["size_differs", "on_assumption"]
    assert verdict.slope.estimate is None


def test_a_rival_that_moved_in_equal_ratio_shares_the_credit():
    doses = (0.0, 0.1, 0.2, 0.3, 0.4)
    design = Design(
        doses=doses,
        mechanisms="AABBB",
        placebos=(True, False, False, False, False),
        slope=0.2,
        rival_doses=doses,
    )
    assert codes(answer(design)) == ["credit_shared"]


def test_with_one_contrast_any_rival_that_moved_shares_the_credit():
    design = Design(doses=(0.2,), mechanisms="A", slope=0.2, rival_doses=(0.1,))
    verdict = answer(design, direct_effect_bound=0.0)
    assert (verdict.state, codes(verdict)) == ("inconclusive", ["credit_shared"])


def test_a_rival_that_some_experiment_did_not_measure_is_named():
    pair = Design(**PAIR, slope=0.2, rival_doses=(0, 0, 0, 0), experiments=("x", "x", "y", "y"))
    x, y = noiseless(pair)
    unmeasured = replace(
        y, metrics=y.metrics[:2], effects=y.effects[:, :2], covariance=y.covariance[:, :2][:, :, :, :2]
    )
    judgement = judge(Rule(smallest_slope=D), [x, unmeasured])
    assert judgement.verdict.state == "confirmed"
    assert "rival" in judgement.verdict.sentence
    assert judgement.relationship.unmeasured == ("rival",)


def test_a_rival_that_nobody_measured_is_named_too():
    [e] = noiseless(Design(**PAIR, slope=0.2))
    verdict = judge(Rule(smallest_slope=D), [replace(e, unmeasured=("churn in a year",))]).verdict
    assert codes(verdict) == ["rival_unmeasured"]
    assert "churn in a year" in verdict.sentence


def test_a_failed_gate_blocks_and_is_named():
    [e] = noiseless(Design(**PAIR, slope=0.2))
    bad = replace(e, checks=(Check(name="srm", passed=False, detail="shares are off"),))
    verdict = judge(Rule(smallest_slope=D), [bad]).verdict
    assert (verdict.state, verdict.label, codes(verdict)) == ("inconclusive", None, ["srm"])
    advice = replace(e, checks=(Check(name="first_stage", passed=False, detail="weak", gates=False),))
    assert judge(Rule(smallest_slope=D), [advice]).verdict.state == "confirmed"


def test_an_experiment_that_never_reported_blocks_and_is_named():
    verdict = answer(Design(**PAIR, slope=0.2), missing_experiments=("spring test",))
    assert codes(verdict) == ["experiment_missing"]
    assert "spring test" in verdict.sentence


def test_without_a_smallest_slope_nothing_is_decided():
    verdict = judge(Rule(), noiseless(Design(**PAIR, slope=0.2))).verdict
    assert (verdict.state, verdict.label, codes(verdict)) == ("inconclusive", None, ["no_smallest_slope"])


def test_arms_that_do_not_move_the_cpi_leave_the_slope_unbounded():
    assert codes(answer(Design(doses=(0.0001,), mechanisms="A", n=1000))) == ["unbounded_set"]


@pytest.mark.parametrize("mechanisms", ["A", "AB"])
def test_arms_that_leave_the_cpi_exactly_where_it_was_say_nothing(mechanisms):
    [e] = noiseless(Design(doses=[0.2] * len(mechanisms), mechanisms=mechanisms))
    effects = np.stack([np.zeros(len(mechanisms)), e.effects[:, 1]], axis=1)
    judgement = judge(Rule(smallest_slope=D), [replace(e, effects=effects)])
    assert judgement.verdict.state == "inconclusive"
    assert judgement.relationship.tsls.reason == "cpi_not_moved"


def test_too_few_units_names_the_number_needed_and_that_number_decides():
    small = Design(doses=(0.2,), mechanisms="A", slope=0.05, n=8_000)
    verdict = answer(small, direct_effect_bound=0.0)
    assert codes(verdict) == ["too_few_units"]
    d, a, v = D, 0.2, 1 - 2 * 0 + 0  # residual variance of unit noise at the true slope
    assert verdict.needed_units_per_arm == pytest.approx(2 * v / (a * d / 2.8) ** 2, rel=0.05)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_the_units_that_are_missing_are_sized_for_the_verdict_that_will_judge_them(number):
    from scipy.special import ndtri

    registered = Rule(smallest_slope=D, direct_effect_bound=0.0, alpha=0.05)
    now = at_look(registered, look_alpha(0.05, number))
    drawn = noiseless(Design(doses=(0.2,), mechanisms="A", slope=0.05, n=8_000))
    later, one_look = (judge(rule, drawn).verdict.needed_units_per_arm for rule in (now, registered))
    assert (now.alpha, now.next_alpha) == (look_alpha(0.05, number), look_alpha(0.05, number + 1))
    z, once = -ndtri(look_alpha(0.05, number + 1) / 2), -ndtri(0.025)
    assert later / one_look == pytest.approx(((z + 0.8416) / (once + 0.8416)) ** 2, rel=1e-3)


def test_no_number_of_units_is_promised_to_a_design_that_cannot_decide():
    verdict = answer(Design(doses=(0.2, 0.2), mechanisms="AB", slope=0.05, n=8_000))
    assert codes(verdict) == ["too_few_units", "doses_too_alike"]
    assert verdict.needed_units_per_arm is None


def test_the_number_promised_with_two_mechanisms_decides_most_of_the_time():
    small = Design(doses=(0.1, 0.3), mechanisms="AB", slope=0.2, n=12_000)
    rng = np.random.default_rng(4)
    promised = [
        judge(Rule(smallest_slope=D), small.draw(rng)).verdict.needed_units_per_arm for _ in range(40)
    ]
    large = replace(small, n=int(np.median([n for n in promised if n])))
    answers = [judge(Rule(smallest_slope=D), large.draw(rng)).verdict.state for _ in range(40)]
    assert answers.count("confirmed") >= 30


def test_a_planned_dose_smaller_than_what_was_found_hides_no_assumption():
    one = Design(doses=(0.4,), mechanisms="A", slope=0.4)
    assert answer(one, direct_effect_bound=0.005, planned_shift=0.04).label == "on_assumption"


def programme(**truth) -> list[ExperimentContrasts]:
    drawn = Programme(cpi=normal(0, 0.1), **truth)
    return drawn.draw(np.random.default_rng(2))


def test_many_experiments_of_two_mechanisms_confirm_and_reject():
    lever = judge(Rule(smallest_slope=D), programme(slopes=normal(0.25, 0)))
    assert (lever.verdict.state, lever.verdict.label) == ("confirmed", "strong")
    assert lever.verdict.slope.interval == Interval(
        lower=lever.relationship.many.interval.lower, upper=lever.relationship.many.interval.upper
    )
    nothing = judge(Rule(smallest_slope=D), programme()).verdict
    assert (nothing.state, codes(nothing)) == ("rejected", ["below_smallest_slope"])


def test_many_experiments_of_one_mechanism_are_capped_unless_a_bound_was_registered():
    drawn = [replace(e, arms=(replace(e.arms[0], mechanism="A"),)) for e in programme(slopes=normal(0.2, 0))]
    capped = judge(Rule(smallest_slope=D), drawn).verdict
    assert (capped.state, capped.label, codes(capped)) == ("inconclusive", "supported", ["one_mechanism"])
    assert judge(Rule(smallest_slope=D, direct_effect_bound=0.0), drawn).verdict.label == "on_assumption"


def test_a_second_mechanism_must_agree_however_many_experiments_the_first_has():
    verdict = judge(Rule(smallest_slope=D), programme(proportional=0.6, first_only=True)).verdict
    assert verdict.state == "inconclusive"


def test_mechanisms_of_different_size_in_many_experiments_are_said_and_have_no_single_estimate():
    verdict = judge(
        Rule(smallest_slope=D), programme(proportional=0.2, first_only=True, slopes=normal(0.2, 0))
    ).verdict
    assert (verdict.state, verdict.label) == ("confirmed", "size_differs")
    assert verdict.slope.estimate is None


def test_slopes_that_vary_with_the_experiment_are_said_to_depend_on_where():
    drawn = Programme(cpi=normal(0, 0.3), slopes=normal(0.4, 0.4), experiments=40).draw(
        np.random.default_rng(3)
    )
    verdict = judge(Rule(smallest_slope=D), drawn).verdict
    assert (verdict.state, verdict.label) == ("confirmed", "segment_dependent")


def test_without_egger_many_experiments_decide_nothing():
    drawn = Programme(cpi=normal(0.3, 0.001), slopes=normal(0.3, 0), n=200_000).draw(np.random.default_rng(2))
    verdict = judge(Rule(smallest_slope=D), drawn).verdict
    assert verdict.state == "inconclusive"


def test_a_rival_that_moved_in_equal_ratio_shares_the_credit_of_many_experiments():
    verdict = judge(Rule(smallest_slope=D), programme(rival=0.7, slopes=normal(0.25, 0))).verdict
    assert codes(verdict) == ["credit_shared"]
    assert (
        judge(Rule(smallest_slope=D), programme(rival=0.0, slopes=normal(0.25, 0))).verdict.state
        == "confirmed"
    )


def test_a_cpi_that_never_varies_is_not_estimable():
    [e] = noiseless(Design(doses=(0.2,), mechanisms="A"))
    covariance = e.covariance.copy()
    covariance[:, 0], covariance[:, :, :, 0] = 0.0, 0.0
    judgement = judge(Rule(smallest_slope=D), [replace(e, covariance=covariance)])
    assert judgement.relationship.reason == "constant_cpi"


def test_a_kpi_without_a_single_event_in_several_arms_is_not_estimable():
    [e] = noiseless(Design(doses=(0.2, 0.3), mechanisms="AB"))
    covariance = e.covariance.copy()
    covariance[:, 1, :, 1] = 1e-5  # all of it the control's
    covariance[:, 0, :, 1] = covariance[:, 1, :, 0] = 0.0
    effects = np.stack([e.effects[:, 0], [-0.01, -0.01]], axis=1)
    judgement = judge(Rule(smallest_slope=D), [replace(e, effects=effects, covariance=covariance)])
    assert judgement.relationship.reason == "kpi_constant_in_arms"
    assert judgement.verdict.state == "inconclusive"


def test_the_same_measurement_twice_is_no_relationship():
    [e] = noiseless(Design(doses=(0.2,), mechanisms="A"))
    both = np.full((1, 2, 1, 2), 0.01)
    judgement = judge(Rule(smallest_slope=D), [replace(e, effects=np.array([[0.2, 0.2]]), covariance=both)])
    assert judgement.relationship.reason == "kpi_is_cpi"


def test_a_cpi_that_is_constant_in_the_treated_arms_is_fine():
    [e] = noiseless(Design(doses=(0.2, 0.3), mechanisms="AB", slope=0.2))
    covariance = e.covariance.copy()
    covariance[:, 0, :, 0] = 1e-5  # only the shared control varies: singular across arms
    covariance[:, 0, :, 1] = covariance[:, 1, :, 0] = 5e-6
    judgement = judge(Rule(smallest_slope=D), [replace(e, covariance=covariance)])
    assert judgement.relationship.clr.bounded


@settings(max_examples=25, deadline=None)
@given(
    unit=st.floats(1e-3, 1e3),
    flip=st.sampled_from([1, -1]),
    kpi_flip=st.sampled_from([1, -1]),
    order=st.permutations(range(4)),
    seed=st.integers(0, 10_000),
)
def test_the_verdict_does_not_depend_on_units_signs_or_order(unit, flip, kpi_flip, order, seed):
    """CPI in other units with its increment, lower instead of higher, KPI turned round, arms shuffled."""
    [e] = Design(**PAIR, slope=0.15, n=30_000, rival_doses=(0, 0.05, 0.1, 0)).draw(
        np.random.default_rng(seed)
    )
    turn = np.array([unit * flip, kpi_flip, 1.0])
    rows = list(order)
    other = ExperimentContrasts(
        experiment=e.experiment,
        metrics=e.metrics,
        arms=tuple(e.arms[i] for i in rows),
        effects=(e.effects * turn)[rows],
        covariance=(e.covariance * turn[None, :, None, None] * turn)[rows][:, :, rows],
        arm_units=e.arm_units,
        control_units=e.control_units,
    )
    ours = judge(Rule(smallest_slope=D), [e])
    theirs = judge(Rule(smallest_slope=D, increment=unit, better=flip, direction=kpi_flip), [other])
    assert (ours.verdict.state, ours.verdict.label) == (theirs.verdict.state, theirs.verdict.label)
    assert codes(ours.verdict) == codes(theirs.verdict)
    low, high = ours.verdict.slope.interval.lower, ours.verdict.slope.interval.upper
    expected = sorted((low * kpi_flip, high * kpi_flip))
    found = theirs.verdict.slope.interval
    assert [found.lower, found.upper] == pytest.approx(expected, rel=1e-6, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), dose=st.floats(0.001, 0.3), n=st.integers(50, 100_000))
def test_sets_contain_the_estimate_and_leave_as_finite_json(seed, dose, n):
    design = Design(doses=(dose, dose / 2), mechanisms="AB", slope=0.2, n=n)
    judgement = judge(Rule(smallest_slope=D), design.draw(np.random.default_rng(seed)))
    estimate = judgement.relationship.liml.estimate
    pieces = judgement.relationship.clr.pieces
    assert any((lo is None or lo <= estimate) and (hi is None or estimate <= hi) for lo, hi in pieces)
    document = as_json(judgement)
    assert set(document) == {"relationship", "verdict"}


@pytest.mark.parametrize(
    "broken",
    [
        {"smallest_slope": 0.0},
        {"smallest_slope": float("nan")},
        {"alpha": 0.0},
        {"increment": -1.0},
        {"direct_effect_bound": -0.1},
        {"direction": 0},
        {"better": 2},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(broken):
    with pytest.raises(ValueError, match=r"must|are"):
        Rule(**broken)


def test_contrasts_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="expected effects"):
        ExperimentContrasts(
            experiment="e",
            metrics=("c", "y"),
            arms=(ContrastArm(name="t", mechanism=None),),
            effects=np.zeros((2, 2)),
            covariance=np.zeros((1, 2, 1, 2)),
        )


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("A", "B"), "A and B started"),
        (tuple("ABCDEFG"), "A, B, C, D, E and 2 more started"),
    ],
)
def test_experiments_that_have_not_reported_are_said_once(names, said):
    verdict = answer(Design(**PAIR, slope=0.2), missing_experiments=names)
    assert codes(verdict) == ["experiment_missing"]
    assert verdict.reasons[0].text.startswith(said)
    assert verdict.sentence.count("a verdict waits for them") == 1
