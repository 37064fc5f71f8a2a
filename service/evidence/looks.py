"""Is this run one of the planned looks, and where must an effect lie at it? Alpha is spent once a look."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pydantic import JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from analyses import Boundary, Spending, boundaries
from service.evidence.plan import Plan
from service.evidence.tables import TakenLook
from service.experiments import planned as experiments
from service.facts import MomentsResult
from service.kit.clock import now
from service.runs.rules import RunType
from service.runs.task import Outdated

SAME = 1e-4  # of the planned size: boundaries cannot tell looks apart that lie closer


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A look that is due: its number, the share of the planned size, and its boundary."""

    number: int
    boundary: Boundary


def taken(session: Session, experiment_id: str) -> tuple[float, ...]:
    """The looks that were taken so far, as shares of the planned size."""
    looks = select(TakenLook.fraction).where(TakenLook.experiment_id == experiment_id)
    return tuple(session.scalars(looks.order_by(TakenLook.number)))


def newest_share(facts: MomentsResult) -> float:
    """Share of the analysed units that met the difference on the last day of which any is analysed."""
    by_day: dict[date, int] = {}
    for (_, _, day), moments in facts.days.items():
        by_day[day] = by_day.get(day, 0) + moments.n
    everybody = sum(by_day.values())
    return by_day[max(by_day)] / everybody if everybody else 0.0


def due(
    plan: Plan, before: Sequence[float], analysed: int, kind: RunType, *, newest: float = 0.0
) -> Look | None:
    """The look that this run is, if a planned share was reached on the last day that it sees.

    A run may ask about any past time: were it a look whenever a share had been reached before, somebody could
    pick the day that pleases. So only the day that reached the share counts, and the planned end. What is
    asked at other times, or to explore, is no look and spends nothing: intervals that hold at any look are
    there. A share at which a look was taken is that look again, with its boundary.
    """
    planned = plan.analysis.looks
    if planned is None or kind is RunType.EXPLORATORY:
        return None
    reached = analysed / plan.planned_units
    again = next((k for k, share in enumerate(before) if abs(share - reached) < SAME), None)
    shares = [*before, reached] if again is None else before[: again + 1]
    day_before = 0.0 if kind is RunType.FINAL else reached * (1.0 - newest)
    last = max(day_before, *before) if before else day_before
    if again is None and not any(last < fraction <= reached for fraction in planned.fractions):
        return None
    found = boundaries(shares, spending=Spending(planned.spending.value), alpha=plan.analysis.alpha)
    return Look(number=len(shares), boundary=found[-1])


def looks_document(plan: Plan, before: Sequence[float], look: Look | None) -> JsonValue:
    """What was planned, what was taken, and whether this run is a look itself."""
    if plan.analysis.looks is None:
        return None
    return {
        **plan.analysis.looks.model_dump(mode="json"),
        "taken_before": list(before),
        "this": None
        if look is None
        else {
            "number": look.number,
            "fraction": look.boundary.fraction,
            "quantile": look.boundary.quantile,
            "alpha_spent": look.boundary.spent,
        },
    }


def keep_look(session: Session, experiment_id: str, run_id: str, document: JsonValue) -> None:
    """Keep the look that a run was; if another run took it meanwhile, this one is computed again.

    A look that the run found taken is kept already. The experiment is held first, or two runs that take the
    same look at once would not see each other.
    """
    if not isinstance(document, dict) or not isinstance(this := document["this"], dict):
        return
    number, fraction, before = this["number"], this["fraction"], document["taken_before"]
    if not isinstance(number, int) or not isinstance(fraction, float) or not isinstance(before, list):
        raise TypeError(f"expected a look's number and share, and those before, got {document}")
    if number <= len(before):
        return
    experiments.hold(session, experiment_id)
    if len(taken(session, experiment_id)) != number - 1:
        raise Outdated(experiment_id)
    session.add(
        TakenLook(
            experiment_id=experiment_id, number=number, fraction=fraction, run_id=run_id, created_at=now()
        )
    )
    session.flush()
