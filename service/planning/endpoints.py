"""The doors to the arithmetic of plans; nothing is read and nothing is kept."""

from service.access import CurrentActor
from service.kit.http import router
from service.planning import service
from service.planning.schemas import EffectAnswer, EffectQuestion, SlopeAnswer, SlopeQuestion

planning = router("/v1/planning", ["planning"])


@planning.post("/effect")
def plan_effect(question: EffectQuestion, _: CurrentActor) -> EffectAnswer:
    """Units, days, power, smallest effect and assurance for one metric, an arm against control.

    Looks cost: `any_time` widens the interval that decides, `looks` multiplies the units, and both decide on
    two sides, as the answer says. Several arms are compared with control one by one, each at this level.
    With a `margin`, what is planned is to show that a guardrail is harmed by less.
    """
    return service.plan_effect(question)


@planning.post("/slope")
def plan_slope(question: SlopeQuestion, _: CurrentActor) -> SlopeAnswer:
    """Units and power to confirm or refute a relationship, and whether a direct effect would be noticed.

    At planned looks before the end a slope is judged as that of an experiment stopped early is, by a set
    that holds at any time, and at the end by the fixed one; `spending` concerns effects and changes nothing
    here. With a belief, how likely the study answers at all.
    """
    return service.plan_slope(question)
