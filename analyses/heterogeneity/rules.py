"""In which segments, said in one or two conditions, does the effect seem to differ most from the rest's?

Asked of one half of the units: what is found is a proposal, for the other half to test.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import combinations

import numpy as np

from analyses.heterogeneity.design import MOST_LEVELS
from analyses.heterogeneity.scores import difference_of
from analyses.heterogeneity.trial import Bools, Codes, Covariate
from analyses.moments import Floats
from analyses.results import NotEstimable

MOST_SEGMENTS = 5
LEAST_SHARE = 0.05  # of the units in a segment, and of those outside it
LEAST_Z = 2.0  # of the difference in the half that proposes: less is not worth a test in the other
MOST_ALIKE = 0.7  # correlation of being in one segment and in another
_CUTS = 7  # thresholds of a number, at even shares of the units
_PAIRED = 20  # covariates that pairs of conditions are formed of, those that tell most alone
_RANKED_ANEW = 25  # candidates
_WORTH = 4.0  # what a second condition must add to z squared


class Relation(StrEnum):
    """How a condition compares a covariate with its value."""

    IS = "is"
    IS_NOT = "is_not"
    BELOW = "below"
    AT_LEAST = "at_least"
    KNOWN = "known"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What must hold of one covariate; ``value`` is a level or a threshold, None where none is compared."""

    covariate: str
    relation: Relation
    value: str | float | None = None

    @property
    def words(self) -> str:
        """The condition as people say it."""
        match self.relation:
            case Relation.IS:
                return f"{self.covariate} is {self.value}"
            case Relation.IS_NOT:
                return f"{self.covariate} is not {self.value}"
            case Relation.BELOW:
                return f"{self.covariate} is below {self.value:g}"
            case Relation.AT_LEAST:
                return f"{self.covariate} is at least {self.value:g}"
            case _:
                return f"{self.covariate} is {self.relation.value}"

    def holds(self, covariate: Covariate) -> Bools:
        """For which units it is true; what is unknown is below nothing and at least nothing."""
        values = covariate.values
        unknown = np.isnan(values) if covariate.levels is None else values < 0
        match self.relation:
            case Relation.IS | Relation.IS_NOT:
                here: Bools = values == (covariate.levels or ()).index(str(self.value))
                return here if self.relation is Relation.IS else ~here
            case Relation.BELOW:
                return ~unknown & (values < float(self.value or 0.0))
            case Relation.AT_LEAST:
                return ~unknown & (values >= float(self.value or 0.0))
            case Relation.KNOWN:
                return ~unknown
            case Relation.UNKNOWN:
                return unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One or two conditions that hold together."""

    conditions: tuple[Condition, ...]

    @property
    def words(self) -> str:
        return ", ".join(condition.words for condition in self.conditions)

    def holds(self, covariates: Mapping[str, Covariate]) -> Bools:
        found = [one.holds(covariates[one.covariate]) for one in self.conditions]
        return found[0] if len(found) == 1 else found[0] & found[1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Axis:
    """A covariate in bins, and the conditions that can be said of it: which bins each is true of."""

    codes: Codes
    bins: int
    conditions: tuple[Condition, ...]
    member: Floats  # conditions × bins, 1 or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    rule: Rule
    z: float


def propose(
    covariates: Sequence[Covariate], values: Floats, *, clusters: Codes | None = None
) -> tuple[tuple[Rule, float], ...]:
    """At most five rules with their z, each with a difference that those before it do not already tell.

    Question: for which customers does the effect seem to be another one?
    Assumes: ``values`` are scores of these very units, so that nothing found here is evidence.
    Formula: every threshold at an eighth of the units and every level, alone and in pairs, by the z statistic
    of the mean inside less the mean outside; once a rule is taken, its two means are taken out of the values
    and the search begins again. Where clusters were drawn, the best by that are ranked anew, by errors which
    allow for what units of a cluster have in common.
    """
    by_name = {one.name: one for one in covariates}
    axes = [axis for one in covariates if (axis := _axis(one)) is not None]
    left: Floats = values
    found: list[tuple[Rule, float]] = []
    members: list[Bools] = []
    for _ in range(MOST_SEGMENTS):
        best = [one for one in _best(axes, left, _tables(axes, left)) if abs(one.z) >= LEAST_Z]
        if clusters is not None:
            best = _again(best[:_RANKED_ANEW], by_name, left, clusters)
        taken = next((one.rule for one in best if is_new(one.rule.holds(by_name), members)), None)
        if taken is None:
            break
        inside = taken.holds(by_name)
        z = _z_of(values, inside, clusters)
        if abs(z) >= LEAST_Z:
            found.append((taken, z))
        members.append(inside)
        left = left - np.where(inside, left[inside].mean(), left[~inside].mean())
    return tuple(found)


def _again(
    best: Sequence[_Candidate], by_name: Mapping[str, Covariate], values: Floats, clusters: Codes
) -> list[_Candidate]:
    found = [replace(one, z=_z_of(values, one.rule.holds(by_name), clusters)) for one in best]
    return sorted((one for one in found if abs(one.z) >= LEAST_Z), key=lambda one: -abs(one.z))


def _axis(covariate: Covariate) -> _Axis | None:
    """None where nothing can be said of it that is true of some units and not of others."""
    found = _cuts(covariate) if covariate.levels is None else _places(covariate, covariate.levels)
    if found is None:
        return None
    codes, bins, conditions, member = found
    return _Axis(codes=codes, bins=bins, conditions=tuple(conditions), member=np.array(member, dtype=float))


def _said(cut: float) -> float:
    """As it is told, to three figures: the rule is what its words say."""
    return float(f"{cut:.3g}")


type _Found = tuple[Codes, int, list[Condition], list[list[bool]]]


def _cuts(covariate: Covariate) -> _Found | None:
    """Bins between thresholds, the last for the unknown."""
    unknown = np.isnan(covariate.values)
    known = covariate.values[~unknown]
    if not known.size:
        return None
    shares = np.arange(1, _CUTS + 1) / (_CUTS + 1)
    cuts = np.unique([_said(cut) for cut in np.quantile(known, shares, method="higher").tolist()])
    cuts = cuts[(cuts > known.min()) & (cuts <= known.max())]
    codes = np.where(unknown, len(cuts) + 1, np.searchsorted(cuts, covariate.values, side="right"))
    bins = len(cuts) + 2
    conditions: list[Condition] = []
    member: list[list[bool]] = []
    for place, cut in enumerate(cuts.tolist(), start=1):
        for relation in (Relation.BELOW, Relation.AT_LEAST):
            conditions.append(Condition(covariate=covariate.name, relation=relation, value=cut))
            below = relation is Relation.BELOW
            member.append([code < bins - 1 and (code < place) == below for code in range(bins)])
    if unknown.any():
        for relation in (Relation.KNOWN, Relation.UNKNOWN):
            conditions.append(Condition(covariate=covariate.name, relation=relation))
            member.append([(code == bins - 1) == (relation is Relation.UNKNOWN) for code in range(bins)])
    return (codes.astype(np.int32), bins, conditions, member) if conditions else None


def _places(covariate: Covariate, levels: Sequence[str]) -> _Found | None:
    """A bin a level, the most frequent ones; the others share the last."""
    codes = covariate.values.astype(np.int64)
    sizes = np.bincount(codes[codes >= 0], minlength=len(levels))
    told = [int(one) for one in np.argsort(-sizes, kind="stable")[:MOST_LEVELS] if sizes[one] > 0]
    bins = len(told) + 1
    place = np.full(len(levels) + 1, bins - 1, dtype=np.int32)
    place[told] = np.arange(len(told))
    conditions: list[Condition] = []
    member: list[list[bool]] = []
    two = len(np.unique(place[codes])) == 2  # then not to be the one is to be the other
    for at, code in enumerate(told):
        for relation in (Relation.IS,) if two else (Relation.IS, Relation.IS_NOT):
            conditions.append(Condition(covariate=covariate.name, relation=relation, value=levels[code]))
            member.append([(one == at) == (relation is Relation.IS) for one in range(bins)])
    return (place[codes], bins, conditions, member) if conditions else None


type _Sums = tuple[Floats, Floats, Floats]  # units, values, squares; by bins


def _tables(axes: Sequence[_Axis], values: Floats) -> list[_Sums]:
    squares = values**2
    return [_binned(axis.codes, axis.bins, values, squares) for axis in axes]


def _binned(codes: Codes, bins: int, values: Floats, squares: Floats) -> _Sums:
    count = np.bincount(codes, minlength=bins).astype(float)
    total = np.bincount(codes, weights=values, minlength=bins)
    return count, total, np.bincount(codes, weights=squares, minlength=bins)


def _best(axes: Sequence[_Axis], values: Floats, alone: Sequence[_Sums]) -> list[_Candidate]:
    """The best of each covariate and of each pair of covariates, the best first."""
    whole = (float(len(values)), float(values.sum()), float((values**2).sum()))
    singles: list[tuple[float, int, _Candidate]] = []
    for place, (axis, sums) in enumerate(zip(axes, alone, strict=True)):
        z = _z((axis.member @ sums[0], axis.member @ sums[1], axis.member @ sums[2]), whole)
        singles += [
            (abs(float(each)), place, _Candidate(rule=Rule(conditions=(condition,)), z=float(each)))
            for each, condition in zip(z, axis.conditions, strict=True)
        ]
    singles.sort(key=lambda one: -one[0])
    strongest = list(dict.fromkeys(place for _, place, _ in singles))[:_PAIRED]
    top = {place: max(abs(one.z) for _, at, one in singles if at == place) for place in strongest}
    both = [
        one
        for i, j in combinations(sorted(strongest), 2)
        for one in _pairs(axes[i], axes[j], values, whole)
        if one.z**2 > max(top[i], top[j]) ** 2 + _WORTH
    ]
    return sorted([*(one for _, _, one in singles), *both], key=lambda one: -abs(one.z))


def _pairs(
    one: _Axis, other: _Axis, values: Floats, whole: tuple[float, float, float]
) -> Iterator[_Candidate]:
    """The best rule of a condition on each."""
    codes = one.codes * other.bins + other.codes
    sums = _binned(codes, one.bins * other.bins, values, values**2)
    count, total, squares = (
        one.member @ table.reshape(one.bins, other.bins) @ other.member.T for table in sums
    )
    z = _z((count, total, squares), whole)
    row, column = np.unravel_index(int(np.argmax(np.abs(z))), z.shape)
    conditions = (one.conditions[int(row)], other.conditions[int(column)])
    yield _Candidate(rule=Rule(conditions=conditions), z=float(z[row, column]))


def _z(sums: _Sums, whole: tuple[float, float, float]) -> Floats:
    """Of the mean inside less the mean outside; 0 where either is too small to be told."""
    count, total, squares = sums
    n, sum_of_all, squares_of_all = whole
    least = LEAST_SHARE * n
    told = (count >= max(least, 2.0)) & (n - count >= max(least, 2.0))
    inside, outside = np.where(told, count, 1.0), np.where(told, n - count, 1.0)
    means = total / inside, (sum_of_all - total) / outside
    spread = (
        np.maximum(squares / inside - means[0] ** 2, 0.0) / inside
        + np.maximum((squares_of_all - squares) / outside - means[1] ** 2, 0.0) / outside
    )
    told &= spread > 0.0
    found: Floats = np.where(told, (means[0] - means[1]) / np.sqrt(np.where(told, spread, 1.0)), 0.0)
    return found


def _z_of(values: Floats, inside: Bools, clusters: Codes | None) -> float:
    if clusters is not None:
        apart = difference_of(values, inside, ~inside, alpha=0.05, clusters=clusters)
        return 0.0 if isinstance(apart, NotEstimable) else apart.value / apart.std_error
    whole = (float(len(values)), float(values.sum()), float((values**2).sum()))
    chosen = values[inside]
    sums = np.array([chosen.size]), np.array([chosen.sum()]), np.array([(chosen**2).sum()])
    return float(_z(sums, whole)[0])


def is_new(inside: Bools, taken: Sequence[Bools]) -> bool:
    """Whether it is not nearly one of those that were taken before, or its opposite."""
    share = inside.mean()
    if not 0.0 < share < 1.0:
        return False
    for other in taken:
        both, there = float((inside & other).mean()), float(other.mean())
        spread = (share * (1 - share) * there * (1 - there)) ** 0.5
        if abs(both - share * there) / spread > MOST_ALIKE:
            return False
    return True
