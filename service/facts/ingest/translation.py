"""What may an event of another tool say, in the words of facts?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from service.facts.ingest.rows import LARGEST_NUMBER, AssignmentRow, OutcomeRow, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event that is kept if its rows hold: what happened, and which arm was met, if it says so."""

    number: int
    source: str
    outcome: OutcomeRow
    assignment: AssignmentRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """One event that is well formed, and of which nothing is kept."""

    type: str
    reason: str


type Translated = Told | Ignored | Rejection


def number_of(properties: Mapping[str, Any], *names: str) -> float | None:
    """The first of these that is a number; one beyond reach is infinite, which is rejected later."""
    for name in names:
        value = properties.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value) if abs(value) <= LARGEST_NUMBER else math.inf
    return None


def flat(properties: Mapping[str, Any]) -> msgspec.Raw:
    """Texts, numbers, truths and nulls. Lists and objects are left out: no metric could ask for them."""
    return msgspec.Raw(
        msgspec.json.encode(
            {name: value for name, value in properties.items() if not isinstance(value, dict | list)}
        )
    )
