"""What does each engine say instead of DuckDB's own functions: the time in microseconds, a property of JSON?

DuckDB's names for the types of JSON are the common tongue: VARCHAR, DOUBLE, BOOLEAN, NULL, and OBJECT for
what holds others; SQL's null is a property that is not there. PostgreSQL 18 and Spark 4.0 are run by the
tests, the functions of the others are written as their manuals have them.
"""

from collections.abc import Callable, Mapping

from sqlglot import exp
from sqlglot.expressions import Expr

from service.runs.task import Unanswerable
from service.sources.schemas import Engine

type Body = Callable[[Expr, str], Expr]  # of the first argument, and the property's name if there is one

NUMBER, TEXT, TRUTH, NOTHING, OTHER = "DOUBLE", "VARCHAR", "BOOLEAN", "NULL", "OBJECT"


class EngineCannot(Unanswerable):
    """The engine has no words for something that is asked; another one has."""

    def __init__(self, engine: Engine, what: str) -> None:
        super().__init__(f"{engine} cannot compute this: {what}. The managed lake and DuckDB files can.")


def property_of(pointer: str) -> str:
    """RFC 6901, read back."""
    return pointer.removeprefix("/").replace("~1", "/").replace("~0", "~")


def _call(name: str, *arguments: Expr | str | int) -> Expr:
    """A function by the very name that the engine knows; text becomes a literal."""
    return exp.Anonymous(this=name, expressions=[exp.convert(one) for one in arguments])


def _cast(value: Expr, to: str) -> Expr:
    return exp.cast(value, to)


def _word(name: str) -> Expr:
    return exp.Var(this=name)


def _millionfold(value: Expr) -> Expr:
    return exp.Mul(this=value, expression=exp.Literal.number(1_000_000))


def _named(kind: Expr, names: Mapping[str, tuple[str, ...]]) -> Expr:
    """An engine's own name of a type as DuckDB's; what is in no list holds others."""
    found = exp.Case().when(exp.Is(this=kind.copy(), expression=exp.Null()), exp.Null())
    for ours, theirs in names.items():
        found = found.when(kind.copy().isin(*map(exp.Literal.string, theirs)), exp.Literal.string(ours))
    return found.else_(exp.Literal.string(OTHER))


def _quoted_path(name: str, engine: Engine) -> str:
    """JSONPath to one property, in the quotes that its name leaves free."""
    free = [quote for quote in "\"'" if quote not in name]
    if not free or "\\" in name:
        raise EngineCannot(engine, f"a property named {name}")
    return f"$[{free[0]}{name}{free[0]}]"


def _postgres_time(time: Expr, _: str) -> Expr:
    return _cast(_millionfold(exp.Extract(this=_word("EPOCH"), expression=time)), "BIGINT")


def _postgres_type(document: Expr, name: str) -> Expr:
    kind = _call("JSONB_TYPEOF", _call("JSONB_EXTRACT_PATH", _cast(document, "JSONB"), name))
    return _named(kind, {TEXT: ("string",), NUMBER: ("number",), TRUTH: ("boolean",), NOTHING: ("null",)})


def _postgres_text(document: Expr, name: str) -> Expr:
    return _call("JSONB_EXTRACT_PATH_TEXT", _cast(document, "JSONB"), name)


def _spark_type(document: Expr, name: str) -> Expr:
    """A decimal's type tells its digits, so that the name's first letters decide."""
    found = _call(
        "TRY_VARIANT_GET", _call("TRY_PARSE_JSON", document), _quoted_path(name, Engine.SPARK), "variant"
    )
    kind = _call("SUBSTRING", _call("SCHEMA_OF_VARIANT", found), 1, 6)
    numbers = ("BIGINT", "DECIMA", "DOUBLE", "FLOAT")
    return _named(kind, {TEXT: ("STRING",), NUMBER: numbers, TRUTH: ("BOOLEA",), NOTHING: ("VOID",)})


def _spark_text(document: Expr, name: str) -> Expr:
    return _call(
        "TRY_VARIANT_GET", _call("TRY_PARSE_JSON", document), _quoted_path(name, Engine.SPARK), "string"
    )


def _trino_time(time: Expr, _: str) -> Expr:
    """Seconds as a double tell microseconds apart until the year 2255."""
    return _cast(_call("ROUND", _millionfold(_call("TO_UNIXTIME", time))), "BIGINT")


