"""Does the interval widen with the direct effect that is allowed, and hold nothing from the breakdown on?"""

from dataclasses import replace

import numpy as np
import pytest

from analyses import NotEstimable, Rule, judge, tolerated
from tests.analyses.relationship.draws import Design

RULE = Rule(direction=1, smallest_slope=0.1, increment=1.0, better=1)


def drawn(slope: float, **changes):
    design = Design(
        doses=(0.2, 0.3, 0.25),
        mechanisms=("a", "b", "b"),
        slope=slope,
        placebos=(False, False, False),
        **changes,
    )
    return design.draw(np.random.default_rng(design.seed))


def test_the_curve_starts_at_the_data_s_own_set_and_crosses_nothing_at_the_breakdown() -> None:
    experiments = drawn(0.4)
    curve, relationship = tolerated(RULE, experiments), judge(RULE, experiments).relationship
    assert not isinstance(curve, NotEstimable)
    assert not isinstance(relationship, NotEstimable)
    first, last = curve[0], curve[-1]
    (own,) = relationship.anderson_rubin.pieces
    assert (first.bound, first.lower, first.upper) == pytest.approx((0.0, *own))
    widths = [one.upper - one.lower for one in curve]
    assert widths == sorted(widths)
    assert last.bound == pytest.approx(1.5 * relationship.breakdown)
    for one in curve:
        assert (one.lower <= 0.0) == (one.bound >= relationship.breakdown * (1 - 1e-9))


def test_a_lever_for_which_the_kpi_should_fall_is_told_in_its_own_sign() -> None:
    rule = Rule(direction=-1, smallest_slope=0.1, increment=1.0, better=1)
    curve = tolerated(rule, drawn(-0.4))
    assert not isinstance(curve, NotEstimable)
    assert curve[0].lower < curve[0].upper < 0


def test_where_nothing_is_excluded_there_is_no_curve() -> None:
    found = tolerated(RULE, drawn(0.02))
    assert isinstance(found, NotEstimable)
    assert found.reason == "nothing_excluded"


def test_many_experiments_answer_for_direct_effects_together() -> None:
    many = [f"e{n}" for n in range(8)]
    design = Design(doses=(0.2,) * 8, mechanisms=("a", "b") * 4, slope=0.4, experiments=many)
    found = tolerated(RULE, design.draw(np.random.default_rng(1)))
    assert isinstance(found, NotEstimable)
    assert found.reason == "many_experiments"


def test_experiments_that_say_nothing_do_not_make_them_many() -> None:
    """An eighth whose arm has no role and left the CPI alone does not speak: seven are judged."""
    many = [f"e{n}" for n in range(8)]
    design = Design(doses=(0.2,) * 8, mechanisms=("a", "b") * 4, slope=0.4, experiments=many)
    *seven, eighth = design.draw(np.random.default_rng(1))
    silent = replace(
        eighth,
        arms=(replace(eighth.arms[0], mechanism=None),),
        effects=np.array([[0.0, eighth.effects[0, 1]]]),
    )
    found = tolerated(RULE, [*seven, silent])
    assert found == tolerated(RULE, seven)
    assert not isinstance(found, NotEstimable)
    related = judge(RULE, [*seven, silent]).relationship
    assert not isinstance(related, NotEstimable)
    assert related.many is None
