"""How are CSV, Parquet and Arrow streams read into columns, some rows at a time?"""

import csv
import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from service.facts.ingest.arrow_stream import has_compressed_buffers
from service.facts.ingest.formats import (
    CHUNK,
    MOST_UNPACKED,
    Unreadable,
    refuse_too_many,
    refuse_wrong_columns,
)
from service.facts.ingest.kernels import kernels, parquet
from service.facts.ingest.rows import LONGEST_UNIT, Parsed, Rejection
from service.facts.ingest.spool import Spool
from service.facts.tables import FactKind
from service.kit.errors import PayloadTooLarge, excerpt

_CSV_BLOCK = 4 * 1024 * 1024  # bytes, and the longest row
_LONGEST_HEADER = 65_536
_LITERAL = frozenset({"PLAIN", "RLE", "BIT_PACKED", "PLAIN_DICTIONARY", "RLE_DICTIONARY"})
_LARGEST_COLUMN = 256 * 1024 * 1024  # bytes, of a row group of a Parquet file
_TEXT = pa.string()


class Numbering:
    """Numbers rows as they come, and counts what they become when unpacked."""

    def __init__(self) -> None:
        self.rows = 0
        self.size = 0

    def number(self, columns: pa.Table, skipped: Sequence[Rejection] = ()) -> Parsed:
        """Numbers the rows that were read by the numbers that those skipped leave."""
        first, self.rows = self.rows + 1, self.rows + columns.num_rows + len(skipped)
        refuse_too_many(self.rows)
        numbers = pa.array(np.arange(first, self.rows + 1), pa.int64())
        if skipped:
            taken = pa.array([rejection.row for rejection in skipped], pa.int64())
            numbers = numbers.filter(kernels().invert(kernels().is_in(numbers, value_set=taken)))
        return Parsed(columns=columns.append_column("row", numbers), unreadable=list(skipped))

    def plain(self, columns: pa.Table) -> pa.Table:
        """Without dictionaries, if what that makes of all rows so far is not too large."""
        texts = _texts(columns.schema)
        self.size += columns.nbytes + sum(_spelled(columns[name]) for name in texts)
        if self.size > MOST_UNPACKED:
            raise PayloadTooLarge(f"The rows may become {MOST_UNPACKED:,} bytes when unpacked.")
        plain = [field.with_type(_TEXT) if field.name in texts else field for field in columns.schema]
        return columns.cast(pa.schema(plain))


def _spelled(column: pa.ChunkedArray) -> int:
    """How many bytes a column of dictionary entries becomes."""
    size = 0
    for chunk in column.chunks:
        if pa.types.is_dictionary(chunk.type):
            lengths = kernels().binary_length(chunk.dictionary)
            size += kernels().sum(kernels().take(lengths, chunk.indices)).as_py() or 0
    return size


def rows_of_csv(kind: FactKind, body: Spool) -> Iterator[Parsed]:
    """Every cell as bytes, so that one bad cell spoils its row and no other."""
    header = _header(body)
    refuse_wrong_columns(kind, header)
    skipped: list[arrow_csv.InvalidRow] = []

    def skip(row: arrow_csv.InvalidRow) -> str:
        skipped.append(row)
        return "skip"

    numbering = Numbering()
    try:
        with arrow_csv.open_csv(
            pa.BufferReader(body.buffer()),
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=_CSV_BLOCK),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=skip),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.binary()), check_utf8=False
            ),
        ) as reader:
            for batch in reader:
                told = _told(skipped, numbering.rows + batch.num_rows)
                yield numbering.number(pa.Table.from_batches([batch]), told)
            if skipped:
                yield numbering.number(reader.schema.empty_table(), _told(skipped, numbering.rows))
    except pa.ArrowException as error:
        raise Unreadable(f"Expected CSV with a header: {excerpt(error)}.") from error


