"""Results as plain JSON values: what leaves the program, with no NaN and no infinity in it."""

from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite

import numpy as np

from analyses.relationship.rivals import Rival
from analyses.relationship.sets import ConfidenceSet
from analyses.results import Interval, NotEstimable

type Json = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


def as_json(result: object) -> Json:  # noqa: C901, PLR0911 - one case a type
    """Any result of this package as JSON values; TypeError for what has no JSON form, ValueError for NaN."""
    match result:
        case None | bool() | int() | str() if not isinstance(result, Enum):
            return result
        case Enum():
            return str(result.value)
        case float() | np.floating():
            if not isfinite(result):
                raise ValueError(f"a published number must be finite, got {result}")
            return float(result)
        case np.integer():
            return int(result)
        case list() | tuple():
            return [as_json(item) for item in result]
        case dict():
            return {str(key): as_json(item) for key, item in result.items()}
        case NotEstimable():
            return {"not_estimable": {"reason": result.reason, "detail": result.detail}}
        case Interval():
            return [result.lower, result.upper]
        case ConfidenceSet():
            return {"shape": result.shape.value, "set": [list(piece) for piece in result.pieces]}
        case Rival():
            found = result.set
            return {
                "metric": result.metric,
                "co_moved": result.co_moved,
                "p_unmoved": result.p_unmoved,
                "shape": None if found is None else found.shape.value,
                "set": None if found is None else [list(piece) for piece in found.pieces],
            }
        case _ if is_dataclass(result) and not isinstance(result, type):
            return {f.name: as_json(getattr(result, f.name)) for f in fields(result)}
    raise TypeError(f"{type(result).__name__} has no JSON form")
