"""What would one group have done without its change? Told from a mix of groups that never had it."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.quasi.panel import Panel
from analyses.quasi.shift import QuasiSlope
from analyses.relationship.sets import invert
from analyses.relationship.system import direction
from analyses.results import Check, Interval, NotEstimable

FEWEST_BEFORE = 5  # periods: a mix of many groups follows fewer by chance
SUM_TO_ONE = 1e4  # weight of that condition against outcomes of unit size
POOR_FIT = 2.0  # times the donors' own typical misfit


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticEffect:
    """The average gap after the change, raw units; ``misfit`` is the root mean square gap before it.

    ``p_value`` is the share of all groups, this one included, whose own gap after the change is as large for
    their misfit before; ``interval`` holds the constant effects that this test does not refute.
    """

    value: float
    p_value: float
    misfit: float
    interval: Interval | NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticControl:
    """One effect an outcome, the weights behind them (one set for all), and the gap in each period."""

    outcomes: tuple[str, ...]
    effects: tuple[SyntheticEffect, ...]
    weights: tuple[tuple[str, float], ...]
    gaps: tuple[tuple[float, ...], ...]
    slope: QuasiSlope | NotEstimable
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Gaps:
    """Gaps (M, 1 + J, T), the treated group's first, then the donors'; none is due before ``start``."""

    gaps: Floats
    start: int

    def ratios(self, w: Floats) -> Floats:
        """|Average gap after| / misfit before (n, 1 + J), of the mixes of outcomes ``w`` (n, M)."""
        mixed = np.einsum("nm,mjt->njt", w, self.gaps)
        after, before = mixed[..., self.start :].mean(axis=-1), mixed[..., : self.start]
        misfit = np.sqrt((before**2).mean(axis=-1))
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = np.where(after == 0, 0.0, np.abs(after) / misfit)
        return found


def synthetic_control(
    panel: Panel, *, cpi: str | None = None, kpi: str | None = None, alpha: float = 0.05
) -> SyntheticControl | NotEstimable:
    """Effects of a change that one group met, against the mix of other groups that it moved like before.

    Question: how far did this group depart, after its change, from groups that never met it?
    Estimand: the average gap over the periods under the change between the group and its synthetic control.
    Assumes: the mix that followed the group before would have followed it after; donors are not reached by
    the change; no other shock fell on this group alone. Group and change are not drawn at random: the test
    says how unusual the gap is among groups, as if any of them could have met it.
    Formula: donor weights w >= 0 with sum 1 that minimise the squared gaps before, all outcomes at once in
    standard deviations of their own; R_j = |mean gap after| / root mean square gap before, for the group and
    for each donor in its place; p = rank of the group's R among all. Effects c, and slopes z of KPI - z CPI,
    are in their sets where the same test does not refute them.
    Units: those of the outcomes; slopes KPI units per raw CPI unit.
    Errors: exact if the group is exchangeable with its donors; an interval at 1 - alpha needs 1 / alpha - 1
    donors (19 at .05), else only the p-value is told.
    Reference: Abadie, Diamond & Hainmueller (2010), JASA 105(490); Firpo & Possebom (2018), Journal of Causal
    Inference 6(2); one set of weights for several outcomes: Sun, Ben-Michael & Feller (2025), Review of
    Economics and Statistics.
    """
    refused = panel.refusal() or _refusal(panel)
    if refused:
        return refused
    starts, last = panel.starts, len(panel.periods)
    treated = int(np.flatnonzero(starts < last)[0])
    donors = np.flatnonzero(starts == last)
    start = int(starts[treated])
    order = np.concatenate([[treated], donors])
    pair = None if cpi is None or kpi is None else (panel.outcomes.index(kpi), panel.outcomes.index(cpi))
    scaled, scale = _scaled(panel.values[:, order], start)
    weights = [_mix(scaled, j, start, among=np.arange(1, len(order))) for j in range(len(order))]
    gaps = _Gaps(
        gaps=np.stack([scaled[:, j] - np.einsum("mjt,j->mt", scaled, w) for j, w in enumerate(weights)], 1),
        start=start,
    )
    names = [panel.groups[j] for j in order]
    return SyntheticControl(
        outcomes=panel.outcomes,
        effects=tuple(_effect(gaps, m, float(scale[m]), alpha) for m in range(len(scale))),
        weights=tuple((names[j], float(weights[0][j])) for j in range(1, len(order)) if weights[0][j] > 1e-6),
        gaps=tuple(tuple(map(float, row)) for row in gaps.gaps[:, 0] * scale[:, None]),
        slope=_slope(gaps, scale, pair, alpha),
        checks=_fits(panel, gaps),
    )


def _refusal(panel: Panel) -> NotEstimable | None:
    starts, last = panel.starts, len(panel.periods)
    treated = starts < last
    if treated.sum() != 1:
        detail = f"{int(treated.sum())} groups met the change; a synthetic control is of one group"
        return NotEstimable(reason="not_one_group", detail=detail)
    if starts[treated][0] < FEWEST_BEFORE:
        seen = int(starts[treated][0])
        detail = f"the group was seen in {seen} periods before the change; {FEWEST_BEFORE} are needed"
        return NotEstimable(reason="too_few_periods", detail=detail)
    if (~treated).sum() < 2:
        return NotEstimable(
            reason="too_few_groups", detail="a mix needs two groups that never met the change"
        )
    flat = np.flatnonzero(np.ptp(panel.values[:, ~treated][..., : int(starts[treated][0])], axis=(1, 2)) == 0)
    if len(flat):
        detail = f"{panel.outcomes[flat[0]]} is one constant in all other groups"
        return NotEstimable(reason="no_variation", detail=detail)
    return None


def _scaled(values: Floats, start: int) -> tuple[Floats, Floats]:
    """Outcomes (M, 1 + J, T) in the donors' standard deviations before the change, and those (M,)."""
    before = values[:, 1:, :start]
    centre, scale = before.mean(axis=(1, 2)), before.std(axis=(1, 2))
    return (values - centre[:, None, None]) / scale[:, None, None], scale


