"""Which of several CPIs is the lever, when arms moved them together?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.instrumental import Overidentification
from analyses.relationship.sets import ConfidenceSet, invert
from analyses.relationship.subset import least
from analyses.relationship.system import System, direction, stack
from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class CpiSlope:
    """One CPI's own slope, the others held still: KPI units per step of it.

    ``estimate`` belongs to all slopes fitted at once (LIML), None where it is infinite; ``set`` and the
    p-value of "slope 0" leave the other slopes free.
    """

    metric: str
    estimate: float | None
    set: ConfidenceSet
    p_value: float

    @property
    def moves(self) -> bool:
        """Whether the set has one sign, so that this CPI moves the KPI whatever the others do."""
        lower, upper = self.set.lower, self.set.upper
        return (lower is not None and lower > 0) or (upper is not None and upper < 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralCpis:
    """The slopes of several CPIs on one KPI, from the same contrasts.

    ``p_together`` is the p-value of "the arms moved some mix of these CPIs not at all", so that no data could
    tell them apart; a large one explains an unbounded set. ``overidentification`` asks whether these CPIs
    explain all contrasts.
    """

    kpi: str
    contrasts: int
    slopes: tuple[CpiSlope, ...]
    p_together: float
    overidentification: Overidentification | NotEstimable


def several_cpis(
    experiments: Sequence[ExperimentContrasts],
    cpis: Sequence[str],
    *,
    steps: Mapping[str, float] | None = None,
    alpha: float = 0.05,
) -> SeveralCpis | NotEstimable:
    """Slopes of m CPIs on the KPI at once, each with a set that is safe with weak contrasts.

    Question: which of several CPIs that moved together is the lever?
    Estimand: x_i in KPI effect = sum over CPIs of x_i times CPI effect i, over all contrasts.
    Assumes: arms act on the KPI through these CPIs alone, linearly; contrasts are normal (large samples).
    Formula: r(x) = b - sum x_i a_i, V(x) its covariance, AR(x) = r' V^-1 r. The set of x_i is {x_i : min of
    AR over the other slopes <= chi-squared (K - (m - 1))}, so that one degree of freedom is given back for
    every slope that is left free. Its size is at most alpha however weak the contrasts are, under a
    covariance of Kronecker form; with other covariances it is the same statistic by their own V.
    Units: KPI units per step of each CPI, ``steps`` by name (its increment, negative where lower is better),
    1 raw unit where none is given.
    Errors: each set covers with at least 1 - alpha; sets of several CPIs are not corrected for their number.
    Reference: Guggenberger, Kleibergen, Mavroeidis & Chen (2012), Econometrica 80(6), theorem 1; the test of
    "moved together" is the rank test of Cragg & Donald (1993), chi-squared (K - m + 1).
    """
    if len(cpis) < 2 or len(set(cpis)) < len(cpis):
        raise ValueError(f"expected two different CPIs or more, got {list(cpis)}")
    measured = [e for e in experiments if all(name in e.metrics for name in cpis)]
    size = sum(len(e.arms) for e in measured)
    if not measured:
        return NotEstimable(reason="not_measured_together", detail="no experiment measured all of these CPIs")
    if size < len(cpis):
        detail = (
            f"{len(cpis)} CPIs need as many contrasts at least, got {size}: no data could tell them apart"
        )
        return NotEstimable(reason="fewer_contrasts_than_cpis", detail=detail)
    system = _system(measured, cpis, steps or {})
    return system if isinstance(system, NotEstimable) else _answered(system, alpha)


def _system(
    experiments: Sequence[ExperimentContrasts],
    cpis: Sequence[str],
    steps: Mapping[str, float],
) -> System | NotEstimable:
    """KPI first, then the CPIs in their steps, each with a mean sampling variance of 1."""
    turned = [_led_by(e, cpis, steps) for e in experiments]
    system = stack(turned, 1.0, 1.0, others=cpis[1:])
    if isinstance(system, NotEstimable):
        return system
    for at, name in enumerate(system.metrics[2:], start=2):
        if np.trace(system.covariance[at, at]) < 0.5 * system.size:
            return NotEstimable(reason="constant_cpi", detail=f"{name} does not vary inside any arm")
    return system


def _led_by(
    experiment: ExperimentContrasts, cpis: Sequence[str], steps: Mapping[str, float]
) -> ExperimentContrasts:
    """The same contrasts of the KPI and these CPIs alone, in their own steps."""
    order = (cpis[0], experiment.metrics[1], *cpis[1:])
    at = [experiment.metrics.index(name) for name in order]
    scale = np.array([1.0 / steps.get(name, 1.0) for name in order])
    return ExperimentContrasts(
        experiment=experiment.experiment,
        metrics=order,
        arms=experiment.arms,
        effects=experiment.effects[:, at] * scale,
        covariance=experiment.covariance[:, at][:, :, :, at] * scale[:, None, None] * scale,
        arm_units=experiment.arm_units,
        control_units=experiment.control_units,
    )


def _answered(system: System, alpha: float) -> SeveralCpis:
    from scipy.special import chdtrc, chdtri

    m = len(system.metrics) - 1
    free = system.size - (m - 1)
    lowest, fitted = least(system, np.eye(m + 1)[None])
    together, _ = least(system, np.eye(m + 1)[None, 1:])
    slopes = []
    for own in range(1, m + 1):
        at_zero = float(subset_statistic(system, own, np.array([0.0]))[0])
        slopes.append(
            CpiSlope(
                metric=system.metrics[own],
                estimate=_estimate(system, fitted[0], own),
                set=subset_set(system, own, float(chdtri(free, alpha)), fitted[0]),
                p_value=float(chdtrc(free, at_zero)),
            )
        )
    spare = system.size - m
    return SeveralCpis(
        kpi=system.metrics[0],
        contrasts=system.size,
        slopes=tuple(slopes),
        p_together=float(chdtrc(free, together[0])),
        overidentification=Overidentification(
            statistic=float(lowest[0]), df=spare, p_value=float(chdtrc(spare, lowest[0]))
        )
        if spare > 0
        else NotEstimable(reason="as_many_cpis", detail="as many CPIs as contrasts always fit exactly"),
    )


def _estimate(system: System, weights: Floats, own: int) -> float | None:
    """The slope of one CPI in weights of r = w_0 b + sum w_i a_i."""
    if abs(weights[0]) <= 1e-12 * np.abs(weights).max():
        return None
    return float(-weights[own] / weights[0] * system.scale[0] / system.scale[own])


def subset_statistic(system: System, own: int, angles: Floats) -> Floats:
    """Min over the other CPIs' slopes of AR (n,), at slopes tan(angle) of one CPI in scaled metrics."""
    m = len(system.metrics)
    fixed = np.zeros((len(angles), 1, m))
    fixed[:, 0, [0, own]] = direction(angles)
    others = np.eye(m)[[i for i in range(1, m) if i != own]]
    values, _ = least(
        system, np.concatenate([fixed, np.broadcast_to(others, (len(angles), *others.shape))], 1)
    )
    return values


