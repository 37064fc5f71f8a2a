"""Where does a document not have the declared shape? In the words of whoever wrote it, each fault once."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from service.kit.errors import Violation, excerpt, shortened

NOT_THAT_SHAPE = "The request does not have the declared shape."
MOST_VIOLATIONS = 100
_PARTS_OF_A_REQUEST = frozenset({"body", "query", "path", "header", "cookie"})
_PLAIN = {
    "dict_type": "Expected an object",
    "extra_forbidden": "There is no such field",
    "list_type": "Expected a list",
    "model_attributes_type": "Expected an object",
    "model_type": "Expected an object",
    "tuple_type": "Expected a list",
}
_NEXT_TO_NOTHING = 1e-9  # a bound below it stands for "above zero"
_ID = r"^[a-z]+_[0-9a-z]+$"

type Location = Sequence[str | int]
type Fault = Mapping[str, Any]


def violations(faults: Sequence[Fault], body: object) -> list[Violation]:
    """As pydantic found them, without those that only follow from another one."""
    broken = [tuple(one["loc"]) for one in faults]
    own = [one for one in faults if not _follows(one, broken)]
    return [_violation(one, body, own) for one in own[:MOST_VIOLATIONS]]


def _follows(fault: Fault, broken: Sequence[tuple[str | int, ...]]) -> bool:
    """A list is called too short when its entries were refused: what is wrong is said of each entry."""
    at = tuple(fault["loc"])
    return fault["type"] == "too_short" and any(len(one) > len(at) and one[: len(at)] == at for one in broken)


def _violation(fault: Fault, body: object, faults: Sequence[Fault]) -> Violation:
    found: Violation = {
        "field": _path(_as_written(fault, body)),
        "rule": str(fault["type"]),
        "message": shortened(_said(fault)),
    }
    if how := _meant(fault, faults):
        found["how"] = how
    return found


def _said(fault: Fault) -> str:
    """Pydantic's own words where they say what to send; those that speak of Python are said otherwise."""
    kind, context = str(fault["type"]), fault.get("ctx") or {}
    if (plain := _PLAIN.get(kind) or _bounded(kind, context)) is not None:
        return plain
    if kind == "union_tag_not_found":
        return f"Field required: it says which kind this is ({_bare(context.get('discriminator', ''))})"
    if kind == "union_tag_invalid":
        return (
            f"Expected one of {context.get('expected_tags', '')}, got {excerpt(context.get('tag', ''), 60)}"
        )
    if kind == "string_pattern_mismatch" and context.get("pattern") == _ID:
        return "Expected an id as it was given here, such as hyp_01kq3v5w8x9y2z4a6b8c0d1e2f"
    return str(fault["msg"]).removeprefix("Value error, ")


def _bounded(kind: str, context: Mapping[str, Any]) -> str | None:
    """How long a list may be, and from where on a number is one, in nobody's types."""
    if kind == "too_short":
        return f"Expected at least {context['min_length']} of them{_got(context)}"
    if kind == "too_long":
        return f"Expected at most {context['max_length']} of them{_got(context)}"
    if kind == "greater_than_equal" and 0 < context["ge"] < _NEXT_TO_NOTHING:
        return "Input should be greater than 0"
    return None


def _got(context: Mapping[str, Any]) -> str:
    """Of sets and objects pydantic does not say how many there were."""
    found = context.get("actual_length")
    return "" if found is None else f", got {found}"


def _meant(fault: Fault, faults: Sequence[Fault]) -> str | None:
    """A field that is missing where another one is there that looks like it."""
    if fault["type"] != "extra_forbidden":
        return None
    *place, name = fault["loc"]
    lacking = [
        str(one["loc"][-1]) for one in faults if one["type"] == "missing" and [*one["loc"][:-1]] == place
    ]
    like = get_close_matches(str(name), lacking, n=1)
    return f"Perhaps {like[0]} is meant, which is missing." if like else None


def _as_written(fault: Fault, body: object) -> list[str | int]:
    """The way through the document itself: pydantic also names the kinds that it tried on the way."""
    first, *rest = fault["loc"]
    if first != "body" or body is None:
        return [first, *rest]
    way: list[str | int] = []
    at = body
    for place, part in enumerate(rest):
        if _there(at, part):
            way.append(part)
            at = at[part]  # type: ignore[index]
        elif place == len(rest) - 1 and fault["type"] == "missing":
            way.append(part)
    if fault["type"] in ("union_tag_not_found", "union_tag_invalid"):
        way.append(_bare((fault.get("ctx") or {}).get("discriminator", "")))
    return ["body", *way]


def _there(at: object, part: str | int) -> bool:
    if isinstance(at, Mapping):
        return part in at
    return isinstance(at, Sequence) and not isinstance(at, str) and isinstance(part, int) and part < len(at)


def _bare(name: object) -> str:
    return str(name).strip("'")


def _path(location: Location) -> str:
    """`body.definition.window` without the `body`; where nothing else is said, the part of the request."""
    parts = [excerpt(part) for part in location]
    told = parts[1:] if parts[0] in _PARTS_OF_A_REQUEST else parts
    return excerpt(".".join(told or parts))
