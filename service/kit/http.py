"""How does a request become a transaction and an answer? The one place where kit knows FastAPI's routes."""

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Never, Protocol, override

from anyio import CancelScope, CapacityLimiter
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import URL

from service.kit import idempotency, paging
from service.kit.database import POOL_SIZE, Database
from service.kit.errors import (
    BadRequest,
    PayloadTooLarge,
    PreconditionFailed,
    PreconditionRequired,
    UnsupportedMediaType,
    excerpt,
)
from service.kit.paging import Page
from service.kit.problems import STANDARD_PROBLEMS
from service.kit.queries import names_of, refuse_unknown
from service.kit.revisions import Revised

__all__ = ["IfMatch", "Page", "PageQuery", "ReadSession", "Route", "WriteSession", "etag", "router"]

BODY_LIMIT = 4 * 1024 * 1024
LONGEST_KEY = 255
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_STRONG_ETAG = re.compile(r'"(\d{1,18})"')
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_JSON_KIND = re.compile(r"application/([\w.-]+\+)?json\s*(;|$)", re.IGNORECASE)
_KEPT_HEADERS = frozenset({"content-type", "location", "etag", "link", "retry-after"})


class Caller(Protocol):
    """Whom `app.state.identify` found behind the request."""

    @property
    def key_id(self) -> str: ...


class BoundedRequest(Request):
    """A request whose body ends at a limit, and whose JSON is JSON: no NaN, no NUL, no bottomless nesting."""

    limit: int = BODY_LIMIT

    @override
    async def stream(self) -> AsyncGenerator[bytes]:
        taken = self.announced if self.announced > self.limit else 0
        self._refuse_beyond_limit(taken)
        async for chunk in super().stream():
            taken += len(chunk)
            self._refuse_beyond_limit(taken)
            yield chunk

    @property
    def announced(self) -> int:
        """How many bytes the body is said to have; 0 where nothing is said."""
        length = self.headers.get("content-length", "")
        return int(length) if length.isdigit() else 0

    def _refuse_beyond_limit(self, taken: int) -> None:
        if taken > self.limit:
            raise PayloadTooLarge(f"The body may have {self.limit:,} bytes.")

    @override
    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = _parsed(await self.body())
        return self._json


def _parsed(body: bytes) -> Any:
    if _ESCAPED_NUL.search(body):
        raise BadRequest("Text may not contain the character U+0000.")
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise BadRequest("The JSON is nested too deeply.") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The body is not JSON: {excerpt(error)}") from error
    except ValueError as error:  # Python reads no number of thousands of digits
        raise BadRequest("The body has a number of too many digits.") from error


def _refuse_constant(name: str) -> Never:
    raise BadRequest(f"{name} is not JSON; leave out what has no value.")


type Handler = Callable[[Request], Awaitable[Response]]


class Route(APIRoute):
    """One request, one caller, one transaction, committed before the answer leaves.

    `app.state.identify` (a function of the request, given by the app) names the caller or raises; it runs
    before the body is read. The session begins when it is first used, and is given back before sending.
    """

    body_limit: ClassVar[int] = BODY_LIMIT
    request_class: ClassVar[type[BoundedRequest]] = BoundedRequest
    refuses_unknown_parameters: ClassVar[bool] = True

    @property
    def reads_json(self) -> bool:
        return self.body_field is not None

    def identify(self, request: Request) -> Caller:
        """Who asks; raises where nobody known does."""
        caller: Caller = request.app.state.identify(request)
        return caller

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await self.serve(request, answer)

        return handle

    async def serve(self, request: Request, answer: Handler) -> Response:
        """From the head of a request to its answer; a concept with other manners of its own overrides it."""
        bounded = self.request_class(request.scope, request.receive)
        bounded.limit = self.body_limit
        await self.meet(bounded)
        await _admit(bounded, reads_json=self.reads_json)
        return await _transact(bounded, answer)

    async def meet(self, request: Request) -> None:
        """Is the address one, and who asks? Before anything of the body is taken."""
        if "\x00" in request.url.path or "%00" in request.url.query:
            raise BadRequest("An address may not contain the character U+0000.")
        request.state.caller = await run_in_threadpool(self.identify, request)
        if self.refuses_unknown_parameters and request.url.query:
            refuse_unknown(request.query_params, names_of(self.dependant))


async def _admit(request: BoundedRequest, *, reads_json: bool) -> None:
    """Is what they sent readable? A slow client holds no connection: the body comes first."""
    body = await request.body()
    if reads_json and body:
        if (encoding := request.headers.get("content-encoding", "identity")).lower() != "identity":
            raise UnsupportedMediaType(
                f"This address takes no body encoded as {excerpt(encoding)}: send it as it is, "
                "without Content-Encoding."
            )
        kind = request.headers.get("content-type", "none")
        if not _JSON_KIND.match(kind):
            raise UnsupportedMediaType(f"This address takes application/json, not {excerpt(kind)}.")
        await request.json()


