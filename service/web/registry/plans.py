"""How does a plan that was typed become one, and a kept one what would have been typed?"""

from collections.abc import Sequence

from service.experiments.schemas import Experiment, ExperimentDraft
from service.kit.errors import Invalid
from service.web.registry import segments
from service.web.registry.form import Form, Step
from service.web.registry.typed import Shape, flat

STEPS = (
    Step(name="what", fields=("name", "description", "unit_type")),
    Step(name="arms", fields=("arms", "control")),
    Step(name="tests", fields=("hypotheses",)),
    Step(name="measures", fields=("secondary", "guardrails", "covariates", "analysis.margins")),
    Step(
        name="honesty",
        fields=("recording", "records_differently", "sharing", "shared_capacity", "randomised_by", "cluster"),
    ),
    Step(
        name="size",
        fields=("planned_size", "planned_looks", "equal_looks", "analysis.looks", "exposure", "source"),
    ),
    Step(
        name="reading",
        fields=(
            "analysis.alpha",
            "analysis.sides",
            "analysis.primary",
            "analysis.priors",
            "analysis.negligible",
            "analysis.attributes",
            "analysis.segments",
            "analysis.blocks",
        ),
    ),
    Step(name="review", fields=()),
)
SEGMENTS = "analysis.segments"
SHAPE = Shape(
    numbers=frozenset(
        {
            "arms.*.weight",
            "hypotheses.*.arms.*.dose.amount",
            "analysis.alpha",
            "analysis.margins.*.amount",
            "analysis.negligible.*.amount",
            "analysis.looks.fractions.*",
            "analysis.priors.*.prior.mean",
            "analysis.priors.*.prior.deviation",
            "analysis.priors.*.prior.a",
            "analysis.priors.*.prior.b",
        }
    ),
    integers=frozenset(
        {
            "planned_size.units",
            "planned_looks",
            "secondary.*.version",
            "guardrails.*.version",
            "source.version",
        }
    ),
    switches=frozenset({"arms.*.control", "analysis.margins.*.relative"}),
    scalars=frozenset({"exposure.where.*.value"}),
) | segments.shape(SEGMENTS)
NONE, SOME = "none", "some"
_SAID = {"recording": "records_differently", "sharing": "shared_capacity"}  # a plan says [] in so many words
_HELPING = frozenset({"control", "recording", "sharing", "meets", "equal_looks", "revision"})
_OF_PRIOR = {"normal": ("mean", "deviation"), "beta": ("a", "b")}
_OF_ROLE = {"treatment": ("role", "mechanism", "dose"), "placebo": ("role", "mechanism", "shares")}


def fitting(typed: dict[str, str]) -> dict[str, str]:
    """The fields of the document: control and roles by arm, and nothing of what was unchosen again."""
    kept = {name: text for name, text in typed.items() if name not in _HELPING and _chosen(name, typed)}
    kept |= {f"arms.{typed['control']}.control": "true"} if typed.get("control", "").isdigit() else {}
    if typed.get("meets") in ("assignment", "exposures"):
        kept["exposure"] = typed["meets"]
    return segments.fitting(SEGMENTS, kept) | equal_looks(
        "analysis.looks.fractions", typed.get("equal_looks", "")
    )


def equal_looks(name: str, typed: str) -> dict[str, str]:
    """So many looks, equally spaced, as shares of the planned size; nothing where it is no such number."""
    looks = _looks(typed)
    return {} if looks is None else {f"{name}.{n - 1}": f"{n / looks:.15g}" for n in range(1, looks + 1)}


def _looks(typed: str) -> int | None:
    text = typed.strip()
    return (
        int(text) if text.isascii() and text.isdigit() and len(text) < 4 and 2 <= int(text) <= 100 else None
    )


def _chosen(name: str, typed: dict[str, str]) -> bool:
    first, *rest = name.split(".")
    if first == "hypotheses" and len(rest) > 2:
        role = typed.get(".".join((first, *rest[:3], "role")), "")
        return rest[3] in (*_OF_ROLE.get(role, ()), "arm") and role in _OF_ROLE
    if first in _SAID.values():
        said = next(key for key, field in _SAID.items() if field == first)
        return typed.get(said) == SOME
    if first == "exposure":
        return typed.get("meets") == "event"
    if first == "analysis":
        return _chosen_reading(rest, typed)
    return True


def _chosen_reading(name: list[str], typed: dict[str, str]) -> bool:
    """Equal looks are said instead of others, spending goes with looks, and a prior has its kind's fields."""
    group, *rest = name
    if group == "looks":
        equal = bool(typed.get("equal_looks"))
        return (equal or "analysis.looks.fractions.0" in typed) if rest == ["spending"] else not equal
    if group == "priors" and rest[1:2] == ["prior"] and rest[-1] != "kind":
        return rest[-1] in _OF_PRIOR.get(typed.get(f"analysis.priors.{rest[0]}.prior.kind", ""), ())
    return True


def named_arms(typed: dict[str, str]) -> dict[str, str]:
    """Roles name their arms: by the row that each arm was typed in."""
    found = fitting(typed)
    for name in [name for name in found if name.endswith(".role")]:
        row = name.split(".")[3]
        found[f"{name.removesuffix('role')}arm"] = typed.get(f"arms.{row}.name", "")
    return found


def draft_of(form: Form) -> ExperimentDraft:
    """The plan as the API would have been sent it; a one-sided answer to a question is no answer."""
    document = form.document
    for said, field in _SAID.items():
        if form.typed.get(said) == NONE:
            document.fields[field] = []
    _refuse_unread(form)
    return document.read(ExperimentDraft)


def _refuse_unread(form: Form) -> None:
    looks = form.typed.get("equal_looks", "").strip()
    if looks and _looks(looks) is None:
        message = f"A whole number of looks from 2 to 100 is expected, got {looks[:20]}."
        raise Invalid(errors=[{"field": "equal_looks", "rule": "looks", "message": message}])


def typed_of(experiment: Experiment) -> dict[str, str]:
    """A plan as it would have been typed."""
    fields = experiment.model_dump(
        mode="json", include=set(ExperimentDraft.model_fields), exclude_defaults=True
    )
    arms = [arm.name for arm in experiment.arms]
    for test in fields.get("hypotheses", []):
        test["arms"] = {str(arms.index(role["arm"])): _without_arm(role) for role in test["arms"]}
    typed = flat(fields)
    typed["control"] = str(next(n for n, arm in enumerate(experiment.arms) if arm.control))
    typed["recording"] = SOME if experiment.records_differently else NONE
    typed["sharing"] = SOME if experiment.shared_capacity else NONE
    exposure = experiment.exposure
    typed["meets"] = exposure if isinstance(exposure, str) else "event"
    typed = segments.typed_of(SEGMENTS, typed)
    return {
        name: text for name, text in typed.items() if not name.endswith(".control") and name != "exposure"
    }


def _without_arm(role: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in role.items() if name != "arm"}


def arm_names(form: Form) -> Sequence[tuple[int, str]]:
    """Rows of arms that have a name, control left out: each may get a role."""
    control = form.typed.get("control", "")
    rows = [(row, form.typed.get(f"arms.{row}.name", "").strip()) for row in form.rows("arms")]
    return [(row, name) for row, name in rows if name and str(row) != control]
