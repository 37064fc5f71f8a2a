"""Who are the units one by one? Their numbers as columns of arrays, of an experiment or of a population.

For what no moments can say: who an effect is larger for. The units, the exclusions and the columns are those
of the moments; of more units than the cap a sample is read, and says which share it is.

Who is in the sample, in which order, and in which half, hangs on an MD5 of the unit's id and the seed alone:
the same units give the same rows, whatever the engine's threads did and whatever came in between. The first
rows are so a sample of the rest, and neither half can have been chosen for what it shows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from service.facts import engine
from service.facts.lake.snapshot import Snapshot
from service.facts.query.answer import OTHER, UnitState
from service.facts.query.expression import column_names, units_expression
from service.facts.query.question import MomentsQuery, PerUnit
from service.facts.query.reading import registered, sql_of
from service.kit.canonical import sha256_hex
from service.metrics.segments import named
from service.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_UNITS = 1_000_000
MOST_LEVELS = 1_000  # of one segmentation, besides OTHER
NOT_KNOWN = -1  # instead of the place of a level
_UNITS = "units_one_by_one"
_OURS = f"state = '{UnitState.ANALYSED.value}'"
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
    """A text of every unit: ``names[codes[i]]``, or NOT_KNOWN; names in the order of their bytes.

    Of a segmentation with more than a thousand names, the rarest are OTHER, which is then the last.
    """

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
    numbers: Mapping[str, Floats]  # of those that are attributes: as a number, NaN where it is none
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
        read = _Read(
            levels=[_names(opened, place, asked[_kept(place)]) for place in range(len(query.segments))],
            counts={UnitState(state): n for state, n in opened.execute(asked["counts"]).fetchall()},
            rows=opened.execute(asked["rows"]).to_arrow_table(),
        )
    texts = "\n".join([snapshot.fingerprint, *asked.values()])
    return _rows(query, sampling, read, sha256_hex(texts))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Read:
    """What the engine answered."""

    levels: Sequence[tuple[str, ...]]  # names of each segmentation
    counts: Mapping[UnitState, int]
    rows: pa.Table


def units_sql(query: PerUnit, sampling: Sampling, *, merged: bool = False) -> dict[str, str]:
    """The same texts for the same question and seed; the first makes the table of units."""
    places = range(len(query.segments))
    numbers = [f"c{place}" for place in range(len(column_names(query)))]
    texts = [_code_sql(place) for place in places]
    texts += [_number_sql(place) for place, one in enumerate(query.segments) if isinstance(one, str)]
    together, cluster = ("unit", ()) if query.cluster is None else ("coalesce(cluster, unit)", ("cluster",))
    picked = ", ".join(["arm", "phase", "day", *numbers, *texts, *cluster])
    joins = " ".join(f"LEFT JOIN {_kept(place)} ON {_kept(place)}.name = s{place}" for place in places)
    salt = int(sampling.seed)
    return {
        _UNITS: f"CREATE TEMP TABLE {_UNITS} AS {sql_of(units_expression(query, merged=merged, named=True))}",
        **{_kept(place): _levels_sql(place) for place in places},
        "counts": f"SELECT state, count(*) FROM {_UNITS} GROUP BY state ORDER BY state",  # noqa: S608  # all names are ours
        "rows": (
            f"SELECT {picked}, md5_number_lower('half {salt} ' || {together}) % 2 = 0 AS half "  # noqa: S608
            f"FROM {_UNITS} {joins} WHERE {_OURS} ORDER BY md5_number_lower('order {salt} ' || unit), unit "
            f"LIMIT {int(sampling.cap)}"
        ),
    }


def _kept(place: int) -> str:
    """The table of a segmentation's kept names."""
    return f"levels_{place}"


def _code_sql(place: int) -> str:
    """A level's place among the kept ones; the number of those that are kept, where it is none of them."""
    otherwise = f"CASE WHEN s{place} IS NULL THEN {NOT_KNOWN} ELSE {MOST_LEVELS} END"
    return f"coalesce({_kept(place)}.code, {otherwise})::INTEGER AS s{place}"


def _number_sql(place: int) -> str:
    """Files without types bring numbers as texts."""
    number = f"try_cast(s{place} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END AS n{place}"


def _levels_sql(place: int) -> str:
    """A segmentation's most frequent names, in the order of their bytes."""
    return (
        f"CREATE TEMP TABLE {_kept(place)} AS WITH kept AS (SELECT s{place} AS name FROM {_UNITS} "  # noqa: S608
        f"WHERE {_OURS} AND s{place} IS NOT NULL GROUP BY name ORDER BY count(*) DESC, name "
        f"LIMIT {MOST_LEVELS}) SELECT name, row_number() OVER (ORDER BY name) - 1 AS code FROM kept"
    )


def _names(opened: "DuckDBPyConnection", place: int, sql: str) -> tuple[str, ...]:
    """The names that the table keeps, after making it."""
    opened.execute(sql)
    names = opened.execute(f"SELECT name FROM {_kept(place)} ORDER BY code")  # noqa: S608
    return tuple(str(name) for (name,) in names.fetchall())


def _rows(query: PerUnit, sampling: Sampling, read: _Read, fingerprint: str) -> UnitRows:
    found, counts = read.rows, read.counts
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
        segments={
            named(one): _coded(read.levels[place], _whole(found[f"s{place}"]))
            for place, one in enumerate(query.segments)
        },
        numbers={
            one: _number(found[f"n{place}"])
            for place, one in enumerate(query.segments)
            if isinstance(one, str)
        },
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


def _number(column: pa.ChunkedArray) -> Floats:
    found: Floats = column.to_numpy().astype(np.float64)
    return found


def _coded(names: tuple[str, ...], codes: Codes) -> Levels:
    """Codes of the query; what is beyond the kept names is OTHER."""
    if not (codes == MOST_LEVELS).any():
        return Levels(names=names, codes=codes)
    return Levels(names=(*names, OTHER), codes=np.where(codes == MOST_LEVELS, len(names), codes))


def _levels(column: pa.ChunkedArray) -> Levels:
    """Told apart in one order, whichever came first."""
    encoded = column.combine_chunks().dictionary_encode()
    met: list[str] = encoded.dictionary.to_pylist()
    names = sorted(met, key=str.encode)
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([*(place[name] for name in met), NOT_KNOWN], dtype=np.int32)
    found = pc.fill_null(encoded.indices, len(met)).to_numpy(zero_copy_only=False)
    return Levels(names=tuple(names), codes=codes[found])
