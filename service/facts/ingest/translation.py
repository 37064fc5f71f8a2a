"""What may an event of another tool say, in the words of facts?"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from service.facts.ingest.rows import LARGEST_NUMBER, Rejection, Row
from service.facts.tables import FactKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """One event, or one part of it, that is well formed, and of which nothing is kept."""

    type: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event that is kept if all its rows hold: what happened, which arm was met, who is who."""

    number: int
    source: str
    rows: Sequence[tuple[FactKind, Row]]
    left_out: Sequence[Ignored] = ()  # of what it says besides


type Translated = Told | Ignored | Rejection


def number_of(properties: Mapping[str, Any], *names: str) -> float | None:
    """The first of these that is a number; one beyond reach is infinite, which is rejected later."""
    for name in names:
        value = properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(bounded(value))
    return None


def bounded[T](value: T) -> T | float:
    """Whatever it is, but for a number beyond reach: it becomes infinite, which is rejected later."""
    if isinstance(value, int | float) and not abs(value) <= LARGEST_NUMBER:
        return math.inf
    return value


def flat(properties: Mapping[str, Any]) -> msgspec.Raw:
    """Texts, numbers, truths and nulls. Lists and objects are left out: no metric could ask for them."""
    return msgspec.Raw(
        msgspec.json.encode(
            {name: value for name, value in properties.items() if not isinstance(value, dict | list)}
        )
    )
