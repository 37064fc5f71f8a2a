"""How is a body read into columns? JSON array, NDJSON, CSV, Parquet, Arrow; only the shape is checked yet."""

import csv
import io
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import batched
from types import MappingProxyType

import msgspec
import pyarrow as pa
from pyarrow import csv as arrow_csv

from service.facts.ingest.arrow_stream import has_compressed_buffers
from service.facts.ingest.kernels import kernels, parquet
from service.facts.ingest.rows import REQUIRED, ROWS, Parsed, Rejection, Row
from service.facts.tables import FactKind
from service.kit.errors import BadRequest, Invalid, PayloadTooLarge, UnsupportedMediaType, excerpt

JSON_LIMIT = 4 * 1024 * 1024
FILE_LIMIT = 32 * 1024 * 1024
MOST_ROWS = 1_000_000
MOST_UNPACKED = 512 * 1024 * 1024  # bytes that a file's columns may become
_CHUNK = 20_000
_TEXT = pa.string()
_JSON_TYPES = MappingProxyType({"phase": pa.int64(), "value": pa.float64(), "properties": pa.binary()})


class Unreadable(BadRequest):
    """The body as a whole is not what its content type says."""

    slug, title = "unreadable-body", "The body is not what its Content-Type says"


class WrongColumns(Invalid):
    """A file's columns are not those of the facts."""

    slug, title = "wrong-columns", "The file's columns are not those asked for"


class EmptyBatch(Invalid):
    """Nothing was sent."""

    slug, title = "empty-batch", "The body holds no row"


def parse(kind: FactKind, content_type: str, body: bytes) -> Parsed:
    """The body's rows as columns, by its content type."""
    media_type = content_type.partition(";")[0].strip().lower()
    reader = READERS.get(media_type)
    if reader is None:
        known = ", ".join(READERS)
        raise UnsupportedMediaType(f"Send one of {known}, not {excerpt(media_type or 'nothing')}.")
    parsed = reader(kind, body.removeprefix(b"\xef\xbb\xbf"))
    if not parsed.columns.num_rows and not parsed.unreadable:
        raise EmptyBatch
    return parsed


def _json(kind: FactKind, body: bytes) -> Parsed:
    if len(body) > JSON_LIMIT:
        raise PayloadTooLarge(f"A JSON array may have {JSON_LIMIT:,} bytes; send NDJSON, CSV or Parquet.")
    try:
        rows = msgspec.json.decode(body, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unreadable(f"Expected a JSON array of objects: {excerpt(error)}.") from error
    return _objects(kind, enumerate(rows, start=1))


def _ndjson(kind: FactKind, body: bytes) -> Parsed:
    lines = ((number, line.rstrip(b"\r\n")) for number, line in enumerate(io.BytesIO(body), start=1))
    return _objects(kind, ((number, line) for number, line in lines if line))


def _objects(kind: FactKind, rows: Iterable[tuple[int, bytes | msgspec.Raw]]) -> Parsed:
    decoder = msgspec.json.Decoder(ROWS[kind])
    tables, unreadable, seen = [], [], 0
    for chunk in batched(rows, _CHUNK, strict=False):
        seen += len(chunk)
        _refuse_too_many(seen)
        good: list[tuple[int, Row]] = []
        for number, text in chunk:
            row = read_object(decoder, number, text)
            if isinstance(row, Rejection):
                unreadable.append(row)
            else:
                good.append((number, row))
        tables.append(tabled(kind, good))
    columns = pa.concat_tables(tables) if tables else tabled(kind, [])
    return Parsed(columns=columns, unreadable=unreadable)


def read_object[T](
    decoder: "msgspec.json.Decoder[T]", number: int, text: bytes | msgspec.Raw
) -> T | Rejection:
    """One object, or why it cannot be read."""
    try:
        return decoder.decode(text)
    except msgspec.ValidationError as error:
        field, reason = _told(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        field, reason = None, f"not a JSON object: {error}"
    return Rejection(row=number, field=field, reason=excerpt(reason))


def _told(message: str) -> tuple[str | None, str]:
    """From "Expected `str`, got `int` - at `$.unit`", or "… unknown field `x`" without a path."""
    reason, _, path = message.partition(" - at `$")
    if path:
        return path.strip("`.").partition(".")[0].partition("[")[0] or None, reason
    named = [part for part in reason.split("`")[1:-1:2] if "field" in reason]
    return (excerpt(named[0]) if named else None), reason


def tabled(kind: FactKind, rows: Sequence[tuple[int, Row]]) -> pa.Table:
    """Numbered rows as unchecked columns."""
    arrays: dict[str, pa.Array] = {"row": pa.array([number for number, _ in rows], pa.int64())}
    for name in ROWS[kind].__struct_fields__:
        values = [getattr(row, name) for _, row in rows]
        if name == "properties":
            values = [bytes(value) for value in values]
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


def _csv(kind: FactKind, body: bytes) -> Parsed:
    """Every cell as bytes, so that one bad cell spoils its row and no other."""
    header = _header(body)
    _refuse_wrong_columns(kind, header)
    skipped: list[arrow_csv.InvalidRow] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        skipped.append(row)
        return "skip"

    try:
        columns = arrow_csv.read_csv(
            io.BytesIO(body),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=len(body) + 1),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.binary()), check_utf8=False
            ),
        )
    except pa.ArrowException as error:
        raise Unreadable(f"Expected CSV with a header: {excerpt(error)}.") from error
    return _numbered(columns, [_wrong_cells(row) for row in skipped])


