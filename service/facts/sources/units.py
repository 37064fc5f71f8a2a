"""Who are a warehouse's units one by one? The lake's own expressions, in the warehouse's SQL.

The warehouse deals out the sample itself, by the same hash as the lake, and sends no more than the sample: of
each unit its numbers, never its id. What it sends is taken some rows at a time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa

from service.facts.query.question import PerUnit
from service.facts.query.summaries import units_table
from service.facts.query.units import COUNTS, ROWS, Sampling, UnitRows, rows_of, statements
from service.facts.sources.engines import Row, Warehouse
from service.facts.sources.reading import (
    UNITS,
    Asked,
    asked_of,
    make_ready,
    snapshot_of,
    speaking,
    table_of,
    wanted_by,
)
from service.kit.canonical import sha256_hex
from service.settings import Settings
from service.sources.schemas import Source

if TYPE_CHECKING:
    from ibis.expr.types import Table

MOST_FROM_A_SOURCE = 250_000
"""Units that a warehouse is asked for at most, whatever the cap: they come row by row, over a network."""


@dataclass(slots=True, kw_only=True)
class SourceUnits:
    """An opened warehouse, asked for units as often as is needed, by one connection."""

    source: Source
    known_as: str
    warehouse: Warehouse
    _asked: list[tuple[PerUnit, Asked]] = field(default_factory=list)

    def read(self, query: PerUnit, sampling: Sampling) -> UnitRows:
        """As ``unit_rows``; SourceUnusable, EngineCannot."""
        some = replace(sampling, cap=min(sampling.cap, MOST_FROM_A_SOURCE))
        wanted = wanted_by(query, self.known_as)
        tables = statements(units_table(query, UNITS, named=True), query, some)
        asked = asked_of(self.source, wanted, query, tables, named=True)
        make_ready(self.source, wanted, self.warehouse, asked)
        found = {
            COUNTS: table_of(asked.questions[COUNTS], self.warehouse.ask(asked.texts[COUNTS])),
            ROWS: _gathered(asked.questions[ROWS], self.warehouse.read(asked.texts[ROWS])),
        }
        self._asked.append((query, asked))
        said = snapshot_of(self.source, self.known_as, query.as_of, asked)
        return rows_of(query, some, found, sha256_hex(f"{said}\n{_digest(found[ROWS])}"))

    def snapshot(self) -> str:
        """As JSON: what was read of which source when; nothing of it is pinned."""
        (query, _), *_ = self._asked
        return snapshot_of(self.source, self.known_as, query.as_of, *(asked for _, asked in self._asked))


def _gathered(question: "Table", parts: Iterator[Sequence[Row]]) -> pa.Table:
    """Each part becomes columns before the next is taken."""
    return pa.concat_tables([table_of(question, []), *(table_of(question, part) for part in parts)])


def _digest(rows: pa.Table) -> str:
    """What was found, in the order of the sample."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows.combine_chunks())
    return sha256(sink.getvalue()).hexdigest()


@contextmanager
def units_of_source(settings: Settings, source: Source, known_as: str = "") -> Iterator[SourceUnits]:
    """The source, opened; ``known_as`` is what the experiment is called there, empty for a population."""
    with speaking(settings, source) as warehouse:
        yield SourceUnits(source=source, known_as=known_as, warehouse=warehouse)