def _mix(scaled: Floats, j: int, start: int, among: npt.NDArray[np.intp]) -> Floats:
    """Weights (1 + J,) of the donors that follow group j best before the change; j itself has none."""
    from scipy.optimize import nnls

    others = among[among != j]
    X = scaled[:, :, :start].transpose(0, 2, 1).reshape(-1, scaled.shape[1])
    bound = SUM_TO_ONE * max(1.0, float(np.abs(X).max()))
    found, _ = nnls(np.vstack([X[:, others], np.full(len(others), bound)]), np.append(X[:, j], bound))
    weights = np.zeros(scaled.shape[1])
    weights[others] = found / found.sum()
    return weights


def _refuting(donors: int, alpha: float) -> int:
    """How many ranks from the top refute at alpha: above this many donors' ratios lies the cutoff."""
    return int(alpha * (donors + 1) + 1e-9)


def _effect(gaps: _Gaps, m: int, scale: float, alpha: float) -> SyntheticEffect:
    only = np.eye(len(gaps.gaps))[[m]]
    ratios = gaps.ratios(only)[0]
    before = gaps.gaps[m, 0, : gaps.start]
    value, misfit = float(gaps.gaps[m, 0, gaps.start :].mean()), float(np.sqrt((before**2).mean()))
    return SyntheticEffect(
        value=value * scale,
        p_value=float((ratios[1:] >= ratios[0]).sum() + 1) / len(ratios),
        misfit=misfit * scale,
        interval=_interval(value * scale, misfit * scale, ratios[1:], alpha),
    )


def _interval(value: float, misfit: float, donors: Floats, alpha: float) -> Interval | NotEstimable:
    allowed = _refuting(len(donors), alpha)
    if not allowed:
        return _too_few(len(donors), alpha)
    if not np.isfinite(half := float(np.sort(donors)[-allowed]) * misfit):
        detail = "other groups are followed without any error before the change: gaps have no scale"
        return NotEstimable(reason="no_variation", detail=detail)
    return Interval(lower=value - half, upper=value + half)


def _too_few(donors: int, alpha: float) -> NotEstimable:
    needed = ceil(1 / alpha - 1e-9) - 1
    detail = f"{donors} groups never met the change; an interval at {alpha:g} needs {needed}"
    return NotEstimable(reason="too_few_groups", detail=detail)


def _slope(
    gaps: _Gaps, scale: Floats, pair: tuple[int, int] | None, alpha: float
) -> QuasiSlope | NotEstimable:
    if pair is None:
        return NotEstimable(reason="not_asked", detail="a slope is told when a CPI and a KPI are named")
    donors = gaps.gaps.shape[1] - 1
    allowed = _refuting(donors, alpha)
    if not allowed:
        return _too_few(donors, alpha)
    at = list(pair)
    after = gaps.gaps[at, 0, gaps.start :].mean(axis=-1)
    if after[1] == 0:
        return NotEstimable(reason="cpi_not_moved", detail="the change did not move the CPI at all")

    def excess(angles: Floats) -> Floats:
        w = np.zeros((len(angles), len(gaps.gaps)))
        w[:, at] = direction(angles)
        ratios = gaps.ratios(w)
        found: Floats = ratios[:, 0] - np.sort(ratios[:, 1:], axis=-1)[:, -allowed]
        return found

    unit = float(scale[at[0]] / scale[at[1]])
    confidence = invert(excess, np.array([np.arctan2(after[0], after[1])]), unit)
    return QuasiSlope(value=float(after[0] / after[1]) * unit, confidence=confidence)


def _fits(panel: Panel, gaps: _Gaps) -> tuple[Check, ...]:
    """Whether the mix followed the group before the change as well as mixes follow donors."""
    misfit = np.sqrt((gaps.gaps[..., : gaps.start] ** 2).mean(axis=-1))
    found = []
    for m, outcome in enumerate(panel.outcomes):
        usual = float(np.median(misfit[m, 1:]))
        times = float(misfit[m, 0]) / usual if usual > 0 else 1.0
        detail = f"{outcome} before the change: the mix misses by {times:.2g} times what is usual"
        found.append(Check(name="fits_before", passed=times <= POOR_FIT, detail=detail, gates=False))
    return tuple(found)
