"""Who are the units one by one? Their numbers as columns of arrays, of an experiment or of a population.

For what no moments can say: who an effect is larger for. The units, the exclusions and the columns are those
of the moments; of more units than the cap a sample is read, and says which share it is.

Who is in the sample, in which order, and in which half, hangs on an MD5 of the unit's id and the seed alone:
the same units give the same rows, whatever the engine's threads did and whatever came in between. The first
rows are so a sample of the rest, and neither half can have been chosen for what it shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from service.facts import engine
from service.facts.lake.snapshot import Snapshot
from service.facts.query.answer import UnitState
from service.facts.query.expression import column_names, units_expression
from service.facts.query.question import MomentsQuery, PerUnit
from service.facts.query.reading import registered, sql_of
from service.kit.canonical import sha256_hex
from service.metrics.segments import named
from service.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_UNITS = 1_000_000
NOT_KNOWN = -1  # instead of the place of a level
_UNITS = "units_one_by_one"
_EPOCH = date(1970, 1, 1)

type Floats = npt.NDArray[np.float64]
type Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """At most ``cap`` units, those that ``seed`` happens to put first."""

    seed: int = 0
    cap: int = MOST_UNITS

    def __post_init__(self) -> None:
        if self.cap < 1:
            raise ValueError(f"expected a cap of at least one unit, got {self.cap}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Levels:
    """A text of every unit: ``names[codes[i]]``, or NOT_KNOWN; names in the order of their bytes."""

    names: tuple[str, ...]
    codes: Codes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnitRows:
    """One row per sampled unit whose windows have closed, in the order of a hash of its id.

    ``arms`` and ``phases`` hold nothing (NOT_KNOWN, and 0) where the units are in no experiment.
    ``discovery`` is the half to look for something in; what is found there is tested in the other. Where the
    question names the cluster, all units of one are in one half.
    """

    columns: tuple[str, ...]  # of values: the metrics' columns, then the attributes'
    values: Floats  # units × columns
    arms: Levels
    phases: Codes
    days: Codes  # the UTC day of the anchor, counted from 1970
    segments: Mapping[str, Levels]  # by the registered name of the segmentation
    cluster: Levels | None
    discovery: npt.NDArray[np.bool_]
    sampling: Sampling
    analysed: int  # units that the sample is of
    left_out: Mapping[UnitState, int]  # whom moments leave out too
    fingerprint: str  # of the snapshot, the SQL that read it and the sampling

    @property
    def n(self) -> int:
        return len(self.phases)

    @property
    def share(self) -> float:
        """Of the analysed units; 0 where there are none."""
        return self.n / self.analysed if self.analysed else 0.0

    def column(self, name: str) -> Floats:
        """One column of the values; KeyError says which there are."""
        if name not in self.columns:
            raise KeyError(f"expected one of {self.columns}, got {name!r}")
        return self.values[:, self.columns.index(name)]

    def day(self, place: int) -> date:
        return _EPOCH + timedelta(days=int(self.days[place]))


def unit_rows(settings: Settings, snapshot: Snapshot, query: PerUnit, sampling: Sampling) -> UnitRows:
    """The units that ``moments`` would analyse, or of a ``PopulationQuery`` those anchored in its period."""
    with engine.connection(settings) as opened:
        merged = registered(opened, settings, snapshot, query)
        asked = units_sql(query, sampling, merged=merged)
        opened.execute(asked[_UNITS])
        counts = _counts(opened, asked["counts"])
        found = opened.execute(asked["rows"]).to_arrow_table()
    texts = "\n".join([snapshot.fingerprint, *asked.values()])
    return _rows(query, sampling, counts, found, sha256_hex(texts))


def units_sql(query: PerUnit, sampling: Sampling, *, merged: bool = False) -> dict[str, str]:
    """The same texts for the same question and seed; the first makes the table of units."""
    numbers = [f"c{place}" for place in range(len(column_names(query)))]
    texts = [f"s{place}" for place in range(len(query.segments))]
    together = "unit" if query.cluster is None else "coalesce(cluster, unit)"
    picked = ["arm", "phase", "day", *numbers, *texts, *(() if query.cluster is None else ("cluster",))]
    salt, ours = int(sampling.seed), f"state = '{UnitState.ANALYSED.value}'"
    return {
        _UNITS: f"CREATE TEMP TABLE {_UNITS} AS {sql_of(units_expression(query, merged=merged, named=True))}",
        "counts": f"SELECT state, count(*) FROM {_UNITS} GROUP BY state ORDER BY state",  # noqa: S608  # all names are ours
        "rows": (
            f"SELECT {', '.join(picked)}, md5_number_lower('half {salt} ' || {together}) % 2 = 0 AS half "  # noqa: S608
            f"FROM {_UNITS} WHERE {ours} ORDER BY md5_number_lower('order {salt} ' || unit), unit "
            f"LIMIT {int(sampling.cap)}"
        ),
    }


def _counts(opened: "DuckDBPyConnection", sql: str) -> dict[UnitState, int]:
    return {UnitState(state): int(n) for state, n in opened.execute(sql).fetchall()}


def _rows(
    query: PerUnit, sampling: Sampling, counts: Mapping[UnitState, int], found: pa.Table, fingerprint: str
) -> UnitRows:
    names = column_names(query)
    values = np.empty((found.num_rows, len(names)), order="F")
    for place in range(len(names)):
        values[:, place] = found[f"c{place}"].cast("double").to_numpy()
    trial = isinstance(query, MomentsQuery)
    return UnitRows(
        columns=names,
        values=values,
        arms=_levels(found["arm"]),
        phases=_whole(found["phase"]) if trial else np.zeros(found.num_rows, dtype=np.int32),
        days=_whole(found["day"]),
        segments={named(one): _levels(found[f"s{place}"]) for place, one in enumerate(query.segments)},
        cluster=None if query.cluster is None else _levels(found["cluster"]),
        discovery=found["half"].to_numpy(),
        sampling=sampling,
        analysed=counts.get(UnitState.ANALYSED, 0),
        left_out={state: n for state, n in counts.items() if state is not UnitState.ANALYSED},
        fingerprint=fingerprint,
    )


def _whole(column: pa.ChunkedArray) -> Codes:
    found: Codes = column.to_numpy().astype(np.int32)
    return found


def _levels(column: pa.ChunkedArray) -> Levels:
    """Told apart in one order, whichever came first."""
    encoded = column.combine_chunks().dictionary_encode()
    met: list[str] = encoded.dictionary.to_pylist()
    names = sorted(met, key=str.encode)
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([*(place[name] for name in met), NOT_KNOWN], dtype=np.int32)
    found = pc.fill_null(encoded.indices, len(met)).to_numpy(zero_copy_only=False)
    return Levels(names=tuple(names), codes=codes[found])
