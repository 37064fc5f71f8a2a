"""What do the arms of one experiment show? Its checks, its effects, and what they say of the relationship."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from analyses import (
    CLUSTER_SIZE,
    Allocation,
    Check,
    Circumstances,
    ContrastArm,
    ExperimentContrasts,
    Measure,
    Moved,
    NotEstimable,
    Phases,
    Wanted,
    arm_means,
    clusters_analysed,
    contrasts_of,
    first_stage_of,
    kpi_up_cpi_down,
    multiple_exposure,
    observed_share,
    observed_share_of_clusters,
    of_clusters,
    phase_means,
    read_effects,
    srm,
    usable_phases,
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
    effects = effects_of(experiment, asked, hypothesis)
    formed = _contrasts(experiment, asked, columns, hypothesis)
    checks = (
        *_exposed(experiment),
        _ratio(experiment, columns),
        *_clustered(experiment),
        *_observed(experiment, asked),
        *_unread(experiment, asked[2:]),
        first_stage_of(columns.cpi, formed, alpha=hypothesis.alpha),
        alarm(effects, columns.cpi, columns.kpi, hypothesis),
    )
    return Studied(
        checks=checks,
        effects=tuple(effects),
        contrasts=formed if isinstance(formed, NotEstimable) else replace(formed, checks=checks),
    )


def effects_of(experiment: UnitExperiment, asked: Sequence[Measure], hypothesis: Hypothesis) -> list[Effect]:
    """A row per metric and treatment arm; an arm without a mean costs only its own rows."""
    better = dict(zip((measure.name for measure in asked), hypothesis.better_signs, strict=False))
    wanted = [
        Wanted(
            measure=measure,
            better=better.get(measure.name),
            margin=hypothesis.margins.get(measure.name),
            prior=hypothesis.priors.get(measure.name),
        )
        for measure in asked
    ]
    units = sum(moments.n for moments in experiment.arms.values())
    found = read_effects(
        _alone(experiment),
        experiment.control,
        experiment.treatments,
        wanted,
        Circumstances(units=units, alpha=hypothesis.alpha),
    )
    return [Effect(experiment=experiment.name, reading=reading) for reading in found]


def _alone(experiment: UnitExperiment) -> Phases:
    """A file knows no phases: everything is one."""
    return {1: experiment.arms}


def _why_not(experiment: UnitExperiment, measure: Measure) -> NotEstimable | None:
    """Why an arm has no mean of this measure, and which arm."""
    _, why = usable_phases(_alone(experiment), list(experiment.arms), [measure])
    return None if why is None else replace(why, detail=f"{why.detail} of {experiment.name}")


def _contrasts(
    experiment: UnitExperiment, asked: Sequence[Measure], columns: Columns, hypothesis: Hypothesis
) -> ExperimentContrasts | NotEstimable:
    """CPI, KPI and the rivals that every arm has."""
    rivals = [m for m in asked[2:] if _why_not(experiment, m) is None]
    if why := _why_not(experiment, asked[0]) or _why_not(experiment, asked[1]):
        return why
    adjusted = any(measure.covariates for measure in asked)
    wanted = [*asked[:2], *rivals]
    means = phase_means(_alone(experiment), list(experiment.arms), wanted, adjusted=adjusted)
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
        units=[experiment.units(arm) for arm in (experiment.control, *experiment.treatments)],
    )
    return replace(formed, unmeasured=tuple(m.name for m in asked[2:] if m not in rivals))


def _exposed(experiment: UnitExperiment) -> list[Check]:
    """Said here where rows carry a unit; else once for the whole file."""
    if experiment.multiple is None:
        return []
    kept = sum(experiment.units(arm) for arm in experiment.arms)
    return [multiple_exposure(experiment.multiple, kept + experiment.multiple)]


def _ratio(experiment: UnitExperiment, columns: Columns) -> Check:
    counts = {arm: moments.n for arm, moments in experiment.arms.items()}
    planned = {arm: columns.shares[arm] for arm in counts} if columns.shares else None
    return srm(Allocation(counts=counts, shares=planned))


def _observed(experiment: UnitExperiment, asked: Sequence[Measure]) -> list[Check]:
    """A moved set of observed units gates for CPI and KPI; for a rival it is said."""
    whole = CLUSTER_SIZE if experiment.clustered else None
    partial = [at for at, measure in enumerate(asked) if measure.per != whole]
    if not partial:
        detail = "every metric was seen for every unit"
        return [Check(name="observed_set_moved", passed=True, detail=detail)]
    by = _observed_by_clusters if experiment.clustered else _observed_by_units
    return [replace(by(experiment, asked[at], at), gates=at < 2) for at in partial]  # rivals come third


def _observed_by_units(experiment: UnitExperiment, measure: Measure, at: int) -> Check:
    return observed_share(measure.name, seen(experiment, at))


def _observed_by_clusters(experiment: UnitExperiment, measure: Measure, at: int) -> Check:
    share = of_clusters(Measure(name=measure.name, value=f"metric {at} seen"))
    means = {arm: arm_means(moments, [share]) for arm, moments in experiment.arms.items()}
    treated = {arm: means[arm] for arm in experiment.treatments}
    return observed_share_of_clusters(measure.name, means[experiment.control], treated)


def _clustered(experiment: UnitExperiment) -> list[Check]:
    """Said where whole clusters were given their arm."""
    if not experiment.clustered:
        return []
    counts = {arm: moments.n for arm, moments in experiment.arms.items()}
    several = experiment.clusters_in_several
    found = clusters_analysed(
        counts,
        units=sum(experiment.units(arm) for arm in counts),
        units_without=0,
        clusters=sum(counts.values()) + several,
        in_several_arms=several,
    )
    return [found]


def _unread(experiment: UnitExperiment, rivals: Sequence[Measure]) -> list[Check]:
    return [
        Check(name="rival_unmeasured", passed=False, detail=f"{rival.name}: {why.detail}", gates=False)
        for rival in rivals
        if (why := _why_not(experiment, rival))
    ]


def alarm(effects: Sequence[Effect], cpi: str, kpi: str, hypothesis: Hypothesis) -> Check:
    """A KPI that rises at the customers' cost, read with the directions that the flags name."""
    return kpi_up_cpi_down(
        [_moved(e, hypothesis.kpi_sign) for e in effects if e.metric == kpi],
        [_moved(e, hypothesis.cpi_sign) for e in effects if e.metric == cpi],
    )


def _moved(effect: Effect, better: int) -> Moved:
    return Moved(arm=effect.arm, metric=effect.metric, effect=effect.absolute, better=better)
