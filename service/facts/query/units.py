"""Who are the units one by one? Their numbers as columns of arrays, of an experiment or of a population.

For what no moments can say: who an effect is larger for. The units, the exclusions and the columns are those
of the moments; of more units than the cap a sample is read, and says which share it is.

Who is in the sample, in which order, and in which half, hangs on an MD5 of the unit's id and the seed alone:
the same units give the same rows, whatever the engine's threads did and whatever came in between. The first
rows are so a sample of the rest, and neither half can have been chosen for what it shows. Both are written
once, as Ibis expressions, so that a warehouse deals out the same units as the lake would.
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
from service.facts.query.answer import OTHER, UnitState
from service.facts.query.expression import column_names, units_expression
from service.facts.query.functions import finite_number, md5
from service.facts.query.question import MomentsQuery, PerUnit
from service.facts.query.reading import registered, sql_of
from service.facts.query.summaries import analysed_units, units_table
from service.kit.canonical import sha256_hex
from service.metrics.segments import named
from service.settings import Settings

if TYPE_CHECKING:
    from ibis.expr.types import Table

MOST_UNITS = 1_000_000
MOST_LEVELS = 1_000  # of one segmentation, besides OTHER
NOT_KNOWN = -1  # instead of the place of a level
COUNTS, ROWS = "counts", "rows"
_UNITS = "units_one_by_one"
_EPOCH = date(1970, 1, 1)
_PARITY = 17  # the place of the hash's letter that says which half a unit is in

type Floats = npt.NDArray[np.float64]
type Codes = npt.NDArray[np.int32]
type Keys = npt.NDArray[np.uint64]


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

    Of a segmentation with more than a thousand names, the rarest are OTHER, which is then the last. Names
    that nobody in the sample has are not among them.
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
    keys: Keys  # who it is, for whoever reads several periods by one seed; no id is told
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
        found = {name: opened.execute(asked[name]).to_arrow_table() for name in (COUNTS, ROWS)}
    texts = "\n".join([snapshot.fingerprint, *asked.values()])
    return rows_of(query, sampling, found, sha256_hex(texts))


def units_sql(query: PerUnit, sampling: Sampling, *, merged: bool = False) -> dict[str, str]:
    """The same texts for the same question and seed; the first makes the table of units."""
    made = f"CREATE TEMP TABLE {_UNITS} AS {sql_of(units_expression(query, merged=merged, named=True))}"
    asked = statements(units_table(query, _UNITS, named=True), query, sampling)
    return {_UNITS: made, **{name: sql_of(one) for name, one in asked.items()}}


def statements(units: "Table", query: PerUnit, sampling: Sampling) -> "dict[str, Table]":
    """What is asked of a table of named units: how many are in each state, and the sample itself."""
    return {
        COUNTS: units.group_by("state").aggregate(n=units.count()),
        ROWS: _sampled(analysed_units(units), query, sampling),
    }


def _sampled(ours: "Table", query: PerUnit, sampling: Sampling) -> "Table":
    """One row a unit, in the order of `key`; of each segmentation its kept names, and who has another."""
    import ibis

    salt, found = int(sampling.seed), ours
    for place in range(len(query.segments)):
        kept = _kept(ours, place)
        found = found.left_join(kept, found[f"s{place}"] == kept[f"kept{place}"])
    together = ours["unit"] if query.cluster is None else ibis.coalesce(ours["cluster"], ours["unit"])
    half = md5(ibis.literal(f"half {salt} ") + together).substr(_PARITY, 1).isin(list("02468ace"))
    names = ["arm", "phase", "day", *(f"c{place}" for place in range(len(column_names(query))))]
    told: dict[str, object] = {}
    for place, one in enumerate(query.segments):
        value, name = ours[f"s{place}"], found[f"kept{place}"]
        told[f"s{place}"] = name
        told[f"o{place}"] = (value.notnull() & name.isnull()).ifelse(1, 0).cast("int32")
        if isinstance(one, str):
            told[f"n{place}"] = finite_number(value)
    picked = found.select(
        *(ours[name] for name in (*names, *(() if query.cluster is None else ("cluster",)))),
        **told,
        half=half.ifelse(1, 0).cast("int32"),
        key=md5(ibis.literal(f"order {salt} ") + ours["unit"]),
    )
    return picked.order_by("key").limit(int(sampling.cap))


def _kept(ours: "Table", place: int) -> "Table":
    """A segmentation's most frequent names."""
    name = f"s{place}"
    valued = ours.filter(ours[name].notnull())
    sizes = valued.group_by(name).aggregate(size=valued.count())
    kept = sizes.order_by([sizes["size"].desc(), sizes[name]]).limit(MOST_LEVELS)
    return kept.select(**{f"kept{place}": kept[name]})


def rows_of(query: PerUnit, sampling: Sampling, tables: Mapping[str, pa.Table], fingerprint: str) -> UnitRows:
    """An engine's answers to ``statements``, as arrays."""
    found, counts = tables[ROWS], _counts(tables[COUNTS])
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
            named(one): _with_others(_levels(found[f"s{place}"]), _whole(found[f"o{place}"]) > 0)
            for place, one in enumerate(query.segments)
        },
        numbers={
            one: _number(found[f"n{place}"])
            for place, one in enumerate(query.segments)
            if isinstance(one, str)
        },
        cluster=None if query.cluster is None else _levels(found["cluster"]),
        discovery=_whole(found["half"]) > 0,
        keys=_keys(found["key"]),
        sampling=sampling,
        analysed=counts.get(UnitState.ANALYSED, 0),
        left_out={state: n for state, n in counts.items() if state is not UnitState.ANALYSED},
        fingerprint=fingerprint,
    )


def _counts(table: pa.Table) -> dict[UnitState, int]:
    """In one order, whatever the engine's."""
    found = dict(zip(table["state"].to_pylist(), table["n"].to_pylist(), strict=True))
    return {UnitState(state): int(found[state]) for state in sorted(found)}


def _whole(column: pa.ChunkedArray) -> Codes:
    found: Codes = column.to_numpy().astype(np.int32)
    return found


def _number(column: pa.ChunkedArray) -> Floats:
    found: Floats = column.to_numpy().astype(np.float64)
    return found


def _keys(column: pa.ChunkedArray) -> Keys:
    """The first half of each hash."""
    halves = np.frombuffer(bytes.fromhex("".join(column.to_pylist())), dtype=">u8")
    found: Keys = halves[::2].astype(np.uint64)
    return found


def _with_others(kept: Levels, other: npt.NDArray[np.bool_]) -> Levels:
    """Whoever has none of the kept names, and has one, is OTHER."""
    if not other.any():
        return kept
    return Levels(names=(*kept.names, OTHER), codes=np.where(other, len(kept.names), kept.codes))


def _levels(column: pa.ChunkedArray) -> Levels:
    """Told apart in one order, whichever came first."""
    encoded = column.combine_chunks().dictionary_encode()
    met: list[str] = encoded.dictionary.to_pylist()
    names = sorted(met, key=str.encode)
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([*(place[name] for name in met), NOT_KNOWN], dtype=np.int32)
    found = pc.fill_null(encoded.indices, len(met)).to_numpy(zero_copy_only=False)
    return Levels(names=tuple(names), codes=codes[found])
