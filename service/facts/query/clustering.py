"""What is asked of clusters beside their moments: when each came, and of which segment it is.

A cluster comes with the first of its units that was assigned, and is of a segment where its units are: one
whose units differ is of none.
"""

from typing import TYPE_CHECKING

from service.facts.query.answer import IN_ONE_ARM, MISSING, MOST_VALUES, OTHER
from service.facts.query.expression import column_names
from service.facts.query.question import MomentsQuery
from service.facts.query.summaries import analysed_units, moments_of_columns

if TYPE_CHECKING:
    from ibis.expr.types import Table


def days(units: "Table") -> "Table":
    """One row per arm, phase and day: the clusters whose first unit came then, whatever became of it."""
    wanted = units.state.isin(sorted(state.value for state in IN_ONE_ARM))
    known = units.filter(wanted & units["cluster"].notnull())
    first = known.group_by(["arm", "cluster"]).aggregate(phase=known.phase.min(), day=known.day.min())
    return first.group_by(["arm", "phase", "day"]).aggregate(n=first.count())


def varied(units: "Table", query: MomentsQuery) -> "Table":
    """One row: by segmentation, the clusters whose analysed units are of several segments."""
    analysed = analysed_units(units)
    known = analysed.filter(analysed["cluster"].notnull())
    places = range(len(query.segments))
    kinds = known.group_by("cluster").aggregate(**{f"k{one}": known[f"s{one}"].nunique() for one in places})
    return kinds.aggregate(**{f"k{one}": kinds.count(where=kinds[f"k{one}"] > 1) for one in places})


def segment(units: "Table", query: MomentsQuery, place: int) -> "Table":
    """One row per arm, phase and value of one segmentation: moments over clusters, of their units' totals."""
    totals = _totals(units, query, f"s{place}")
    valued = totals.filter(totals["value"].notnull() & (totals["kinds"] == 1))
    sizes = valued.group_by("value").aggregate(size=valued.count())
    most = sizes.order_by([sizes["size"].desc(), sizes["value"]]).limit(MOST_VALUES)
    joined = totals.left_join(most.select(kept=most["value"]), totals["value"] == most["value"])
    return _by_value(joined, query)


def _totals(units: "Table", query: MomentsQuery, name: str) -> "Table":
    """One row per arm, phase and cluster: the totals of its analysed units, and what segment they are of."""
    analysed = analysed_units(units)
    known = analysed.filter(analysed["cluster"].notnull())
    names = [f"c{place}" for place in range(len(column_names(query)))]
    return known.group_by(["arm", "phase", "cluster"]).aggregate(
        **{one: known[one].sum() for one in names},
        **{f"c{len(names)}": known.count().cast("float64")},
        value=known[name].max(),
        kinds=known[name].nunique(),
    )


def _by_value(joined: "Table", query: MomentsQuery) -> "Table":
    import ibis

    several = joined["kept"].isnull() | (joined["kinds"] > 1)
    told = joined.select(
        "arm",
        "phase",
        *(f"c{place}" for place in range(len(column_names(query)) + 1)),
        told=ibis.cases((joined["value"].isnull(), MISSING), (several, OTHER), else_=joined["value"]),
    )
    found = moments_of_columns(told, len(column_names(query)) + 1)
    return told.group_by(["arm", "phase", "told"]).aggregate(**found).rename(value="told")
