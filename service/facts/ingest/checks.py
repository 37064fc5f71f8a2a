"""Which rows can be kept? Column by column; a bad cell rejects its row, and no other.

The first fault of a row, in the order of the fields, is the one that is told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pyarrow as pa

from service.experiments.assignable import Assignable
from service.facts.inbox import ROWS
from service.facts.ingest.formats import WrongColumns
from service.facts.ingest.kernels import kernels
from service.facts.ingest.rows import (
    LARGEST_NUMBER,
    LONGEST_NAME,
    LONGEST_UNIT,
    MOST_PHASES,
    Parsed,
    Properties,
    Rejection,
)
from service.facts.tables import FactKind
from service.kit.errors import excerpt

if TYPE_CHECKING:
    import numpy.typing as npt

type Experiments = Callable[[set[str]], Mapping[str, Assignable]]
type Places = "npt.NDArray[np.intp] | Sequence[int]"

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_TEXT = pa.string()
_UTC = pa.timestamp("us", "UTC")
_NAIVE = pa.timestamp("us")
_FINE = False  # what is not known to be wrong
_LONGEST = {"unit": LONGEST_UNIT, "id": LONGEST_UNIT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The rows that are kept, in the columns of the inbox, and why each of the others is not."""

    rows: pa.Table
    rejections: Sequence[Rejection]


def _none(_: set[str]) -> Mapping[str, Assignable]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How the caller wants the body to be read."""

    zone: tzinfo | None = None  # of times without an offset
    id_prefix: str | None = None  # rows are named by it and their number
    experiments: Experiments = _none  # those of these that exist
    team: str | None = None  # whose experiments the caller may assign to; None: any team's


class Sieve:
    """Collects the first fault of each row."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self._faults: dict[int, tuple[str, str]] = {}

    def reject(self, places: Places, field: str, reason: str) -> None:
        for place in places:
            self._faults.setdefault(int(place), (field, reason))

    def reject_where(self, bad: pa.Array, field: str, reason: str) -> None:
        self.reject(np.flatnonzero(bad.fill_null(_FINE).to_numpy(zero_copy_only=False)), field, reason)

    def kept(self) -> pa.Array:
        mask = np.ones(len(self.numbers), dtype=bool)
        mask[list(self._faults)] = False
        return pa.array(mask)

    def rejections(self) -> list[Rejection]:
        return [
            Rejection(row=self.numbers[place], field=field, reason=reason)
            for place, (field, reason) in self._faults.items()
        ]


def checked(kind: FactKind, parsed: Parsed, reading: Reading) -> Checked:
    """Brings the columns to the inbox's types and keeps the rows in which each of them holds."""
    sieve = Sieve(parsed.columns["row"].to_pylist())
    arrays = {field: _CHECKS[field](parsed.columns, field, sieve, reading) for field in ROWS[kind].names}
    if kind is FactKind.ASSIGNMENTS:
        _check_assignable(sieve, arrays, reading)
    rows = pa.table(arrays, schema=ROWS[kind]).filter(sieve.kept())
    rejections = sorted([*parsed.unreadable, *sieve.rejections()], key=lambda one: one.row)
    return Checked(rows=rows, rejections=rejections)


def _column(columns: pa.Table, field: str) -> pa.Array:
    """The column in one piece; one that is missing is all null."""
    if field not in columns.column_names:
        return pa.nulls(columns.num_rows)
    return columns[field].combine_chunks()


def _text(columns: pa.Table, field: str, sieve: Sieve, _: Reading) -> pa.Array:
    """Text that says something, without NUL, at which half of all tools stop reading."""
    longest = _LONGEST.get(field, LONGEST_NAME)
    texts = _texts(_column(columns, field), field, sieve)
    sieve.reject_where(texts.is_null(), field, "is missing")
    sieve.reject_where(
        kernels().greater(kernels().binary_length(texts), longest), field, f"may have {longest:,} bytes"
    )
    sieve.reject_where(kernels().match_substring(texts, "\0"), field, "may not contain U+0000")
    return texts


