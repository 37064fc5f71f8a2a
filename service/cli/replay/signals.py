"""How often does a metric look moved where nothing was done? False signals, with their error."""

from dataclasses import dataclass
from math import sqrt

from analyses import Difference, Estimate, NotEstimable, arm_effects
from service.cli.replay.splitting import Dealt, Splits

ERRORS = 2.0  # Monte Carlo errors within which the level must lie


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseSignals:
    """One metric: ``share`` of the splits with a p-value of at most alpha, ``error`` that of the simulation.

    ``as_promised`` says whether alpha lies within two of the errors that it would have itself. ``adjusted``
    is by values before exposure. ``without`` counts splits that gave no estimate, and ``why`` the first.
    """

    metric: str
    adjusted: bool
    units: int
    splits: int
    signals: int
    share: float | None
    error: float | None
    as_promised: bool | None
    without: int
    why: str | None


def false_signals(splits: Splits, *, alpha: float) -> list[FalseSignals]:
    """Each metric raw, and adjusted where it has covariates, through the estimators of every experiment."""
    return [one for dealt in splits.dealt for one in _of(splits, dealt, alpha)]


def _of(splits: Splits, dealt: Dealt, alpha: float) -> list[FalseSignals]:
    raw: list[Estimate | NotEstimable] = []
    adjusted: list[Estimate | NotEstimable] = []
    for split in range(splits.splits):
        control, other = splits.sides(split, dealt)
        (effect,) = arm_effects({1: {"0": control, "1": other}}, "0", ["1"], [dealt.measure], alpha=alpha)
        raw.append(_absolute(effect.raw))
        if effect.adjusted is not None:
            adjusted.append(_absolute(effect.adjusted))
    found = [_counted(splits, dealt, raw, alpha=alpha, adjusted=False)]
    return [*found, _counted(splits, dealt, adjusted, alpha=alpha, adjusted=True)] if adjusted else found


def _absolute(found: Difference | NotEstimable) -> Estimate | NotEstimable:
    return found if isinstance(found, NotEstimable) else found.absolute


def _counted(
    splits: Splits, dealt: Dealt, found: list[Estimate | NotEstimable], *, alpha: float, adjusted: bool
) -> FalseSignals:
    p_values = [one.p_value for one in found if isinstance(one, Estimate)]
    refused = [one.detail for one in found if isinstance(one, NotEstimable)]
    tried, signals = len(p_values), sum(p <= alpha for p in p_values)
    share = signals / tried if tried else None
    at_alpha = sqrt(alpha * (1 - alpha) / max(tried, 1))
    return FalseSignals(
        metric=dealt.measure.name,
        adjusted=adjusted,
        units=splits.units,
        splits=splits.splits,
        signals=signals,
        share=share,
        error=None if share is None else sqrt(share * (1 - share) / tried),
        as_promised=None if share is None else abs(share - alpha) <= ERRORS * at_alpha,
        without=len(refused),
        why=refused[0] if refused else None,
    )
