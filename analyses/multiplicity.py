"""Which of many effects may be called real, when each of them had its own chance to look so?

A few lines of sorting each: statsmodels, which has most of them, would bring pandas into every run.
"""

from collections.abc import Collection, Hashable, Mapping
from enum import StrEnum
from math import log

import numpy as np

from analyses.moments import Floats


class Correction(StrEnum):
    """What is controlled over a family of tests."""

    HOLM = "holm"
    """The chance of even one false signal, under any dependence."""
    BH = "bh"
    """The expected share of false ones among the signals; tests independent or positively dependent."""
    BY = "by"
    """The same under any dependence."""


def adjusted_p_values[K: Hashable](
    p_values: Mapping[K, float], *, correction: Correction, primary: Collection[K] = ()
) -> dict[K, float]:
    """P-values that may be compared with alpha one by one, although there are many.

    Question: which of these metrics and arms moved, when the number of questions is taken into account?
    Estimand: none; a test is a signal where its adjusted p-value is at most alpha.
    Assumes: valid p-values; for BH, tests that are independent or positively dependent.
    Formula, p sorted ascending, i from 1 to m, kept monotone: Holm (m - i + 1) p_(i) upward from the
    smallest; BH m p_(i) / i downward from the largest; BY that times 1 + 1/2 + ... + 1/m.
    The ``primary`` tests (one metric over all arms, say) are a family of their own: no number of secondary
    metrics makes a primary one harder to show, and the level holds in each of the two families.
    Reference: Holm (1979), Scandinavian Journal of Statistics 6; Benjamini & Hochberg (1995), JRSS B 57;
    Benjamini & Yekutieli (2001), Annals of Statistics 29(4).

    >>> p = {"sales": 0.03, "calls": 0.01, "visits": 0.02, "returns": 0.9}
    >>> adjusted_p_values(p, correction=Correction.HOLM, primary=["sales"])
    {'sales': 0.03, 'calls': 0.03, 'visits': 0.04, 'returns': 0.9}
    """
    unknown = [name for name in primary if name not in p_values]
    if unknown:
        raise ValueError(f"expected a p-value for every primary test, got none for {unknown}")
    wrong = {name: p for name, p in p_values.items() if not 0 <= p <= 1}
    if wrong:
        raise ValueError(f"expected p-values in [0, 1], got {wrong}")
    adjusted: dict[K, float] = {}
    for family in ([k for k in p_values if k in primary], [k for k in p_values if k not in primary]):
        values = _adjusted(np.array([p_values[k] for k in family]), correction)
        adjusted.update(zip(family, values.tolist(), strict=True))
    return {name: adjusted[name] for name in p_values}


def _adjusted(p: Floats, correction: Correction) -> Floats:
    if not p.size:
        return p
    return _holm(p) if correction is Correction.HOLM else _step_up(p, by=correction is Correction.BY)


def _step_up(p: Floats, *, by: bool) -> Floats:
    ranks = np.arange(1, p.size + 1)
    order = np.argsort(p)
    scaled = p[order] * (p.size / ranks)
    if by:
        scaled *= np.sum(1 / ranks)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.clip(adjusted, 0.0, 1.0)


def _holm(p: Floats) -> Floats:
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return adjusted


def e_bh[K: Hashable](log_e_values: Mapping[K, float], *, q: float = 0.05) -> frozenset[K]:
    """The signals among E values, which may be looked at any time: an expected share of q of them false.

    Question: which hypotheses may be called moved today, when looks and tests are both many?
    Estimand: none. Takes the logarithms of E values, as ``anytime`` gives them.
    Assumes: each E value has expectation at most 1 where nothing moved; any dependence between them.
    Formula: the k largest, for the largest k with e_(k) >= m / (q k).
    Reference: Wang & Ramdas (2022), JRSS B 84(3), arXiv:2009.02824.

    >>> from math import log
    >>> sorted(e_bh({"calls": log(80), "visits": log(45), "returns": log(15)}))
    ['calls', 'visits']
    """
    _level(q)
    m = len(log_e_values)
    ordered = sorted(log_e_values, key=lambda name: -log_e_values[name])
    enough = [k for k, name in enumerate(ordered, start=1) if log_e_values[name] >= log(m / (q * k))]
    return frozenset(ordered[: max(enough, default=0)])


def bayesian_fdr[K: Hashable](null_probabilities: Mapping[K, float], *, q: float = 0.05) -> frozenset[K]:
    """The largest set of signals of which, by their posteriors, at most a share of q is expected false.

    Question: which effects may be acted on together, if one in twenty may be wrong?
    Estimand: none. Takes each test's posterior probability of being no signal (not better, or inside the
    region of practical equivalence).
    Assumes: the posteriors, prior included; a registered or empirical prior makes the shares honest.
    Formula: the k smallest, for the largest k whose mean is at most q.
    Reference: Müller, Parmigiani, Robert & Rousseau (2004), JASA 99(468); Efron (2010), Large-scale
    inference, section 5.

    >>> sorted(bayesian_fdr({"calls": 0.01, "visits": 0.08, "returns": 0.3}))
    ['calls', 'visits']
    """
    _level(q)
    ordered = sorted(null_probabilities, key=lambda name: null_probabilities[name])
    expected = np.cumsum([null_probabilities[name] for name in ordered]) / np.arange(1, len(ordered) + 1)
    return frozenset(ordered[: int((expected <= q).sum())])


def _level(q: float) -> None:
    if not 0.0 < q < 1.0:
        raise ValueError(f"q must lie between 0 and 1, got {q}")
