"""The leaders' list: which customer outcomes grow the business?"""

from typing import Annotated

from fastapi import Query

from service.access import CurrentActor
from service.kit.http import Page, PageQuery, ReadSession, router
from service.levers import service
from service.levers.schemas import LeverState, LeverView, Sorting

levers = router("/v1/levers", ["levers"])


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
