"""What is shown of studies and of what they found?"""

from collections.abc import Sequence

from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from service.studies import service
from service.studies.schemas import (
    LeverStudy,
    StudyAsked,
    StudyFinding,
    StudyResultView,
    StudyView,
)
from service.studies.tables import Study, StudyResult

_OWN = ("id", "run_id", "study_id", "as_of", "fingerprint", "created_at")
_REQUEST = TypeAdapter(dict[str, object])
_ALPHA = TypeAdapter(float)


def result_view(row: StudyResult) -> StudyResultView:
    return StudyResultView.model_validate(row.document | {name: getattr(row, name) for name in _OWN})


def study_views(session: Session, rows: Sequence[Study]) -> list[StudyView]:
    """With their latest results, in one query more."""
    found = service.latest_results(session, [row.id for row in rows])
    return [_view(row, found.get(row.id)) for row in rows]


def asked_view(session: Session, row: Study, run_id: str) -> StudyAsked:
    (view,) = study_views(session, [row])
    return StudyAsked.model_validate(view.model_dump() | {"run_id": run_id})


def lever_study(study: Study, result: StudyResult) -> LeverStudy:
    """As a lever shows it: beside the verdict, never in its place."""
    found = StudyFinding.model_validate(result.document)
    return LeverStudy(
        study_id=study.id,
        design=study.design,
        rung=result.rung,
        sentence=found.sentence,
        slope=found.slope,
        alpha=_ALPHA.validate_python(_REQUEST.validate_python(study.document["request"])["alpha"]),
        doubts=tuple(one.detail for one in found.checks if one.passed is False),
        at=result.created_at,
    )


def _view(row: Study, result: StudyResult | None) -> StudyView:
    own = {"request": row.document["request"], "result": None if result is None else result_view(result)}
    fields = {name: getattr(row, name) for name in StudyView.model_fields if name not in own}
    return StudyView.model_validate(fields | own)