def _header(body: Spool) -> list[str]:
    first = body.read(0, _LONGEST_HEADER).removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    if not first.strip():
        raise Unreadable("Expected a CSV header in the first line, which is blank.")
    try:
        return next(csv.reader([first.decode()], strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"Expected a CSV header in UTF-8: {excerpt(error)}.") from error


def _told(skipped: list[arrow_csv.InvalidRow], rows: int) -> list[Rejection]:
    """Those that stand among the rows read so far, or right after them: the parser may be further."""
    told: list[Rejection] = []
    while skipped and skipped[0].number - 1 <= rows + len(told) + 1:
        told.append(_wrong_cells(skipped.pop(0)))
    return told


def _wrong_cells(row: arrow_csv.InvalidRow) -> Rejection:
    reason = f"expected {row.expected_columns} cells, got {row.actual_columns}"
    return Rejection(row=row.number - 1, field=None, reason=reason)


def rows_of_parquet(kind: FactKind, body: Spool) -> Iterator[Parsed]:
    """A small file can spell one long text a million times: where it might, texts are read as such."""
    numbering = Numbering()
    try:
        with parquet().ParquetFile(pa.BufferReader(body.buffer())) as plain:
            refuse_wrong_columns(kind, plain.schema_arrow.names)
            refuse_too_many(plain.metadata.num_rows)
            _refuse_large_groups(plain.metadata)
            texts = _texts(plain.schema_arrow)
            with parquet().ParquetFile(pa.BufferReader(body.buffer()), read_dictionary=texts) as spelled:
                for group in range(plain.metadata.num_row_groups):
                    file = plain if _spells_little(spelled, group, texts) else spelled
                    for batch in file.iter_batches(CHUNK, row_groups=[group], use_threads=False):
                        yield numbering.number(numbering.plain(pa.Table.from_batches([batch])))
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"Expected a Parquet file: {excerpt(error)}.") from error


def _spells_little(file: Any, group: int, texts: Sequence[str]) -> bool:
    """Whether no text can be long often: what is not in the dictionary is there as often as it is written.

    The first row brings the group's dictionaries along. Reading all rows as dictionaries is several times
    slower where most texts differ, as ids do.
    """
    told = file.metadata.row_group(group)
    columns = [told.column(place) for place in range(told.num_columns)]
    if not all(_LITERAL.issuperset(one.encodings) for one in columns if one.path_in_schema in texts):
        return False
    first = next(file.iter_batches(1, row_groups=[group], columns=list(texts), use_threads=False), None)
    if first is None:
        return True
    longest = (kernels().max(kernels().binary_length(column.dictionary)).as_py() for column in first.columns)
    return all((length or 0) <= LONGEST_UNIT for length in longest)


def _refuse_large_groups(told: Any) -> None:
    """Pages are unpacked whole, so what the file itself says of their size is asked before they are."""
    for group in range(told.num_row_groups):
        for column in range(told.num_columns):
            size = told.row_group(group).column(column).total_uncompressed_size
            if size > _LARGEST_COLUMN:
                raise PayloadTooLarge(
                    f"A column of a row group may have {_LARGEST_COLUMN:,} bytes unpacked, not {size:,}."
                )


def rows_of_stream(kind: FactKind, body: Spool) -> Iterator[Parsed]:
    """Buffers compressed one by one could become anything: Content-Encoding does the same under a limit."""
    numbering, buffer = Numbering(), body.buffer()
    try:
        with pa.ipc.open_stream(buffer) as stream:
            refuse_wrong_columns(kind, stream.schema.names)
            if has_compressed_buffers(buffer):
                raise Unreadable(
                    "Send the buffers plain, and the body with a Content-Encoding of gzip or zstd."
                )
            for batch in stream:
                batch.validate(full=True)  # offsets that lead out of the body, before anything follows them
                refuse_too_many(numbering.rows + batch.num_rows)
                for start in range(0, batch.num_rows, CHUNK):
                    rows = pa.Table.from_batches([batch.slice(start, CHUNK)])
                    yield numbering.number(numbering.plain(rows))
    except (pa.ArrowException, OSError, UnicodeDecodeError, struct.error) as error:
        raise Unreadable(f"Expected an Arrow IPC stream: {excerpt(error)}.") from error


def _texts(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if _is_text(field.type)]


def _is_text(kind: pa.DataType) -> bool:
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))
