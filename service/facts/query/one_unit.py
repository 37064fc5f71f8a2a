"""What do the facts say of one unit: which values has it, and what happened to it, in order?

The numbers are those of the analyses: the same expression is asked, of this unit's outcomes alone, with a
window that ends now. Ids that are linked to it are it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from service.facts import engine
from service.facts.lake.layout import TABLES
from service.facts.lake.snapshot import Snapshot
from service.facts.query import identities
from service.facts.query.columns import measure_of
from service.facts.query.expression import column_names, units_expression
from service.facts.query.question import PopulationQuery
from service.facts.query.reading import sql_of
from service.facts.tables import FactKind
from service.metrics.definitions import Definition
from service.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_MOMENTS = 2_000
_ANCHOR = "window of"  # an attribute that nobody sends: made here, for one unit, and gone with the connection
_KINDS = (FactKind.ASSIGNMENTS, FactKind.OUTCOMES, FactKind.EXPOSURES, FactKind.ATTRIBUTES)
_TOLD = {  # of each kind: what it was, its number and what else was said of it
    FactKind.ASSIGNMENTS: ("experiment", "NULL", "arm"),
    FactKind.OUTCOMES: ("event", "value", "properties"),
    FactKind.EXPOSURES: ("experiment", "NULL", "NULL"),
    FactKind.ATTRIBUTES: ("name", "number", "coalesce(text, CAST(truth AS VARCHAR))"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One thing that was sent about the unit."""

    at: datetime
    kind: FactKind
    what: str  # the event, the attribute, or the experiment's id
    value: float | None
    detail: str | None  # an outcome's properties as JSON, an attribute's text, an assignment's arm


@dataclass(frozen=True, slots=True, kw_only=True)
class OneUnit:
    """What is known of a unit; nothing was sent of one without moments."""

    values: Mapping[str, float | None]  # by metric; None where the unit has none in the window
    traits: tuple[str, ...]  # the texts of its attributes
    experiments: tuple[str, ...]  # that it was ever assigned in
    moments: tuple[Moment, ...]  # the latest, oldest first
    left_out: int  # earlier ones


def one_unit(
    settings: Settings,
    snapshot: Snapshot,
    unit: str,
    metrics: Sequence[tuple[str, Definition]],
    as_of: datetime,
) -> OneUnit:
    """Its value of each metric over the window that ends at ``as_of``, and its journey up to then."""
    with engine.connection(settings) as opened:
        _gather(opened, settings, snapshot, unit, as_of)
        moments, left_out = _journey(opened)
        anchored = {f"{_ANCHOR} {ref}": as_of - definition.window for ref, definition in metrics}
        _anchor(opened, unit, anchored)
        return OneUnit(
            values={ref: _value(opened, ref, definition, as_of) for ref, definition in metrics},
            traits=_traits(opened),
            experiments=_experiments(opened),
            moments=moments,
            left_out=left_out,
        )


def _gather(
    opened: "DuckDBPyConnection", settings: Settings, snapshot: Snapshot, unit: str, as_of: datetime
) -> None:
    """Its facts, under its own name, in tables of the connection's own."""
    ids = _ids(opened, settings, snapshot, unit, as_of)
    for kind in _KINDS:
        schema = TABLES[kind].schema
        engine.register(
            opened, settings, f"all_{kind.value}", snapshot.files(kind), schema, keep=snapshot.keeps(kind)
        )
        opened.execute(
            f"CREATE TEMP TABLE of_{kind.value} AS SELECT * REPLACE ($1 AS unit) FROM all_{kind.value} "  # noqa: S608 - names of our own
            "WHERE unit IN (SELECT unnest($2::VARCHAR[])) AND time < $3",
            [unit, ids, as_of],
        )
    opened.execute("CREATE VIEW outcomes AS SELECT * FROM of_outcomes")


