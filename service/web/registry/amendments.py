"""How does a person amend what was registered? Every field as it stands; what they leave alone stays."""

from collections.abc import Mapping

from fastapi import Request, Response
from sqlalchemy.orm import Session

from service.access import Actor, Editor
from service.hypotheses import service as hypotheses
from service.hypotheses.registered import get_registered
from service.hypotheses.schemas import AmendmentDraft, Hypothesis, HypothesisChange
from service.kit.errors import Invalid, Violation
from service.kit.http import ReadSession, WriteSession
from service.kit.revisions import Revised
from service.kit.text import Note
from service.metrics import service as metrics
from service.web.registry.form import Form, Sent, Step, pressed
from service.web.registry.hypotheses import SHAPE, STEPS, fitting, typed_of
from service.web.registry.typed import Shape
from service.web.rendering import page
from service.web.route import pages

amendment_forms = pages()
VERSIONS = ("cpi_version", "kpi_version")
AMENDING = (
    *(step for step in STEPS if step.name in ("claim", "limits")),
    Step(name="reason", fields=("reason", "change", *VERSIONS)),
)
AMENDED = SHAPE | Shape(integers=frozenset(VERSIONS))
_LISTS = ("bound_evidence", "segments")  # may be left without anything


class TypedAmendment(HypothesisChange):
    """A change and its reason on one level, as a form has them."""

    reason: Note


@amendment_forms.get("/hypotheses/{hypothesis_id}/amend")
def new_amendment(hypothesis_id: str, request: Request, _: Editor, session: ReadSession) -> Response:
    found = _registered(session, hypothesis_id)
    typed = typed_of(found.value) | {"revision": str(found.revision)}
    return _drawn(request, session, found.value, Form(steps=AMENDING, shape=AMENDED, typed=typed))


@amendment_forms.post("/hypotheses/{hypothesis_id}/amend")
def amend_on_page(
    *, hypothesis_id: str, request: Request, actor: Editor, session: WriteSession, sent: Sent
) -> Response:
    """A new registered version beside the old one, which stays readable."""
    current = _registered(session, hypothesis_id).value
    before = fitting(typed_of(current))
    form = Form.sent(AMENDING, AMENDED, sent, lambda typed: _differing(fitting(typed), before))
    return pressed(
        request,
        session,
        form,
        draw=lambda form, session: _drawn(request, session, current, form),
        keep=lambda: _kept(session, actor, hypothesis_id, form, before),
    )


def _registered(session: Session, hypothesis_id: str) -> Revised[Hypothesis]:
    """A draft is refused: it is changed, not amended."""
    get_registered(session, hypothesis_id)
    return hypotheses.get(session, hypothesis_id)


def _differing(typed: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The fields of which anything was typed anew, each as a whole; a number is not read and written."""
    changed = {name for name in _fields(typed) if _of(typed, name) != _of(before, name)}
    return {name: text for name, text in typed.items() if _field(name) in changed}


def _kept(session: Session, actor: Actor, hypothesis_id: str, form: Form, before: Mapping[str, str]) -> str:
    document = form.document
    emptied = _fields(before) - _fields(fitting(form.typed)) - {"cpi", "kpi", "unit_type", *VERSIONS}
    _refuse_emptied(sorted(emptied - set(_LISTS)))
    document.fields |= {name: [] for name in sorted(emptied)}
    typed = document.read(TypedAmendment)
    names = typed.model_fields_set - {"reason"}
    change = HypothesisChange.model_validate({name: getattr(typed, name) for name in names})
    amendment = AmendmentDraft(reason=typed.reason, change=change)
    hypotheses.amend(session, actor, hypothesis_id, form.revision, amendment)
    return f"/levers/{hypothesis_id}"


def _refuse_emptied(names: list[str]) -> None:
    message = "This is needed: what was registered can be replaced, not removed."
    if names:
        raise Invalid(errors=[Violation(field=name, rule="missing", message=message) for name in names])


def _fields(typed: Mapping[str, str]) -> set[str]:
    return {_field(name) for name, text in typed.items() if text.strip()}


def _field(name: str) -> str:
    return name.partition(".")[0]


def _of(typed: Mapping[str, str], field: str) -> dict[str, str]:
    """What was typed of one field, rows and all."""
    return {name: text.strip() for name, text in typed.items() if _field(name) == field and text.strip()}


def _drawn(request: Request, session: Session, current: Hypothesis, form: Form) -> Response:
    return page(
        request,
        "registry/amendment.html",
        status=form.status,
        form=form,
        hypothesis=current,
        cpi=metrics.pinned(session, current.cpi, current.cpi_version),
        kpi=metrics.pinned(session, current.kpi, current.kpi_version),
        newest={"cpi": metrics.pinned(session, current.cpi), "kpi": metrics.pinned(session, current.kpi)},
    )
