"""The leaders' list: which customer outcomes grow the business?"""

from typing import Annotated

from fastapi import Query, Response, status

from service.access import CurrentActor, Editor
from service.hypotheses.registered import HypothesisNotRegistered
from service.hypotheses.stored import HypothesisNotFound
from service.kit.http import Page, PageQuery, ReadSession, WriteSession, router
from service.kit.problems import problems
from service.levers import commitments, service, value
from service.levers.commitments import CommitmentDraft, CommitmentView, NotProven
from service.levers.schemas import LeverState, LeverView, Sorting
from service.levers.value import Asked, LeverDetail

levers = router("/v1/levers", ["levers"])
_MISSING = problems(HypothesisNotFound, HypothesisNotRegistered)


@levers.get("")
def list_levers(
    *,
    session: ReadSession,
    _: CurrentActor,
    pages: PageQuery,
    state: LeverState | None = None,
    team: Annotated[str | None, Query(max_length=200)] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="Part of the name of the CPI or the KPI.")
    ] = None,
    sort: Sorting = Sorting.STATE,
) -> Page[LeverView]:
    """Registered hypotheses with their latest verdicts, confirmed ones first unless sorted otherwise."""
    found = service.find(session, service.Filter(state=state, team=team, search=q or None), sort, pages)
    return pages.answer(found.items, found.next)


@levers.get("/{hypothesis_id}", responses=_MISSING)
def get_lever(
    *,
    hypothesis_id: str,
    session: ReadSession,
    _: CurrentActor,
    volume: Annotated[
        float | None,
        Query(ge=0, le=1e15, allow_inf_nan=False, description="Customers a year: asks for the yearly value."),
    ] = None,
    increments: Annotated[
        float,
        Query(gt=0, le=1e9, allow_inf_nan=False, description="How far the CPI improves for each of them."),
    ] = 1.0,
    value_per_kpi_unit: Annotated[
        float | None,
        Query(
            ge=-1e12,
            le=1e12,
            allow_inf_nan=False,
            description="Worth of one KPI unit, negative for a cost; if not given, what the KPI was "
            "registered with.",
        ),
    ] = None,
) -> LeverDetail:
    """One lever and, with a volume, what it is worth in a year; refused beyond the doses that were tested."""
    asked = (
        None
        if volume is None
        else Asked(volume=volume, increments=increments, value_per_kpi_unit=value_per_kpi_unit)
    )
    return value.detail(session, hypothesis_id, asked)


@levers.get("/{hypothesis_id}/commitments", responses=_MISSING)
def list_commitments(hypothesis_id: str, session: ReadSession, _: CurrentActor) -> list[CommitmentView]:
    """Who has carried the lever, with which target: every decision, the newest first."""
    lever = service.show(session, hypothesis_id)
    return list(commitments.history(session, lever.hypothesis_id))


@levers.post(
    "/{hypothesis_id}/commitments",
    status_code=status.HTTP_201_CREATED,
    responses=_MISSING | problems(NotProven),
)
def commit_to_lever(
    hypothesis_id: str, draft: CommitmentDraft, session: WriteSession, actor: Editor, response: Response
) -> CommitmentView:
    """Make a team accountable for a proven lever; what was decided before stays in the list."""
    response.headers["Location"] = f"/v1/levers/{hypothesis_id}/commitments"
    return service.commit(session, actor, hypothesis_id, draft)
