"""How good is a CPI as a stand-in for a KPI that is slow to come? For steering, never as proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from analyses.moments import Floats, Moments
from analyses.relationship.contrast import ExperimentContrasts
from analyses.results import Estimate, Interval, NotEstimable

STEERING = "For steering, never as proof: a stand-in can move while the KPI does not follow."
ENOUGH = 8  # experiments, as for the verdict: fewer say nothing of how effects go together
NOTHING_LEFT = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexEffect:
    """One arm on the surrogate index and on the KPI itself, in KPI units.

    ``gap`` is the KPI's effect minus the index's: what the CPIs do not carry. ``variance_ratio`` is the KPI
    effect's variance over the index effect's: how many times fewer units the index would need.
    """

    arm: str
    index: Estimate
    kpi: Estimate
    gap: Estimate
    variance_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurrogateIndex:
    """The KPI as foretold from CPIs: weights in KPI units per raw unit of each CPI, and each arm's effect."""

    cpis: tuple[str, ...]
    weights: tuple[float, ...]
    explained: float
    effects: tuple[IndexEffect, ...]
    note: str = STEERING


def surrogate_index(
    history: Sequence[Moments],
    columns: tuple[str, Sequence[str]],
    experiment: ExperimentContrasts,
    *,
    alpha: float = 0.05,
) -> SurrogateIndex | NotEstimable:
    """Effects on the KPI as its short-term CPIs foretell it, beside those on the KPI itself.

    ``history`` are groups of units with KPI and CPIs known, dealt with alike inside each (control arms);
    ``columns`` the KPI's column and the CPIs'; the experiment's metrics are CPIs and KPI in the order CPI 1,
    KPI, CPI 2 and so on.

    Question: could the CPIs have said what the arm does to the KPI, before the KPI is known?
    Estimand: w'(effect on CPIs), w from the regression of KPI on CPIs inside the groups of ``history``.
    Assumes: surrogacy (the arm acts on the KPI through these CPIs alone), comparability (history relates
    CPIs and KPI as the experiment's units do), no unmeasured cause of both. ``gap`` tests them together.
    Formula: w = S_cc^-1 S_cy pooled within groups, var(w) = s^2 S_cc^-1; the index effect w'a has variance
    w' V w + a' var(w) a. The weights' error is taken as independent of the effects'.
    Units: KPI units; weights KPI units per raw CPI unit.
    Errors: normal intervals at 1 - alpha that hold under the assumptions only.
    Reference: Athey, Chetty, Imbens & Kang (2019), arXiv 1603.09326, section 3.
    """
    kpi, cpis = columns
    names = (kpi, *cpis)
    scatter = np.sum([_among(moments, names) for moments in history], axis=0)
    spare = sum(moments.n - 1 for moments in history) - len(cpis)
    if spare < 2:
        detail = f"the weights of {len(cpis)} CPIs need more units that were treated alike"
        return NotEstimable(reason="too_few_units", detail=detail)
    own = np.diag(scatter)
    if own.min() <= 0 or np.linalg.cond(_correlation(scatter[1:, 1:])) > 1 / NOTHING_LEFT:
        detail = "a CPI or the KPI does not vary among units treated alike, or two CPIs are one measurement"
        return NotEstimable(reason="no_variation", detail=detail)
    inverse = np.linalg.inv(scatter[1:, 1:])
    w = inverse @ scatter[1:, 0]
    rss = max(float(scatter[0, 0] - w @ scatter[1:, 0]), 0.0)
    effects = tuple(
        _index_effect(experiment, k, w, rss / spare * inverse, alpha) for k in range(len(experiment.arms))
    )
    return SurrogateIndex(
        cpis=tuple(name for i, name in enumerate(experiment.metrics) if i != 1),
        weights=tuple(w.tolist()),
        explained=1 - rss / float(scatter[0, 0]),
        effects=effects,
    )


def _among(moments: Moments, names: Sequence[str]) -> Floats:
    at = [moments.index(name) for name in names]
    return moments.scatter[np.ix_(at, at)]


def _correlation(scatter: Floats) -> Floats:
    scale = np.sqrt(np.diag(scatter))
    found: Floats = scatter / np.outer(scale, scale)
    return found


def _index_effect(
    experiment: ExperimentContrasts, k: int, w: Floats, noise: Floats, alpha: float
) -> IndexEffect:
    at = [i for i in range(len(experiment.metrics)) if i != 1]
    V, a = experiment.covariance[k][:, k], experiment.effects[k, at]
    extra = float(a @ noise @ a)
    foretold = np.zeros(len(experiment.metrics))
    foretold[at] = w
    left = -foretold
    left[1] = 1.0
    index = _estimate(float(w @ a), float(foretold @ V @ foretold) + extra, alpha)
    kpi = _estimate(float(experiment.effects[k, 1]), float(V[1, 1]), alpha)
    return IndexEffect(
        arm=experiment.arms[k].name,
        index=index,
        kpi=kpi,
        gap=_estimate(float(left @ experiment.effects[k]), float(left @ V @ left) + extra, alpha),
        variance_ratio=(kpi.std_error / index.std_error) ** 2 if index.std_error > 0 else None,
    )


