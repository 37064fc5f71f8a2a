"""Which engine is asked what the facts say? DuckDB in the run's own process, a Spark, or a warehouse."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from service.facts.lake.snapshot import Snapshot
from service.facts.query.answer import MomentsResult
from service.facts.query.question import MomentsQuery, PerUnit
from service.facts.query.reading import moments as by_duckdb
from service.facts.query.units import Sampling, UnitRows, unit_rows
from service.facts.sources.lake import lake_moments as by_spark
from service.facts.sources.units import units_of_source
from service.settings import Settings
from service.sources.schemas import Source


def moments(settings: Settings, snapshot: Snapshot, query: MomentsQuery) -> MomentsResult:
    """Moments of every arm and phase over units whose windows have closed, and what became of the rest."""
    asked = by_spark if settings.lake_engine == "spark" else by_duckdb
    return asked(settings, snapshot, query)


class Units(Protocol):
    """Whoever can be asked for units one by one, wherever the facts lie."""

    def read(self, query: PerUnit, sampling: Sampling) -> UnitRows: ...

    def snapshot(self) -> str:
        """As JSON, of all that was read so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeUnits:
    """The lake as it was pinned."""

    settings: Settings
    pinned: Snapshot

    def read(self, query: PerUnit, sampling: Sampling) -> UnitRows:
        return unit_rows(self.settings, self.pinned, query, sampling)

    def snapshot(self) -> str:
        return self.pinned.to_json()


@contextmanager
def units_of(settings: Settings, facts: Snapshot | Source, known_as: str = "") -> Iterator[Units]:
    """Of the pinned lake, or of a source in which the experiment is known by that name."""
    if isinstance(facts, Snapshot):
        yield LakeUnits(settings=settings, pinned=facts)
        return
    with units_of_source(settings, facts, known_as) as opened:
        yield opened
