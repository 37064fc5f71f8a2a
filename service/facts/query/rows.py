"""How do an engine's rows become the answer? Numbers in, frozen values out; no engine."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from analyses import OVER_DAYS, Largest, Moments, OrderStatistics
from service.facts.query import clustering
from service.facts.query.answer import (
    Cell,
    ClusterFaults,
    DayCell,
    DayCount,
    MetricCell,
    MomentsResult,
    SegmentCell,
    UnitCount,
    UnitState,
)
from service.facts.query.expression import column_names
from service.facts.query.question import MomentsQuery
from service.facts.query.summaries import cluster_columns, largest_places, pairs, quantile_places
from service.metrics.segments import named

type Tables = Mapping[str, pa.Table]  # by the names of reading.statements
type Floats = npt.NDArray[np.float64]
type Key = tuple[Any, ...]  # state, arm, phase and day; or arm, phase and value
type Keyed = list[tuple[Key, Moments]]

_EPOCH = date(1970, 1, 1)
_ANALYSED = UnitState.ANALYSED.value


def result_of(query: MomentsQuery, tables: Tables, fingerprint: str) -> MomentsResult:
    """The answer, in one order whatever the engine's."""
    names = column_names(query)
    keyed = _keyed(tables["cells"], ("state", "arm", "phase", "day"), names)
    days = {(arm, phase, _day(day)): of for (state, arm, phase, day), of in keyed if state == _ANALYSED}
    return MomentsResult(
        columns=names,
        moments=_pooled(query, names, days, {key[2] for key, _ in keyed}),
        counts=_counts(keyed),
        fingerprint=fingerprint,
        segments={
            named(one): _segment(tables[f"segment {place}"], names)
            for place, one in enumerate(query.segments)
        },
        days=days,
        by_day=_by_day(keyed),
        quantiles=_quantiles(query, tables),
        largest=_largest(query, tables["largest"]),
        clusters=_clusters(query, tables),
        cluster_faults=_cluster_faults(tables),
        cluster_days=_cluster_days(tables),
        over_days=_over_days(query, tables),
        over_days_from=_day(clustering.origin(query)),
        cluster_segments=_cluster_segments(query, tables),
        cluster_varied=_cluster_varied(query, tables),
    )


def _keyed(table: pa.Table, keys: Sequence[str], names: tuple[str, ...]) -> Keyed:
    """Each row's key and its moments, sorted by key."""
    found = zip(*(table[key].to_pylist() for key in keys), strict=True)
    numbers = [table[name].to_numpy() for name in table.column_names[len(keys) + 1 :]]
    matrix = np.column_stack(numbers) if table.num_rows else np.zeros((0, 0))
    rows = zip(found, table["n"].to_pylist(), matrix, strict=True)
    return sorted(((key, moments_in(names, n, row)) for key, n, row in rows), key=lambda one: repr(one[0]))


def moments_in(names: tuple[str, ...], n: int, row: Floats) -> Moments:
    """Of means, then covariances in the order of ``pairs``: a single unit has none, and its scatter is 0."""
    p = len(names)
    scatter = np.zeros((p, p))
    if n > 1:
        scatter[tuple(np.array(pairs(p)).T)] = row[p:] * (n - 1)
        scatter = np.triu(scatter) + np.triu(scatter, 1).T
    return Moments(columns=names, n=n, mean=row[:p].astype(np.float64), scatter=scatter)


def _nobody(names: tuple[str, ...]) -> Moments:
    p = len(names)
    return Moments(columns=names, n=0, mean=np.zeros(p), scatter=np.zeros((p, p)))


def _pooled(
    query: MomentsQuery, names: tuple[str, ...], days: Mapping[DayCell, Moments], phases: set[int | None]
) -> dict[Cell, Moments]:
    """Every arm in every planned phase that anybody was assigned in; those that nobody is in have n = 0."""
    by_cell: dict[Cell, list[Moments]] = {}
    for (arm, phase, _), of_day in days.items():
        by_cell.setdefault((arm, phase), []).append(of_day)
    used = [phase for phase in sorted(query.phases) if phase in phases] or [1]
    cells = ((arm, phase) for phase in used for arm in query.arms)
    return {cell: reduce(add, by_cell[cell]) if cell in by_cell else _nobody(names) for cell in cells}


