"""How large is the effect, by the way that the graph allows? Linear, with robust errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyses.moments import Floats
from analyses.observational.identify import Strategy, StrategyKind
from analyses.observational.linear import Fit, Held, estimate, fit
from analyses.observational.sample import Sample
from analyses.relationship.anderson_rubin import anderson_rubin_set, curve
from analyses.relationship.contrast import ContrastArm
from analyses.relationship.instrumental import information, liml, overidentification
from analyses.relationship.system import System
from analyses.results import Check, Estimate, Interval, NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedSlope:
    """KPI units per raw CPI unit; ``checks`` say what was left out and what the estimate cannot bear."""

    value: Estimate
    units: int
    checks: tuple[Check, ...] = ()
    through: Estimate | None = None  # mediation: the part that passes through the mediators
    past: Estimate | None = None  # mediation: the part that does not


def adjusted_slope(
    sample: Sample, treatment: str, outcome: str, covariates: Sequence[str], *, alpha: float = 0.05
) -> AdjustedSlope | NotEstimable:
    """Regression of the KPI on the CPI with covariates held fixed.

    Question: by how much do KPIs differ between units whose CPI differs by one, everything named alike?
    Estimand: the coefficient of the CPI; with effects that differ, their average weighted by how much the
    CPI varies among units alike.
    Assumes: the backdoor strategy's assumptions, and that covariates act linearly.
    Formula: least squares of what covariates leave of KPI and CPI (Frisch, Waugh & Lovell); covariates that
    repeat others are left out and named. Errors HC3, Student's t.
    Units: KPI units per raw CPI unit.
    Errors: intervals at 1 - alpha; refuses a CPI that is constant, or linear in the covariates.
    Reference: Angrist & Pischke (2009), Mostly Harmless Econometrics, chapter 3; Long & Ervin (2000),
    American Statistician 54(3).

    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=400); c = x + rng.normal(size=400); k = 2 * c - 3 * x + rng.normal(size=400)
    >>> sample = Sample(columns=("c", "k", "x"), rows=np.column_stack([c, k, x]))
    >>> found = adjusted_slope(sample, "c", "k", ["x"])
    >>> round(found.value.value, 1)
    2.0
    """
    held = Held.fixed(sample.values(covariates))
    checks = _left_out(covariates, held)
    found = fit(held, sample.values([treatment]), sample.values([outcome])[:, 0], (treatment,))
    if isinstance(found, NotEstimable):
        return found
    if refused := _constant(sample, outcome):
        return refused
    value = estimate(float(found.beta[0]), found.influence[:, 0], found.dof, alpha)
    return AdjustedSlope(value=value, units=sample.n, checks=checks)


def front_door(
    sample: Sample, treatment: str, outcome: str, strategy: Strategy, *, alpha: float = 0.05
) -> AdjustedSlope | NotEstimable:
    """The effect by what the CPI moves: CPI on mediators, and mediators on KPI with the CPI held fixed.

    Question: how much does the CPI move the KPI, if an unmeasured cause of both spoils the direct look?
    Estimand: sum over mediators of (effect of the CPI on it) x (its effect on the KPI).
    Assumes: the front-door strategy's assumptions; linear equations.
    Formula: a from mediators on CPI and covariates, b from KPI on mediators, CPI and covariates; a'b, its
    error from the sum of both stages' influences, HC3.
    Units: KPI units per raw CPI unit.
    Errors: intervals at 1 - alpha, normal in a'b: too wide where both stages are near nothing.
    Reference: Pearl (2009), Causality, section 3.3.2.
    """
    stages = _stages(sample, treatment, outcome, strategy)
    if isinstance(stages, NotEstimable):
        return stages
    first, second, checks = stages
    value, influence = _product(first, second, len(first))
    return AdjustedSlope(value=estimate(value, influence, second.dof, alpha), units=sample.n, checks=checks)


def mediated(
    sample: Sample, treatment: str, outcome: str, strategy: Strategy, *, alpha: float = 0.05
) -> AdjustedSlope | NotEstimable:
    """The effect split into what passes through the mediators and what goes past them.

    Question: by which way does the CPI move the KPI?
    Estimand: natural indirect effect a'b, natural direct effect c', and their sum.
    Assumes: the mediation strategy's assumptions; linear equations without interaction.
    Formula: as ``front_door`` for a'b; c' the coefficient of the CPI in the second stage.
    Units: KPI units per raw CPI unit.
    Errors: intervals at 1 - alpha, HC3.
    Reference: Pearl (2001), UAI; VanderWeele (2015), Explanation in Causal Inference, chapter 2.
    """
    stages = _stages(sample, treatment, outcome, strategy)
    if isinstance(stages, NotEstimable):
        return stages
    first, second, checks = stages
    k = len(first)
    indirect, influence = _product(first, second, k)
    direct = second.influence[:, k]
    total = indirect + float(second.beta[k])
    return AdjustedSlope(
        value=estimate(total, influence + direct, second.dof, alpha),
        units=sample.n,
        checks=checks,
        through=estimate(indirect, influence, second.dof, alpha),
        past=estimate(float(second.beta[k]), direct, second.dof, alpha),
    )


def instrumented(
    sample: Sample, treatment: str, outcome: str, strategy: Strategy, *, alpha: float = 0.05
) -> AdjustedSlope | NotEstimable:
    """The slope by instruments: what they do to the KPI over what they do to the CPI.

    Question: how much does the CPI move the KPI, going only by the part of it that the instruments moved?
    Estimand: the slope at which the instruments' effects on the KPI are explained by those on the CPI.
    Assumes: the instrument strategy's assumptions; linear equations.
    Formula: both reduced forms with covariates held fixed, their joint covariance HC3; LIML as the argmin of
    the Anderson-Rubin statistic, whose set at 1 - alpha is the interval, however weak the instruments. The
    error shown is 1 / sqrt(a'V^-1 a).
    Units: KPI units per raw CPI unit.
    Errors: an unbounded or empty set is refused: the instruments move the CPI too little, or contradict.
    Reference: Anderson & Rubin (1949), Annals of Mathematical Statistics 20(1); Andrews, Stock & Sun (2019),
    Annual Review of Economics 11.
    """
    instruments = sample.columns_of(strategy.instruments)
    covariates = sample.columns_of(strategy.adjust)
    held = Held.fixed(sample.values(covariates))
    forms = [
        fit(held, sample.values(instruments), sample.values([column])[:, 0], instruments)
        for column in (outcome, treatment)
    ]
    for one in forms:
        if isinstance(one, NotEstimable):
            return one
    for column, reason in ((treatment, "constant"), (outcome, "constant_kpi")):
        if refused := _constant(sample, column, reason):
            return refused
    both = [one for one in forms if isinstance(one, Fit)]
    return _by_instruments(both, instruments, sample.n, _left_out(covariates, held), alpha)


def _by_instruments(
    forms: Sequence[Fit], instruments: Sequence[str], units: int, checks: tuple[Check, ...], alpha: float
) -> AdjustedSlope | NotEstimable:
    system = _system(forms, instruments)
    along = curve(system)
    slopes, lows = anderson_rubin_set(system, alpha, along), along.lows
    over = overidentification(system, lows)
    if not isinstance(over, NotEstimable):
        agree = over.p_value >= alpha
        said = "agree on one slope" if agree else "contradict each other: not all of them can be valid"
        checks = (
            *checks,
            Check(
                name="instruments_agree",
                passed=agree,
                detail=f"The {len(instruments)} instruments {said} (p = {over.p_value:.3g}).",
                gates=False,
            ),
        )
    if slopes.lower is None or slopes.upper is None:
        weak = bool(slopes.pieces)
        return NotEstimable(
            reason="weak_instrument" if weak else "instruments_contradict",
            detail="the instruments move the CPI so little that no slope can be ruled out on one side"
            if weak
            else "no slope explains what all instruments do: they cannot all be valid",
        )
    value = liml(system, lows).estimate
    error = 1 / float(np.sqrt(information(system, lows)))
    p_value = _p_value_at_zero(system)
    return AdjustedSlope(
        value=Estimate(
            value=value,
            std_error=error,
            interval=Interval(lower=slopes.lower, upper=slopes.upper),
            p_value=p_value,
        ),
        units=units,
        checks=checks,
    )


def _system(forms: Sequence[Fit], instruments: Sequence[str]) -> System:
    """The instruments' effects on KPI and CPI as contrasts, in units of their mean errors."""
    effects = np.stack([one.beta for one in forms])
    influence = np.stack([one.influence for one in forms])  # (2, n, K)
    covariance = np.einsum("ink,jnl->ijkl", influence, influence)
    scale = np.sqrt(np.einsum("iikk->i", covariance) / effects.shape[1])
    nobody = tuple(ContrastArm(name=name, mechanism=None) for name in instruments)
    return System(
        metrics=("kpi", "cpi"),
        arms=nobody,
        experiments=("study",) * len(nobody),
        effects=effects / scale[:, None],
        covariance=covariance / (scale[:, None, None, None] * scale[None, :, None, None]),
        scale=scale,
    )


def _p_value_at_zero(system: System) -> float:
    """Of "the CPI does nothing": the instruments leave the KPI alone."""
    from scipy.special import chdtrc

    kpi = system.effects[0]
    return float(chdtrc(system.size, kpi @ np.linalg.solve(system.covariance[0, 0], kpi)))


def _stages(
    sample: Sample, treatment: str, outcome: str, strategy: Strategy
) -> tuple[list[Fit], Fit, tuple[Check, ...]] | NotEstimable:
    """Each mediator on the CPI; the KPI on mediators and CPI."""
    mediators, covariates = sample.columns_of(strategy.mediators), sample.columns_of(strategy.adjust)
    held = Held.fixed(sample.values(covariates))
    if refused := _constant(sample, outcome):
        return refused
    first: list[Fit] = []
    for mediator in mediators:
        one = fit(held, sample.values([treatment]), sample.values([mediator])[:, 0], (treatment,))
        if isinstance(one, NotEstimable):
            return one
        first.append(one)
    names = (*mediators, treatment)
    second = fit(held, sample.values(names), sample.values([outcome])[:, 0], names)
    if isinstance(second, NotEstimable):
        return second
    return first, second, _left_out(covariates, held)


def _product(first: Sequence[Fit], second: Fit, k: int) -> tuple[float, Floats]:
    """The sum of products a'b and each unit's influence on it."""
    a, b = np.array([float(one.beta[0]) for one in first]), second.beta[:k]
    moved = np.stack([one.influence[:, 0] for one in first], axis=1)
    return float(a @ b), second.influence[:, :k] @ a + moved @ b


def _left_out(covariates: Sequence[str], held: Held) -> tuple[Check, ...]:
    if not held.dropped:
        return ()
    names = ", ".join(covariates[at] for at in held.dropped[:10])
    return (
        Check(
            name="covariates_repeat",
            passed=False,
            detail=f"Left out, since constant or told by the others: {names}.",
            gates=False,
        ),
    )


def _constant(sample: Sample, column: str, reason: str = "constant_kpi") -> NotEstimable | None:
    values = sample.values([column])[:, 0]
    if sample.n and np.ptp(values) > 1e-12 * np.abs(values).max():
        return None
    return NotEstimable(reason=reason, detail=f"{column} is the same for every unit")


def estimated(
    sample: Sample, treatment: str, outcome: str, strategy: Strategy, *, alpha: float = 0.05
) -> AdjustedSlope | NotEstimable:
    """By the estimator that belongs to the strategy."""
    if sample.n == 0:
        return NotEstimable(reason="empty_population", detail="no unit has everything that the graph names")
    match strategy.kind:
        case StrategyKind.BACKDOOR:
            covariates = sample.columns_of(strategy.adjust)
            return adjusted_slope(sample, treatment, outcome, covariates, alpha=alpha)
        case StrategyKind.INSTRUMENT:
            return instrumented(sample, treatment, outcome, strategy, alpha=alpha)
        case StrategyKind.FRONT_DOOR:
            return front_door(sample, treatment, outcome, strategy, alpha=alpha)
        case StrategyKind.MEDIATION:
            return mediated(sample, treatment, outcome, strategy, alpha=alpha)