def _id(columns: pa.Table, field: str, sieve: Sieve, reading: Reading) -> pa.Array:
    if reading.id_prefix is None:
        return _text(columns, field, sieve, reading)
    given = _column(columns, field)
    sieve.reject_where(given.is_valid(), field, "leave it out, since id=row names the rows")
    return pa.array([f"{reading.id_prefix}:{number}" for number in sieve.numbers], _TEXT)


def _time(columns: pa.Table, field: str, sieve: Sieve, reading: Reading) -> pa.Array:
    column = _column(columns, field)
    if pa.types.is_timestamp(column.type):
        times = _zoned(column, reading.zone)
    else:
        texts = _texts(column, field, sieve)
        times = _read_times(texts, sieve, reading.zone)
        column = texts
    sieve.reject_where(column.is_null(), field, "is missing")
    before = kernels().less(times, pa.scalar(EARLIEST, _UTC))
    after = kernels().greater_equal(times, pa.scalar(LATEST, _UTC))
    years = f"expected a year from {EARLIEST.year} to {LATEST.year - 1}"
    sieve.reject_where(kernels().or_(before, after), field, years)
    return times


def _zoned(column: pa.Array, zone: tzinfo | None) -> pa.Array:
    """A file's own timestamps, whatever their unit."""
    if column.type.tz is not None:
        return kernels().cast(column, _UTC, safe=False)
    if zone is None:
        raise _wrong_type("time", "a time with a zone (or say ?zone=)", column.type)
    return _local(kernels().cast(column, _NAIVE, safe=False), zone)


def _read_times(texts: pa.Array, sieve: Sieve, zone: tzinfo | None) -> pa.Array:
    """ISO 8601 with an offset; without one only where the caller named the zone. Finer digits are cut."""
    cut = kernels().replace_substring_regex(texts, r"(\.\d{6})\d{1,3}", r"\1")
    try:
        return kernels().cast(cut, _UTC)
    except pa.ArrowInvalid:
        pass  # some of them, or all, have no offset or are no times
    try:
        if zone is not None:
            return _local(kernels().cast(cut, _NAIVE), zone)
    except pa.ArrowInvalid:
        pass  # one by one, then
    times = [None if text is None else _read_time(text, zone) for text in cut.to_pylist()]
    expected = "expected ISO 8601 with an offset, such as 2026-03-01T09:30:00+01:00"
    places = [place for place, time in enumerate(times) if time is None and cut[place].is_valid]
    sieve.reject(places, "time", expected)
    return pa.array(times, _UTC)


def _read_time(text: str, zone: tzinfo | None) -> datetime | None:
    scalar = pa.scalar(text, _TEXT)
    for kind in (_UTC, _NAIVE) if zone else (_UTC,):
        try:
            time: datetime = scalar.cast(kind).as_py()
        except pa.ArrowInvalid:
            continue
        return time if time.tzinfo else _in_utc(time, zone)
    return None


def _local(naive: pa.Array, zone: tzinfo) -> pa.Array:
    return pa.array([None if time is None else _in_utc(time, zone) for time in naive.to_pylist()], _UTC)


def _in_utc(naive: datetime, zone: tzinfo | None) -> datetime | None:
    """An hour that a clock shows twice is the first of the two; None beyond the calendar's ends."""
    try:
        return naive.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return None


def _number(columns: pa.Table, field: str, sieve: Sieve, _: Reading) -> pa.Array:
    column = _column(columns, field)
    if _is_textual(column.type):
        column = _texts(column, field, sieve)
    elif not any(
        fits(column.type)
        for fits in (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal, _is_untyped)
    ):
        raise _wrong_type(field, "a number", column.type)
    numbers = _cast(column, pa.float64(), sieve, field, "expected a number")
    fits = kernels().less_equal(kernels().abs(numbers), LARGEST_NUMBER)  # false for NaN
    sieve.reject_where(kernels().invert(fits), field, f"expected a finite number within ±{LARGEST_NUMBER:g}")
    return numbers


def _phase(columns: pa.Table, field: str, sieve: Sieve, _: Reading) -> pa.Array:
    """Without a phase it is the first."""
    column = _column(columns, field)
    if _is_textual(column.type):
        column = _texts(column, field, sieve)
    elif not (pa.types.is_integer(column.type) or _is_untyped(column.type)):
        raise _wrong_type(field, "a whole number", column.type)
    phases = _cast(column, pa.int64(), sieve, field, "expected a whole number").fill_null(1)
    outside = kernels().or_(kernels().less(phases, 1), kernels().greater(phases, MOST_PHASES))
    sieve.reject_where(outside, field, f"expected a phase from 1 to {MOST_PHASES:,}")
    return kernels().if_else(outside, 1, phases).cast(pa.int32())


