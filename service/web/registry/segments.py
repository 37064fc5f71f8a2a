"""How are customers told apart in a form? By an attribute, or by how much there was before exposure.

A document says either a name or an amount at one place; a form asks first which of the two it is.
"""

import re
from collections.abc import Mapping

from service.web.registry.typed import Shape, days

BY, ATTRIBUTE, BEFORE = "by", "attribute", "before"


def shape(group: str) -> Shape:
    """Which fields of the group are no texts."""
    return Shape(
        numbers=frozenset({f"{group}.*.at_least.*"}),
        switches=frozenset({f"{group}.*.amount.count"}),
        lengths=frozenset({f"{group}.*.period"}),
        scalars=frozenset({f"{group}.*.amount.event.where.*.value"}),
    )


def fitting(group: str, typed: Mapping[str, str]) -> dict[str, str]:
    """The fields of the document: of each row what it was chosen to be, and nothing of the other."""
    found = {}
    for name, text in typed.items():
        match = _row(group).fullmatch(name)
        if match is None or match[2] is None:
            found[name] = text
            continue
        by = typed.get(f"{group}.{match[1]}.{BY}") or ATTRIBUTE
        if match[2] == ATTRIBUTE and by == ATTRIBUTE:
            found[f"{group}.{match[1]}"] = text
        elif match[2] not in (BY, ATTRIBUTE) and by == BEFORE:
            found[name] = text
    return found


def typed_of(group: str, typed: Mapping[str, str]) -> dict[str, str]:
    """A document's fields as they would have been typed."""
    found = {}
    for name, text in typed.items():
        match = _row(group).fullmatch(name)
        if match is None:
            found[name] = text
        elif match[2] is None:
            found |= {f"{name}.{BY}": ATTRIBUTE, f"{name}.{ATTRIBUTE}": text}
        else:
            found[name] = days(text) if match[2] == "period" else text
            found[f"{group}.{match[1]}.{BY}"] = BEFORE
    return found


def _row(group: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(group)}\.(\d+)(?:\.(.+))?")
