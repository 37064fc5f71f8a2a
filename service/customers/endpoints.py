"""The doors to one customer: what they got, what happened to them, and who has looked."""

from typing import Annotated, Any

from fastapi import Path, Query, Request, Response, status

from service.access import CurrentActor, Role, require_role
from service.customers import service
from service.customers.rules import Asked
from service.customers.schemas import Journey, Pending, Reading, ValueDelivered
from service.customers.service import UnitErased, UnitUnknown
from service.facts.lake.endpoints import LONGEST_UNIT, UntoldRoute
from service.kit.http import Page, PageQuery, ReadSession, router
from service.kit.problems import problems

RETRY_SECONDS = "2"
customers = router("/v1/units", ["units"], route=UntoldRoute)
readings = router("/v1/unit-readings", ["units"])
type Unit = Annotated[str, Path(min_length=1, max_length=LONGEST_UNIT)]
_ANSWERS: dict[int | str, dict[str, Any]] = {202: {"model": Pending}, **problems(UnitErased, UnitUnknown)}


@customers.get("/{unit:unit}/value-delivered", responses=_ANSWERS)
def value_delivered(
    unit: Unit,
    request: Request,
    actor: CurrentActor,
    response: Response,
    unit_type: Annotated[str | None, Query(max_length=200)] = None,
) -> ValueDelivered | Pending:
    """What this customer got, each CPI against what they expect, in words: for a portal or a renewal letter.

    For editors. Each CPI's window ends now, and the facts are read anew: 202 while a worker looks, which
    takes seconds; an answer stands for five minutes. Who looked is kept (`/v1/unit-readings`).
    The CPIs are those of the unit types of its experiments, all where it was in none; `unit_type` narrows
    them.
    """
    found = service.asked(request.app.state.database, actor, unit, Asked.VALUE)
    if found is None:
        return _pending(response)
    return found.value if unit_type is None else found.value.only(unit_type)


@customers.get("/{unit:unit}/journey", responses=_ANSWERS)
def journey(unit: Unit, request: Request, actor: CurrentActor, response: Response) -> Journey | Pending:
    """What was sent about this unit, in order; for approvers, and who looked is kept."""
    found = service.asked(request.app.state.database, actor, unit, Asked.JOURNEY)
    return _pending(response) if found is None else found.journey


def _pending(response: Response) -> Pending:
    response.status_code = status.HTTP_202_ACCEPTED
    response.headers["Retry-After"] = RETRY_SECONDS
    return Pending(state="asked")


@readings.get("")
def list_readings(
    session: ReadSession,
    actor: CurrentActor,
    pages: PageQuery,
    unit: Annotated[str | None, Query(max_length=LONGEST_UNIT)] = None,
) -> Page[Reading]:
    """Who looked at what of a unit, the newest first; for approvers. Units are told by their SHA-256."""
    require_role(actor, Role.approver)
    found = service.readings(session, unit, pages)
    return pages.answer(found.items, found.next)