def _estimate(value: float, variance: float, alpha: float) -> Estimate:
    from scipy.special import ndtr, ndtri

    error = sqrt(max(variance, 0.0))
    reach = float(ndtri(1 - alpha / 2)) * error
    p_value = float(2 * ndtr(-abs(value) / error)) if error > 0 else float(value == 0)
    return Estimate(
        value=value,
        std_error=error,
        interval=Interval(lower=value - reach, upper=value + reach),
        p_value=p_value,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyValue:
    """One CPI as a stand-in: the correlation of its *measured* effect with the KPI's *true* one.

    For a new experiment of the usual size; 1 would be the KPI itself without noise. ``std_error`` by leaving
    out each experiment in turn.
    """

    metric: str
    quality: float
    std_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxies:
    """Every CPI as a stand-in, the KPI's own quality, and the best mix of the CPIs.

    ``weights`` turn measured CPI effects (raw units) into the KPI effect to be expected.
    """

    experiments: int
    kpi: ProxyValue
    cpis: tuple[ProxyValue, ...]
    mix: ProxyValue
    weights: tuple[float, ...]
    note: str = STEERING


def proxies(experiments: Sequence[ExperimentContrasts], cpis: Sequence[str]) -> Proxies | NotEstimable:
    """How well CPI effects stand in for KPI effects over many experiments, with the noise taken out.

    Question: which CPI, or mix of CPIs, is worth steering by while the KPI is not known yet?
    Estimand: corr(measured effect on the stand-in, true effect on the KPI) over experiments like these.
    Assumes: experiments are alike (effects drawn from one population); a new one has the mean noise of these.
    Formula: L = total covariance of the contrasts' effects minus that of their noise,
    (sum of centred squares - (tr V - 1'V1 / K)) / (K - 1), the latent covariance; Z the mean noise. Quality
    of mix w is w'L_cn / sqrt(w'(L_cc + Z_cc) w L_nn), largest at w = (L_cc + Z_cc)^-1 L_cn.
    Units: qualities are correlations; weights KPI units per raw CPI unit.
    Errors: jackknife over experiments. The best mix is chosen on the same data: its quality flatters it.
    Reference: Tripuraneni, Richardson, D'Amour, Soriano & Yadlowsky (2023), arXiv 2309.07893, sections 2-3;
    total covariance: Bibaut, Chou, Ejdemyr & Kallus (2024), arXiv 2402.17637.
    """
    measured = [e for e in experiments if all(name in e.metrics for name in cpis)]
    if len(measured) < ENOUGH:
        detail = f"needs {ENOUGH} experiments that measured KPI and CPIs, got {len(measured)}"
        return NotEstimable(reason="too_few_experiments", detail=detail)
    sums = _sums(measured, cpis)
    whole = _qualities(sums.sum(axis=0)[None])
    if whole is None:
        return _unmoved()
    left_out = _qualities(sums.sum(axis=0) - sums)
    if left_out is None:
        return _unmoved()
    spread = np.sqrt(
        ((left_out.values - left_out.values.mean(axis=0)) ** 2).sum(axis=0) * (len(sums) - 1) / len(sums)
    )
    kpi = measured[0].metrics[1]
    own, *each, mix = (
        ProxyValue(metric=name, quality=float(value), std_error=float(error))
        for name, value, error in zip((kpi, *cpis, "mix"), whole.values[0], spread, strict=True)
    )
    return Proxies(
        experiments=len(measured),
        kpi=own,
        cpis=tuple(each),
        mix=mix,
        weights=tuple(whole.weights[0].tolist()),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Qualities:
    """Of n sets of experiments: KPI, CPIs, mix (n, m + 2), and the weights of the mix (n, m)."""

    values: Floats
    weights: Floats


def _unmoved() -> NotEstimable:
    detail = "the experiments' effects do not differ by more than their noise: nothing to go together"
    return NotEstimable(reason="no_true_variation", detail=detail)


def _qualities(sums: Floats) -> _Qualities | None:
    """From ``_sums`` added up (n, p, 3 p + 2); None where some latent covariance is not one."""
    p = sums.shape[1]
    products, noise, whole = sums[:, :, :p], sums[:, :, p : 2 * p], sums[:, :, 2 * p : 3 * p]
    mean, k = sums[:, :, -2], sums[:, 0, -1][:, None, None]
    centred = products - mean[:, :, None] * mean[:, None, :] / k
    latent, usual = (centred - noise + whole / k) / (k - 1), noise / k
    both, cross, own = latent[:, 1:, 1:] + usual[:, 1:, 1:], latent[:, 1:, 0], latent[:, 0, 0]
    if own.min() <= 0 or np.linalg.eigvalsh(both).min() <= 0:
        return None
    weights = np.linalg.solve(both, cross[..., None])[..., 0]
    kpi = np.sqrt(own / (own + usual[:, 0, 0]))
    each = cross / np.sqrt(np.diagonal(both, axis1=1, axis2=2) * own[:, None])
    mix = np.sqrt(np.maximum((weights * cross).sum(axis=1), 0.0) / own)
    values = np.column_stack([kpi, each, mix])
    return _Qualities(values=np.clip(values, -1.0, 1.0), weights=weights)


def _sums(experiments: Sequence[ExperimentContrasts], cpis: Sequence[str]) -> Floats:
    """What each experiment adds (J, p, 3 p + 2), p = 1 + CPIs: products, tr V, 1'V1, sum, count of effects.

    Effects are taken from their mean over all contrasts first, which changes no covariance and keeps digits.
    """
    chosen = [[1, *(e.metrics.index(name) for name in cpis)] for e in experiments]
    centre = np.concatenate([e.effects[:, at] for e, at in zip(experiments, chosen, strict=True)]).mean(
        axis=0
    )
    found = []
    for e, at in zip(experiments, chosen, strict=True):
        effects, V = e.effects[:, at] - centre, e.covariance[:, at][:, :, :, at]
        noise, whole = np.einsum("kikj->ij", V), np.einsum("kilj->ij", V)
        count = np.full(len(at), float(len(effects)))
        found.append(np.column_stack([effects.T @ effects, noise, whole, effects.sum(axis=0), count]))
    return np.array(found)
