"""Which reader takes a body, by its content type?"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from service.facts.ingest import files, objects
from service.facts.ingest.formats import FILE_LIMIT, JSON_LIMIT, EmptyBatch
from service.facts.ingest.rows import Parsed
from service.facts.ingest.spool import Spool
from service.facts.tables import FactKind
from service.kit.errors import UnsupportedMediaType, excerpt

type Reader = Callable[[FactKind, Spool], Iterator[Parsed]]

_JSON = "application/json"
READERS: Mapping[str, Reader] = MappingProxyType(
    {
        _JSON: objects.array,
        "application/x-ndjson": objects.lines,
        "application/jsonl": objects.lines,
        "text/csv": files.rows_of_csv,
        "application/vnd.apache.parquet": files.rows_of_parquet,
        "application/x-parquet": files.rows_of_parquet,
        "application/vnd.apache.arrow.stream": files.rows_of_stream,
    }
)


def limit_of(content_type: str) -> int:
    """How many bytes a body of this type may have; one that no reader takes is refused before it comes."""
    return JSON_LIMIT if _reader(content_type) is objects.array else FILE_LIMIT


def parse(kind: FactKind, content_type: str, body: Spool) -> Iterator[Parsed]:
    """The body's rows as columns, some at a time."""
    reader, rows = _reader(content_type), 0
    if not body.size:  # of which each reader would miss something else
        raise EmptyBatch
    for parsed in reader(kind, body):
        rows += parsed.columns.num_rows + len(parsed.unreadable)
        yield parsed
    if not rows:
        raise EmptyBatch


def _reader(content_type: str) -> Reader:
    media_type = content_type.partition(";")[0].strip().lower()
    reader = READERS.get(media_type)
    if reader is None:
        known = ", ".join(READERS)
        raise UnsupportedMediaType(f"Send one of {known}, not {excerpt(media_type or 'nothing')}.")
    return reader