def _trino_type(document: Expr, name: str) -> Expr:
    """By the first character of the value as JSON: Trino has no name for its type."""
    value = _call("JSON_FORMAT", _call("JSON_EXTRACT", document, _quoted_path(name, Engine.TRINO)))
    first = _call("SUBSTR", value, 1, 1)
    numbers = ("-", *"0123456789")
    return _named(first, {TEXT: ('"',), NUMBER: numbers, TRUTH: ("t", "f"), NOTHING: ("n",)})


def _trino_text(document: Expr, name: str) -> Expr:
    return _call("JSON_EXTRACT_SCALAR", document, _quoted_path(name, Engine.TRINO))


def _bigquery_value(document: Expr, name: str) -> Expr:
    parsed = _call("SAFE.PARSE_JSON", document)
    return exp.Bracket(this=parsed, expressions=[exp.Literal.string(name)])


def _bigquery_type(document: Expr, name: str) -> Expr:
    kind = _call("JSON_TYPE", _bigquery_value(document, name))
    return _named(kind, {TEXT: ("string",), NUMBER: ("number",), TRUTH: ("boolean",), NOTHING: ("null",)})


def _snowflake_value(document: Expr, name: str) -> Expr:
    return _call("GET", _call("TRY_PARSE_JSON", document), name)


def _snowflake_type(document: Expr, name: str) -> Expr:
    kind = _call("TYPEOF", _snowflake_value(document, name))
    numbers = ("INTEGER", "DECIMAL", "DOUBLE")
    return _named(kind, {TEXT: ("VARCHAR",), NUMBER: numbers, TRUTH: ("BOOLEAN",), NOTHING: ("NULL_VALUE",)})


def _clickhouse_kind(document: Expr, name: str) -> Expr:
    return _cast(_call("JSONType", document, name), "TEXT")


def _clickhouse_type(document: Expr, name: str) -> Expr:
    numbers = ("Int64", "UInt64", "Double")
    names = {TEXT: ("String",), NUMBER: numbers, TRUTH: ("Bool",), NOTHING: ("Null",)}
    return _named(_clickhouse_kind(document, name), names)


def _clickhouse_text(document: Expr, name: str) -> Expr:
    is_text = _clickhouse_kind(document.copy(), name).eq(exp.Literal.string("String"))
    raw = _call("JSONExtractRaw", document.copy(), name)
    return exp.Case().when(is_text, _call("JSONExtractString", document, name)).else_(raw)


def _own_md5(text: Expr, _: str) -> Expr:
    return _call("MD5", text)


_SPARK: Mapping[str, Body] = {
    "MD5": _own_md5,
    "EPOCH_US": lambda time, _: _call("UNIX_MICROS", time),
    "JSON_TYPE": _spark_type,
    "JSON_EXTRACT_STRING": _spark_text,
}
BODIES: Mapping[Engine, Mapping[str, Body]] = {
    Engine.POSTGRES: {
        "MD5": _own_md5,
        "EPOCH_US": _postgres_time,
        "JSON_TYPE": _postgres_type,
        "JSON_EXTRACT_STRING": _postgres_text,
    },
    Engine.SPARK: _SPARK,
    Engine.DATABRICKS: _SPARK,
    Engine.TRINO: {
        "MD5": lambda text, _: _call("LOWER", _call("TO_HEX", _call("MD5", _call("TO_UTF8", text)))),
        "EPOCH_US": _trino_time,
        "JSON_TYPE": _trino_type,
        "JSON_EXTRACT_STRING": _trino_text,
    },
    Engine.BIGQUERY: {
        "MD5": lambda text, _: _call("TO_HEX", _call("MD5", text)),
        "EPOCH_US": lambda time, _: _call("UNIX_MICROS", time),
        "JSON_TYPE": _bigquery_type,
        "JSON_EXTRACT_STRING": lambda document, name: _call("JSON_VALUE", _bigquery_value(document, name)),
    },
    Engine.SNOWFLAKE: {
        "MD5": _own_md5,
        "EPOCH_US": lambda time, _: _call("DATE_PART", _word("EPOCH_MICROSECOND"), time),
        "JSON_TYPE": _snowflake_type,
        "JSON_EXTRACT_STRING": lambda document, name: _cast(_snowflake_value(document, name), "TEXT"),
    },
    Engine.CLICKHOUSE: {
        "MD5": lambda text, _: _call("lower", _call("hex", _call("MD5", text))),
        "EPOCH_US": lambda time, _: _call("toUnixTimestamp64Micro", time),
        "JSON_TYPE": _clickhouse_type,
        "JSON_EXTRACT_STRING": _clickhouse_text,
    },
}
