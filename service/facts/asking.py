"""Which engine is asked what the lake's facts say? DuckDB in the run's own process, or a Spark."""

from service.facts.lake.snapshot import Snapshot
from service.facts.query.answer import MomentsResult
from service.facts.query.question import MomentsQuery
from service.facts.query.reading import moments as by_duckdb
from service.facts.sources.lake import lake_moments as by_spark
from service.settings import Settings


def moments(settings: Settings, snapshot: Snapshot, query: MomentsQuery) -> MomentsResult:
    """Moments of every arm and phase over units whose windows have closed, and what became of the rest."""
    asked = by_spark if settings.lake_engine == "spark" else by_duckdb
    return asked(settings, snapshot, query)
