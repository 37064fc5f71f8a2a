"""Which contrasts may be true, where an arm changed for whom the CPI or the KPI is seen?

Lee's bounds leave a box of effects. A verdict is asked at every corner of it: an answer that all corners give
does not hang on who was drawn in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

import numpy as np

from analyses.moments import Floats, Measure, Moments, gradients, means_of, moments_of, unit_covariance
from analyses.relationship.contrast import ExperimentContrasts
from analyses.results import NotEstimable
from analyses.validity.attrition import Side, ends, seen_in, trimming

MOST_CORNERS = 16
"""Of one experiment, and of all that a verdict rests on: each corner is a verdict of its own."""


class End(StrEnum):
    """Which values of the fuller arm are kept."""

    LOWEST = "lowest"
    HIGHEST = "highest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Which of control and an arm is seen for more units, and the last value that is kept from either end.

    As many values are kept as the other one would show of so many units (``trimming``).
    """

    side: Side
    lowest: float
    highest: float

    def at(self, end: End) -> float:
        """The last value kept."""
        return self.lowest if end is End.LOWEST else self.highest

    def kept(self, *, low: bool) -> End:
        """The end that makes the effect low, or high: control's values count against it."""
        return End.LOWEST if low is (self.side is Side.TREATMENT) else End.HIGHEST


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stratum:
    """One phase: the moments of every arm, control included, and the cuts by measure and arm.

    Where a cut is, the fuller arm has ``end_column`` for both ends.
    """

    arms: Mapping[str, Moments]
    cuts: Mapping[tuple[str, str], Cut]

    @property
    def units(self) -> int:
        """Of all arms."""
        return sum(moments.n for moments in self.arms.values())


def end_column(measure: str, arm: str, end: End) -> str:
    """Name of the column of what the values kept lie beyond their last one, 0 for all others.

    >>> end_column("time", "quick", End.LOWEST)
    'time/lowest/quick'
    """
    return f"{measure}/{end}/{arm}"


def beyond(values: Floats, seen: Floats, cut: float, end: End) -> Floats:
    """That column's values: how far a kept value lies beyond the last one that is kept.

    >>> beyond(np.array([1.0, 4.0, 0.0]), np.array([1.0, 1.0, 0.0]), 3.0, End.LOWEST)
    array([-2.,  0.,  0.])
    """
    away = values - cut
    kept = np.minimum(away, 0.0) if end is End.LOWEST else np.maximum(away, 0.0)
    found: Floats = np.where(seen > 0, kept, 0.0)
    return found


def stratum_of(
    columns: Sequence[str], rows: Mapping[str, Floats], control: str, moved: Sequence[Measure]
) -> Stratum:
    """One phase from the rows of its units, by arm: cut where as many values are left as the other arm shows.

    A pair of arms that has too few observed units for bounds has no cut.
    """
    arms = {arm: moments_of(columns, own) for arm, own in rows.items()}
    cuts: dict[tuple[str, str], Cut] = {}
    added: dict[str, dict[str, Floats]] = {arm: {} for arm in rows}
    for measure, arm in product(moved, (name for name in rows if name != control)):
        value, per = columns.index(measure.value), columns.index(str(measure.per))
        asked = trimming(*(seen_in(arms[one], measure.value, str(measure.per)) for one in (control, arm)))
        if isinstance(asked, NotEstimable):
            continue
        fuller = arm if asked.side is Side.TREATMENT else control
        values, seen = rows[fuller][:, value], rows[fuller][:, per]
        lowest, highest = ends(values[seen > 0], asked.keep)
        cut = cuts[measure.name, arm] = Cut(side=asked.side, lowest=lowest.cut, highest=highest.cut)
        for end in End:
            added[fuller][end_column(measure.name, arm, end)] = beyond(values, seen, cut.at(end), end)
    whole = {
        arm: moments_of((*columns, *more), np.column_stack([rows[arm], *more.values()]))
        if more
        else arms[arm]
        for arm, more in added.items()
    }
    return Stratum(arms=whole, cuts=cuts)


