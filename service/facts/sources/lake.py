"""What do the lake's facts say, asked of Spark? The same expression over the same pinned files as by DuckDB.

For lakes that one machine cannot read in time: LEVERBOARD_LAKE_ENGINE=spark. Spark must see the lake's folder
under the same path. Links between ids are followed by DuckDB, and handed over as a table.
"""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from service.facts import engine, store
from service.facts.lake.layout import TABLES
from service.facts.lake.snapshot import Snapshot
from service.facts.query import bounds
from service.facts.query.answer import MomentsResult
from service.facts.query.expression import tables_of, units_expression
from service.facts.query.identities import MERGED
from service.facts.query.question import MomentsQuery
from service.facts.query.reading import files_of_interest, links_followed, statements
from service.facts.query.rows import result_of
from service.facts.query.summaries import units_table
from service.facts.sources import spark
from service.facts.sources.apart import apart
from service.facts.sources.bodies import EngineCannot
from service.facts.sources.portable import text_of, tree_of
from service.facts.sources.reading import quantiles_refused, table_of, trees_of
from service.facts.tables import FactKind
from service.kit.canonical import sha256_hex
from service.settings import Settings
from service.sources.schemas import Engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ibis.expr.types import Table
    from pyspark.sql import DataFrame, SparkSession

_UNITS = "units_of_the_experiment"
_TYPES = {"string": "string", "int32": "int", "date32[day]": "date", "double": "double", "bool": "boolean"}


def lake_moments(settings: Settings, snapshot: Snapshot, query: MomentsQuery) -> MomentsResult:
    """As ``facts.moments``; engine.SnapshotGone where files are gone, SourceUnusable without a Spark."""
    with engine.connection(settings) as opened, spark.session(settings) as session:
        folder = engine.folder_of(opened)
        merged = links_followed(opened, settings, snapshot, query)
        if merged:
            links = folder / f"{MERGED}.parquet"
            links.parent.mkdir(parents=True, exist_ok=True)
            opened.execute(f"COPY {MERGED} TO '{links}' (FORMAT parquet)")
            session.read.parquet(str(links)).createOrReplaceTempView(MERGED)
        for kind in tables_of(query):
            paths = engine.readable(settings, files_of_interest(snapshot, query, kind), folder)
            _view(session, settings, kind, paths, snapshot)
        return _asked(session, snapshot, query, merged=merged)


def _view(
    session: "SparkSession", settings: Settings, kind: FactKind, paths: "Sequence[str]", snapshot: Snapshot
) -> None:
    """The rows of these files that nobody erased; without files none, of the same columns."""
    if not paths:
        columns = ", ".join(
            f"`{field.name}` {_TYPES.get(str(field.type), 'timestamp')}" for field in TABLES[kind].schema
        )
        session.createDataFrame([], columns).createOrReplaceTempView(kind)
        return
    base = store.base_of(settings, kind, paths)
    found: DataFrame = session.read.option("basePath", base).parquet(*paths)
    if snapshot.erased:
        erased = ", ".join(f"'{one}'" for one in snapshot.erased)
        for unit in TABLES[kind].units:
            found = found.where(f"coalesce(sha2({unit}, 256) NOT IN ({erased}), true)")
    found.createOrReplaceTempView(kind)


def _asked(
    session: "SparkSession", snapshot: Snapshot, query: MomentsQuery, *, merged: bool
) -> MomentsResult:
    said = apart(query, partial(_units, merged=merged), EngineCannot)
    kept = session.sql(said.answer).cache()
    kept.createOrReplaceTempView(_UNITS)
    try:
        table = units_table(said.query, _UNITS)
        asked = statements(table, said.query)
        trees, refused = trees_of(asked, Engine.SPARK)
        texts = {name: text_of(tree, Engine.SPARK) for name, tree in trees.items()}
        answers = {name: table_of(asked[name], _rows(session, text)) for name, text in texts.items()}
        answers |= {name: table_of(asked[name], []) for name in refused}
        fingerprint = sha256_hex(
            "\n".join([snapshot.fingerprint, Engine.SPARK, said.answer, *texts.values()])
        )
        result = result_of(said.query, answers, fingerprint)
        ends = bounds.bounded(lambda one: _dicts(session, one), table, said.query, result)
        return replace(
            result,
            trimmed=ends.trimmed,
            strata=ends.strata,
            unanswered=said.refused | quantiles_refused(refused),
        )
    finally:
        kept.unpersist()


def _units(query: MomentsQuery, *, merged: bool) -> str:
    return text_of(tree_of(units_expression(query, merged=merged), Engine.SPARK), Engine.SPARK)


def _rows(session: "SparkSession", text: str) -> "list[tuple[object, ...]]":
    return [tuple(row) for row in session.sql(text).collect()]


def _dicts(session: "SparkSession", expression: "Table") -> list[dict[str, float]]:
    rows = _rows(session, text_of(tree_of(expression, Engine.SPARK), Engine.SPARK))
    found: list[dict[str, float]] = table_of(expression, rows).to_pylist()
    return found
