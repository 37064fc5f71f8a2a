"""How does a person come in? With an API key of theirs, once; a cookie stands for it from then on."""

from typing import Annotated

from fastapi import Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from service.access.browsers import LASTS, require_form_token, sign_in, sign_out
from service.kit.errors import Unauthorised
from service.kit.http import WriteSession
from service.web.rendering import COOKIE, page
from service.web.route import OpenPageRoute, on_this_site, pages

opening = pages(route=OpenPageRoute)
leaving = pages()
LONGEST = 2000
Address = Annotated[str, Query(max_length=LONGEST, alias="next")]


@opening.get("/sign-in")
def sign_in_page(request: Request, following: Address = "/board") -> Response:
    return page(request, "sign_in.html", following=on_this_site(following), refused=None)


@opening.post("/sign-in")
def sign_in_with_key(
    request: Request,
    session: WriteSession,
    key: Annotated[str, Form(max_length=LONGEST)] = "",
    following: Annotated[str, Form(max_length=LONGEST, alias="next")] = "/board",
) -> Response:
    """A wrong key is told on the page, which has forgotten it."""
    address = on_this_site(following)
    try:
        token = sign_in(session, key)
    except Unauthorised as refused:
        return page(request, "sign_in.html", status=401, following=address, refused=refused.detail)
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@leaving.post("/sign-out")
def sign_out_of_browser(
    request: Request, session: WriteSession, form_token: Annotated[str, Form(max_length=LONGEST)] = ""
) -> Response:
    token = request.cookies.get(COOKIE, "")
    require_form_token(token, form_token)
    sign_out(session, token)
    response = RedirectResponse("/sign-in", status_code=303)
    response.delete_cookie(COOKIE)
    return response
