"""How are JSON objects read into columns, one by one or a block of lines at once?"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import batched
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec
import pyarrow as pa

from service.facts.ingest.formats import JSON_LIMIT, Unreadable, refuse_too_many
from service.facts.ingest.rows import ROWS, Parsed, Rejection, Row
from service.facts.ingest.spool import Spool
from service.facts.tables import FactKind
from service.kit.errors import PayloadTooLarge, excerpt

BLOCK = 2 * 1024 * 1024  # bytes of lines that are in memory at once
LONGEST_LINE = 1024 * 1024  # bytes
_CHUNK = 20_000  # rows
_BOM = b"\xef\xbb\xbf"
_TEXT = pa.string()
_JSON_TYPES = MappingProxyType({"phase": pa.int64(), "value": pa.float64(), "properties": pa.binary()})


def array(kind: FactKind, body: Spool) -> Iterator[Parsed]:
    """A JSON array, which is read whole and therefore small."""
    if body.size > JSON_LIMIT:
        raise PayloadTooLarge(f"A JSON array may have {JSON_LIMIT:,} bytes; send NDJSON, CSV or Parquet.")
    try:
        rows = msgspec.json.decode(body.whole().removeprefix(_BOM), type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"Expected a JSON array of objects: {excerpt(error)}.") from error
    for chunk in batched(enumerate(rows, start=1), _CHUNK, strict=False):
        yield _one_by_one(kind, chunk)


def lines(kind: FactKind, body: Spool) -> Iterator[Parsed]:
    """NDJSON, a block of lines at a time; each block in one go unless something is wrong with it."""
    decoder = msgspec.json.Decoder(ROWS[kind])
    first = 1
    for block in _blocks(body):
        numbers = block.count(b"\n")
        refuse_too_many(first + numbers - 1)
        yield _at_once(kind, decoder, first, numbers, block) or _one_by_one(kind, _numbered(first, block))
        first += numbers


def _blocks(body: Spool) -> Iterator[bytes]:
    """Whole lines, each with its end. A line that goes on and on is cut where it can only be rejected."""
    rest, cut, left = b"", False, body.size
    for number, piece in enumerate(body.pieces(size=BLOCK)):
        left -= len(piece)
        text = rest + (piece.removeprefix(_BOM) if number == 0 else piece)
        if cut:
            _, end, text = text.partition(b"\n")
            if not end:
                continue
            text = end + text
        if not left and 0 < len(text) - text.rfind(b"\n") - 1 <= LONGEST_LINE:
            text += b"\n"  # the last line needs no end of its own, and no block
        whole, end, rest = text.rpartition(b"\n")
        cut = len(rest) > LONGEST_LINE
        if cut:
            whole, end, rest = whole + end + rest[: LONGEST_LINE + 1], b"", b""
        if whole or end:
            yield whole + end
    if rest:
        yield rest + b"\n"
    elif cut:
        yield b"\n"


def _at_once(
    kind: FactKind, decoder: "msgspec.json.Decoder[Row]", first: int, numbers: int, block: bytes
) -> Parsed | None:
    """All lines of the block, if each is a good row."""
    try:
        rows = decoder.decode_lines(block)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if len(rows) != numbers:  # empty lines count as lines
        return None
    return Parsed(columns=tabled(kind, list(enumerate(rows, start=first))))


def _numbered(first: int, block: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(block.split(b"\n"), start=first):
        if line := line.rstrip(b"\r"):
            yield number, line


def _one_by_one(kind: FactKind, rows: Iterable[tuple[int, bytes | msgspec.Raw]]) -> Parsed:
    decoder = msgspec.json.Decoder(ROWS[kind])
    good: list[tuple[int, Row]] = []
    unreadable: list[Rejection] = []
    for number, text in rows:
        row = read_object(decoder, number, text)
        if isinstance(row, Rejection):
            unreadable.append(row)
        else:
            good.append((number, row))
    return Parsed(columns=tabled(kind, good), unreadable=unreadable)


def read_object[T](
    decoder: "msgspec.json.Decoder[T]", number: int, text: bytes | msgspec.Raw
) -> T | Rejection:
    """One object, or why it cannot be read."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        field, reason = _told(str(error), getattr(decoder.type, "__struct_fields__", ()))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        field, reason = None, f"not a JSON object: {error}"
    return Rejection(row=number, field=field, reason=excerpt(reason))


def _told(message: str, fields: Sequence[str]) -> tuple[str | None, str]:
    """From "Expected `str`, got `int` - at `$.unit`", or "… unknown field `x`" without a path."""
    reason, _, path = message.partition(" - at `$")
    if path:
        return path.strip("`.").partition(".")[0].partition("[")[0] or None, reason
    named = [part for part in reason.split("`")[1:-1:2] if "field" in reason]
    if "unknown field" in reason and fields:
        reason = f"{reason}; there are {', '.join(fields)}"
    return (excerpt(named[0]) if named else None), reason


def tabled(kind: FactKind, rows: Sequence[tuple[int, Row]]) -> pa.Table:
    """Numbered rows as unchecked columns."""
    arrays: dict[str, pa.Array] = {"row": pa.array([number for number, _ in rows], pa.int64())}
    said = [row for _, row in rows]
    for name in ROWS[kind].__struct_fields__:
        values: list[Any] = list(map(attrgetter(name), said))
        if name == "properties":
            values = list(map(bytes, values))
        if kind is FactKind.ATTRIBUTES and name == "value":
            arrays |= _by_type(values)
        else:
            arrays[name] = pa.array(values, _JSON_TYPES.get(name, _TEXT))
    return pa.table(arrays)


def _by_type(values: Sequence[str | float | bool]) -> dict[str, pa.Array]:
    """An attribute's values: each is text, a number or a truth, and stands in the column of its type."""
    numbers = [one if isinstance(one, int | float) and not isinstance(one, bool) else None for one in values]
    return {
        "text": pa.array([one if isinstance(one, str) else None for one in values], _TEXT),
        "number": pa.array([None if one is None else float(one) for one in numbers], pa.float64()),
        "truth": pa.array([one if isinstance(one, bool) else None for one in values], pa.bool_()),
    }