def _ids(
    opened: "DuckDBPyConnection", settings: Settings, snapshot: Snapshot, unit: str, as_of: datetime
) -> list[str]:
    """Itself, and every id that links lead to."""
    kind = FactKind.IDENTITIES
    files = snapshot.files(kind)
    if not files:
        return [unit]
    engine.register(opened, settings, kind, files, TABLES[kind].schema, keep=snapshot.keeps(kind))
    if not identities.merge(opened, kind, as_of):
        return [unit]
    found = opened.execute(
        f"WITH it AS (SELECT coalesce((SELECT unit FROM {identities.MERGED} WHERE id = $1), $1) AS unit) "  # noqa: S608 - a name of our own
        f"SELECT unit FROM it UNION SELECT m.id FROM {identities.MERGED} m JOIN it ON m.unit = it.unit",
        [unit],
    ).fetchall()
    return sorted({unit, *(one for (one,) in found)})


def _journey(opened: "DuckDBPyConnection") -> tuple[tuple[Moment, ...], int]:
    """In the order of time; of the same moment, as their kinds are listed."""
    parts = [
        f"SELECT time, {place} AS place, {what} AS what, {value}::DOUBLE AS value, "  # noqa: S608
        f"{detail}::VARCHAR AS detail FROM of_{kind.value}"
        for place, (kind, (what, value, detail)) in enumerate(_TOLD.items())
    ]
    everything = " UNION ALL ".join(parts)
    count = engine.number(opened, f"SELECT count(*) FROM ({everything})")  # noqa: S608
    latest = opened.execute(
        f"SELECT epoch_us(time), place, what, value, detail FROM ({everything}) "  # noqa: S608
        f"ORDER BY time DESC, place DESC, what DESC, value DESC, detail DESC LIMIT {MOST_MOMENTS}"
    ).fetchall()
    kinds = tuple(_TOLD)
    moments = [
        Moment(at=_moment(us), kind=kinds[place], what=what, value=value, detail=detail)
        for us, place, what, value, detail in reversed(latest)
    ]
    return tuple(moments), count - len(moments)


def _traits(opened: "DuckDBPyConnection") -> tuple[str, ...]:
    """The latest text of each of its attributes."""
    latest = "SELECT arg_max(text, time) AS said FROM of_attributes WHERE text IS NOT NULL GROUP BY name"
    return tuple(sorted(said for (said,) in opened.execute(latest).fetchall()))


def _experiments(opened: "DuckDBPyConnection") -> tuple[str, ...]:
    named = "SELECT DISTINCT experiment FROM of_assignments"
    return tuple(sorted(one for (one,) in opened.execute(named).fetchall()))


def _moment(microseconds: int) -> datetime:
    seconds, rest = divmod(microseconds, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def _anchor(opened: "DuckDBPyConnection", unit: str, anchored: Mapping[str, datetime]) -> None:
    """For each metric the time at which its window began, told as an attribute of the unit."""
    rows = pa.table(
        {
            "unit": pa.array([unit] * len(anchored), pa.string()),
            "name": pa.array(list(anchored), pa.string()),
            "text": pa.nulls(len(anchored), pa.string()),
            "number": pa.nulls(len(anchored), pa.float64()),
            "truth": pa.nulls(len(anchored), pa.bool_()),
            "time": pa.array(list(anchored.values()), pa.timestamp("us", "UTC")),
        }
    )
    opened.from_arrow(rows).create(FactKind.ATTRIBUTES.value)


def _value(opened: "DuckDBPyConnection", ref: str, definition: Definition, as_of: datetime) -> float | None:
    query = PopulationQuery(metrics=((ref, definition),), as_of=as_of, anchor=f"{_ANCHOR} {ref}")
    names, measure = column_names(query), measure_of(ref, definition)
    units = sql_of(units_expression(query))
    wanted = [f"c{names.index(name)}" for name in (measure.value, measure.per) if name is not None]
    found = opened.execute(f"SELECT {', '.join(wanted)} FROM ({units}) WHERE state = 'analysed'").fetchone()  # noqa: S608
    if found is None or found[0] is None:
        return None
    value, *per = map(float, found)
    if not per:
        return value
    return value / per[0] if per[0] else None