def _properties(columns: pa.Table, field: str, sieve: Sieve, _: Reading) -> pa.Array:
    """A flat JSON object, written canonically: sorted keys, no spaces."""
    texts = _texts(_column(columns, field), field, sieve).to_pylist()
    canonical: list[str | None] = [None] * len(texts)
    for place, text in enumerate(texts):
        try:
            found = _DECODER.decode(text) if text else None
        except (msgspec.MsgspecError, RecursionError) as error:
            sieve.reject([place], field, excerpt(f"expected a flat JSON object: {error}"))
        else:
            canonical[place] = _ENCODER.encode(found).decode() if found else None
    return pa.array(canonical, _TEXT)


def _named(texts: pa.Array) -> set[str]:
    return {text for text in texts.unique().to_pylist() if text is not None}


def _check_assignable(sieve: Sieve, arrays: Mapping[str, pa.Array], reading: Reading) -> None:
    """Does the experiment exist, is it the caller's, and does it have this arm and this phase?"""
    known = reading.experiments(_named(arrays["experiment"]))
    fields = (arrays[field].to_pylist() for field in ("experiment", "arm", "phase"))
    rows = list(zip(*fields, strict=True))
    faults = {(one, arm, at): _fault(known.get(one), arm, at, reading.team) for one, arm, at in set(rows)}
    for place, row in enumerate(rows):
        if fault := faults[row]:
            sieve.reject([place], *fault)


def _fault(found: Assignable | None, arm: str, phase: int, team: str | None) -> tuple[str, str] | None:
    """The field and the reason."""
    if found is None:
        return "experiment", "there is no such experiment"
    if team not in {None, found.team}:
        return "experiment", "belongs to another team, and this key assigns for its own team alone"
    if arm not in found.arms:
        return "arm", "the experiment has no such arm"
    if phase not in found.phases:
        return "phase", "the experiment has no such phase: open it before assigning in it"
    return None


def _texts(column: pa.Array, field: str, sieve: Sieve) -> pa.Array:
    """Text; the empty text, which is how CSV leaves a cell out, is null."""
    if not (_is_textual(column.type) or _is_untyped(column.type)):
        raise _wrong_type(field, "text", column.type)
    texts = _cast(column, _TEXT, sieve, field, "expected UTF-8 text")
    return kernels().if_else(
        kernels().equal(kernels().binary_length(texts), 0), pa.scalar(None, _TEXT), texts
    )


def _cast(column: pa.Array, kind: pa.DataType, sieve: Sieve, field: str, reason: str) -> pa.Array:
    """All at once; only where that fails, one by one."""
    try:
        return kernels().cast(column, kind)
    except pa.ArrowInvalid:
        pass
    scalars: list[pa.Scalar] = []
    for place, scalar in enumerate(column):
        try:
            scalars.append(scalar.cast(kind))
        except pa.ArrowInvalid:
            sieve.reject([place], field, reason)
            scalars.append(pa.scalar(None, kind))
    return pa.array([scalar.as_py() for scalar in scalars], kind)


def _is_textual(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _is_untyped(kind: pa.DataType) -> bool:
    return bool(pa.types.is_null(kind))


def _wrong_type(field: str, expected: str, kind: pa.DataType) -> WrongColumns:
    message = f"expected {expected}, got {excerpt(kind)}"
    return WrongColumns(errors=[{"field": field, "message": message}])


_DECODER = msgspec.json.Decoder(Properties | None)
_ENCODER = msgspec.json.Encoder(order="deterministic")
_CHECKS: Mapping[str, Callable[[pa.Table, str, Sieve, Reading], pa.Array]] = MappingProxyType(
    {
        "id": _id,
        "unit": _text,
        "event": _text,
        "experiment": _text,
        "arm": _text,
        "time": _time,
        "phase": _phase,
        "value": _number,
        "properties": _properties,
    }
)
