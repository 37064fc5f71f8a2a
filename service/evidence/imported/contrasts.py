"""What does a report of a past experiment say in contrasts? Pure: numbers in, effects, covariance out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose, sqrt

from service.evidence.documents import ArmDocument, ContrastsDocument
from service.evidence.imported.schemas import (
    ErrorExperiment,
    MomentExperiment,
    PastExperiment,
    VarianceExperiment,
)
from service.kit.errors import Violation

SLACK = 1e-9  # share of a variance that rounding in the report may be off


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A covariance matrix of CPI and KPI."""

    cpi: float
    cov: float
    kpi: float

    @property
    def possible(self) -> bool:
        """Whether any two variables can have it."""
        most = sqrt(max(self.cpi, 0.0)) * sqrt(max(self.kpi, 0.0))
        return self.cpi >= 0 and self.kpi >= 0 and abs(self.cov) <= most * (1 + SLACK)

    def without(self, part: "Block") -> "Block":
        """What is left beside a part, rounding forgiven."""
        left = Block(cpi=self.cpi - part.cpi, cov=self.cov - part.cov, kpi=self.kpi - part.kpi)
        return Block(
            cpi=0.0 if abs(left.cpi) <= SLACK * self.cpi else left.cpi,
            cov=0.0 if isclose(self.cov, part.cov, rel_tol=SLACK) else left.cov,
            kpi=0.0 if abs(left.kpi) <= SLACK * self.kpi else left.kpi,
        )

    @property
    def rows(self) -> tuple[tuple[float, float], tuple[float, float]]:
        return ((self.cpi, self.cov), (self.cov, self.kpi))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Arm minus control, and the covariance of that, the control's part included."""

    cpi: float
    kpi: float
    block: Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The effects by arm, and the control's part of their covariance, None where the report does not say."""

    effects: tuple[Effect, ...]
    control: Block | None


def numbers_of(experiment: PastExperiment) -> Numbers:
    """Whatever form the report has."""
    match experiment:
        case VarianceExperiment():
            return _of_variances(experiment)
        case ErrorExperiment():
            return _of_errors(experiment)
        case MomentExperiment():
            return _of_moments(experiment)


def _of_variances(experiment: VarianceExperiment) -> Numbers:
    own = experiment.control
    given = None not in (own.var_cpi, own.cov, own.var_kpi)
    return Numbers(
        effects=tuple(
            Effect(
                cpi=arm.cpi_effect,
                kpi=arm.kpi_effect,
                block=Block(cpi=arm.var_cpi, cov=arm.cov, kpi=arm.var_kpi),
            )
            for arm in experiment.arms
        ),
        control=Block(cpi=own.var_cpi or 0.0, cov=own.cov or 0.0, kpi=own.var_kpi or 0.0) if given else None,
    )


def _of_errors(experiment: ErrorExperiment) -> Numbers:
    own = experiment.control
    given = None not in (own.se_cpi, own.se_kpi, own.correlation)
    return Numbers(
        effects=tuple(
            Effect(
                cpi=arm.cpi_effect,
                kpi=arm.kpi_effect,
                block=_block(arm.se_cpi, arm.se_kpi, arm.correlation),
            )
            for arm in experiment.arms
        ),
        control=_block(own.se_cpi or 0.0, own.se_kpi or 0.0, own.correlation or 0.0) if given else None,
    )


def _block(cpi: float, kpi: float, correlation: float) -> Block:
    return Block(cpi=cpi**2, cov=correlation * cpi * kpi, kpi=kpi**2)


def _of_moments(experiment: MomentExperiment) -> Numbers:
    """Var = S_k / n_k + S_0 / n_0, the arms' own variances unequal."""
    own = experiment.control
    shared = Block(
        cpi=own.unit_var_cpi / own.units, cov=own.unit_cov / own.units, kpi=own.unit_var_kpi / own.units
    )
    return Numbers(
        effects=tuple(
            Effect(
                cpi=arm.mean_cpi - own.mean_cpi,
                kpi=arm.mean_kpi - own.mean_kpi,
                block=Block(
                    cpi=arm.unit_var_cpi / arm.units + shared.cpi,
                    cov=arm.unit_cov / arm.units + shared.cov,
                    kpi=arm.unit_var_kpi / arm.units + shared.kpi,
                ),
            )
            for arm in experiment.arms
        ),
        control=shared,
    )


def impossible(place: str, experiment: PastExperiment) -> Iterator[Violation]:
    """Numbers that no experiment can have, each with its place in the report."""
    told = numbers_of(experiment)
    if told.control is not None and not told.control.possible:
        yield _no_covariance(f"{place}.control", "the control's own variances and covariance")
    if told.control is None and len(experiment.arms) > 1:
        yield Violation(
            field=f"{place}.control",
            rule="control_share_missing",
            message="Several arms share one control, so their errors go together; nothing says how.",
            how=f"Give in `control`, as in each arm, {_own(experiment)}: of the control's own means.",
        )
    for k, effect in enumerate(told.effects):
        where = f"{place}.arms.{k}"
        if effect.block.cpi <= 0 or effect.block.kpi <= 0:
            yield Violation(
                field=where,
                rule="no_variance",
                message="An effect without any error is no estimate.",
                how="Give the variances as they are; a metric that never varies is no CPI and no KPI.",
            )
        elif not effect.block.possible or not _moments_possible(experiment, k):
            yield _no_covariance(where, "the variances and covariance")
        elif told.control is not None and not effect.block.without(told.control).possible:
            yield Violation(
                field=where,
                rule="control_exceeds_whole",
                message="The control's part of the variance exceeds the whole.",
                how="An arm's variances are those of arm minus control, so they hold the control's.",
            )


def _own(experiment: PastExperiment) -> str:
    if isinstance(experiment, ErrorExperiment):
        return "se_cpi, se_kpi and correlation"
    return "var_cpi, cov and var_kpi"


def _moments_possible(experiment: PastExperiment, k: int) -> bool:
    if not isinstance(experiment, MomentExperiment):
        return True
    arm = experiment.arms[k]
    return Block(cpi=arm.unit_var_cpi, cov=arm.unit_cov, kpi=arm.unit_var_kpi).possible


def _no_covariance(field: str, what: str) -> Violation:
    return Violation(
        field=field,
        rule="not_a_covariance",
        message=f"No two variables can have {what} that are given.",
        how="The covariance is at most the root of the product of both variances, in size.",
    )


def contrasts_document(key: str, experiment: PastExperiment, metrics: Sequence[str]) -> ContrastsDocument:
    """Its contrasts as evidence keeps them; arms covary by their control's covariance."""
    told = numbers_of(experiment)
    shared = ((0.0, 0.0), (0.0, 0.0)) if told.control is None else told.control.rows
    return ContrastsDocument(
        experiment=key,
        metrics=tuple(metrics),
        arms=tuple(
            ArmDocument(name=arm.name, mechanism=arm.mechanism, placebo=arm.placebo, units=arm.units)
            for arm in experiment.arms
        ),
        control_units=experiment.control.units,
        effects=tuple((effect.cpi, effect.kpi) for effect in told.effects),
        covariance=tuple(
            tuple(
                tuple((effect.block.rows if k == other else shared)[i] for other in range(len(told.effects)))
                for i in range(2)
            )
            for k, effect in enumerate(told.effects)
        ),
        unmeasured=(),
        checks=(),
    )