def _counts(keyed: Keyed) -> tuple[UnitCount, ...]:
    found: dict[Key, int] = {}
    for (state, arm, phase, _), of_day in keyed:
        found[state, arm, phase] = found.get((state, arm, phase), 0) + of_day.n
    return tuple(
        UnitCount(state=UnitState(state), arm=arm, phase=phase, n=n)
        for (state, arm, phase), n in found.items()
    )


def _by_day(keyed: Keyed) -> tuple[DayCount, ...]:
    return tuple(
        DayCount(state=UnitState(state), arm=arm, phase=phase, day=_day(day), n=of_day.n)
        for (state, arm, phase, day), of_day in keyed
        if arm is not None
    )


def _day(day: int) -> date:
    return _EPOCH + timedelta(days=day)


def _segment(table: pa.Table, names: tuple[str, ...]) -> dict[SegmentCell, Moments]:
    return {
        (arm, phase, value): of for (arm, phase, value), of in _keyed(table, ("arm", "phase", "value"), names)
    }


def _quantiles(query: MomentsQuery, tables: Tables) -> dict[MetricCell, OrderStatistics]:
    found: dict[MetricCell, OrderStatistics] = {}
    for ref, (_, _, probability) in quantile_places(query).items():
        for row in _sorted(tables[f"quantile {ref}"]):
            bounded = row["lower"] is not None and row["upper"] is not None
            found[ref, row["arm"], row["phase"]] = OrderStatistics(
                probability=probability,
                n=row["n"],
                value=row["value"],
                lower=row["lower"] if bounded else None,
                upper=row["upper"] if bounded else None,
            )
    return found


def _largest(query: MomentsQuery, table: pa.Table) -> dict[MetricCell, Largest]:
    return {
        (ref, row["arm"], row["phase"]): Largest(
            # An engine may give sums of whole numbers as decimals.
            threshold=float(row[f"threshold_{place}"]),
            n=row[f"n_{place}"],
            total=float(row[f"total_{place}"]),
        )
        for ref, place in largest_places(query).items()
        for row in _sorted(table)
    }


def _clusters(query: MomentsQuery, tables: Tables) -> dict[Cell, Moments]:
    if query.cluster is None:
        return {}
    keyed = _keyed(tables["clusters"], ("arm", "phase"), cluster_columns(query))
    return {(arm, phase): moments for (arm, phase), moments in keyed}


def _cluster_faults(tables: Tables) -> ClusterFaults | None:
    if "cluster faults" not in tables:
        return None
    (row,) = tables["cluster faults"].to_pylist()
    return ClusterFaults(
        units_without=row["without"], clusters=row["clusters"], in_several_arms=row["several"]
    )


def _cluster_days(tables: Tables) -> dict[DayCell, int]:
    if "cluster days" not in tables:
        return {}
    rows = tables["cluster days"].to_pylist()
    return dict(sorted(((row["arm"], row["phase"], _day(row["day"])), row["n"]) for row in rows))


def _over_days(query: MomentsQuery, tables: Tables) -> dict[MetricCell, Moments]:
    """Empty where units were randomised one by one: nothing was asked."""
    return {
        (ref, arm, phase): moments
        for ref in query.over_days
        if f"cluster over days {ref}" in tables
        for (arm, phase), moments in _keyed(tables[f"cluster over days {ref}"], ("arm", "phase"), OVER_DAYS)
    }


def _cluster_segments(query: MomentsQuery, tables: Tables) -> dict[str, dict[SegmentCell, Moments]]:
    if query.cluster is None:
        return {}
    names = cluster_columns(query)
    return {
        named(one): _segment(tables[f"cluster segment {place}"], names)
        for place, one in enumerate(query.segments)
    }


def _cluster_varied(query: MomentsQuery, tables: Tables) -> dict[str, int]:
    if query.cluster is None or not query.segments:
        return {}
    (row,) = tables["cluster varied"].to_pylist()
    return {named(one): row[f"k{place}"] for place, one in enumerate(query.segments)}


def _sorted(table: pa.Table) -> list[dict[str, Any]]:
    return sorted(table.to_pylist(), key=lambda row: (row["arm"], row["phase"]))
