"""Do the data contradict the drawn graph? Its missing arrows are claims that can be asked about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from analyses.moments import Floats, Moments
from analyses.multiplicity import Correction, adjusted_p_values
from analyses.observational.graph import CausalGraph
from analyses.observational.sample import Sample
from analyses.results import NotEstimable

SIGNIFICANT = 0.05
NEGLIGIBLE = 0.02
"""A correlation below this is not held against a graph, however many units make it significant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Independence:
    """Two nodes without an arrow, which the graph says are independent given others, and what the data say.

    ``correlation`` is partial (of several columns: canonical, together), ``p_value`` adjusted for the number
    of claims; ``holds`` is False where the data contradict the claim, None where it could not be asked.
    """

    one: str
    other: str
    given: tuple[str, ...]
    correlation: float | None
    p_value: float | None
    holds: bool | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpliedIndependences:
    """Every claim that could be asked, and the pairs of nodes that the data say belong together."""

    claims: tuple[Independence, ...]
    contradicted: tuple[tuple[str, str], ...]


def implied_independences(
    graph: CausalGraph, sample: Sample, *, alpha: float = SIGNIFICANT
) -> ImpliedIndependences | NotEstimable:
    """What the graph's missing arrows claim, asked of the covariance matrix of the data.

    Question: do the data contradict the drawn graph, and at which missing arrow?
    Estimand: for each pair without an arrow that measured nodes separate, their partial correlation.
    Assumes: linear relations and independent units; a nonlinear dependence may go unseen.
    Formula: x and y are separable by measured nodes only if their measured ancestors separate them. With S
    the scatter left by these, L = |S| / (|S_xx| |S_yy|) (Wilks), -(n - p - (a + b + 3) / 2) ln L is
    chi-square with a b degrees of freedom for a and b columns given p (Bartlett). P-values adjusted by
    Benjamini and Yekutieli. A claim is contradicted at adjusted p < alpha and sqrt(1 - L) >= .02.
    Units: correlations.
    Errors: a graph that passes is not proven: graphs with more arrows claim less, and pass more easily.
    Reference: Pearl (2009), Causality, section 1.2; Ankan, Wortel & Textor (2021), Current Protocols 1(2).
    """
    claims = tuple(_claims(graph))
    if not claims:
        return NotEstimable(
            reason="no_claims", detail="this graph leaves no arrow out that measured data could ask about"
        )
    moments = sample.moments
    found = {claim: _asked(sample, moments, *claim) for claim in claims}
    asked = {claim: one[1] for claim, one in found.items() if one is not None}
    adjusted = adjusted_p_values(asked, correction=Correction.BY)
    told = tuple(
        _told(claim, None if one is None else (one[0], adjusted[claim]), alpha)
        for claim, one in found.items()
    )
    return ImpliedIndependences(
        claims=told, contradicted=tuple((one.one, one.other) for one in told if one.holds is False)
    )


type _Claim = tuple[str, str, tuple[str, ...]]


def _claims(graph: CausalGraph) -> Iterator[_Claim]:
    for one, other in combinations(graph.measured, 2):
        if one in graph.causes[other] or other in graph.causes[one]:
            continue
        given = frozenset(graph.ancestors({one, other})) - {one, other} - graph.unmeasured
        if graph.separated({one}, {other}, given):
            yield one, other, tuple(sorted(given))


def _asked(
    sample: Sample, moments: Moments, one: str, other: str, given: Sequence[str]
) -> tuple[float, float] | None:
    """Correlation and p-value, or None where a column says nothing once the others are known."""
    from scipy.special import chdtrc

    left = [moments.index(name) for name in sample.of(one)]
    right = [moments.index(name) for name in sample.of(other)]
    fixed = [moments.index(name) for name in sample.columns_of(given)]
    a, b, p = len(left), len(right), len(fixed)
    spare = moments.n - p - (a + b + 3) / 2
    scatter = partial_scatter(moments.scatter, [*left, *right], fixed)
    whole, first, second = (
        np.linalg.slogdet(_unit(scatter, at)) for at in (slice(None), slice(0, a), slice(a, a + b))
    )
    repeated = min(first[0], second[0]) <= 0 or min(first[1], second[1]) < -25
    if spare < 1 or repeated or _empty(moments, left + right, scatter):
        return None
    log_lambda = min(whole[1] - first[1] - second[1], 0.0) if whole[0] > 0 else -50.0
    correlation = float(np.sqrt(max(0.0, -np.expm1(log_lambda))))
    return correlation, float(chdtrc(a * b, -spare * log_lambda))


def _unit(scatter: Floats, at: slice) -> Floats:
    scale = np.sqrt(np.maximum(np.diag(scatter), 1e-300))
    found: Floats = (scatter / np.outer(scale, scale))[at, at]
    return found


def _empty(moments: Moments, at: Sequence[int], scatter: Floats) -> bool:
    whole = np.diag(moments.scatter)[list(at)]
    return bool((np.diag(scatter) <= 1e-9 * whole).any() or (whole <= 0).any())


def partial_scatter(scatter: Floats, of: Sequence[int], fixed: Sequence[int]) -> Floats:
    """What is left of the cross-products of some columns once others are held fixed."""
    own = scatter[np.ix_(of, of)]
    if not fixed:
        return own
    held, across = scatter[np.ix_(fixed, fixed)], scatter[np.ix_(fixed, of)]
    scale = np.sqrt(np.maximum(np.diag(held), 1e-300))
    inverse = np.linalg.pinv(held / np.outer(scale, scale), rcond=1e-10, hermitian=True)
    across = across / scale[:, None]
    left: Floats = own - across.T @ inverse @ across
    return left


def _told(claim: _Claim, asked: tuple[float, float] | None, alpha: float) -> Independence:
    one, other, given = claim
    among = f", among units alike in {', '.join(given)}" if given else ""
    if asked is None:
        detail = f"Could not be asked: {one} or {other} does not vary{among}."
        return Independence(
            one=one, other=other, given=given, correlation=None, p_value=None, holds=None, detail=detail
        )
    correlation, p_value = asked
    holds = p_value >= alpha or correlation < NEGLIGIBLE
    said = "goes with" if not holds else "does not go with"
    advice = " An arrow or a common cause is missing between them." if not holds else ""
    return Independence(
        one=one,
        other=other,
        given=given,
        correlation=correlation,
        p_value=p_value,
        holds=holds,
        detail=f"{one} {said} {other}{among}: correlation {correlation:.3f}.{advice}",
    )
