"""Which values lie at the ends of an arm that is seen more often? Asked only where arms changed who is seen.

Lee's bounds cut the fuller arm's extra share off either end: how many values that leaves is known only once
the arms have been counted, so that this is a second question to the table of units that the first left. A
third gives the moments of that arm with what its kept values lie beyond the cut, so that effects at either
bound covary with all others as they do.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from analyses import (
    Cut,
    End,
    Kept,
    Moments,
    NotEstimable,
    Observed,
    PairSeen,
    Side,
    Stratum,
    end_column,
    observed_share,
    seen_in,
    trimming,
)
from service.facts.query.answer import MomentsResult
from service.facts.query.expression import column_names
from service.facts.query.question import MomentsQuery
from service.facts.query.rows import moments_in
from service.facts.query.summaries import analysed_units, moments_of_columns, pairs
from service.metrics.definitions import QuantileDefinition, RatioDefinition

if TYPE_CHECKING:
    from collections.abc import Callable

    from ibis.expr.types import Table

    type Ask = Callable[[Table], list[dict[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounded:
    """As MomentsResult has them; nothing where no arm changed who is seen."""

    trimmed: dict[tuple[str, str], tuple[PairSeen, ...]] = field(default_factory=dict)
    strata: tuple[Stratum, ...] = ()


def bounded(ask: "Ask", units: "Table", query: MomentsQuery, found: MomentsResult) -> Bounded:
    """The first arm of the question is control.

    Nothing where clusters were randomised: the errors of bounds are those of single units. Phases without a
    unit in some arm are left out, as they are of every contrast.
    """
    used = [phase for phase in found.phases if all(found.moments[arm, phase].n for arm in query.arms)]
    moved = _moved(query, found, used) if used and query.cluster is None else []
    if not moved:
        return Bounded()
    phases = [_Phase(ask=ask, units=units, query=query, found=found, phase=phase) for phase in used]
    by_phase = [one.pairs(moved) for one in phases]
    keys = [
        (ref, arm) for ref in moved for arm in query.arms[1:] if all((ref, arm) in one for one in by_phase)
    ]
    return Bounded(
        trimmed={key: tuple(one[key] for one in by_phase) for key in keys},
        strata=tuple(phase.stratum(of) for phase, of in zip(phases, by_phase, strict=True)),
    )


def _moved(query: MomentsQuery, found: MomentsResult, used: list[int]) -> list[str]:
    """Metrics whose second column says whether a unit has them, and not for the same share of every arm."""
    refs = [
        ref
        for ref, definition in query.metrics
        if f"{ref}/per" in found.columns and not isinstance(definition, RatioDefinition | QuantileDefinition)
    ]
    return [
        ref
        for ref in refs
        if observed_share(
            ref, *({arm: _observed(found.moments[arm, phase], ref) for arm in query.arms} for phase in used)
        ).passed
        is False
    ]


def _observed(moments: Moments, ref: str) -> Observed:
    share = float(moments.mean[moments.index(f"{ref}/per")])
    return Observed(observed=round(share * moments.n), units=moments.n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Phase:
    """One phase of the question."""

    ask: "Ask"
    units: "Table"
    query: MomentsQuery
    found: MomentsResult
    phase: int

    def pairs(self, moved: list[str]) -> dict[tuple[str, str], PairSeen]:
        """Control and each arm, by metric and arm, where bounds can be had."""
        control, *treatments = self.query.arms
        found = {}
        for ref in moved:
            seen = {
                arm: seen_in(self.found.moments[arm, self.phase], ref, f"{ref}/per")
                for arm in self.query.arms
            }
            for arm in treatments:
                asked = trimming(seen[control], seen[arm])
                if isinstance(asked, NotEstimable):
                    continue
                fuller = arm if asked.side is Side.TREATMENT else control
                lowest, highest = (self._kept(ref, fuller, asked.keep, end) for end in End)
                found[ref, arm] = PairSeen(
                    control=seen[control], arm=seen[arm], lowest=lowest, highest=highest
                )
        return found

    def stratum(self, pairs: dict[tuple[str, str], PairSeen]) -> Stratum:
        """The cuts, and every arm's moments; the fuller one's with what lies beyond its cuts."""
        cuts: dict[tuple[str, str], Cut] = {}
        added: dict[str, dict[str, tuple[str, Cut, End]]] = {arm: {} for arm in self.query.arms}
        for (ref, arm), pair in pairs.items():
            treated = pair.arm.share >= pair.control.share
            cut = cuts[ref, arm] = Cut(
                side=Side.TREATMENT if treated else Side.CONTROL,
                lowest=pair.lowest.cut,
                highest=pair.highest.cut,
            )
            for end in End:
                added[arm if treated else self.query.arms[0]][end_column(ref, arm, end)] = (ref, cut, end)
        return Stratum(arms={arm: self._moments(arm, more) for arm, more in added.items()}, cuts=cuts)

    def _analysed(self, arm: str) -> "Table":
        analysed = analysed_units(self.units)
        return analysed.filter(analysed.arm == arm, analysed.phase == self.phase)

    def _kept(self, ref: str, arm: str, keep: int, end: End) -> Kept:
        value, per = _places(self.query, ref)
        own = self._analysed(arm)
        having = own.filter(own[per] > 0).select(value=own[value])
        highest = end is End.HIGHEST
        kept = having.order_by(having.value.desc() if highest else having.value).limit(keep)
        cut = kept.value.min() if highest else kept.value.max()
        (row,) = self.ask(
            kept.aggregate(mean=kept.value.mean(), variance=kept.value.var(how="sample"), cut=cut)
        )
        return Kept(mean=row["mean"], variance=row["variance"], cut=row["cut"])

    def _moments(self, arm: str, more: dict[str, tuple[str, Cut, End]]) -> Moments:
        """Of the question's columns and of what kept values lie beyond each cut."""
        import ibis

        if not more:
            return self.found.moments[arm, self.phase]
        own, first = self._analysed(arm), len(column_names(self.query))
        beyond = {}
        for place, (ref, cut, end) in enumerate(more.values(), start=first):
            value, per = _places(self.query, ref)
            away = own[value] - cut.at(end)
            kept = ibis.least(away, 0.0) if end is End.LOWEST else ibis.greatest(away, 0.0)
            beyond[f"c{place}"] = ibis.ifelse(own[per] > 0, kept, 0.0)
        names = (*column_names(self.query), *more)
        told = own.mutate(**beyond)
        (row,) = self.ask(told.aggregate(**moments_of_columns(told, len(names))))
        numbers = [row[f"mean_c{at}"] for at in range(len(names))]
        numbers += [row[f"cov_{i}_{j}"] for i, j in pairs(len(names))]
        return moments_in(names, int(row["n"]), np.array(numbers, dtype=np.float64))


def _places(query: MomentsQuery, ref: str) -> tuple[str, str]:
    """The columns of a metric's values and of whether a unit has it."""
    names = column_names(query)
    return f"c{names.index(ref)}", f"c{names.index(f'{ref}/per')}"
