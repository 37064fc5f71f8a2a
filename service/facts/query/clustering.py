"""What is asked of clusters beside their moments: when each came, and of which segment it is.

A cluster comes with the first of its units that was assigned, and is of a segment where its units are: one
whose units differ is of none.
"""

from datetime import date
from typing import TYPE_CHECKING

from analyses import OVER_DAYS
from service.facts.query.answer import IN_ONE_ARM, MISSING, MOST_VALUES, OTHER
from service.facts.query.expression import column_names
from service.facts.query.question import MomentsQuery
from service.facts.query.summaries import (
    cluster_columns,
    cluster_totals,
    in_clusters,
    moments_of_columns,
)

if TYPE_CHECKING:
    from ibis.expr.types import IntegerColumn, NumericValue, Table, Value

WEEK = 7
_EPOCH = date(1970, 1, 1)


def days(units: "Table") -> "Table":
    """One row per arm, phase and day: the clusters whose first unit came then, whatever became of it."""
    wanted = units.state.isin(sorted(state.value for state in IN_ONE_ARM))
    known = units.filter(wanted & units["cluster"].notnull())
    first = known.group_by(["arm", "cluster"]).aggregate(phase=known.phase.min(), day=known.day.min())
    return first.group_by(["arm", "phase", "day"]).aggregate(n=first.count())


def over_days(units: "Table", query: MomentsQuery, ref: str) -> "Table":
    """One row per arm and phase: moments over clusters of one metric's totals over days (``OVER_DAYS``)."""
    import ibis

    known, names = in_clusters(units), column_names(query)
    value = known[f"c{names.index(ref)}"]
    weight = known[f"c{names.index(f'{ref}/per')}"] if f"{ref}/per" in names else ibis.literal(1.0)
    time = (known.day - origin(query)).cast("float64")
    weighed = weight * time
    summed: list[Value] = [
        *_by_weekday(known.day, weight),
        *_by_weekday(known.day, weighed),
        *_by_weekday(known.day, value),
        (weighed * time).sum(),
        (value * time).sum(),
    ]
    totals = known.group_by(["arm", "phase", "cluster"]).aggregate(
        **{f"c{place}": one for place, one in enumerate(summed)}
    )
    return totals.group_by(["arm", "phase"]).aggregate(**moments_of_columns(totals, len(OVER_DAYS)))


def origin(query: MomentsQuery) -> int:
    """The day from which time is counted, in days since 1970: numbers stay small."""
    return ((query.started_at or query.as_of).date() - _EPOCH).days


def _by_weekday(day: "IntegerColumn", of: "NumericValue") -> "list[Value]":
    import ibis

    return [ibis.ifelse(day % WEEK == weekday, of, 0.0).sum() for weekday in range(WEEK)]


def varied(units: "Table", query: MomentsQuery) -> "Table":
    """One row: by segmentation, the clusters whose analysed units are of several segments."""
    known, places = in_clusters(units), range(len(query.segments))
    kinds = known.group_by("cluster").aggregate(**{f"k{one}": known[f"s{one}"].nunique() for one in places})
    return kinds.aggregate(**{f"k{one}": kinds.count(where=kinds[f"k{one}"] > 1) for one in places})


def segment(units: "Table", query: MomentsQuery, place: int) -> "Table":
    """One row per arm, phase and value of one segmentation: moments over clusters, of their units' totals."""
    known = in_clusters(units)
    of = known[f"s{place}"]
    totals = cluster_totals(known, query, value=of.max(), kinds=of.nunique())
    valued = totals.filter(totals["value"].notnull() & (totals["kinds"] == 1))
    sizes = valued.group_by("value").aggregate(size=valued.count())
    most = sizes.order_by([sizes["size"].desc(), sizes["value"]]).limit(MOST_VALUES)
    joined = totals.left_join(most.select(kept=most["value"]), totals["value"] == most["value"])
    return _by_value(joined, query)


def _by_value(joined: "Table", query: MomentsQuery) -> "Table":
    import ibis

    columns = len(cluster_columns(query))
    several = joined["kept"].isnull() | (joined["kinds"] > 1)
    told = joined.select(
        "arm",
        "phase",
        *(f"c{place}" for place in range(columns)),
        told=ibis.cases((joined["value"].isnull(), MISSING), (several, OTHER), else_=joined["value"]),
    )
    found = moments_of_columns(told, columns)
    return told.group_by(["arm", "phase", "told"]).aggregate(**found).rename(value="told")
