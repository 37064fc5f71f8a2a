"""Which sources are refused before anybody connects to one?

A query is parsed, never trusted: one SELECT, of plain tables, with functions whose meaning the parser knows.
What it does not know may read files, call other machines or never end; reading is all that a source may do.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from service.kit.errors import Violation, excerpt
from service.sources.schemas import Engine, FromParquet, FromQuery, FromTable, Rows, SourceDraft

if TYPE_CHECKING:
    from sqlglot.expressions import Expr, Table

LIMITS_BYTES = frozenset({Engine.BIGQUERY, Engine.CLICKHOUSE, Engine.TRINO})
# By the parser's own names: each of them reads or writes outside the tables, waits, or has effects.
_REFUSED_FUNCTIONS = frozenset(
    {
        "AI_CLASSIFY",
        "AI_GENERATE",
        "CURRENT_CATALOG",
        "CURRENT_SCHEMA",
        "GENERATE_EMBEDDING",
        "GENERATE_TEXT",
        "ML_FORECAST",
        "ML_TRANSLATE",
        "PREDICT",
        "RAND",
        "RANDN",
        "READ_CSV",
        "READ_PARQUET",
        "SESSION_USER",
        "UUID",
    }
)


def refusals(draft: SourceDraft) -> tuple[Violation, ...]:
    """Every rule that a source breaks, each with how to satisfy it."""
    return (
        *_limits(draft),
        *(broken for field, rows in draft.relations for broken in _rows(draft, field, rows)),
    )


def _limits(draft: SourceDraft) -> Iterator[Violation]:
    if draft.limits.bytes is not None and draft.engine not in LIMITS_BYTES:
        yield Violation(
            field="limits.bytes",
            rule="engine_limits_bytes",
            message=f"{draft.engine} has no limit on the bytes that a statement reads.",
            how="Leave it out: rows are counted before the analysis, and seconds end it.",
        )


def _rows(draft: SourceDraft, field: str, rows: Rows) -> Iterator[Violation]:
    if isinstance(rows, FromParquet) and draft.engine is not Engine.SPARK:
        yield Violation(
            field=field,
            rule="engine_reads_parquet",
            message=f"{draft.engine} reads no folder of Parquet files here.",
            how="Name a table or view of the warehouse, or a query.",
        )
    if isinstance(rows, FromQuery) and (why := query_refusal(rows.query, draft.engine)):
        yield Violation(
            field=field,
            rule="one_plain_select",
            message=why,
            how="Make a view of it in the warehouse, and name the view as a table.",
        )
    if isinstance(rows, FromTable) and (why := _table_refusal(rows, draft.engine)):
        yield Violation(field=field, rule="plain_table", message=why, how="Name a table or view.")


def _table_refusal(rows: FromTable, engine: Engine) -> str | None:
    if (
        engine in (Engine.SPARK, Engine.DATABRICKS)
        and len(rows.table) == 2
        and rows.table[0].lower() in _SPARK_FORMATS
    ):
        return f"{excerpt(rows.table[0])} is a file format there, not a database."
    return None


_SPARK_FORMATS = frozenset(
    {"avro", "binaryfile", "csv", "delta", "iceberg", "jdbc", "json", "orc", "parquet", "text"}
)


def query_refusal(query: str, engine: Engine) -> str | None:
    """Why a query is not read; None for one SELECT of plain tables."""
    from sqlglot import exp, parse  # noqa: PLC0415 - 14 MB that only who registers a query needs
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        statements = parse(query, dialect=engine.value)
    except (SqlglotError, RecursionError) as error:
        return f"The query cannot be read as {engine} SQL: {excerpt(error)}"
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return "Expected one SELECT and nothing else."
    return next(_refused(statements[0], engine), None)


def _refused(query: "Expr", engine: Engine) -> Iterator[str]:
    from sqlglot import exp  # noqa: PLC0415

    for node in query.walk():
        if isinstance(node, exp.DDL | exp.DML | exp.Command | exp.Into | exp.Lock):
            yield f"{type(node).__name__.upper()} does more than read."
        if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc | exp.ParameterizedAgg):
            yield f"The function {excerpt(node.name)} is not one that is known to only compute."
        if isinstance(node, exp.Func) and _named(node) in _REFUSED_FUNCTIONS:
            yield f"The function {_named(node)} does more than compute from the row."
        if isinstance(node, exp.Parameter | exp.Placeholder | exp.SessionParameter):
            yield "Variables of the session are not read."
        if isinstance(node, exp.Query) and (node.args.get("settings") or node.args.get("format")):
            yield "SETTINGS and FORMAT are the service's own, which limits what a statement reads."
        if isinstance(node, exp.Table):
            yield from _table(node, engine)


def _named(node: "Expr") -> str:
    names: list[str] = getattr(type(node), "sql_names", lambda: [""])()
    return names[0].upper()


def _table(node: "Table", engine: Engine) -> Iterator[str]:
    from sqlglot import exp  # noqa: PLC0415

    if not isinstance(node.this, exp.Identifier):
        yield f"{excerpt(node.sql())} is a function or an address, not a table."
        return
    names = FromTable.model_construct(table=tuple(part.name for part in node.parts))
    named = node.args.get("alias")
    if named is not None and named.this is None:
        yield f"{excerpt(node.sql())} looks like a function, not like a table."
    if any(mark in part for part in names.table for mark in ("/", "\\", "://", "*")):
        yield f"{excerpt(node.sql())} looks like a file, not like a table."
    if why := _table_refusal(names, engine):
        yield why
