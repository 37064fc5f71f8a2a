"""Contrasts: what each arm of each experiment did to the CPI, the KPI and the rivals, and how surely."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analyses.moments import ArmMeans, Floats
from analyses.results import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastArm:
    """An arm that is not the control. A placebo changes the experience, not the CPI: it is no mechanism."""

    name: str
    mechanism: str | None
    placebo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """How far an experiment was when it was looked at other than at its planned end: units of all arms."""

    units: int
    planned_units: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExperimentContrasts:
    """The arms of one experiment against its control, in raw units.

    ``metrics`` names the CPI, the KPI, then the rivals (q in all); ``effects`` (K, q) arm minus control;
    ``covariance`` (K, q, K, q) their sampling covariance, which is not block-diagonal because arms share the
    control. ``arm_units`` and ``control_units`` count units also where whole clusters were randomised;
    ``units_per_cluster`` is then how many a cluster has in the mean.
    ``unmeasured`` names rivals that the experiment could not measure. A failed check that gates
    blocks every verdict that uses this experiment. ``early`` is there where it runs, or was stopped off
    its planned size, before or well after: then somebody may have looked and chosen the moment. ``segments``
    are the same arms on CPI and KPI among the units of one segment, by segmentation and value. ``corners``
    are the same contrasts at the corners of Lee's bounds, where arms changed for whom CPI or KPI is seen.
    """

    experiment: str
    metrics: tuple[str, ...]
    arms: tuple[ContrastArm, ...]
    effects: Floats
    covariance: Floats
    arm_units: tuple[int, ...] | None = None
    control_units: int | None = None
    units_per_cluster: float | None = None
    unmeasured: tuple[str, ...] = ()
    checks: tuple[Check, ...] = field(default=())
    early: Early | None = None
    segments: Mapping[str, Mapping[str, "ExperimentContrasts"]] = field(default_factory=dict)
    corners: tuple["ExperimentContrasts", ...] = ()

    def __post_init__(self) -> None:
        k, q = len(self.arms), len(self.metrics)
        if k < 1 or q < 2:
            raise ValueError(f"expected at least one arm, a CPI and a KPI, got {k} arms and {self.metrics}")
        if self.effects.shape != (k, q) or self.covariance.shape != (k, q, k, q):
            raise ValueError(
                f"expected effects ({k}, {q}) and covariance ({k}, {q}, {k}, {q}), "
                f"got {self.effects.shape} and {self.covariance.shape}"
            )
        if not (np.isfinite(self.effects).all() and np.isfinite(self.covariance).all()):
            raise ValueError(f"contrasts must be finite, got {self.effects}")


def contrasts_of(
    experiment: str,
    control: ArmMeans,
    treatments: Sequence[tuple[ContrastArm, ArmMeans]],
    checks: Sequence[Check] = (),
    units: Sequence[int] | None = None,
) -> ExperimentContrasts:
    """Each treatment minus the control: Cov(k, l) = S_0/n_0, and S_k/n_k more where k = l.

    ``units`` of the control and of each treatment, where the means are of clusters and count those.
    """
    k, q = len(treatments), len(control.measures)
    counts = [means.n for means in (control, *(arm for _, arm in treatments))] if units is None else units
    if len(counts) != k + 1:
        raise ValueError(f"expected the units of {k + 1} arms, got {len(counts)}")
    covariance = np.zeros((k, q, k, q))
    for row, (_, arm) in enumerate(treatments):
        covariance[row, :, :, :] += control.covariance[:, None, :]
        covariance[row, :, row, :] += arm.covariance
    return ExperimentContrasts(
        experiment=experiment,
        metrics=control.measures,
        arms=tuple(arm for arm, _ in treatments),
        effects=np.array([means.mean - control.mean for _, means in treatments]).reshape(k, q),
        covariance=covariance,
        units_per_cluster=None
        if units is None
        else sum(units) / sum(means.n for means in (control, *(arm for _, arm in treatments))),
        arm_units=tuple(counts[1:]),
        control_units=counts[0],
        checks=tuple(checks),
    )