def lee_corners(
    contrasts: ExperimentContrasts,
    control: str,
    strata: Sequence[Stratum],
    measures: Sequence[Measure],
    moved: Collection[str],
) -> tuple[ExperimentContrasts, ...]:
    """The contrasts with every combination of effects at the lower or the upper one of their bounds.

    There are none where a measure that ``moved`` lacks a cut in some arm or phase, or where they would be
    more than 16.

    Question: does an answer on the slope stand, whoever the extra units are that an arm is seen for?
    Estimand: the effects at the corners of the box of Lee's bounds, unadjusted, with their covariances.
    Assumes: units randomised and independent, phase by phase; each arm moves observation one way only.
    Formula: a mean trimmed at its last value c is c + mean(z) / s, z = min(y - c, 0) of the observed in the
    fuller arm (max for the highest) and s the observed share of the other arm, so that its error is that of
    a ratio of means over all units of both arms: Lee's variance, and covariances with all other contrasts by
    the same linear weights. Phases by their share of all units.
    Reference: Lee (2009), Review of Economic Studies 76(3), propositions 1a and 3; Rockafellar & Uryasev
    (2000), Journal of Risk 2(3), for the trimmed mean as c + mean(z) / s.
    """
    at = [(name, arm.name) for arm in contrasts.arms for name in moved]
    known = all(key in stratum.cuts for stratum in strata for key in at)
    if not at or not known or 2 ** len(at) > MOST_CORNERS:
        return ()
    return tuple(
        _corner(contrasts, control, strata, measures, dict(zip(at, low, strict=True)))
        for low in product((True, False), repeat=len(at))
    )


def _corner(
    contrasts: ExperimentContrasts,
    control: str,
    strata: Sequence[Stratum],
    measures: Sequence[Measure],
    low: Mapping[tuple[str, str], bool],
) -> ExperimentContrasts:
    """Effects and covariance at one corner; what is told of segments is not told here."""
    every = sum(stratum.units for stratum in strata)
    effects = np.zeros(contrasts.effects.size)
    covariance = np.zeros((effects.size, effects.size))
    for stratum in strata:
        share = stratum.units / every
        form = _Linear(control=control, stratum=stratum, measures=measures)
        own, weights = form.contrasts([arm.name for arm in contrasts.arms], low)
        effects += share * own
        for arm, of_arm in weights.items():
            moments = stratum.arms[arm]
            covariance += share**2 * unit_covariance(moments, of_arm, np.abs(own)) / moments.n
    return replace(
        contrasts,
        effects=effects.reshape(contrasts.effects.shape),
        covariance=covariance.reshape(contrasts.covariance.shape),
        segments={},
        corners=(),
    )


type Weights = dict[str, Floats]
"""By arm, on its columns."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Linear:
    """The contrasts of one phase as linear weights on the columns of every arm."""

    control: str
    stratum: Stratum
    measures: Sequence[Measure]

    def contrasts(
        self, arms: Sequence[str], low: Mapping[tuple[str, str], bool]
    ) -> tuple[Floats, dict[str, Floats]]:
        """Estimates (K q,) and by arm the weights (K q, columns)."""
        size = len(arms) * len(self.measures)
        everybody = (self.control, *arms)
        weights = {name: np.zeros((size, len(self._of(name).columns))) for name in everybody}
        found = np.zeros(size)
        for row, (arm, measure) in enumerate(product(arms, self.measures)):
            key = (measure.name, arm)
            form = self._trimmed(arm, measure, low=low[key]) if key in low else self._plain(arm, measure)
            found[row], own = form
            for name, of_arm in own.items():
                weights[name][row] = of_arm
        return found, weights

    def _of(self, arm: str) -> Moments:
        return self.stratum.arms[arm]

    def _plain(self, arm: str, measure: Measure) -> tuple[float, Weights]:
        own, other = (self._of(name) for name in (arm, self.control))
        effect = float(means_of(own, [measure])[0] - means_of(other, [measure])[0])
        return effect, {arm: gradients(own, [measure])[0], self.control: -gradients(other, [measure])[0]}

    def _trimmed(self, arm: str, measure: Measure, *, low: bool) -> tuple[float, Weights]:
        """Trimmed: c + mean(z) / s - mean(y) / s, z of the fuller arm, y and s of the other; or less that."""
        cut = self.stratum.cuts[measure.name, arm]
        end, treated = cut.kept(low=low), cut.side is Side.TREATMENT
        fuller, other = (arm, self.control) if treated else (self.control, arm)
        ends, rest = self._of(fuller), self._of(other)
        z = ends.index(end_column(measure.name, arm, end))
        value, per = rest.index(measure.value), rest.index(str(measure.per))
        share, apart = float(rest.mean[per]), float(ends.mean[z] - rest.mean[value])
        sign = 1.0 if treated else -1.0
        of_fuller, of_other = np.zeros(len(ends.columns)), np.zeros(len(rest.columns))
        of_fuller[z], of_other[value] = sign / share, -sign / share
        of_other[per] = -sign * apart / share**2
        return sign * (cut.at(end) + apart / share), {fuller: of_fuller, other: of_other}
