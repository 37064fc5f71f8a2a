"""Which arms speak on the slope? Those made for the hypothesis, and others if they moved the CPI."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses.decision.answers import Judgement, State
from analyses.relationship.contrast import ExperimentContrasts
from analyses.rule import Reason, reason

STOOD = 3.8414588206941236  # chi-squared with one degree of freedom at .05: below it an arm's CPI stood still


@dataclass(frozen=True, slots=True, kw_only=True)
class Linked:
    """What a verdict rests on; where arms are ``silent``, ``own`` are those with a role alone."""

    speaking: tuple[ExperimentContrasts, ...]
    own: tuple[ExperimentContrasts, ...]
    silent: tuple[str, ...]


def linked(experiments: Sequence[ExperimentContrasts]) -> Linked:
    """Leave out arms without a role whose CPI stood still, if any arm has a role (docs/adr/0013).

    A change of price moves the KPI and not the CPI, and says nothing of the slope: it would only make the
    arms disagree. Without any role nothing tells what was made for the hypothesis, and every arm speaks.
    """
    roles = [np.array([arm.placebo or arm.mechanism is not None for arm in e.arms]) for e in experiments]
    moved = [np.array([_moved(e, k) for k in range(len(e.arms))]) for e in experiments]
    heard = [own | stirred for own, stirred in zip(roles, moved, strict=True)]
    if not any(own.any() for own in roles) or all(kept.all() for kept in heard):
        return Linked(speaking=tuple(experiments), own=(), silent=())
    return Linked(
        speaking=_only(experiments, heard),
        own=_only(experiments, roles),
        silent=tuple(e.experiment for e, kept in zip(experiments, heard, strict=True) if not kept.all()),
    )


def _moved(experiment: ExperimentContrasts, arm: int) -> bool:
    shift, variance = experiment.effects[arm, 0], experiment.covariance[arm, 0, arm, 0]
    return bool(shift**2 > STOOD * variance)


def _only(
    experiments: Sequence[ExperimentContrasts], chosen: Sequence[npt.NDArray[np.bool_]]
) -> tuple[ExperimentContrasts, ...]:
    return tuple(
        _arms(e, np.flatnonzero(kept)) for e, kept in zip(experiments, chosen, strict=True) if kept.any()
    )


def _arms(experiment: ExperimentContrasts, at: npt.NDArray[np.intp]) -> ExperimentContrasts:
    units = experiment.arm_units
    return replace(
        experiment,
        arms=tuple(experiment.arms[k] for k in at),
        effects=experiment.effects[at],
        covariance=experiment.covariance[at][:, :, at],
        arm_units=None if units is None else tuple(units[k] for k in at),
        segments={
            name: {value: _arms(own, at) for value, own in values.items()}
            for name, values in experiment.segments.items()
        },
    )


def answered_by(
    found: Linked, decide: Callable[[Sequence[ExperimentContrasts]], Judgement]
) -> tuple[Judgement, list[Reason]]:
    """The judgement of the arms that speak, and what to say where some were left out.

    Which arms moved the CPI is read from the data, so that noise chooses with it: an answer stands only if
    the arms with a role, chosen before any data, give it by themselves.
    """
    judgement = decide(found.speaking)
    if not found.silent:
        return judgement, []
    told = [reason("arms_left_out", ", ".join(found.silent))]
    if judgement.verdict.state is State.INCONCLUSIVE:
        return judgement, told
    alone = decide(found.own).verdict.state
    return judgement, told if alone is judgement.verdict.state else [reason("own_arms_undecided"), *told]
