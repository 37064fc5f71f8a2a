"""What may one row of a body say? The shapes of JSON rows, and what every format is brought to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

import msgspec
import pyarrow as pa

from service.facts.tables import FactKind

LARGEST_NUMBER = 1e15  # squares stay finite, and every whole number up to it is exact
LONGEST_UNIT = 1_024  # bytes
LONGEST_NAME = 200
LONGEST_TEXT = 4_096  # bytes
MOST_PROPERTIES = 100
MOST_PHASES = 10_000

type _Float = Annotated[float, msgspec.Meta(ge=-LARGEST_NUMBER, le=LARGEST_NUMBER)]
type _Integer = Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]
type _Scalar = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)] | bool | _Integer | _Float | None
type Properties = Annotated[
    dict[Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)], _Scalar],
    msgspec.Meta(max_length=MOST_PROPERTIES),
]


class AssignmentRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A unit got an arm of an experiment."""

    unit: str
    experiment: str
    arm: str
    time: str
    phase: Annotated[int, msgspec.Meta(ge=1, le=MOST_PHASES)] | None = None


class OutcomeRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Something was measured about a unit. ``id`` is its own within its source, for ever."""

    unit: str
    event: str
    time: str
    id: str | None = None
    value: float | None = None
    properties: msgspec.Raw = msgspec.Raw(b"null")  # Properties, read where every format's are


class ExposureRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A unit met the difference that an experiment makes. Without an id it is known by what it says."""

    unit: str
    experiment: str
    time: str
    id: str | None = None


class AttributeRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A unit has a trait, from this time on and until it gets another value."""

    unit: str
    name: str
    value: str | bool | _Integer | _Float
    time: str


class IdentityRow(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An id of a namespace is this unit."""

    unit: str
    namespace: str
    id: str
    time: str


type Row = AssignmentRow | OutcomeRow | ExposureRow | AttributeRow | IdentityRow
ROWS: Mapping[FactKind, type[Row]] = MappingProxyType(
    {
        FactKind.ASSIGNMENTS: AssignmentRow,
        FactKind.OUTCOMES: OutcomeRow,
        FactKind.EXPOSURES: ExposureRow,
        FactKind.ATTRIBUTES: AttributeRow,
        FactKind.IDENTITIES: IdentityRow,
    }
)
REQUIRED: Mapping[FactKind, frozenset[str]] = MappingProxyType(
    {
        FactKind.ASSIGNMENTS: frozenset({"unit", "experiment", "arm", "time"}),
        FactKind.OUTCOMES: frozenset({"unit", "event", "time"}),  # and id, unless rows are numbered
        FactKind.EXPOSURES: frozenset({"unit", "experiment", "time"}),
        FactKind.ATTRIBUTES: frozenset({"unit", "name", "value", "time"}),
        FactKind.IDENTITIES: frozenset({"unit", "namespace", "id", "time"}),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Why one row was not kept; rows are counted from 1, without a CSV's header."""

    row: int
    field: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A body as columns: those of the kind, unchecked, and `row`; and the rows that could not be read."""

    columns: pa.Table
    unreadable: Sequence[Rejection] = ()
