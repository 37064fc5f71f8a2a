"""Which functions of the engine do the facts use that Ibis does not know, or does not quote safely?

Written for DuckDB; another engine gets its own bodies here and the expression stays as it is. Ibis would
write `document["a.b"]` as a path into nested JSON, and breaks on quotes; a JSON pointer names any property.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ibis.expr.types import BooleanValue, NumericValue, StringValue, TimestampValue, Value

_NUMBER = "^[+-]?([0-9]{1,30}[.]?[0-9]{0,30}|[.][0-9]{1,30})([eE][+-]?[0-9]{1,2})?$"  # and none is infinite
NUMBERS = ("UBIGINT", "BIGINT", "HUGEINT", "DOUBLE")  # the types that DuckDB gives to JSON's numbers
NOTHING = "NULL"  # the type of JSON's null, as good as absent


def microseconds(time: "TimestampValue") -> "NumericValue":
    """Whole microseconds since 1970, UTC."""
    return _builtin("epoch_us", ("timestamp('UTC', 6)",), "int64")(time)


def md5(text: "StringValue") -> "StringValue":
    """Of its bytes in UTF-8, as 32 small hexadecimal letters."""
    return _builtin("md5", ("string",), "string")(text)


def finite_number(text: "StringValue") -> "NumericValue":
    """The number that a text is, else null: files without types bring numbers as texts."""
    import ibis

    return text.re_search(_NUMBER).ifelse(text.try_cast("float64"), ibis.null("float64"))


def text_property(document: "StringValue", name: str) -> "StringValue":
    """The property where it is text, else null."""
    return _typed(document, name, ("VARCHAR",))


def number_property(document: "StringValue", name: str) -> "NumericValue":
    """The property where it is a number, else null."""
    return _typed(document, name, NUMBERS).cast("float64")


def truth_property(document: "StringValue", name: str) -> "BooleanValue":
    """The property where it is true or false, else null."""
    return _typed(document, name, ("BOOLEAN",)) == "true"


def has_property(document: "StringValue", name: str) -> "BooleanValue":
    """Whether the property is there; JSON's null is as good as absent."""
    return property_type(document, name) != NOTHING


def property_type(document: "StringValue", name: str) -> "StringValue":
    """DuckDB's name for what the property is; that of a null where there is none."""
    return _type(document, name).fill_null(NOTHING)


def _typed(document: "StringValue", name: str, types: tuple[str, ...]) -> "StringValue":
    extract = _builtin("json_extract_string", ("string", "string"), "string")
    return _type(document, name).isin(types).ifelse(extract(document, _pointer(name)), None)


def _type(document: "StringValue", name: str) -> "StringValue":
    return _builtin("json_type", ("string", "string"), "string")(document, _pointer(name))


def _pointer(name: str) -> str:
    """RFC 6901: only these two characters have a meaning."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


@cache
def _builtin(name: str, arguments: tuple[str, ...], answer: str) -> "Callable[..., Value]":
    import ibis

    signature = (tuple(map(ibis.dtype, arguments)), ibis.dtype(answer))
    declared = (lambda a: a) if len(arguments) == 1 else (lambda a, b: (a, b))  # only the arity is read
    function: Callable[..., Value] = ibis.udf.scalar.builtin(declared, name=name, signature=signature)
    return function
