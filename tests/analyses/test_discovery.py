"""Is the p-value of a verdict the rule's own, and are false discoveries counted over the whole program?"""

import doctest
import time
from dataclasses import replace

import numpy as np
import pytest

from analyses import Discovery, NotEstimable, Rule, discovery, e_bh, false_discoveries, false_discovery, judge
from analyses.relationship import early as looked_at
from analyses.relationship.contrast import Early
from analyses.results import Check
from tests.analyses.relationship.draws import D, Design
from tests.analyses.relationship.many import Programme, normal
from tests.methods.catalogue import catalogue, refusals

PAIR = {"doses": (0, 0.2, 0, 0.2), "mechanisms": "AABB", "placebos": (True, False, True, False)}
RIVAL = {"doses": (0.1, 0.2, 0.3, 0.1, 0.3), "mechanisms": "AABBB", "rival_doses": (0.1, 0.05, 0.2, 0.0, 0.1)}
DESIGNS = {
    "two mechanisms with placebos": (Design(**PAIR, slope=0.1), {}),
    "one arm under a bound of nothing": (
        Design(doses=(0.2,), mechanisms="A", slope=0.1),
        {"direct_effect_bound": 0.0},
    ),
    "one arm under a bound": (
        Design(doses=(0.2,), mechanisms="A", slope=0.2),
        {"direct_effect_bound": 0.01},
    ),
    "a rival that moved too": (Design(**RIVAL, slope=0.1), {}),
    "thirty experiments": (Programme(cpi=normal(0, 0.1), slopes=normal(0.12, 0)), {}),
    "thirty experiments with a rival": (
        Programme(cpi=normal(0, 0.1), slopes=normal(0.12, 0), rival=0.7, rival_sd=0.07),
        {"direct_effect_bound": 0.0},
    ),
}


def confirms(rule, experiments, alpha):
    """Rule E at another level; with d next to nothing no set can lie below it and above zero at once."""
    return judge(replace(rule, smallest_slope=1e-12, alpha=alpha), experiments).verdict.state == "confirmed"


def fixed(p_value):
    return Discovery(p_value=p_value, log_e_value=None)


HALFWAY = Early(units=200_000, planned_units=400_000)


def early(experiments):
    return [replace(one, early=HALFWAY) for one in experiments]


@pytest.mark.parametrize("module", [false_discovery, looked_at])
def test_examples_of_docstrings_hold(module):
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", DESIGNS)
def test_the_rule_confirms_just_above_the_p_value_and_not_just_below(name, seed):
    design, registered = DESIGNS[name]
    rule, experiments = Rule(smallest_slope=D, **registered), design.draw(np.random.default_rng(seed))
    found = discovery(rule, experiments)
    assert 1e-12 < found.p_value < 0.97
    assert confirms(rule, experiments, found.p_value * 1.01)
    assert not confirms(rule, experiments, found.p_value * 0.99)
    assert found.log_e_value is None


@pytest.mark.parametrize("seed", [1, 3])
def test_what_stopped_early_pays_for_the_looks_on_the_way(seed):
    experiments = Design(**PAIR, slope=0.15).draw(np.random.default_rng(seed))
    rule = Rule(smallest_slope=D)
    whole, found = discovery(rule, experiments), discovery(rule, early(experiments))
    assert found.p_value > whole.p_value
    assert confirms(rule, early(experiments), found.p_value * 1.01)
    assert not confirms(rule, early(experiments), found.p_value * 0.99)
    assert found.log_e_value > 0


def test_one_experiment_with_its_fixed_interval_leaves_no_e_value():
    both = Design(doses=(0.2, 0.2), mechanisms="AB", slope=0.2, experiments=("one", "two"))
    first, second = both.draw(np.random.default_rng(1))
    rule = Rule(smallest_slope=D, direct_effect_bound=0.0)
    assert discovery(rule, [first, *early([second])]).log_e_value is None
    alone, together = (discovery(rule, early(some)).log_e_value for some in ([first], [first, second]))
    assert together > alone > 0


