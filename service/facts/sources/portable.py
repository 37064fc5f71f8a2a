"""How is an expression that was written for DuckDB said in another engine's SQL?

Ibis writes most of it. What the facts use beyond Ibis (query/functions.py) are DuckDB's own functions: each
has a body for every engine (bodies.py). Where an engine has no words for what is asked, that is said.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlglot import exp
from sqlglot.expressions import Expr, Query

from service.facts.sources.bodies import BODIES, EngineCannot, property_of
from service.sources.schemas import Engine

if TYPE_CHECKING:
    from ibis.expr.types import Table

_COMPILERS: Mapping[Engine, str] = {
    Engine.DUCKDB: "DuckDBCompiler",
    Engine.POSTGRES: "PostgresCompiler",
    Engine.SPARK: "PySparkCompiler",
    Engine.TRINO: "TrinoCompiler",
    Engine.BIGQUERY: "BigQueryCompiler",
    Engine.SNOWFLAKE: "SnowflakeCompiler",
    Engine.DATABRICKS: "DatabricksCompiler",
    Engine.CLICKHOUSE: "ClickHouseCompiler",
}


def tree_of(expression: "Table", engine: Engine) -> Query:
    """The expression as an engine's SQL, parsed; EngineCannot where it has no words for it."""
    from ibis.backends.sql import compilers
    from ibis.common.exceptions import IbisError

    _declare_options(engine)
    unknown = _functions(expression) - set(BODIES[engine]) if engine in BODIES else set()
    if unknown:
        raise EngineCannot(engine, f"the function {min(unknown)}")
    try:
        tree: Query = getattr(compilers, _COMPILERS[engine])().to_sqlglot(expression)
    except (IbisError, NotImplementedError) as error:
        raise EngineCannot(engine, str(error)) from error
    return tree if engine is Engine.DUCKDB else _reworded(tree, engine)


def text_of(tree: Query, engine: Engine, *, pretty: bool = False) -> str:
    return tree.sql(dialect=engine.value, pretty=pretty)


def _declare_options(engine: Engine) -> None:
    """Ibis' compiler for Spark reads an option that only its backend declares."""
    import ibis

    if engine is Engine.SPARK and ibis.options.pyspark is None:
        _ = ibis.pyspark


def _functions(expression: "Table") -> set[str]:
    """What the expression uses beyond Ibis."""
    from ibis.expr import operations

    return {type(node).__func_name__.upper() for node in expression.op().find(operations.ScalarUDF)}


def _reworded(tree: Query, engine: Engine) -> Query:
    """From the innermost outwards, so that no argument is left as it was."""
    tree = tree.copy()  # Ibis puts one and the same node in several places
    for node in reversed(list(tree.walk(bfs=True))):
        other = _said(node, engine)
        if other is not node:
            node.replace(other)
    return tree


def _said(node: Expr, engine: Engine) -> Expr:
    if engine is Engine.POSTGRES and isinstance(node, exp.First | exp.AnyValue):
        return exp.Max(this=node.this)  # of one unit's rows, which all say the same
    if isinstance(node, exp.In) and isinstance(node.this, exp.Binary):
        node.set("this", exp.Paren(this=node.this))  # to PostgreSQL, IN binds closer than what it is asked of
    if engine is Engine.POSTGRES and isinstance(node, exp.Cast) and node.to.is_type("SMALLINT", "TINYINT"):
        return exp.cast(node.this, "INT")  # of a boolean, which PostgreSQL knows as no other number
    if isinstance(node, exp.Literal) and not node.is_string and not node.is_int:
        return exp.cast(
            node.copy(), "DOUBLE"
        )  # 1.0 is a decimal of one digit to most, and so would be its mean
    body = BODIES[engine].get(_name(node))
    if body is None:
        return node
    first, *others = _arguments(node)
    return body(first, property_of(others[0].name) if others else "")


def _name(node: Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return str(node.name).upper()
    if isinstance(node, exp.MD5Digest):
        return "MD5"  # some dialects' function of this name gives bytes, and sqlglot calls that otherwise
    if not isinstance(node, exp.Func):
        return ""
    return str(node.sql_name()).upper()  # type: ignore[no-untyped-call]  # sqlglot leaves it untyped


def _arguments(node: Expr) -> list[Expr]:
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    return [value for value in node.args.values() if isinstance(value, exp.Expr)]
