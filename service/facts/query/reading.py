"""The heart: what do the pinned facts say of each arm, as moments? One query, run where the data are."""

from collections.abc import Sequence
from datetime import UTC, date
from typing import Any

import numpy as np

from analyses import Moments
from service.facts import engine
from service.facts.lake.layout import TABLES
from service.facts.lake.snapshot import Snapshot
from service.facts.query.answer import Cell, MomentsResult, UnitCount, UnitState
from service.facts.query.columns import columns_of
from service.facts.query.expression import moments_expression, pairs
from service.facts.query.question import MomentsQuery
from service.facts.tables import FactKind
from service.kit.canonical import sha256_hex
from service.settings import Settings

type Row = tuple[Any, ...]  # state, arm, phase, n, then the means, then the covariances


def moments(settings: Settings, snapshot: Snapshot, query: MomentsQuery) -> MomentsResult:
    """Moments of every arm and phase over units whose windows have closed, and what became of the rest."""
    sql = moments_sql(query)
    rows = _rows(settings, snapshot, query, sql)
    names = tuple(column.name for column in columns_of(query.metrics))
    return MomentsResult(
        columns=names,
        moments=_cells(query, names, rows),
        counts=tuple(UnitCount(state=UnitState(row[0]), arm=row[1], phase=row[2], n=row[3]) for row in rows),
        fingerprint=sha256_hex(f"{snapshot.fingerprint}\n{sql}"),
    )


def moments_sql(query: MomentsQuery) -> str:
    """The same text for the same question, whatever the data."""
    import ibis

    return str(ibis.to_sql(moments_expression(query), dialect="duckdb", pretty=False))


def _rows(settings: Settings, snapshot: Snapshot, query: MomentsQuery, sql: str) -> list[Row]:
    first, last = _days(query)
    with engine.connection(settings) as opened:
        for kind, files in (
            (FactKind.ASSIGNMENTS, snapshot.assignments_of(query.experiment)),
            (FactKind.OUTCOMES, snapshot.outcomes_between(first, last)),
        ):
            engine.register(opened, settings, kind, files, TABLES[kind].schema)
        rows: list[Row] = opened.execute(sql).fetchall()
    return sorted(rows, key=repr)


def _days(query: MomentsQuery) -> tuple[date, date]:
    """The days that can hold an outcome of interest."""
    since = query.outcomes_since
    first = date.min if since is None else since.astimezone(UTC).date()
    return first, query.as_of.astimezone(UTC).date()


def _cells(query: MomentsQuery, names: tuple[str, ...], rows: Sequence[Row]) -> dict[Cell, Moments]:
    """Every arm in every planned phase that anybody was assigned in; those that nobody is in have n = 0."""
    found = {(row[1], row[2]): row for row in rows if row[0] == UnitState.ANALYSED}
    phases = sorted({row[2] for row in rows}.intersection(query.phases)) or [1]
    cells = ((arm, phase) for phase in phases for arm in query.arms)
    return {cell: _moments(names, found[cell]) if cell in found else _nobody(names) for cell in cells}


def _moments(names: tuple[str, ...], row: Row) -> Moments:
    """The engine gives covariances, and none for a single unit: its scatter is 0."""
    p, n = len(names), row[3]
    scatter = np.zeros((p, p))
    if n > 1:
        above = tuple(np.array(pairs(p)).T)
        scatter[above] = np.array(row[4 + p :], dtype=np.float64) * (n - 1)
        scatter = np.triu(scatter) + np.triu(scatter, 1).T
    return Moments(columns=names, n=n, mean=np.array(row[4 : 4 + p], dtype=np.float64), scatter=scatter)


def _nobody(names: tuple[str, ...]) -> Moments:
    p = len(names)
    return Moments(columns=names, n=0, mean=np.zeros(p), scatter=np.zeros((p, p)))
