"""The heart: what do the pinned facts say of each arm, as moments? Read once, where the data are.

The units of the experiment, each with all its numbers, are put into a table of the engine's own; everything
else is asked of that table. It costs about as much as asking for the moments alone (docs/benchmarks.md).
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from service.facts import engine
from service.facts.lake.layout import TABLES
from service.facts.lake.snapshot import Snapshot
from service.facts.query import bounds, clustering, identities, summaries
from service.facts.query.answer import MomentsResult, NumbersRead, UnitState
from service.facts.query.expression import column_names, tables_of, units_expression
from service.facts.query.numbers import numbers_read
from service.facts.query.question import MomentsQuery, PerUnit
from service.facts.query.rows import result_of
from service.facts.tables import FactKind
from service.kit.canonical import sha256_hex
from service.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from ibis.expr.types import Table

_UNITS = "units_of_the_experiment"
UNITS_AT_ONCE = 1 << 16


def moments(settings: Settings, snapshot: Snapshot, query: MomentsQuery) -> MomentsResult:
    """Moments of every arm and phase over units whose windows have closed, and what became of the rest."""
    with engine.connection(settings) as opened:
        asked = _read_units(opened, settings, snapshot, query)
        opened.execute(asked[_UNITS])
        found = {name: opened.execute(sql).to_arrow_table() for name, sql in asked.items() if name != _UNITS}
        fingerprint = sha256_hex("\n".join([snapshot.fingerprint, *asked.values()]))
        result = replace(result_of(query, found, fingerprint), numbers=_numbers(opened, query))
        units = summaries.units_table(query, _UNITS)
        ends = bounds.bounded(lambda one: _rows(opened, one), units, query, result)
    return replace(result, trimmed=ends.trimmed, strata=ends.strata)


def _numbers(opened: "DuckDBPyConnection", query: MomentsQuery) -> Mapping[str, tuple[NumbersRead, ...]]:
    return numbers_read(query, lambda one: dict(opened.execute(sql_of(one)).fetchall()))


def unit_values(
    settings: Settings, snapshot: Snapshot, query: MomentsQuery
) -> "Iterator[npt.NDArray[np.float64]]":
    """Values (n, columns) of the units that ``moments`` would analyse, in batches; c0.. of ``column_names``.

    In the order of the values themselves, which is the same whatever the engine's threads did.
    """
    names = ", ".join(f"c{place}" for place in range(len(column_names(query))))
    with engine.connection(settings) as opened:
        asked = _read_units(opened, settings, snapshot, query)
        opened.execute(asked[_UNITS])
        found = f"SELECT {names} FROM {_UNITS} WHERE state = '{UnitState.ANALYSED.value}' ORDER BY ALL"  # noqa: S608  # names of our own
        for batch in opened.execute(found).to_arrow_reader(UNITS_AT_ONCE):
            yield np.column_stack(
                [column.cast("double").to_numpy(zero_copy_only=False) for column in batch.columns]
            )


def _read_units(
    opened: "DuckDBPyConnection", settings: Settings, snapshot: Snapshot, query: MomentsQuery
) -> dict[str, str]:
    """The facts of interest registered, and the texts that ask them."""
    return moments_sql(query, merged=registered(opened, settings, snapshot, query))


def registered(opened: "DuckDBPyConnection", settings: Settings, snapshot: Snapshot, query: PerUnit) -> bool:
    """The pinned facts of interest made readable, without erased units; whether some ids go by another's."""
    merged = links_followed(opened, settings, snapshot, query)
    for kind in tables_of(query):
        files, keep = files_of_interest(snapshot, query, kind), snapshot.keeps(kind)
        engine.register(opened, settings, kind, files, TABLES[kind].schema, keep=keep)
    return merged


def _rows(opened: "DuckDBPyConnection", expression: "Table") -> list[dict[str, float]]:
    rows: list[dict[str, float]] = opened.execute(sql_of(expression)).to_arrow_table().to_pylist()
    return rows


def links_followed(
    opened: "DuckDBPyConnection", settings: Settings, snapshot: Snapshot, query: PerUnit
) -> bool:
    """Follow the links between ids, if there are any; else nothing is asked of them."""
    files = snapshot.files(FactKind.IDENTITIES)
    if not files:
        return False
    schema, keep = TABLES[FactKind.IDENTITIES].schema, snapshot.keeps(FactKind.IDENTITIES)
    engine.register(opened, settings, FactKind.IDENTITIES, files, schema, keep=keep)
    return identities.merge(opened, FactKind.IDENTITIES, query.as_of)


def moments_sql(query: MomentsQuery, *, merged: bool = False) -> dict[str, str]:
    """The same texts for the same question, whatever the data; the first makes the table of units."""
    made = f"CREATE TEMP TABLE {_UNITS} AS {sql_of(units_expression(query, merged=merged))}"
    asked = statements(summaries.units_table(query, _UNITS), query)
    return {_UNITS: made, **{name: sql_of(one) for name, one in asked.items()}}


def statements(units: "Table", query: MomentsQuery) -> "dict[str, Table]":
    """Everything that is asked of the units, by the name under which ``result_of`` looks for it."""
    asked = {"cells": summaries.cells(units, query), "largest": summaries.largest(units, query)}
    for place in range(len(query.segments)):
        asked[f"segment {place}"] = summaries.segment(units, query, place)
    if query.cluster is not None:
        asked["clusters"] = summaries.clusters(units, query)
        asked["cluster faults"] = summaries.cluster_faults(units)
        asked |= _of_clusters(units, query)
    for ref, (place, per, probability) in summaries.quantile_places(query).items():
        asked[f"quantile {ref}"] = summaries.order_statistics(units, place, per, probability)
    return asked


def _of_clusters(units: "Table", query: MomentsQuery) -> "dict[str, Table]":
    asked = {"cluster days": clustering.days(units)}
    for ref in query.over_days:
        asked[f"cluster over days {ref}"] = clustering.over_days(units, query, ref)
    for place in range(len(query.segments)):
        asked[f"cluster segment {place}"] = clustering.segment(units, query, place)
    if query.segments:
        asked["cluster varied"] = clustering.varied(units, query)
    return asked


def sql_of(expression: "Table") -> str:
    import ibis

    return str(ibis.to_sql(expression, dialect="duckdb", pretty=False))


def files_of_interest(snapshot: Snapshot, query: PerUnit, kind: FactKind) -> tuple[str, ...]:
    """Only what can hold a fact of interest: the experiment's own folder, the days of its windows."""
    if kind is FactKind.ASSIGNMENTS and isinstance(query, MomentsQuery):
        return snapshot.assignments_of(query.experiment)
    if kind is FactKind.EXPOSURES and isinstance(query, MomentsQuery):
        return snapshot.exposures_of(query.experiment)
    if kind is FactKind.OUTCOMES:
        return snapshot.outcomes_between(*days_of(query))
    return snapshot.files(kind)


def days_of(query: PerUnit) -> tuple[date, date]:
    """The days that can hold an outcome of interest."""
    since = query.outcomes_since
    first = date.min if since is None else since.astimezone(UTC).date()
    return first, query.outcomes_until.astimezone(UTC).date()
