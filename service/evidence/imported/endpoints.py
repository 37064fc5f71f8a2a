"""The doors for experiments that were run elsewhere, and to what they say beforehand."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response, status
from pydantic import JsonValue, ValidationError

from service.access import CurrentActor, Editor
from service.evidence.imported import service, table
from service.evidence.imported.documents import GradeView, NextExperiment
from service.evidence.imported.pace import Pace, paced
from service.evidence.imported.schemas import PastExperiments
from service.evidence.imported.service import ImportNotFound, ImportRefused, NothingImported
from service.evidence.imported.table import TableUnreadable, WrongTable
from service.evidence.imported.views import (
    Grading,
    ImportedView,
    ImportReceipt,
    ImportView,
    RetrospectiveView,
)
from service.evidence.tables import EvidenceImport, ImportedExperiment, RetrospectiveGrade
from service.hypotheses import registered as hypotheses
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.stored import HypothesisNotFound
from service.kit.errors import BadRequest, Invalid, PayloadTooLarge, UnsupportedMediaType, excerpt
from service.kit.http import Page, PageQuery, ReadSession, WriteSession, router
from service.kit.problems import problems
from service.kit.shapes import NOT_THAT_SHAPE, violations

past = router("/v1", ["past experiments"])

JSON, CSV = "application/json", "text/csv"
_MISSING = problems(HypothesisNotFound, HypothesisNotRegistered)
_REFUSED = problems(
    BadRequest, ImportRefused, PayloadTooLarge, TableUnreadable, UnsupportedMediaType, WrongTable
)
_TABLE = (
    "One row an arm. Columns of every form: experiment, arm, units, and perhaps mechanism, placebo, weight, "
    "name, origin, hypothesis, started_on, ended_on, notes, corrects. Then var_cpi, cov, var_kpi (or se_cpi, "
    "se_kpi, correlation) with cpi_effect, kpi_effect, control_units and, where arms share a control, "
    "control_var_cpi, control_cov, control_var_kpi (or the same with se and correlation); or mean_cpi, "
    "mean_kpi, unit_var_cpi, unit_cov, unit_var_kpi for every arm, and `control`, true for one of them."
)
_DOCUMENT = PastExperiments.model_json_schema(ref_template="#/components/schemas/{model}")
_DOCUMENT.pop("$defs")  # answers show the reports again, so that the document has their schemas anyway
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": _DOCUMENT},
            CSV: {"schema": {"type": "string", "description": _TABLE}},
        },
    }
}


async def _sent(
    request: Request,
    hypothesis: Annotated[
        str | None,
        Query(pattern=r"^hyp_[0-9a-z]{1,60}$", description="for CSV: of every row that names none"),
    ] = None,
    origin: Annotated[
        str | None, Query(min_length=1, max_length=200, description="for CSV: of every row that names none")
    ] = None,
    units_per_day: Annotated[
        float | None, Query(gt=0, le=1e15, allow_inf_nan=False, description="for CSV: as in JSON")
    ] = None,
) -> PastExperiments:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    if kind == JSON:
        return _read(await request.json())
    if kind != CSV:
        raise UnsupportedMediaType(f"Send {JSON} or {CSV}, not {excerpt(kind or 'nothing')}.")
    told = table.document(await request.body(), origin, hypothesis)
    return _read({**told, "hypothesis": hypothesis, "units_per_day": units_per_day})


def _read(document: JsonValue) -> PastExperiments:
    try:
        return PastExperiments.model_validate(document)
    except ValidationError as error:
        faults = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        found = [table.hinted(one) for one in violations(faults, document)]
        raise Invalid(NOT_THAT_SHAPE, errors=found) from error


Sent = Annotated[PastExperiments, Depends(_sent)]


@past.post("/evidence:import", status_code=status.HTTP_201_CREATED, responses=_REFUSED, openapi_extra=_BODY)
def import_evidence(sent: Sent, actor: Editor, session: WriteSession, response: Response) -> ImportReceipt:
    """Experiments that were run elsewhere, as JSON or as a table; all of them are kept, or none.

    They grade their hypotheses in retrospect, at once and apart from every verdict, and say which one
    experiment to run next. A run does that; look at `gradings`.
    """
    made = service.accept(session, actor, sent)
    response.headers["Location"] = f"/v1/evidence/imports/{made.row.id}"
    asked = tuple(Grading(hypothesis_id=key, run_id=run) for key, run in made.runs.items())
    return ImportReceipt(**_fields(made.row), contrasts=made.contrasts, gradings=asked)


@past.get("/evidence/imports")
def list_imports(session: ReadSession, _: CurrentActor, query: PageQuery) -> Page[ImportView]:
    """Every import, the newest first."""
    found = service.find(session, query)
    return query.answer([ImportView(**_fields(row)) for row in found.items], found.next)


@past.get("/evidence/imports/{import_id}", responses=problems(ImportNotFound))
def get_import(import_id: str, session: ReadSession, _: CurrentActor) -> ImportView:
    return ImportView(**_fields(service.show(session, import_id)))


@past.get("/evidence/imports/{import_id}/experiments", responses=problems(ImportNotFound))
def list_imported_experiments(
    import_id: str, session: ReadSession, _: CurrentActor, query: PageQuery
) -> Page[ImportedView]:
    """What one import brought, as it came in, with the contrasts that were read from it."""
    service.show(session, import_id)
    found = service.experiments_of(session, query, import_id=import_id)
    wrong = service.corrected(session, found.items)
    return query.answer([_imported(row, counts=row.id not in wrong) for row in found.items], found.next)


@past.get("/hypotheses/{hypothesis_id}/imported", responses=_MISSING)
def list_imported_evidence(
    hypothesis_id: str, session: ReadSession, _: CurrentActor, query: PageQuery
) -> Page[ImportedView]:
    """Every experiment that was imported for a hypothesis, the newest first, corrected ones included."""
    hypotheses.get_registered(session, hypothesis_id)
    found = service.experiments_of(session, query, hypothesis_id=hypothesis_id)
    wrong = service.corrected(session, found.items)
    return query.answer([_imported(row, counts=row.id not in wrong) for row in found.items], found.next)


@past.get("/hypotheses/{hypothesis_id}/retrospective", responses=_MISSING)
def get_retrospective(
    hypothesis_id: str,
    session: ReadSession,
    _: CurrentActor,
    query: PageQuery,
    units_per_day: Annotated[float | None, Query(gt=0, le=1e15, allow_inf_nan=False)] = None,
) -> RetrospectiveView:
    """What past experiments say of a hypothesis, and which one to run next; `units_per_day` sets its days."""
    basis = service.basis(session, hypothesis_id)
    newest = service.latest(session, [hypothesis_id]).get(hypothesis_id)
    found = service.grades(session, hypothesis_id, query)
    history = query.answer([_grade(row) for row in found.items], found.next)
    return RetrospectiveView(
        hypothesis_id=hypothesis_id,
        statement=basis.hypothesis.statement,
        latest=None if newest is None else _at_pace(_grade(newest), units_per_day),
        outdated=newest is not None and newest.basis != basis.key,
        imported=len(basis.past),
        history=tuple(history.items),
        next=history.next,
    )


@past.post(
    "/hypotheses/{hypothesis_id}/retrospective",
    status_code=status.HTTP_202_ACCEPTED,
    responses=_MISSING | problems(NothingImported),
)
def regrade(hypothesis_id: str, session: WriteSession, actor: Editor, response: Response) -> Grading:
    """Grade what was imported anew, as after an amendment."""
    run = service.regrade(session, actor, hypothesis_id)
    response.headers["Location"], response.headers["Retry-After"] = f"/v1/runs/{run.id}", "1"
    return Grading(hypothesis_id=hypothesis_id, run_id=run.id)


def _fields(row: EvidenceImport) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ImportView.model_fields}


def _imported(row: ImportedExperiment, *, counts: bool) -> ImportedView:
    own = {"report": row.document, "counts": counts, "retrospective": True}
    rest = {name: getattr(row, name) for name in ImportedView.model_fields if name not in own}
    return ImportedView.model_validate(own | rest)


def _grade(row: RetrospectiveGrade) -> GradeView:
    own = ("id", "hypothesis_version", "hypothesis_hash", "run_id", "created_at")
    return GradeView.model_validate(row.document | {name: getattr(row, name) for name in own})


def _at_pace(grade: GradeView, units_per_day: float | None) -> GradeView:
    """The same grade, with the days that another traffic makes."""
    if units_per_day is None or not isinstance(grade.next_experiment, NextExperiment):
        return grade
    pace = Pace(per_day=units_per_day, origin="as this request says")
    return grade.model_copy(update={"next_experiment": paced(grade.next_experiment, pace)})
