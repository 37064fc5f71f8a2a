"""How does a browser ask? By the cookie of its sign-in; what goes wrong is told on a page."""

import re
from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, override
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse

from service.access.browsers import actor_of_browser
from service.access.rules import Actor, Role
from service.kit.database import Database
from service.kit.errors import ServiceError, Unauthorised
from service.kit.http import Route
from service.kit.problems import misshapen
from service.web.rendering import COOKIE, page

NOBODY = Actor(key_id="", owner="", team="", role=Role.viewer)
_ON_THIS_SITE = re.compile(r"/(?![/\\])[^\\\x00-\x20]*")
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class PageRoute(Route):
    """A page for somebody who is signed in; anybody else is sent to the sign-in and comes back from there."""

    refuses_unknown_parameters: ClassVar[bool] = False  # links that people share carry marks of other tools

    @property
    @override
    def reads_json(self) -> bool:
        return False

    @override
    def identify(self, request: Request) -> Actor:
        database: Database = request.app.state.database
        with database.read() as session:
            return actor_of_browser(session, request.cookies.get(COOKIE, ""))

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            response = await _answered(request, answer)
            for name, value in SECURITY_HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return handle


async def _answered(request: Request, answer: Callable[[Request], Coroutine[Any, Any, Response]]) -> Response:
    try:
        return await answer(request)
    except Unauthorised:
        return RedirectResponse(f"/sign-in?next={quote(_asked(request))}", status_code=303)
    except RequestValidationError as error:
        return _trouble(request, misshapen(error))
    except ServiceError as error:
        return _trouble(request, error)


def _trouble(request: Request, error: ServiceError) -> Response:
    return page(request, "problem.html", status=error.status, title=error.title, problem=error)


def _asked(request: Request) -> str:
    """Where to come back to: the page; after a form, which cannot be sent again, the board."""
    if request.method != "GET":
        return "/board"
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path


def on_this_site(address: str) -> str:
    """The address if it is one of ours: a link to the sign-in must not lead on to somebody else's."""
    return address if _ON_THIS_SITE.fullmatch(address) else "/board"


class OpenPageRoute(PageRoute):
    """A page that everybody may see: the sign-in itself."""

    @override
    def identify(self, request: Request) -> Actor:
        return NOBODY


def pages(*, route: type[PageRoute] = PageRoute) -> APIRouter:
    """A router of pages; the API's document does not list them."""
    return APIRouter(route_class=route, include_in_schema=False, default_response_class=Response)
