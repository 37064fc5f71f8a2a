"""Which effects of a final run are kept, so that a later experiment may start from what is known?"""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter
from sqlalchemy.orm import Session

from service.evidence.tables import PublishedEffect
from service.kit.clock import now


class _Numbers(BaseModel):
    model_config = ConfigDict(frozen=True)

    estimate: float | None
    std_error: float | None


class _Effect(_Numbers):
    metric: str
    arm: str
    adjusted: _Numbers | None


class _Arm(BaseModel):
    arm: str


EFFECTS = TypeAdapter(tuple[_Effect, ...])
ARMS = TypeAdapter(tuple[_Arm, ...])


def keep_effects(session: Session, experiment_id: str, run_id: str, result: Mapping[str, JsonValue]) -> None:
    """Whatever was estimated, liked or not: a prior from winners only would be none."""
    _, *treatments = [one.arm for one in ARMS.validate_python(result["arms"])]
    placebos = TypeAdapter(frozenset[str]).validate_python(result["placebos"])
    for effect in EFFECTS.validate_python(result["effects"]):
        chosen = effect.adjusted or effect
        if chosen.estimate is None or not chosen.std_error:
            continue
        session.add(
            PublishedEffect(
                run_id=run_id,
                metric=effect.metric,
                arm=effect.arm,
                experiment_id=experiment_id,
                position=treatments.index(effect.arm),
                placebo=effect.arm in placebos,
                estimate=chosen.estimate,
                std_error=chosen.std_error,
                created_at=now(),
            )
        )
