"""Which cells of a column hold what its field asks for? A bad one rejects its row, and no other."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from types import MappingProxyType

import msgspec
import pyarrow as pa

from service.facts.ingest.formats import WrongColumns
from service.facts.ingest.kernels import kernels
from service.facts.ingest.rows import (
    LARGEST_NUMBER,
    LONGEST_NAME,
    LONGEST_TEXT,
    LONGEST_UNIT,
    MOST_PHASES,
    Properties,
)
from service.facts.ingest.sieve import Reading, Sieve
from service.kit.clock import instant
from service.kit.errors import excerpt

type Check = Callable[[pa.Table, str, Sieve, Reading], pa.Array]

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)  # that a sender's clock may be, or a zone that it mistakes for another
_TEXT = pa.string()
_UTC = pa.timestamp("us", "UTC")
_NAIVE = pa.timestamp("us")
_LONGEST = {"unit": LONGEST_UNIT, "id": LONGEST_UNIT}


@cache
def _bounds() -> tuple[pa.Scalar, pa.Scalar]:
    """Made when the first batch comes: Arrow looks for pandas as it makes a first value."""
    return pa.scalar(EARLIEST, _UTC), pa.scalar(LATEST, _UTC)


def _column(columns: pa.Table, field: str) -> pa.Array:
    """The column in one piece; one that is missing is all null."""
    if field not in columns.column_names:
        return pa.nulls(columns.num_rows)
    return columns[field].combine_chunks()


def _text(columns: pa.Table, field: str, sieve: Sieve, _: Reading) -> pa.Array:
    """Text that says something, without NUL, at which half of all tools stop reading."""
    texts = text_or_none(columns, field, sieve, _)
    if texts.null_count:
        sieve.reject_where(texts.is_null(), field, "is missing")
    return texts


def _namespace(columns: pa.Table, field: str, sieve: Sieve, _: Reading) -> pa.Array:
    """Facts name an id of it as `namespace:id`, so that a second colon could be read in two ways."""
    texts = _text(columns, field, sieve, _)
    sieve.reject_where(kernels().match_substring(texts, ":"), field, "may not contain a colon")
    return texts


def text_or_none(columns: pa.Table, field: str, sieve: Sieve, _: Reading) -> pa.Array:
    """The same, where it may be left out."""
    texts = _texts(_column(columns, field), field, sieve)
    _check_text(texts, field, sieve, _LONGEST.get(field, LONGEST_NAME))
    return texts


def _check_text(texts: pa.Array, field: str, sieve: Sieve, longest: int) -> None:
    too_long = kernels().greater(kernels().binary_length(texts), longest)
    sieve.reject_where(too_long, field, f"may have {longest:,} bytes")
    sieve.reject_where(kernels().match_substring(texts, "\0"), field, "may not contain U+0000")


def given_id(columns: pa.Table, field: str, sieve: Sieve, reading: Reading) -> pa.Array:
    if reading.id_prefix is None:
        return _text(columns, field, sieve, reading)
    given = _column(columns, field)
    sieve.reject_where(given.is_valid(), field, "leave it out, since id=row names the rows")
    numbers = kernels().cast(sieve.numbers, _TEXT)
    return kernels().binary_join_element_wise(reading.id_prefix, numbers, ":")


def _time(columns: pa.Table, field: str, sieve: Sieve, reading: Reading) -> pa.Array:
    column = _column(columns, field)
    if pa.types.is_timestamp(column.type):
        times = _zoned(column, reading.zone)
    else:
        texts = _texts(column, field, sieve)
        times = _read_times(texts, sieve, reading.zone)
        column = texts
    if column.null_count:
        sieve.reject_where(column.is_null(), field, "is missing")
    earliest, latest = _bounds()
    before = kernels().less(times, earliest)
    after = kernels().greater_equal(times, latest)
    years = f"expected a year from {EARLIEST.year} to {LATEST.year - 1}"
    sieve.reject_where(before, field, years)
    sieve.reject_where(after, field, years)
    _refuse_to_come(times, field, sieve, reading.latest)
    return times


def _refuse_to_come(times: pa.Array, field: str, sieve: Sieve, latest: datetime | None) -> None:
    """Facts have happened. Each fault names its time, for whoever looks for the clock that is wrong."""
    if latest is None:
        return
    late = kernels().greater(times, pa.scalar(latest, _UTC))
    if not late.true_count:
        return
    late = kernels().and_(late, kernels().less(times, _bounds()[1]))  # what is later still has been told of
    for place in kernels().indices_nonzero(late).to_pylist():
        reason = f"{instant(times[place].as_py())} is more than a day ahead of when it was received"
        sieve.reject([place], field, reason)


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
    elif not (_is_numeric(column.type) or _is_untyped(column.type)):
        raise _wrong_type(field, "a number", column.type)
    return _numbers(column, field, sieve)


def _numbers(column: pa.Array, field: str, sieve: Sieve) -> pa.Array:
    numbers = _cast(column, pa.float64(), sieve, field, "expected a number")
    fits = kernels().less_equal(kernels().abs(numbers), LARGEST_NUMBER)  # false for NaN
    sieve.reject_where(kernels().invert(fits), field, f"expected a finite number within ±{LARGEST_NUMBER:g}")
    return numbers


def _value_text(columns: pa.Table, _: str, sieve: Sieve, __: Reading) -> pa.Array:
    """An attribute's value where it is text: by the type of a file's column, or of each JSON value."""
    texts = _texts(_value(columns, "text", _is_textual), "value", sieve)
    _check_text(texts, "value", sieve, LONGEST_TEXT)
    return texts


def _value_number(columns: pa.Table, _: str, sieve: Sieve, __: Reading) -> pa.Array:
    return _numbers(_value(columns, "number", _is_numeric), "value", sieve)


def _value_truth(columns: pa.Table, _: str, __: Sieve, ___: Reading) -> pa.Array:
    return kernels().cast(_value(columns, "truth", pa.types.is_boolean), pa.bool_())


def _value(columns: pa.Table, field: str, suits: Callable[[pa.DataType], bool]) -> pa.Array:
    if "value" not in columns.column_names:
        return _column(columns, field)
    column = _column(columns, "value")
    kinds = (_is_textual, _is_numeric, pa.types.is_boolean, _is_untyped)
    if not any(fits(column.type) for fits in kinds):
        raise _wrong_type("value", "text, a number or a truth", column.type)
    return column if suits(column.type) else pa.nulls(len(column))


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
    texts = _texts(_column(columns, field), field, sieve).dictionary_encode()
    canonical: list[str | None] = [None] * len(texts.dictionary)
    faults: dict[int, str] = {}
    for place, text in enumerate(texts.dictionary.to_pylist()):  # each once: most rows say what others say
        try:
            found = _DECODER.decode(text)
        except (msgspec.MsgspecError, RecursionError) as error:
            faults[place] = excerpt(f"expected a flat JSON object: {error}")
        else:
            canonical[place] = _ENCODER.encode(found).decode() if found else None
    for place, index in enumerate(texts.indices.to_pylist()) if faults else ():
        if index in faults:
            sieve.reject([place], field, faults[index])
    return kernels().take(pa.array(canonical, _TEXT), texts.indices)


def _texts(column: pa.Array, field: str, sieve: Sieve) -> pa.Array:
    """Text; the empty text, which is how CSV leaves a cell out, is null."""
    if not (_is_textual(column.type) or _is_untyped(column.type)):
        raise _wrong_type(field, "text", column.type)
    texts = _cast(column, _TEXT, sieve, field, "expected UTF-8 text")
    empty = kernels().equal(texts, "")
    return kernels().if_else(empty, pa.scalar(None, _TEXT), texts) if empty.true_count else texts


def _cast(column: pa.Array, kind: pa.DataType, sieve: Sieve, field: str, reason: str) -> pa.Array:
    """All at once; only where that fails, one by one."""
    if column.type == kind:
        return column
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


def _is_numeric(kind: pa.DataType) -> bool:
    return any(fits(kind) for fits in (pa.types.is_floating, pa.types.is_integer, pa.types.is_decimal))


def _is_untyped(kind: pa.DataType) -> bool:
    return bool(pa.types.is_null(kind))


def _wrong_type(field: str, expected: str, kind: pa.DataType) -> WrongColumns:
    message = f"expected {expected}, got {excerpt(kind)}"
    return WrongColumns(errors=[{"field": field, "message": message}])


_DECODER = msgspec.json.Decoder(Properties | None)
_ENCODER = msgspec.json.Encoder(order="deterministic")
CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "id": _text,
        "unit": _text,
        "event": _text,
        "experiment": _text,
        "arm": _text,
        "name": _text,
        "namespace": _namespace,
        "time": _time,
        "phase": _phase,
        "value": _number,
        "properties": _properties,
        "text": _value_text,
        "number": _value_number,
        "truth": _value_truth,
    }
)
