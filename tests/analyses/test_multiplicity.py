"""Do many questions at once keep their error rates?"""

import doctest
from math import inf, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses import Correction, adjusted_p_values, bayesian_fdr, e_bh

families = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def numbered(values):
    return dict(enumerate(values))


def test_examples_of_docstrings_hold():
    from analyses import multiplicity

    result = doctest.testmod(multiplicity)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("correction", "theirs"),
    [(Correction.HOLM, "holm"), (Correction.BH, "fdr_bh"), (Correction.BY, "fdr_by")],
)
def test_adjusted_p_values_are_those_of_statsmodels(correction, theirs):
    from statsmodels.stats.multitest import multipletests

    draw = np.random.default_rng(42)
    for size in (1, 2, 7, 40):
        p = np.round(draw.random(size) ** 3, 2)  # ties, zeros and ones among them
        ours = adjusted_p_values(numbered(p.tolist()), correction=correction)
        np.testing.assert_allclose(list(ours.values()), multipletests(p, method=theirs)[1], atol=1e-12)


def test_benjamini_and_hochbergs_own_example():
    """Benjamini & Hochberg (1995), section 4: 15 endpoints, of which q = .05 finds four."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    found = adjusted_p_values(numbered([*p, 0.6528, 0.7590, 1.0]), correction=Correction.BH)
    assert sum(value <= 0.05 for value in found.values()) == 4


@pytest.mark.parametrize("correction", Correction)
def test_secondary_metrics_never_touch_a_primary_one(correction):
    p = {"primary": 0.04} | {f"secondary {k}": 0.5 for k in range(50)}
    assert adjusted_p_values(p, correction=correction, primary=["primary"])["primary"] == 0.04
    assert adjusted_p_values(p, correction=correction)["primary"] >= 0.5


def test_a_primary_metric_over_three_arms_pays_for_its_arms():
    p = {("sales", "a"): 0.01, ("sales", "b"): 0.02, ("sales", "c"): 0.9, ("calls", "a"): 1e-9}
    found = adjusted_p_values(p, correction=Correction.HOLM, primary=list(p)[:3])
    assert found == pytest.approx(
        {("sales", "a"): 0.03, ("sales", "b"): 0.04, ("sales", "c"): 0.9, ("calls", "a"): 1e-9}
    )


@settings(deadline=None)  # a shared machine stalls
@given(p=families, correction=st.sampled_from(Correction))
def test_no_adjustment_makes_a_p_value_smaller_or_changes_the_order(p, correction):
    found = list(adjusted_p_values(numbered(p), correction=correction).values())
    assert all(new >= old - 1e-15 for new, old in zip(found, p, strict=True))
    assert all(np.diff(np.array(found)[np.argsort(p)]) >= -1e-15)


def test_no_tests_at_all_have_no_signals():
    assert adjusted_p_values({}, correction=Correction.BH) == {}
    assert e_bh({}) == bayesian_fdr({}) == frozenset()


def test_bad_calls_are_refused():
    with pytest.raises(ValueError, match="p-values in"):
        adjusted_p_values({"a": 1.2}, correction=Correction.BH)
    with pytest.raises(ValueError, match="every primary"):
        adjusted_p_values({"a": 0.2}, correction=Correction.BH, primary=["b"])
    with pytest.raises(ValueError, match="q must lie"):
        e_bh({"a": 1.0}, q=0)


@settings(deadline=None)  # a shared machine stalls
@given(p=st.lists(st.floats(1e-9, 1), min_size=1, max_size=30))
def test_e_bh_on_one_over_p_finds_what_bh_finds(p):
    """Wang & Ramdas (2022): BH is e-BH on the (invalid) E values 1/p."""
    bh = adjusted_p_values(numbered(p), correction=Correction.BH)
    clear = {k for k, value in bh.items() if abs(value - 0.05) > 1e-9}
    found = e_bh({k: -log(value) for k, value in numbered(p).items()})
    assert found & clear == {k for k in clear if bh[k] < 0.05}


def test_an_e_value_of_nothing_or_of_certainty_is_handled():
    assert e_bh({"a": -inf, "b": inf}) == {"b"}


def test_the_bayesian_set_is_the_largest_that_keeps_its_promise():
    from itertools import combinations

    nulls = dict(zip("abcdefg", [0.3, 0.001, 0.02, 0.9, 0.15, 0.08, 0.02], strict=True))
    kept = [s for r in range(1, 8) for s in combinations(nulls, r) if np.mean([nulls[k] for k in s]) <= 0.05]
    found = bayesian_fdr(nulls)
    assert len(found) == max(map(len, kept))
    assert np.mean([nulls[k] for k in found]) <= 0.05


def test_false_discoveries_of_two_hundred_hypotheses_are_as_published():
    """200 hypotheses of which 30 true: raw .129, BH .043, BY .008, e-BH lower than q.

    300 repetitions; true ones three standard errors away (power of raw p < .025 one-sided about .85).
    """
    from scipy.special import ndtr

    draw = np.random.default_rng(41)
    true = np.arange(200) < 30
    rates = {name: [] for name in ("raw", "bh", "by", "e")}
    for _ in range(300):
        z = draw.normal(size=200) + 3.55 * true
        p = numbered(ndtr(-z).tolist())
        found = {
            "raw": {k for k in p if p[k] < 0.025},
            "bh": {k for k, a in adjusted_p_values(p, correction=Correction.BH).items() if a <= 0.05},
            "by": {k for k, a in adjusted_p_values(p, correction=Correction.BY).items() if a <= 0.05},
            # likelihood ratio against an effect of 3.55: expectation 1 where nothing moved
            "e": e_bh({k: 3.55 * v - 3.55**2 / 2 for k, v in numbered(z.tolist()).items()}),
        }
        for name, signals in found.items():
            rates[name].append(np.mean([k >= 30 for k in signals]) if signals else 0.0)
    fdr = {name: np.mean(values) for name, values in rates.items()}
    assert fdr["raw"] == pytest.approx(0.129, abs=0.02)
    assert fdr["bh"] == pytest.approx(0.05 * 170 / 200, abs=0.012)
    assert fdr["by"] < 0.02
    assert fdr["e"] < 0.05
