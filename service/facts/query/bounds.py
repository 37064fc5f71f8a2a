"""Which values lie at the ends of an arm that is seen more often? Asked only where arms changed who is seen.

Lee's bounds cut the fuller arm's extra share off either end: how many values that leaves is known only once
the arms have been counted, so that this is a second question to the table of units that the first left.
"""

from typing import TYPE_CHECKING

from analyses import (
    Kept,
    Moments,
    Observed,
    Seen,
    Side,
    Trimming,
    observed_share,
    seen_in,
    trimming,
)
from service.facts.query.answer import MomentsResult, Trimmed
from service.facts.query.expression import column_names
from service.facts.query.question import MomentsQuery
from service.facts.query.summaries import analysed_units
from service.metrics.definitions import QuantileDefinition, RatioDefinition

if TYPE_CHECKING:
    from collections.abc import Callable

    from ibis.expr.types import Table

    type Ask = Callable[[Table], list[dict[str, float]]]


def trimmed(
    ask: "Ask", units: "Table", query: MomentsQuery, found: MomentsResult
) -> dict[tuple[str, str], Trimmed]:
    """By metric and treatment arm; the first arm of the question is control.

    Nothing where clusters were randomised or weights changed: the errors are of single units of one phase.
    """
    used = [phase for phase in found.phases if any(found.moments[arm, phase].n for arm in query.arms)]
    if query.cluster is not None or len(used) != 1:
        return {}
    control, *treatments = query.arms
    bounds = {}
    for ref in _partly_seen(query, found):
        cells = {arm: found.moments[arm, used[0]] for arm in query.arms}
        if not _moved(cells, ref):
            continue
        seen = {arm: seen_in(moments, ref, f"{ref}/per") for arm, moments in cells.items()}
        for arm in treatments:
            asked = trimming(seen[control], seen[arm]) if seen[control].units and seen[arm].units else None
            if isinstance(asked, Trimming):
                side = arm if asked.side is Side.TREATMENT else control
                bounds[ref, arm] = _ends(
                    ask, units, query, (ref, side, asked.keep), (seen[control], seen[arm])
                )
    return bounds


def _partly_seen(query: MomentsQuery, found: MomentsResult) -> list[str]:
    """Metrics whose second column says 1 or 0, whether a unit has them."""
    return [
        ref
        for ref, definition in query.metrics
        if f"{ref}/per" in found.columns and not isinstance(definition, RatioDefinition | QuantileDefinition)
    ]


def _moved(cells: dict[str, Moments], ref: str) -> bool:
    counts = {
        arm: Observed(observed=round(float(of.mean[of.index(f"{ref}/per")]) * of.n), units=of.n)
        for arm, of in cells.items()
    }
    return observed_share(ref, counts).passed is False


def _ends(
    ask: "Ask", units: "Table", query: MomentsQuery, wanted: tuple[str, str, int], seen: tuple[Seen, Seen]
) -> Trimmed:
    ref, arm, keep = wanted
    names = column_names(query)
    place, per = names.index(ref), names.index(f"{ref}/per")
    analysed = analysed_units(units)
    having = analysed.filter(analysed.arm == arm, analysed[f"c{per}"] > 0).select(value=f"c{place}")
    kept = []
    for highest in (False, True):
        end = having.order_by(having.value.desc() if highest else having.value).limit(keep)
        cut = end.value.min() if highest else end.value.max()
        (row,) = ask(end.aggregate(mean=end.value.mean(), variance=end.value.var(how="sample"), cut=cut))
        kept.append(Kept(mean=row["mean"], variance=row["variance"], cut=row["cut"]))
    return Trimmed(control=seen[0], arm=seen[1], lowest=kept[0], highest=kept[1])
