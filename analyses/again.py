"""What must be kept of a run so that its numbers can be made again, by this package alone? Plain JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeAliasType, get_args, get_origin, get_type_hints

import numpy as np

from analyses.decision.looks import at_look
from analyses.documents import Document, Json, effect_document
from analyses.effects.families import Signals, signals
from analyses.effects.phases import PairMeans, Phases
from analyses.effects.reading import Circumstances, Reading, Wanted, read_effects
from analyses.moments import Measure, Moments
from analyses.relationship.contrast import ExperimentContrasts
from analyses.rule import Rule

MOST_NUMBERS = 100_000
"""Beyond these nothing is kept: a plan of hundreds of blocks and metrics would outweigh its result."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EffectInputs:
    """All that the effects of one run were made of: moments, and how they were to be read.

    ``given`` holds the pairs of metrics that are no means (quantiles), by metric and arm.
    """

    experiment: str
    control: str
    treatments: tuple[str, ...]
    phases: Phases
    wanted: tuple[Wanted, ...]
    circumstances: Circumstances
    given: Mapping[tuple[str, str], PairMeans]
    primary: tuple[str, ...]
    secondary: tuple[str, ...]


def effects_of(inputs: EffectInputs) -> tuple[tuple[Reading, ...], Mapping[tuple[str, str], Signals]]:
    """The effects, and which of them may be called real: for the run itself and for all who make it again."""
    found = read_effects(
        inputs.phases,
        inputs.control,
        inputs.treatments,
        inputs.wanted,
        inputs.circumstances,
        given=inputs.given,
    )
    primary, secondary = frozenset(inputs.primary), frozenset(inputs.secondary)
    return found, signals(found, primary=primary, secondary=secondary, alpha=inputs.circumstances.alpha)


def kept_inputs(inputs: EffectInputs) -> Document | None:
    """The inputs as JSON, with no column that no metric needs; None where they are too many to keep."""
    needed = _needed(inputs)
    phases = {n: {arm: _only(m, needed) for arm, m in arms.items()} for n, arms in inputs.phases.items()}
    if sum(m.scatter.size for arms in phases.values() for m in arms.values()) > MOST_NUMBERS:
        return None
    given = [[metric, arm, _plain(pair)] for (metric, arm), pair in inputs.given.items()]
    others = ("experiment", "control", "treatments", "wanted", "circumstances", "primary", "secondary")
    found = {name: _plain(getattr(inputs, name)) for name in others}
    return found | {"phases": _plain(phases), "given": given}


def _needed(inputs: EffectInputs) -> frozenset[str]:
    measures = [m for one in inputs.wanted for m in (one.measure, one.uncapped) if m is not None]
    return frozenset(name for measure in measures for name in _columns(measure))


def _columns(measure: Measure) -> tuple[str, ...]:
    return (measure.value, *(() if measure.per is None else (measure.per,)), *measure.covariates)


def _only(moments: Moments, needed: frozenset[str]) -> Moments:
    at = [i for i, column in enumerate(moments.columns) if column in needed]
    columns = tuple(moments.columns[i] for i in at)
    return replace(moments, columns=columns, mean=moments.mean[at], scatter=moments.scatter[np.ix_(at, at)])


def effects_again(document: Mapping[str, Any]) -> list[Document]:
    """The effects of a run, made from what was kept of it, in the form in which it published them."""
    phases = {
        int(number): {arm: _made(Moments, moments) for arm, moments in arms.items()}
        for number, arms in document["phases"].items()
    }
    given = {(metric, arm): _made(PairMeans, pair) for metric, arm, pair in document["given"]}
    inputs = EffectInputs(
        phases=phases,
        given=given,
        wanted=_made(tuple[Wanted, ...], document["wanted"]),
        circumstances=_made(Circumstances, document["circumstances"]),
        experiment=document["experiment"],
        control=document["control"],
        treatments=tuple(document["treatments"]),
        primary=tuple(document["primary"]),
        secondary=tuple(document["secondary"]),
    )
    found, told = effects_of(inputs)
    return [effect_document(inputs.experiment, one, told.get((one.metric, one.arm))) for one in found]


def contrasts_again(document: Mapping[str, Any]) -> ExperimentContrasts:
    """The contrasts of one experiment, from the document in which evidence keeps them."""
    units = [arm["units"] for arm in document["arms"]]
    arms = [{name: arm[name] for name in ("name", "mechanism", "placebo")} for arm in document["arms"]]
    own = {**document, "arms": arms, "arm_units": units, "segments": {}, "corners": []}
    made: ExperimentContrasts = _made(ExperimentContrasts, own)
    segments = {
        name: {value: contrasts_again(own) for value, own in values.items()}
        for name, values in document["segments"].items()
    }
    corners = tuple(
        replace(made, effects=np.array(one["effects"]), covariance=np.array(one["covariance"]))
        for one in document.get("corners", ())
    )
    return replace(made, segments=segments, corners=corners)


def rule_again(document: Mapping[str, Any], alpha: float | None = None) -> Rule:
    """The rule of a verdict as it was kept, or at the error rate that this verdict was given."""
    made: Rule = _made(Rule, document)
    return made if alpha is None else at_look(made, alpha)


def _plain(value: object) -> Any:
    """Frozen dataclasses as objects of their fields, arrays as lists."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    return value


def _made(kind: Any, value: Any) -> Any:  # noqa: PLR0911 - one case a kind of type
    """The inverse of ``_plain``, by the types that the fields are declared with."""
    if isinstance(kind, TypeAliasType):
        return _made(kind.__value__, value)
    origin = get_origin(kind)
    if isinstance(origin, TypeAliasType):  # numpy's own NDArray[...]
        origin = get_origin(origin.__value__)
    if origin is UnionType or str(origin) == "typing.Union":
        return _one_of(get_args(kind), value)
    if origin is np.ndarray:
        return np.array(value, dtype=np.float64)
    if origin is tuple:
        inner = get_args(kind)
        kinds = [inner[0]] * len(value) if inner[-1:] == (Ellipsis,) else inner
        return tuple(_made(of, one) for of, one in zip(kinds, value, strict=True))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return kind(**{f.name: _made(hints[f.name], value[f.name]) for f in fields(kind) if f.name in value})
    return value


def _one_of(kinds: tuple[Any, ...], value: Json) -> Any:
    """The member of a union that the value was: dataclasses are told apart by their fields."""
    if value is None:
        return None
    others = [kind for kind in kinds if kind is not NoneType]
    if isinstance(value, dict):
        named = [kind for kind in others if is_dataclass(kind)]
        fitting = [kind for kind in named if {one.name for one in fields(kind)} == set(value)]
        return _made((fitting or named)[0], value)
    if isinstance(value, list):
        return _made(next(kind for kind in others if not is_dataclass(kind)), value)
    return _made(others[0], value)
