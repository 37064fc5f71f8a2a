"""How do covariates become columns of numbers that a line can be drawn through? And which say nothing new?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.heterogeneity.trial import Bools, Covariate, Trial
from analyses.moments import Floats
from analyses.results import NotEstimable

MOST_LEVELS = 20
RARE = 0.005  # levels of a smaller share are put together
MOST_COLUMNS = 400
_SAME = 1e-6  # of a column's variance, what the columns before it leave: less is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One column: a number, whether it is known, or one level against the most frequent one."""

    covariate: str
    words: str
    scale: float  # the column is (value - its mean) / scale


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A covariate, or a part of one, that is in no model, and why."""

    words: str
    reason: NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Design:
    """Standardised columns of all units, each with what it says; scales are those of the discovery half."""

    terms: tuple[Term, ...]
    matrix: Floats
    left_out: tuple[LeftOut, ...]


def design(trial: Trial) -> Design | NotEstimable:
    """Columns of every covariate that differs between units and follows from no other one."""
    if not trial.covariates:
        return NotEstimable(reason="no_covariates", detail="nothing is known of the units before exposure")
    terms: list[Term] = []
    columns: list[Floats] = []
    left_out: list[LeftOut] = []
    for covariate in trial.covariates:
        for words, column in _columns(covariate, trial.discovery):
            middle, scale = float(column[trial.discovery].mean()), float(column[trial.discovery].std())
            if scale <= 1e-12 * max(abs(middle), 1.0):
                left_out.append(_constant(words))
                continue
            columns.append((column - middle) / scale)
            terms.append(Term(covariate=covariate.name, words=words, scale=scale))
    if len(columns) > MOST_COLUMNS:
        detail = f"the covariates make {len(columns)} columns; it takes {MOST_COLUMNS} or fewer"
        return NotEstimable(reason="too_many_covariates", detail=detail)
    if not columns:
        return NotEstimable(reason="constant", detail="no covariate differs between units")
    matrix = np.column_stack(columns)
    kept = _independent(matrix[trial.discovery])
    left_out += [_collinear(term.words) for place, term in enumerate(terms) if place not in kept]
    return Design(
        terms=tuple(terms[place] for place in kept),
        matrix=matrix if len(kept) == len(terms) else np.ascontiguousarray(matrix[:, kept]),
        left_out=tuple(left_out),
    )


def _columns(covariate: Covariate, discovery: Bools) -> Sequence[tuple[str, Floats]]:
    if covariate.levels is None:
        return _numbers(covariate)
    return _levels(covariate, covariate.levels, discovery)


def _numbers(covariate: Covariate) -> Sequence[tuple[str, Floats]]:
    """The number, 0 where unknown, and where some are unknown, whether it is."""
    unknown = np.isnan(covariate.values)
    if not unknown.any():
        return [(covariate.name, covariate.values)]
    return [
        (covariate.name, np.where(unknown, 0.0, covariate.values)),
        (f"{covariate.name} is unknown", unknown.astype(float)),
    ]


def _levels(covariate: Covariate, levels: Sequence[str], discovery: Bools) -> Sequence[tuple[str, Floats]]:
    """Each level against the most frequent one; rare levels together, unknown as one of them."""
    codes = covariate.values.astype(np.int64)
    sizes = np.bincount(codes[discovery] + 1, minlength=len(levels) + 1)
    order = [int(one) for one in np.argsort(-sizes, kind="stable") if sizes[one] > 0]
    if len(order) < 2:
        return [(covariate.name, np.zeros(len(codes)))]
    told = [one for one in order[1:MOST_LEVELS] if sizes[one] >= RARE * sizes.sum()]
    found = [(_words(covariate.name, levels, one - 1), (codes + 1 == one).astype(float)) for one in told]
    others = ~np.isin(codes + 1, [order[0], *told])
    if others[discovery].any():
        found.append((f"{covariate.name} is rare", others.astype(float)))
    return found


def _words(name: str, levels: Sequence[str], code: int) -> str:
    return f"{name} is unknown" if code < 0 else f"{name} is {levels[code]}"


def _independent(matrix: Floats) -> list[int]:
    """Columns that do not follow from those before them: Cholesky of the correlations, row by row."""
    correlation = matrix.T @ matrix / len(matrix)
    kept: list[int] = []
    lower = np.zeros_like(correlation)
    for place in range(len(correlation)):
        row = correlation[place, kept].copy()
        for at, one in enumerate(kept):
            row[at] = (row[at] - row[:at] @ lower[one, :at]) / lower[one, at]
        left = correlation[place, place] - row @ row
        if left > _SAME:
            lower[place, : len(kept)], lower[place, len(kept)] = row, np.sqrt(left)
            kept.append(place)
    return kept


def _constant(words: str) -> LeftOut:
    return LeftOut(words=words, reason=NotEstimable(reason="constant", detail="it is the same for all units"))


def _collinear(words: str) -> LeftOut:
    detail = "it follows from the covariates before it"
    return LeftOut(words=words, reason=NotEstimable(reason="collinear", detail=detail))
