"""What is asked of the units' table? Moments by day and by segment, quantiles, and the largest units.

Each is one Ibis expression over a table of ``units_expression``'s columns: where the engine keeps that table,
reading it again costs little; where it does not, the expression may stand in for the table.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from analyses import CLUSTER_SIZE, QUANTILE_Z
from service.facts.query.answer import MISSING, MOST_VALUES, OTHER, UnitState
from service.facts.query.expression import column_names, units_expression
from service.facts.query.question import MomentsQuery, PerUnit
from service.metrics.definitions import QuantileDefinition

if TYPE_CHECKING:
    from ibis.expr.types import IntegerValue, Table, Value

LARGEST_SHARE = 0.001  # of all units


def pairs(columns: int) -> list[tuple[int, int]]:
    """The upper triangle, in the order in which the expressions give the covariances."""
    return list(combinations_with_replacement(range(columns), 2))


def moments_expression(query: MomentsQuery) -> "Table":
    """Everything but segments, quantiles and the largest, in one expression over the facts."""
    return cells(units_expression(query), query)


def units_table(query: PerUnit, name: str, *, named: bool = False) -> "Table":
    """A table that an engine keeps under this name; ``named`` as in ``units_expression``."""
    import ibis

    numbers = {f"c{place}": "float64" for place in range(len(column_names(query)))}
    values = {f"s{place}": "string" for place in range(len(query.segments))}
    keys = {"state": "string", "arm": "string", "phase": "int32", "day": "int32"}
    cluster = {} if query.cluster is None else {"cluster": "string"}
    unit = {"unit": "string"} if named else {}
    return ibis.table({**keys, **numbers, **values, **cluster, **unit}, name=name)


def cells(units: "Table", query: MomentsQuery) -> "Table":
    """One row per state, arm, phase and day: n, then the means, then the covariances of all columns.

    Days merge exactly into whole phases, so that they cost no pass of their own.
    """
    return units.group_by(["state", "arm", "phase", "day"]).aggregate(**_moments(units, query))


def segment(units: "Table", query: MomentsQuery, place: int) -> "Table":
    """One row per arm, phase and value of one segmentation, over the analysed units."""
    analysed = analysed_units(units)
    value = analysed[f"s{place}"]
    valued = analysed.filter(value.notnull())
    sizes = valued.group_by(f"s{place}").aggregate(size=valued.count())
    kept = sizes.order_by([sizes["size"].desc(), sizes[f"s{place}"]]).limit(MOST_VALUES)
    joined = analysed.left_join(kept.select(kept=kept[f"s{place}"]), value == kept[f"s{place}"])
    return _by_value(joined, f"s{place}", query)


def _by_value(joined: "Table", name: str, query: MomentsQuery) -> "Table":
    import ibis

    value = ibis.cases(
        (joined[name].isnull(), MISSING), (joined["kept"].isnull(), OTHER), else_=joined["kept"]
    )
    told = joined.mutate(value=value)
    return told.group_by(["arm", "phase", "value"]).aggregate(**_moments(told, query))


def cluster_columns(query: MomentsQuery) -> tuple[str, ...]:
    """Of the moments of clusters: the totals of every column, then the number of units."""
    return (*column_names(query), CLUSTER_SIZE)


def clusters(units: "Table", query: MomentsQuery) -> "Table":
    """One row per arm and phase: moments over clusters, of the totals of their analysed units."""
    totals = cluster_totals(in_clusters(units), query)
    return totals.group_by(["arm", "phase"]).aggregate(
        **moments_of_columns(totals, len(cluster_columns(query)))
    )


def in_clusters(units: "Table") -> "Table":
    """The analysed units whose cluster is known."""
    analysed = analysed_units(units)
    return analysed.filter(analysed["cluster"].notnull())


def cluster_totals(known: "Table", query: MomentsQuery, **more: "Value") -> "Table":
    """One row per arm, phase and cluster: c0.. of ``cluster_columns``, and whatever else is asked."""
    names = [f"c{place}" for place in range(len(column_names(query)))]
    return known.group_by(["arm", "phase", "cluster"]).aggregate(
        **{name: known[name].sum() for name in names},
        **{f"c{len(names)}": known.count().cast("float64")},
        **more,
    )


def cluster_faults(units: "Table") -> "Table":
    """One row: analysed units without a cluster, clusters in all, and those that are in several arms."""
    analysed, known = analysed_units(units), in_clusters(units)
    arms = known.group_by("cluster").aggregate(arms=known.arm.nunique())
    seen = arms.aggregate(clusters=arms.count(), several=arms.count(where=arms.arms > 1))
    return analysed.aggregate(without=analysed.count(where=analysed["cluster"].isnull())).cross_join(seen)


def quantile_places(query: MomentsQuery) -> Mapping[str, tuple[int, int, float]]:
    """By metric: its column, the column that is 1 where a unit has it, and the probability."""
    names = column_names(query)
    return {
        ref: (names.index(ref), names.index(f"{ref}/per"), definition.quantile)
        for ref, definition in query.metrics
        if isinstance(definition, QuantileDefinition)
    }


def order_statistics(units: "Table", place: int, per: int, probability: float) -> "Table":
    """One row per arm and phase: n, the quantile and its bounds (analyses.ranks), of those who have it."""
    import ibis

    analysed = analysed_units(units)
    having = analysed.filter(analysed[f"c{per}"] > 0).select("arm", "phase", value=f"c{place}")
    window = {"group_by": ["arm", "phase"]}
    placed = ibis.row_number().over(ibis.window(**window, order_by=having.value)) + 1
    ranked = having.mutate(rank=placed, n=having.count().over(ibis.window(**window)))
    low, middle, high = _ranks(ranked["n"], probability)
    return ranked.group_by(["arm", "phase"]).aggregate(
        n=ranked["n"].max(),
        value=ranked.value.max(where=ranked["rank"] == middle),
        lower=ranked.value.max(where=ranked["rank"] == low),
        upper=ranked.value.max(where=ranked["rank"] == high),
    )


def _ranks(n: "IntegerValue", probability: float) -> "Sequence[Value]":
    """analyses.ranks in the engine, with the same operations in the same order."""
    import ibis

    middle = n * probability
    spread = QUANTILE_Z * (n * probability * (1 - probability)).sqrt()
    at_least_one = ibis.greatest(middle.ceil().cast("int64"), 1)
    return (middle - spread).floor().cast("int64"), at_least_one, (middle + spread).ceil().cast("int64")


def largest_places(query: MomentsQuery) -> Mapping[str, int]:
    """By metric: its column."""
    names = column_names(query)
    return {ref: names.index(ref) for ref, _ in query.metrics}


def largest(units: "Table", query: MomentsQuery) -> "Table":
    """One row per arm and phase: of each metric the threshold, how many units exceed it, and their sum."""
    analysed = analysed_units(units)
    places = largest_places(query).values()
    thresholds = analysed.aggregate(
        **{f"q{place}": analysed[f"c{place}"].abs().quantile(1 - LARGEST_SHARE) for place in places}
    )
    both = analysed.cross_join(thresholds)
    found: dict[str, Value] = {}
    for place in places:
        value, threshold = both[f"c{place}"], both[f"q{place}"]
        found[f"threshold_{place}"] = threshold.max()
        found[f"n_{place}"] = both.count(where=value.abs() > threshold)
        found[f"total_{place}"] = value.sum(where=value.abs() > threshold).fill_null(0.0)
    return both.group_by(["arm", "phase"]).aggregate(**found)


def analysed_units(units: "Table") -> "Table":
    """Those whose windows have closed, in one arm, exposed in time."""
    return units.filter(units.state == UnitState.ANALYSED.value)


def _moments(units: "Table", query: MomentsQuery) -> "Mapping[str, Value]":
    """Centred: DuckDB's covariance keeps its digits up to offsets of 1e6; sums of products lose them."""
    return moments_of_columns(units, len(column_names(query)))


def moments_of_columns(units: "Table", columns: int) -> "Mapping[str, Value]":
    """n, then the means, then the covariances of c0 and those that follow."""
    names = [f"c{place}" for place in range(columns)]
    return {
        "n": units.count(),
        **{f"mean_{name}": units[name].mean() for name in names},
        **{f"cov_{i}_{j}": units[names[i]].cov(units[names[j]], how="sample") for i, j in pairs(len(names))},
    }