async def _transact(request: BoundedRequest, answer: Handler) -> Response:
    claim = None
    if "idempotency-key" in request.headers:
        claim = claim_of(request, sha256(await request.body()).hexdigest())
    database: Database = request.app.state.database
    async with transactions(request):
        session = database.reader() if request.method in _READING else database.writer()
        request.state.session = session
        try:
            with idempotency.in_flight(claim) if claim else nullcontext():
                return await _answer_once(request, session, claim, answer)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(session.close)


async def _answer_once(
    request: BoundedRequest,
    session: Session,
    claim: idempotency.Claim | None,
    answer: Handler,
) -> Response:
    if claim and (earlier := await run_in_threadpool(idempotency.recall, session, claim)):
        return replay(earlier)
    response = await answer(request)
    if request.method not in _READING:
        await run_in_threadpool(_commit, session, claim, response)
    return response


def _commit(session: Session, claim: idempotency.Claim | None, response: Response) -> None:
    if claim:
        remember(session, claim, response)
    session.commit()


def remember(session: Session, claim: idempotency.Claim, response: Response) -> None:
    """Keep the answer, in the transaction that does the work."""
    headers = {name: value for name, value in response.headers.items() if name in _KEPT_HEADERS}
    idempotency.remember(
        session, claim, status=response.status_code, headers=headers, body=bytes(response.body)
    )


def replay(answer: idempotency.Answer) -> Response:
    headers = {**answer.headers, "Idempotency-Replayed": "true"}
    return Response(content=answer.body, status_code=answer.status, headers=headers)


def claim_of(request: Request, body_sha256: str) -> idempotency.Claim | None:
    """Which request this is, if it says so by an Idempotency-Key."""
    key = request.headers.get("idempotency-key")
    if key is None or request.method != "POST":
        return None
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise BadRequest(f"An Idempotency-Key has 1 to {LONGEST_KEY} printable characters.")
    caller: Caller = request.state.caller
    return idempotency.Claim(
        caller=caller.key_id,
        route=f"{request.method} {request.url.path}",
        key=key,
        request_sha256=_request_digest(request, body_sha256),
    )


def _request_digest(request: Request, body_sha256: str) -> str:
    """The body, and whatever else decides how it is read."""
    kind = request.headers.get("content-type", "")
    return sha256(f"{request.url.query}\n{kind}\n{body_sha256}".encode()).hexdigest()


def transactions(request: Request) -> CapacityLimiter:
    """Never more transactions than connections: a waiting request holds neither thread nor lock."""
    state = request.app.state
    if getattr(state, "transactions", None) is None:
        state.transactions = CapacityLimiter(POOL_SIZE)
    limiter: CapacityLimiter = state.transactions
    return limiter


async def _session(request: Request) -> Session:
    session: Session = request.state.session
    return session


ReadSession = Annotated[Session, Depends(_session)]
WriteSession = Annotated[Session, Depends(_session)]


def router(prefix: str, tags: Sequence[str], *, route: type[Route] = Route) -> APIRouter:
    """A concept's router; a concept with larger bodies brings a Route with another body_limit."""
    return APIRouter(prefix=prefix, tags=list(tags), route_class=route, responses=STANDARD_PROBLEMS)


def etag(version: int) -> str:
    return f'"{version}"'


def tagged[T](response: Response, found: Revised[T]) -> T:
    """What was found, with the ETag that a change of it must name."""
    response.headers["ETag"] = etag(found.revision)
    return found.value


async def _expected_version(
    if_match: Annotated[
        str | None, Header(description='The ETag that the change is based on, as `"3"`.')
    ] = None,
) -> int:
    if if_match is None:
        raise PreconditionRequired
    match = _STRONG_ETAG.fullmatch(if_match.strip())
    if match is None:
        told = f"If-Match takes one strong ETag as GET gives it, quotes included, such as {etag(3)}"
        refused = PreconditionFailed if '"' in if_match or if_match.strip() == "*" else BadRequest
        raise refused(f"{told}; it was {excerpt(if_match, 60)}.")
    return int(match[1])


IfMatch = Annotated[int, Depends(_expected_version)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager(paging.Query):
    """Which page is asked for, and how the answer names the page after it."""

    url: URL
    response: Response

    def answer[T](self, items: Sequence[T], following: str | None) -> Page[T]:
        if following is not None:
            url = self.url.include_query_params(cursor=following, limit=self.limit)
            self.response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return Page(items=items, next=following)


async def _pager(
    request: Request,
    response: Response,
    limit: Annotated[int, Query(ge=1, le=paging.LARGEST_LIMIT)] = paging.DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
) -> Pager:
    return Pager(limit=limit, cursor=cursor, url=request.url, response=response)


PageQuery = Annotated[Pager, Depends(_pager)]