def test_p_values_of_no_lever_are_no_smaller_than_chance_makes_them():
    """Two mechanisms, slope 0, KPI and CPI correlated: at most a share u of p-values is below u."""
    draw, rule = np.random.default_rng(7), Rule(smallest_slope=D, direct_effect_bound=0.0)
    design = Design(doses=(0.02, 0.2), mechanisms="AB", rho=0.8, n=20_000)
    p = np.array([discovery(rule, design.draw(draw)).p_value for _ in range(500)])
    for level in (0.05, 0.1, 0.25, 0.5):
        assert (p <= level).mean() <= level + 3 * np.sqrt(level * (1 - level) / p.size)
    assert (p <= 0.1).mean() >= 0.02  # half of it: strong contrasts err on one side, and it is not vacuous


def test_a_bet_against_no_lever_does_not_win_on_average():
    """E(E) <= 1 where the slope is zero, at the size where it is looked at."""
    draw, rule = np.random.default_rng(8), Rule(smallest_slope=D, direct_effect_bound=0.0)
    design = Design(doses=(0.2,), mechanisms="A", rho=0.5)
    logs = [discovery(rule, early(design.draw(draw))).log_e_value for _ in range(150)]
    values = np.exp(logs)
    assert values.mean() <= 1 + 3 * values.std() / np.sqrt(values.size)
    assert values.max() > 1


def test_nothing_claimed_is_no_discovery():
    one = Design(doses=(0.2,), mechanisms="A", slope=0.2).draw(np.random.default_rng(0))
    capped = discovery(Rule(smallest_slope=D), one)
    assert isinstance(capped, NotEstimable)
    assert capped.reason == "one_mechanism"
    alarm = Check(name="srm", passed=False, detail="too many", gates=True)
    gated = discovery(Rule(smallest_slope=D, direct_effect_bound=0.0), [replace(one[0], checks=(alarm,))])
    assert isinstance(gated, NotEstimable)
    assert gated.reason == "gate_failed"
    awaited = Rule(smallest_slope=D, direct_effect_bound=0.0, missing_experiments=("spring",))
    assert discovery(awaited, one).reason == "experiment_missing"


def test_the_method_page_lists_every_refusal():
    (method,) = (one for one in catalogue() if one.page == "false-discoveries")
    told = {one.reason: one.detail for one in refusals(method)}
    degenerate = {"kpi_is_cpi", "kpi_constant_in_arms", "control_drowns_arms"}
    assert set(told) == {"experiment_missing", "gate_failed", "one_mechanism"} | degenerate
    assert told["kpi_is_cpi"] == "… is an exact linear function of …"
    assert told["gate_failed"].startswith("a check that gates has failed")


def test_shares_over_the_program_are_those_of_statsmodels():
    from statsmodels.stats.multitest import multipletests

    draw = np.random.default_rng(42)
    for size in (1, 3, 40, 300):
        p = draw.random(size) ** 4
        found = false_discoveries(dict(enumerate(map(fixed, p.tolist()))))
        by, bh = (multipletests(p, method=method)[1] for method in ("fdr_by", "fdr_bh"))
        np.testing.assert_allclose([one.any_dependence for one in found.values()], by, atol=1e-12)
        np.testing.assert_allclose([one.positive_dependence for one in found.values()], bh, atol=1e-12)
        assert all(one.anytime is None for one in found.values())


def test_signals_by_e_values_are_those_of_e_bh():
    draw = np.random.default_rng(3)
    logs = {k: float(one) for k, one in enumerate(draw.normal(2, 3, 60))}
    found = false_discoveries({k: Discovery(p_value=0.5, log_e_value=one) for k, one in logs.items()})
    for q in (0.01, 0.05, 0.2):
        assert {k for k, one in found.items() if one.anytime <= q} == e_bh(logs, q=q)
    assert found[min(logs, key=logs.get)].anytime == 1.0


def test_a_thousand_hypotheses_take_no_time():
    draw = np.random.default_rng(1)
    program = {f"hyp_{k}": fixed(p) for k, p in enumerate(draw.random(1000).tolist())}
    took = []
    for _ in range(5):
        began = time.process_time()
        false_discoveries(program)
        took.append(time.process_time() - began)
    assert min(took) <= 0.01
