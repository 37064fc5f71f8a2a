"""How does each table lie in the lake: which columns, in which parts, sorted how, and what makes a row known?

`outcomes` lie by UTC day, since a run asks for a span of days; `assignments` and `exposures` by experiment,
since it asks for one of them. `attributes` and `identities` lie by month: they are asked for whole up to a
moment, by whichever experiment, so that parts are there to bound what compaction and erasure write again,
and names of traits, which nobody bounds, make no folders.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa

from service.facts.tables import PLAIN, FactKind

_UTC = pa.timestamp("us", "UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One table. A row whose `known_by` is there already is the same row again, and never null in it."""

    schema: pa.Schema
    partition: str
    part: str  # the partition as an expression over the other columns
    known_by: tuple[str, ...]
    sorted_by: tuple[str, ...]  # within a part
    statistics: tuple[str, ...]  # columns whose extremes the log keeps: never of units
    units: tuple[str, ...] = ("unit",)  # whom a row is of, as expressions over its columns

    @property
    def key(self) -> str:
        """What a row is known by, as SQL."""
        return ", ".join(self.known_by)

    @property
    def has_ids(self) -> bool:
        """Whether a row is known by an id of its source's, whatever else it says when it comes again."""
        return self.known_by == ("source", "id")

    @property
    def order(self) -> str:
        return ", ".join(self.sorted_by)


_ASSIGNMENTS = Layout(
    schema=pa.schema(
        [
            ("experiment", pa.string()),
            ("unit", pa.string()),
            ("arm", pa.string()),
            ("time", _UTC),
            ("phase", pa.int32()),
        ]
    ),
    partition="experiment",
    part="experiment",
    known_by=("experiment", "unit", "arm", "time", "phase"),
    sorted_by=("unit", "time", "arm", "phase"),
    statistics=("time",),
)
_OUTCOMES = Layout(
    schema=pa.schema(
        [
            ("day", pa.date32()),
            ("source", pa.string()),
            ("id", pa.string()),
            ("unit", pa.string()),
            ("event", pa.string()),
            ("time", _UTC),
            ("value", pa.float64()),
            ("properties", pa.string()),
        ]
    ),
    partition="day",
    part="time::DATE",
    known_by=("source", "id"),
    sorted_by=("event", "unit", "time", "source", "id"),
    statistics=("event", "time"),
)
_EXPOSURES = Layout(
    schema=pa.schema(
        [
            ("experiment", pa.string()),
            ("source", pa.string()),
            ("id", pa.string()),
            ("unit", pa.string()),
            ("time", _UTC),
        ]
    ),
    partition="experiment",
    part="experiment",
    known_by=("source", "id"),
    sorted_by=("unit", "time", "source", "id"),
    statistics=("time",),
)
# One of text, number and truth has the value. At one moment an attribute has one: what comes first, counts.
_ATTRIBUTES = Layout(
    schema=pa.schema(
        [
            ("month", pa.date32()),
            ("unit", pa.string()),
            ("name", pa.string()),
            ("text", pa.string()),
            ("number", pa.float64()),
            ("truth", pa.bool_()),
            ("time", _UTC),
        ]
    ),
    partition="month",
    part="date_trunc('month', time::DATE)::DATE",
    known_by=("unit", "name", "time"),
    sorted_by=("name", "unit", "time"),
    statistics=("name", "time"),
)
_IDENTITIES = Layout(
    schema=pa.schema(
        [
            ("month", pa.date32()),
            ("namespace", pa.string()),
            ("id", pa.string()),
            ("unit", pa.string()),
            ("time", _UTC),
        ]
    ),
    partition="month",
    part="date_trunc('month', time::DATE)::DATE",
    known_by=("namespace", "id", "unit", "time"),
    sorted_by=("namespace", "id", "time", "unit"),
    statistics=("namespace", "time"),
    units=("unit", f"CASE namespace WHEN '{PLAIN}' THEN id ELSE namespace || ':' || id END"),
)
TABLES: Mapping[FactKind, Layout] = MappingProxyType(
    {
        FactKind.ASSIGNMENTS: _ASSIGNMENTS,
        FactKind.OUTCOMES: _OUTCOMES,
        FactKind.EXPOSURES: _EXPOSURES,
        FactKind.ATTRIBUTES: _ATTRIBUTES,
        FactKind.IDENTITIES: _IDENTITIES,
    }
)
