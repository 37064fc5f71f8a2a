"""Does the CPI move the KPI? Everything that the contrasts say about one relationship, before any verdict."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyses.relationship.anderson_rubin import anderson_rubin_set, curve
from analyses.relationship.clr import clr_set
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.exclusion import bounded_set, breakdown, exclusion_power
from analyses.relationship.instrumental import (
    Liml,
    Overidentification,
    Tsls,
    information,
    liml,
    overidentification,
    tsls,
)
from analyses.relationship.many import ManyExperiments
from analyses.relationship.mechanisms import MechanismEvidence, by_mechanism, differenced
from analyses.relationship.question import Question
from analyses.relationship.rivals import Rival, p_unmoved, rival_set
from analyses.relationship.segments import Segments, by_segment
from analyses.relationship.sets import ConfidenceSet
from analyses.relationship.system import System, stack
from analyses.results import NotEstimable

ONE_CONTRAST = NotEstimable(reason="one_contrast", detail="differencing needs two contrasts")
MOVED = 0.10  # level at which a rival counts as moved, before it is shared among the rivals


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """One arm against its control in raw units, as it is published."""

    experiment: str
    arm: str
    mechanism: str | None
    placebo: bool
    cpi_effect: float
    kpi_effect: float
    var_cpi: float
    cov: float
    var_kpi: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """Sets and estimates of the slope, in KPI units per increment of improvement of the CPI.

    ``anderson_rubin`` and ``clr`` assume that arms act on the KPI through the CPI alone; ``bounded`` allows
    direct effects up to the registered bound; ``differenced`` any direct effect that all contrasts share.
    ``rivals`` were measured; ``unmeasured`` names those that some experiment did not measure.
    ``information`` is 1 / SE^2 of the slope in KPI units per raw CPI unit: the next verdict is due by it.
    ``many`` is there with eight experiments or more; ``segments`` where registered segments were told apart.
    """

    contrasts: tuple[Contrast, ...]
    anderson_rubin: ConfidenceSet
    clr: ConfidenceSet
    bounded: ConfidenceSet | None
    liml: Liml
    tsls: Tsls | NotEstimable
    overidentification: Overidentification | NotEstimable
    exclusion_power: float | NotEstimable
    breakdown: float | NotEstimable
    differenced: ConfidenceSet | NotEstimable
    mechanisms: tuple[MechanismEvidence, ...]
    rivals: tuple[Rival, ...]
    unmeasured: tuple[str, ...]
    information: float
    many: ManyExperiments | None
    segments: tuple[Segments, ...] = ()


def relate(question: Question, system: System, experiments: Sequence[ExperimentContrasts]) -> Relationship:
    """All of it from the stacked system, with slopes turned back to the KPI's own sign."""
    sign, alpha, bound = question.kpi_sign, question.alpha, question.bound
    apart, along = differenced(system), curve(system)
    clr, lows = clr_set(system, alpha, along), along.lows
    bounded = None if bound is None else bounded_set(system, bound, alpha, lows)
    deciding = clr if bounded is None else bounded
    return Relationship(
        contrasts=tuple(contrast for e in experiments for contrast in published(e)),
        anderson_rubin=anderson_rubin_set(system, alpha, along).mirrored(sign),
        clr=clr.mirrored(sign),
        bounded=None if bounded is None else bounded.mirrored(sign),
        liml=Liml(estimate=liml(system, lows).estimate * sign),
        tsls=turned(tsls(system), sign),
        overidentification=overidentification(system, lows),
        exclusion_power=exclusion_power(system, question.smallest_slope, lows),
        breakdown=breakdown(system, alpha),
        differenced=ONE_CONTRAST if apart is None else clr_set(apart, alpha).mirrored(sign),
        mechanisms=by_mechanism(system, question.smallest_slope),
        rivals=rivals_of(question, deciding, experiments),
        unmeasured=unmeasured_of(experiments),
        information=information(system, lows) * question.cpi_step**2,
        many=None,
        segments=by_segment(question, experiments),
    )


def turned(found: Tsls | NotEstimable, sign: int) -> Tsls | NotEstimable:
    """2SLS in the KPI's own sign."""
    return found if isinstance(found, NotEstimable) else replace(found, estimate=found.estimate * sign)


def published(experiment: ExperimentContrasts) -> tuple[Contrast, ...]:
    """The contrasts of one experiment, one by one."""
    return tuple(
        Contrast(
            experiment=experiment.experiment,
            arm=arm.name,
            mechanism=arm.mechanism,
            placebo=arm.placebo,
            cpi_effect=float(experiment.effects[k, 0]),
            kpi_effect=float(experiment.effects[k, 1]),
            var_cpi=float(experiment.covariance[k, 0, k, 0]),
            cov=float(experiment.covariance[k, 0, k, 1]),
            var_kpi=float(experiment.covariance[k, 1, k, 1]),
        )
        for k, arm in enumerate(experiment.arms)
    )


def rivals_named(experiments: Sequence[ExperimentContrasts]) -> tuple[str, ...]:
    """Every rival that some experiment measured."""
    return tuple(dict.fromkeys(name for e in experiments for name in e.metrics[2:]))


def unmeasured_of(experiments: Sequence[ExperimentContrasts]) -> tuple[str, ...]:
    """Rivals that some experiment did not measure, though another did or the registry asks for it."""
    asked = dict.fromkeys((*rivals_named(experiments), *(name for e in experiments for name in e.unmeasured)))
    return tuple(name for name in asked if not all(name in e.metrics for e in experiments))


def rivals_of(
    question: Question, deciding: ConfidenceSet, experiments: Sequence[ExperimentContrasts]
) -> tuple[Rival, ...]:
    """Every rival over the experiments that measured it; its set only if it may have moved (it is slow)."""
    named = rivals_named(experiments)
    level = moved_level(question, deciding, len(named))
    found = []
    for name in named:
        system = stack(experiments, question.cpi_step, question.kpi_sign, rival=name)
        if isinstance(system, NotEstimable):
            continue  # where it was measured the CPI stood still; ``unmeasured`` names it
        p_value = p_unmoved(system)
        own = rival_set(system, question.bound, question.alpha) if p_value < MOVED else None
        shown = None if own is None else own.mirrored(question.kpi_sign)
        found.append(Rival(metric=name, p_unmoved=p_value, co_moved=p_value < level, set=shown))
    return tuple(found)


def moved_level(question: Question, deciding: ConfidenceSet, rivals: int) -> float:
    """A verdict that would reject asks at .10 whether a rival moved, one that would confirm at .10 / M."""
    d = question.smallest_slope
    rejecting = d is not None and deciding.upper is not None and deciding.upper < d
    return MOVED if rejecting else MOVED / max(rivals, 1)
