"""What do the arms of one experiment show? Its checks, its effects, and what they say of the relationship."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyses import (
    Allocation,
    ArmMeans,
    Check,
    ContrastArm,
    Estimate,
    ExperimentContrasts,
    Measure,
    Moved,
    NotEstimable,
    adjust,
    arm_means,
    contrasts_of,
    difference,
    first_stage,
    kpi_up_cpi_down,
    observed_share,
    refusal,
    srm,
)
from service.cli.onefile.answer import Effect
from service.cli.onefile.plan import Columns, Hypothesis
from service.cli.onefile.units import UnitExperiment, measures, seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Studied:
    """One experiment of the file, analysed."""

    checks: tuple[Check, ...]
    effects: tuple[Effect, ...]
    contrasts: ExperimentContrasts | NotEstimable


def study(experiment: UnitExperiment, columns: Columns, hypothesis: Hypothesis) -> Studied:
    """Contrasts are adjusted where the flags name covariates, and carry the checks that gate."""
    asked = measures(experiment, columns)
    effects = effects_of(experiment, asked, hypothesis.alpha)
    formed = _contrasts(experiment, asked, columns, hypothesis)
    checks = (
        _ratio(experiment, columns),
        *_observed(experiment, asked),
        *_unread(experiment, asked[2:]),
        moved_at_all(columns.cpi, formed, hypothesis.alpha),
        alarm(effects, columns.cpi, columns.kpi, hypothesis),
    )
    return Studied(
        checks=checks,
        effects=tuple(effects),
        contrasts=formed if isinstance(formed, NotEstimable) else replace(formed, checks=checks),
    )


def effects_of(experiment: UnitExperiment, asked: Sequence[Measure], alpha: float) -> list[Effect]:
    """A row per metric and treatment arm; an arm without a mean costs only its own rows."""
    return [
        Effect(
            experiment=experiment.name,
            metric=measure.name,
            arm=arm,
            **_compared(experiment.among((experiment.control, arm)), measure, alpha),
            adjusted=_sharper(experiment, measure, arm, alpha),
        )
        for measure in asked
        for arm in experiment.treatments
    ]


def _compared(pair: UnitExperiment, measure: Measure, alpha: float) -> dict[str, Estimate | NotEstimable]:
    """One arm and its control."""
    if why := _why_not(pair, measure):
        return {"absolute": why, "relative": why}
    control, arm = (arm_means(moments, [measure]) for moments in pair.arms.values())
    found = difference(control, arm, alpha=alpha)[0]
    return {"absolute": found.absolute, "relative": found.relative}


def _sharper(
    experiment: UnitExperiment, measure: Measure, arm: str, alpha: float
) -> Estimate | NotEstimable | None:
    """The effect adjusted by the covariates of all arms; None where there are none."""
    if not measure.covariates:
        return None
    means = _means(experiment, [measure])
    if isinstance(means, NotEstimable):
        return means
    return difference(means[experiment.control], means[arm], alpha=alpha)[0].absolute


def _means(experiment: UnitExperiment, asked: Sequence[Measure]) -> dict[str, ArmMeans] | NotEstimable:
    """Means of every arm, adjusted where the measures have covariates."""
    for measure in asked:
        if why := _why_not(experiment, measure):
            return why
    if any(measure.covariates for measure in asked):
        return adjust(experiment.arms, asked)
    return {arm: arm_means(moments, asked) for arm, moments in experiment.arms.items()}


def _why_not(experiment: UnitExperiment, measure: Measure) -> NotEstimable | None:
    """Why an arm has no mean of this measure, and which arm."""
    for arm, moments in experiment.arms.items():
        if why := refusal(moments, measure):
            return replace(why, detail=f"{why.detail} (arm {arm} of {experiment.name})")
    return None


def _contrasts(
    experiment: UnitExperiment, asked: Sequence[Measure], columns: Columns, hypothesis: Hypothesis
) -> ExperimentContrasts | NotEstimable:
    """CPI, KPI and the rivals that every arm has."""
    rivals = [m for m in asked[2:] if _why_not(experiment, m) is None]
    means = _means(experiment, [*asked[:2], *rivals])
    if isinstance(means, NotEstimable):
        return means
    formed = contrasts_of(
        experiment.name,
        means[experiment.control],
        [
            (
                ContrastArm(
                    name=arm, mechanism=columns.mechanisms.get(arm), placebo=arm in hypothesis.placebos
                ),
                means[arm],
            )
            for arm in experiment.treatments
        ],
    )
    return replace(formed, unmeasured=tuple(m.name for m in asked[2:] if m not in rivals))


def _ratio(experiment: UnitExperiment, columns: Columns) -> Check:
    counts = {arm: moments.n for arm, moments in experiment.arms.items()}
    planned = {arm: columns.shares[arm] for arm in counts} if columns.shares else None
    return srm(Allocation(counts=counts, shares=planned))


def _observed(experiment: UnitExperiment, asked: Sequence[Measure]) -> list[Check]:
    """A moved set of observed units gates for CPI and KPI; for a rival it is said."""
    partial = [at for at, measure in enumerate(asked) if measure.per is not None]
    if not partial:
        detail = "every metric was seen for every unit"
        return [Check(name="observed_set_moved", passed=True, detail=detail)]
    return [
        replace(observed_share(asked[at].name, seen(experiment, at)), gates=at < 2)  # rivals come third
        for at in partial
    ]


def _unread(experiment: UnitExperiment, rivals: Sequence[Measure]) -> list[Check]:
    return [
        Check(name="rival_unmeasured", passed=False, detail=f"{rival.name}: {why.detail}", gates=False)
        for rival in rivals
        if (why := _why_not(experiment, rival))
    ]


def moved_at_all(cpi: str, formed: ExperimentContrasts | NotEstimable, alpha: float) -> Check:
    """Whether the arms that are no placebo moved the CPI."""
    if isinstance(formed, NotEstimable):
        return Check(name="first_stage", passed=None, detail=formed.detail, gates=False)
    active = [k for k, arm in enumerate(formed.arms) if not arm.placebo]
    covariance = formed.covariance[:, 0, :, 0][active][:, active]
    return first_stage(cpi, formed.effects[active, 0], covariance, alpha=alpha)


def alarm(effects: Sequence[Effect], cpi: str, kpi: str, hypothesis: Hypothesis) -> Check:
    """A KPI that rises at the customers' cost, read with the directions that the flags name."""
    return kpi_up_cpi_down(
        [_moved(e, hypothesis.kpi_sign) for e in effects if e.metric == kpi],
        [_moved(e, hypothesis.cpi_sign) for e in effects if e.metric == cpi],
    )


def _moved(effect: Effect, better: int) -> Moved:
    return Moved(arm=effect.arm, metric=effect.metric, effect=effect.absolute, better=better)
