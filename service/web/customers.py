"""What did one customer get, and what happened to them? Asked in a form: no address names anybody."""

from typing import Annotated

from fastapi import Form, Request, Response

from service.access import Actor, CurrentActor
from service.access.browsers import require_form_token
from service.customers import service as customers
from service.customers.rules import Asked
from service.customers.schemas import Found
from service.customers.service import NEEDED
from service.kit.errors import NotFound, ServiceError
from service.web.names import named
from service.web.rendering import COOKIE, page
from service.web.route import pages

customer_pages = pages()


@customer_pages.get("/customers")
def customers_page(request: Request, actor: CurrentActor) -> Response:
    return _drawn(request, actor, unit="", what=Asked.VALUE)


@customer_pages.post("/customers")
def ask_about_customer(
    *,
    request: Request,
    actor: CurrentActor,
    form_token: Annotated[str, Form(max_length=200)] = "",
    unit: Annotated[str, Form(max_length=1024)] = "",
    what: Annotated[str, Form(max_length=40)] = Asked.VALUE.value,
) -> Response:
    """The answer, or that a worker is looking; who is told something is written down."""
    require_form_token(request.cookies.get(COOKIE, ""), form_token)
    if what not in list(Asked):
        raise NotFound("There is no such question about a customer.")
    if not unit:
        return _drawn(request, actor, unit="", what=Asked(what))
    try:
        found = customers.asked(request.app.state.database, actor, unit, Asked(what))
    except ServiceError as refused:
        return _drawn(request, actor, unit=unit, what=Asked(what), refused=refused)
    return _drawn(request, actor, unit=unit, what=Asked(what), found=found, looking=found is None)


def _drawn(
    request: Request,
    actor: Actor,
    *,
    unit: str,
    what: Asked,
    found: Found | None = None,
    looking: bool = False,
    refused: ServiceError | None = None,
) -> Response:
    allowed = [one for one, role in NEEDED.items() if actor.role.reaches(role)]
    with request.app.state.database.read() as session:
        known = named(session, {one.what for one in found.journey.moments} if found else ())
    return page(
        request,
        "customer.html",
        named=known,
        status=200 if refused is None else refused.status,
        unit=unit,
        what=what,
        allowed=allowed,
        found=found,
        looking=looking,
        refused=refused,
    )
