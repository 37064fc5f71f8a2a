"""What was believed of a metric's effects before this experiment, as its plan registered it?"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from analyses import Beta, Estimate, Normal, NotEstimable, Prior, PriorSource, normal, past_prior
from service.evidence.tables import PublishedEffect
from service.experiments.analysis import AnalysisPlan, BetaPrior, NormalPrior, PriorPlan
from service.kit.clock import now
from service.metrics.service import PinnedMetric


def priors_of(
    session: Session, plan: AnalysisPlan, measured: Sequence[PinnedMetric], started_at: datetime | None
) -> dict[str, Prior]:
    """By metric reference; a metric without a registered prior has none."""
    said = {one.metric: one.prior for one in plan.priors}
    return {
        metric.key: _prior(session, metric.key, said[metric.id], started_at or now())
        for metric in measured
        if metric.id in said
    }


def _prior(session: Session, metric: str, said: PriorPlan, before: datetime) -> Prior:
    match said:
        case NormalPrior():
            distribution = Normal(mean=said.mean, deviation=said.deviation)
            return Prior(source=PriorSource.REGISTERED, distribution=distribution)
        case BetaPrior():
            return Prior(source=PriorSource.REGISTERED, distribution=Beta(a=said.a, b=said.b))
    found = past_prior(past_effects(session, metric, before))
    if isinstance(found, NotEstimable):
        return Prior(source=PriorSource.NONE, distribution=None, why_not=found)
    return Prior(source=PriorSource.PAST, distribution=found)


def past_effects(session: Session, metric: str, before: datetime) -> list[Estimate]:
    """What each earlier experiment's latest final run found its first arm to do to the metric.

    One arm an experiment, since arms share a control; the first of the plan, so that nobody picks. Only what
    was known before the experiment started: a prior does not move with the data that it meets.
    """
    rows = session.scalars(
        select(PublishedEffect)
        .where(
            PublishedEffect.metric == metric,
            PublishedEffect.created_at < before,
            PublishedEffect.placebo.is_(False),
        )
        .order_by(PublishedEffect.created_at, PublishedEffect.run_id, PublishedEffect.position.desc())
    )
    latest = {row.experiment_id: row for row in rows}
    return [normal(row.estimate, row.std_error, 0.05) for row in latest.values()]
