"""Does a query ask for what its address can answer? A misspelt filter must not answer with everything."""

from collections import Counter
from collections.abc import Collection, Iterator
from difflib import get_close_matches

from fastapi.dependencies.models import Dependant
from starlette.datastructures import QueryParams

from service.kit.errors import Invalid, Violation, excerpt
from service.kit.shapes import NOT_THAT_SHAPE


def names_of(dependant: Dependant) -> frozenset[str]:
    """The parameters that an endpoint reads of a query, and all that it depends on."""
    return frozenset(_names(dependant))


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (one.alias for one in dependant.query_params)
    for further in dependant.dependencies:
        yield from _names(further)


def refuse_unknown(asked: QueryParams, known: Collection[str]) -> None:
    """Every parameter is one of those, and there once: of two, one would be passed over in silence.

    Raises:
        Invalid: naming each that is not, and what was perhaps meant.
    """
    times = Counter(name for name, _ in asked.multi_items())
    found = [
        *(_unknown(name, known) for name in times if name not in known),
        *(_repeated(name, count) for name, count in times.items() if name in known and count > 1),
    ]
    if found:
        raise Invalid(NOT_THAT_SHAPE, errors=found)


def _unknown(name: str, known: Collection[str]) -> Violation:
    like = get_close_matches(name, known, n=1)
    takes = f"This address takes {', '.join(sorted(known))}." if known else "This address takes none."
    return {
        "field": excerpt(name),
        "rule": "extra_forbidden",
        "message": "There is no such parameter",
        "how": f"Perhaps {like[0]} is meant." if like else takes,
    }


def _repeated(name: str, count: int) -> Violation:
    return {"field": name, "rule": "repeated", "message": f"Given {count} times", "how": "Give it once."}
