"""Results as plain JSON values: what leaves the program, with no NaN and no infinity in it."""

from dataclasses import fields, is_dataclass
from enum import Enum
from math import isfinite

import numpy as np

from analyses.effects.anytime import Anytime
from analyses.effects.families import Signals
from analyses.effects.reading import Reading, View
from analyses.relationship.rivals import Rival
from analyses.relationship.sets import ConfidenceSet
from analyses.results import Estimate, Interval, NotEstimable

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


type Document = dict[str, Json]

FIXED_NUMBERS = ("estimate", "std_error", "interval", "p_value")


def effect_document(
    experiment: str, reading: Reading, signal: Signals | None = None, *, withheld: NotEstimable | None = None
) -> Document:
    """One arm against control on one metric, as runs and files publish it.

    The raw effect stands at the top, ``adjusted`` and ``uncapped`` beside it in the same shape. Where
    ``withheld`` says why, whatever holds for one look only is left out, posteriors included; what holds
    at any look stays.
    """
    views = {"adjusted": reading.adjusted, "uncapped": reading.uncapped}
    head: Document = {"experiment": experiment, "metric": reading.metric, "arm": reading.arm}
    return (
        head
        | view_document(reading.raw, withheld=withheld)
        | {
            name: None if one is None else view_document(one, withheld=withheld)
            for name, one in views.items()
        }
        | {
            "guardrail": _guardrail(reading, withheld),
            "posterior": _unless(withheld, reading.belief),
            "multiplicity": _multiplicity(signal, withheld),
        }
    )


def view_document(view: View, *, withheld: NotEstimable | None = None) -> Document:
    """One way of estimating an effect; the four numbers are null where their reason stands beside them."""
    return {
        **_numbers(withheld or view.absolute),
        "relative": _share(withheld or view.relative),
        "fieller": _share(withheld or view.fieller),
        "improvement": _unless(withheld, view.improvement),
        "anytime": _anytime(view.anytime),
        "anytime_relative": _anytime(view.anytime_relative),
        "look": as_json(view.look),
    }


def _numbers(found: Estimate | NotEstimable) -> Document:
    if isinstance(found, NotEstimable):
        return dict.fromkeys(FIXED_NUMBERS) | refused(found)
    return {
        "estimate": found.value,
        "std_error": found.std_error,
        "interval": as_json(found.interval),
        "p_value": found.p_value,
    }


def refused(why: NotEstimable) -> Document:
    """How "no answer" looks everywhere."""
    return {"not_estimable": {"reason": why.reason, "detail": why.detail}}


def _share(found: Estimate | NotEstimable) -> Document:
    if isinstance(found, NotEstimable):
        return refused(found)
    return {"estimate": found.value, "interval": as_json(found.interval)}


def _anytime(found: Anytime | NotEstimable | None) -> Json:
    """The words that the other intervals have; ``planned_units`` is what it was tuned for."""
    if found is None or isinstance(found, NotEstimable):
        return None if found is None else refused(found)
    return {
        "estimate": found.value,
        "std_error": found.std_error,
        "interval": as_json(found.interval),
        "p_value": found.p_value,
        "log_e_value": found.log_e_value,
        "units": found.units,
        "planned_units": found.planned_units,
    }


def _unless(withheld: NotEstimable | None, found: object) -> Json:
    if found is None:
        return None
    return as_json(found) if withheld is None else refused(withheld)


def _guardrail(reading: Reading, withheld: NotEstimable | None) -> Json:
    """Whether harm is ruled out may be read at any look, the test only at the planned end."""
    guarded = reading.guarded
    if guarded is None or isinstance(guarded, NotEstimable):
        return None if guarded is None else refused(guarded)
    return {
        "harm_beyond_margin": guarded.harm_beyond_margin.value,
        "test": _unless(withheld, guarded.test),
    }


def _multiplicity(signal: Signals | None, withheld: NotEstimable | None) -> Json:
    """While looks go on, only E values say anything."""
    if signal is None:
        return None
    shown: Document = {"primary": signal.primary, "e_bh": signal.e_bh}
    fixed = dict.fromkeys(("holm", "bh", "by", "bayesian"))
    names = () if withheld else fixed
    return shown | fixed | {name: as_json(getattr(signal, name)) for name in names}