def _header(body: bytes) -> list[str]:
    first = io.BytesIO(body).readline(65_536)
    try:
        return next(csv.reader([first.decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"Expected a CSV header in UTF-8: {excerpt(error)}.") from error


def _wrong_cells(row: arrow_csv.InvalidRow) -> Rejection:
    reason = f"expected {row.expected_columns} cells, got {row.actual_columns}"
    return Rejection(row=row.number - 1, field=None, reason=reason)


def _numbered(columns: pa.Table, skipped: Sequence[Rejection]) -> Parsed:
    """Numbers the rows that were read by the numbers that those skipped leave."""
    _refuse_too_many(columns.num_rows + len(skipped))
    taken = {rejection.row for rejection in skipped}
    numbers = [n for n in range(1, columns.num_rows + len(skipped) + 1) if n not in taken]
    return Parsed(
        columns=columns.append_column("row", pa.array(numbers, pa.int64())), unreadable=list(skipped)
    )


def _parquet(kind: FactKind, body: bytes) -> Parsed:
    try:
        with parquet().ParquetFile(pa.BufferReader(body)) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
        _refuse_wrong_columns(kind, schema.names)
        _refuse_too_many(rows)
        columns = _unpacked(body, schema)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"Expected a Parquet file: {excerpt(error)}.") from error
    return _numbered(columns, [])


def _unpacked(body: bytes, schema: pa.Schema) -> pa.Table:
    """Texts are read as dictionaries first: a small file can spell one long text a million times."""
    with parquet().ParquetFile(pa.BufferReader(body), read_dictionary=_texts(schema)) as file:
        return _plain(file.read(use_threads=False))


def _stream(kind: FactKind, body: bytes) -> Parsed:
    """Buffers compressed one by one could become anything: Content-Encoding does the same under a limit."""
    try:
        with pa.ipc.open_stream(body) as stream:
            _refuse_wrong_columns(kind, stream.schema.names)
            if has_compressed_buffers(body):
                raise Unreadable(
                    "Send the buffers plain, and the body with a Content-Encoding of gzip or zstd."
                )
            columns = pa.Table.from_batches(_valid(stream), stream.schema)
        columns = _plain(columns)
    except (pa.ArrowException, OSError, UnicodeDecodeError, struct.error) as error:
        raise Unreadable(f"Expected an Arrow IPC stream: {excerpt(error)}.") from error
    return _numbered(columns, [])


def _valid(stream: pa.ipc.RecordBatchStreamReader) -> list[pa.RecordBatch]:
    """Offsets that lead out of the body are found here, before anything follows them."""
    batches, rows = [], 0
    for batch in stream:
        rows += batch.num_rows
        _refuse_too_many(rows)
        batch.validate(full=True)
        batches.append(batch)
    return batches


def _plain(columns: pa.Table) -> pa.Table:
    """Without dictionaries, if what that makes of them is not too large."""
    texts, size = _texts(columns.schema), columns.nbytes
    for name in texts:
        for chunk in columns[name].chunks:
            if pa.types.is_dictionary(chunk.type):
                lengths = kernels().binary_length(chunk.dictionary)
                size += kernels().sum(kernels().take(lengths, chunk.indices)).as_py() or 0
    if size > MOST_UNPACKED:
        raise PayloadTooLarge(f"The rows may become {MOST_UNPACKED:,} bytes when unpacked, not {size:,}.")
    plain = [field.with_type(_TEXT) if field.name in texts else field for field in columns.schema]
    return columns.cast(pa.schema(plain))


def _texts(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if _is_text(field.type)]


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _refuse_wrong_columns(kind: FactKind, names: Sequence[str]) -> None:
    known = ROWS[kind].__struct_fields__
    times = Counter(names)
    wrong = [
        *((name, "there is no such field") for name in times if name not in known),
        *((name, f"stands {n} times") for name, n in times.items() if n > 1),
        *((name, "is missing") for name in sorted(REQUIRED[kind] - set(names))),
    ]
    if wrong:
        raise WrongColumns(
            f"Expected the columns {', '.join(known)}.",
            errors=[
                {"field": excerpt(name), "message": f"{excerpt(name)}: {why}"} for name, why in wrong[:100]
            ],
        )


def _refuse_too_many(rows: int) -> None:
    if rows > MOST_ROWS:
        raise PayloadTooLarge(f"A batch may have {MOST_ROWS:,} rows.")


READERS: Mapping[str, Callable[[FactKind, bytes], Parsed]] = MappingProxyType(
    {
        "application/json": _json,
        "application/x-ndjson": _ndjson,
        "application/jsonl": _ndjson,
        "text/csv": _csv,
        "application/vnd.apache.parquet": _parquet,
        "application/x-parquet": _parquet,
        "application/vnd.apache.arrow.stream": _stream,
    }
)
