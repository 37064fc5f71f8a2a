"""In what pieces does a file go in? Some rows each, under keys that the file's content gives them.

The same file gives the same pieces, so what was acknowledged before an interruption is known by its key.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa

from service.facts.ingest.formats import EmptyBatch
from service.facts.ingest.reading import READERS
from service.facts.ingest.rows import Parsed
from service.facts.ingest.spool import Spool
from service.facts.tables import FactKind
from service.kit.errors import Invalid

_TYPES: Mapping[str, str] = MappingProxyType(
    {
        ".ndjson": "application/x-ndjson",
        ".jsonl": "application/x-ndjson",
        ".csv": "text/csv",
        ".parquet": "application/vnd.apache.parquet",
        ".arrows": "application/vnd.apache.arrow.stream",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some rows of a file as they were read, unchecked."""

    key: str
    parsed: Parsed


def media_type(path: Path) -> str:
    found = _TYPES.get(path.suffix.lower())
    if found is None:
        raise Invalid(f"{path}: expected a name that ends in one of {', '.join(_TYPES)}.")
    return found


def pieces(kind: FactKind, path: Path, *, numbered: bool, zone: str | None) -> Iterator[Piece]:
    """All of a file, however large. Numbered rows get an id of the file's and their own number."""
    with Spool.over(path) as body:
        name = body.sha256()
        if not body.size:
            raise EmptyBatch
        for parsed in READERS[media_type(path)](kind, body):
            named = _named(parsed, name) if numbered else parsed
            yield Piece(key=_key(name, parsed, numbered=numbered, zone=zone), parsed=named)


def _key(file: str, parsed: Parsed, *, numbered: bool, zone: str | None) -> str:
    """Which rows these are, and as what they are read: another version may cut a file elsewhere."""
    numbers = [*parsed.columns["row"].to_pylist(), *(one.row for one in parsed.unreadable)]
    naming = "row" if numbered else "field"
    return f"file:{file}:{min(numbers, default=0)}+{len(numbers)}:{naming}:{zone or 'offset'}"


def _named(parsed: Parsed, name: str) -> Parsed:
    columns = parsed.columns
    if "id" in columns.column_names:
        if columns["id"].null_count < columns.num_rows:
            raise Invalid("The file has ids: --id row is for files without.")
        columns = columns.drop_columns(["id"])
    ids = [f"{name[:16]}:{number}" for number in columns["row"].to_pylist()]
    return Parsed(
        columns=columns.append_column("id", pa.array(ids, pa.string())), unreadable=parsed.unreadable
    )


def as_streams(kind: FactKind, columns: pa.Table) -> list[tuple[Sequence[int], bytes]]:
    """The rows as Arrow streams, and their numbers in the file; several where values are of several types."""
    tables = _by_type(columns) if kind is FactKind.ATTRIBUTES else [columns]
    return [(one["row"].to_pylist(), _stream(one.drop_columns(["row"]))) for one in tables if one.num_rows]


def _by_type(columns: pa.Table) -> list[pa.Table]:
    if "value" in columns.column_names:
        return [columns]
    values = ("text", "number", "truth")
    rest = columns.drop_columns(list(values))
    return [rest.append_column("value", columns[name]).filter(columns[name].is_valid()) for name in values]


def _stream(rows: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    packed: bytes = pa.compress(sink.getvalue(), codec="zstd", asbytes=True)
    return packed
