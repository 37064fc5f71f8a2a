"""How large must a study be, how long does it take, would it notice a direct effect? Asked on a page."""

from collections.abc import Mapping

from fastapi import Request, Response
from pydantic import BaseModel

from service.kit.errors import Invalid
from service.planning.schemas import EffectAnswer, EffectQuestion, SlopeAnswer, SlopeQuestion
from service.planning.service import plan_effect, plan_slope
from service.web.registry.form import Form, Step
from service.web.registry.plans import equal_looks
from service.web.registry.typed import Shape
from service.web.rendering import page
from service.web.route import pages

design = pages()
ONE = (Step(name="question", fields=("",)),)
_OF_KIND: Mapping[str, set[str]] = {
    "rate": {"noise.rate"},
    "mean": {"noise.deviation"},
    "quantile": {"noise.probability", "noise.density"},
}
_ASKED = frozenset({"traffic.daily", "looks.equal"})
EFFECT = Shape(
    numbers=frozenset(
        {
            "noise.deviation",
            "noise.rate",
            "noise.probability",
            "noise.density",
            "effect",
            "margin",
            "belief.mean",
            "belief.deviation",
            "control_share",
            "explained",
            "alpha",
            "target",
            "clusters.units_per_cluster",
            "clusters.correlation",
            "looks.fractions.*",
        }
    ),
    integers=frozenset({"units", "arms", "traffic.new_units.*", "traffic.window_days"}),
)
SLOPE = Shape(
    numbers=frozenset(
        {
            "arms.*.shift",
            "arms.*.share",
            "noise.cpi_deviation",
            "noise.kpi_deviation",
            "noise.correlation",
            "slope",
            "belief.mean",
            "belief.deviation",
            "smallest_slope",
            "direct_effect",
            "alpha",
            "target",
            "clusters.units_per_cluster",
            "clusters.correlation",
            "looks.fractions.*",
        }
    ),
    integers=frozenset({"units", "traffic.new_units.*", "traffic.window_days", "verdicts_so_far"}),
    switches=frozenset({"direct_effect_bounded"}),
)


@design.get("/plan")
def plan_effect_page(request: Request) -> Response:
    """One metric, an arm against control."""
    form = _form(request, EFFECT)
    answer = _answered(form, EffectQuestion)
    found: EffectAnswer | None = None if answer is None else plan_effect(answer)
    return _drawn(request, "registry/design.html", form, found)


@design.get("/plan/doses")
def plan_slope_page(request: Request) -> Response:
    """A relationship: the arms' doses, and whether a direct effect would be noticed."""
    form = _form(request, SLOPE)
    answer = _answered(form, SlopeQuestion)
    found: SlopeAnswer | None = None if answer is None else plan_slope(answer)
    return _drawn(request, "registry/design_doses.html", form, found)


def _form(request: Request, shape: Shape) -> Form:
    """The question stands in the address, so that it can be sent to others."""
    asked = dict(request.query_params.multi_items())
    return Form.sent(ONE, shape, asked, _fitting)


def _fitting(typed: dict[str, str]) -> dict[str, str]:
    """A week of equal days is a typical stretch; looks equally spaced are shares of the size."""
    kept = {name: text for name, text in typed.items() if name not in _ASKED}
    if daily := typed.get("traffic.daily", "").strip():
        kept |= {f"traffic.new_units.{day}": daily for day in range(7)}
    elif not any(name.startswith("traffic.new_units") for name in kept):
        kept.pop("traffic.window_days", None)
    if typed.get("watching") == "looks":
        kept |= equal_looks("looks.fractions", typed.get("looks.equal", ""))
    own = _OF_KIND.get(typed.get("noise.kind", ""))
    others = {name for names in _OF_KIND.values() for name in names} - (own or set())
    return kept if own is None else {name: text for name, text in kept.items() if name not in others}


def _answered[T: BaseModel](form: Form, question: type[T]) -> T | None:
    """None where nothing is asked yet, or something is wrong, which the form then says."""
    if not any(form.typed.values()):
        return None
    try:
        return form.document.read(question)
    except Invalid as refused:
        form.refuse(refused, here_only=False)
        return None


def _drawn(request: Request, template: str, form: Form, answer: BaseModel | None) -> Response:
    return page(request, template, status=form.status, form=form, answer=answer)
