"""What enters the posterior? The contrasts that the verdict counts, on the scale of its prior."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.decision.linking import linked
from analyses.moments import Floats
from analyses.posterior.prior import SlopePrior
from analyses.relationship.clusters import Clusters, gathered
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.early import widened
from analyses.results import NotEstimable
from analyses.rule import Rule

LEAST_SCALE = 1e-6  # of a direct effect that the registration excludes: zero, for all that data can tell


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Block:
    """Experiments with the same number of arms K: effects a, b (J, K), covariances (J, K, K).

    ``weights`` R = S_ba S_aa^-1 carries the CPI's error into the KPI, ``rest`` = S_bb - R S_ab is the KPI's
    own error. ``axes`` and ``noise`` are the eigenvectors (J, K, K) and values (J, K) of S_aa.
    """

    at: tuple[int, ...]
    a: Floats
    b: Floats
    weights: Floats
    rest: Floats
    axes: Floats
    noise: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """All experiments that speak, the CPI in typical shifts and the KPI in what a slope of d does to one.

    ``shift`` is that typical shift in increments, ``smallest`` is d in KPI units per increment, ``sign`` the
    hypothesised sign of the slope, ``scales`` (6,) the prior's, and ``total`` counts contrasts.
    """

    names: tuple[str, ...]
    blocks: tuple[Block, ...]
    shift: float
    smallest: float
    sign: int
    scales: Floats
    total: int

    @property
    def count(self) -> int:
        """Number of experiments J."""
        return len(self.names)

    @property
    def widest(self) -> int:
        """Arms of the experiment that has most."""
        return max(int(block.a.shape[1]) for block in self.blocks)


def evidence_of(
    rule: Rule, experiments: Sequence[ExperimentContrasts], prior: SlopePrior
) -> Evidence | NotEstimable:
    """The arms that speak in the verdict, with the error that looking on the way costs there too.

    Nothing where a check that gates has failed, where an experiment has not reported, or without a d.
    """
    if why := _hindered(rule, experiments):
        return why
    speaking = linked([widened(one, rule.alpha) for one in experiments]).speaking
    clusters = gathered(speaking, rule.increment * rule.better, rule.direction)
    if isinstance(clusters, NotEstimable):
        return clusters
    return _scaled(rule, clusters, [one.experiment for one in speaking], prior)


def _hindered(rule: Rule, experiments: Sequence[ExperimentContrasts]) -> NotEstimable | None:
    if not experiments:
        return NotEstimable(reason="no_experiments", detail="no experiment has reported on this hypothesis")
    if rule.smallest_slope is None:
        return NotEstimable(
            reason="no_smallest_slope",
            detail="the prior's scale is the smallest slope of interest, and none was registered",
        )
    for one in experiments:
        for check in one.checks:
            if check.gates and check.passed is False:
                return NotEstimable(reason=check.name, detail=f"{one.experiment}: {check.detail}")
    if rule.missing_experiments:
        return NotEstimable(
            reason="experiment_missing",
            detail=f"{', '.join(rule.missing_experiments)} started and has not reported: "
            "nobody picks the experiments that please",
        )
    return None


def _scaled(
    rule: Rule, clusters: Clusters, names: Sequence[str], prior: SlopePrior
) -> Evidence | NotEstimable:
    shift = _typical(clusters)
    if not shift > 0:
        return NotEstimable(reason="cpi_stood_still", detail="no arm changed the CPI at all")
    smallest = rule.smallest_slope or 0.0
    kpi, cpi = clusters.scale[0] / (smallest * shift), clusters.scale[1] / shift
    groups: dict[int, list[int]] = {}
    for at, arms in enumerate(clusters.present.sum(axis=1).astype(int)):
        groups.setdefault(int(arms), []).append(at)
    bound = rule.direct_effect_bound
    limit = 1.0 if bound is None else min(1.0, max(bound / (2 * smallest * shift), LEAST_SCALE))
    scales = np.array(prior.scales) * np.array([1.0, limit, limit, 1.0, 1.0, 1.0])
    return Evidence(
        names=tuple(names),
        blocks=tuple(_block(clusters, at, arms, kpi, cpi) for arms, at in groups.items()),
        shift=shift,
        smallest=smallest,
        sign=rule.direction,
        scales=scales,
        total=clusters.contrasts,
    )


def _typical(clusters: Clusters) -> float:
    """Root mean square of the CPI's shifts in increments, over arms that are no placebo if there are any."""
    here = clusters.present > 0
    active = here.copy()
    for j, arms in enumerate(clusters.arms):
        for k, arm in enumerate(arms):
            active[j, k] = not arm.placebo
    chosen = active if active.any() else here
    return float(np.sqrt((clusters.effects[1][chosen] ** 2).mean()) * clusters.scale[1])


def _block(clusters: Clusters, at: Sequence[int], arms: int, kpi: float, cpi: float) -> Block:
    effects = clusters.effects[:, at, :arms]
    covariance = clusters.covariance[:, :, at, :arms, :arms]
    saa, sbb = covariance[1, 1] * cpi**2, covariance[0, 0] * kpi**2
    sba = covariance[0, 1] * kpi * cpi
    weights = np.linalg.solve(saa, sba.swapaxes(-1, -2)).swapaxes(-1, -2)
    rest = sbb - weights @ sba.swapaxes(-1, -2)
    noise, axes = np.linalg.eigh(saa)
    return Block(
        at=tuple(at),
        a=effects[1] * cpi,
        b=effects[0] * kpi,
        weights=weights,
        rest=(rest + rest.swapaxes(-1, -2)) / 2,
        axes=axes,
        noise=np.maximum(noise, 0.0),
    )