def subset_set(system: System, own: int, limit: float, fitted: Floats) -> ConfidenceSet:
    """Slopes of one CPI at which the subset statistic is at most the limit."""
    seed = np.arctan2(-fitted[own], fitted[0])
    unit = float(system.scale[0] / system.scale[own])
    return invert(lambda angles: subset_statistic(system, own, angles) - limit, np.array([seed]), unit)


def stood_still(experiments: Sequence[ExperimentContrasts], metric: str) -> float:
    """P-value of "no arm of any experiment moved this metric".

    Question: did it move at all, so that it could be the lever?
    Estimand: its effects in all arms; the p-value is of "all are 0".
    Assumes: experiments independent, effects normal.
    Formula: sum over experiments of a' V^-1 a, chi-squared with as many degrees of freedom as contrasts.
    Units: probabilities; 1 where no experiment measured it or it does not vary.
    Errors: of each metric by itself, for choosing what is looked at, not for proving.
    Reference: Wald (1943), Transactions of the American Mathematical Society 54.
    """
    from scipy.special import chdtrc

    total, size = 0.0, 0
    for e in experiments:
        if metric not in e.metrics:
            continue
        at = e.metrics.index(metric)
        a, V = e.effects[:, at], e.covariance[:, at, :, at]
        if np.diag(V).min() > 0 and np.linalg.cond(V) < 1e12:
            total, size = total + float(a @ np.linalg.solve(V, a)), size + len(a)
    return float(chdtrc(size, total)) if size else 1.0
