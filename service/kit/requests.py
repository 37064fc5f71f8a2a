"""Which request is this, and how did it end? An id for each, in its answer, its log lines and its problem."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.kit.errors import ServiceError, excerpt
from service.kit.ids import new_id
from service.kit.problems import problem

_UNTOLD = frozenset({"/livez", "/readyz"})  # asked every few seconds by machines
log = structlog.get_logger(__name__)


class RequestLog:
    """Names each request and tells how it ended; what nobody foresaw becomes a 500 with only the name."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id("req")
        scope.setdefault("state", {})["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._answer(scope, receive, send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        began, status = time.perf_counter(), 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        # Whatever answers GET answers HEAD: the server sends the head and keeps the body back.
        asked = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
        try:
            await self._app(asked, receive, sending)
        except Exception:
            log.exception("request_failed")
            if status:  # the answer is half out: only breaking the connection can tell
                raise
            await problem(ServiceError(), f"urn:leverboard:request:{request_id}")(scope, receive, sending)
        finally:
            if scope["path"] not in _UNTOLD:
                _tell(scope, status, time.perf_counter() - began)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    """By the path, unless the route has another name for it that names nobody."""
    log.info(
        "request",
        method=scope["method"],
        path=excerpt(scope["state"].get("told_path", scope["path"])),
        status=status,
        milliseconds=round(seconds * 1000, 1),
    )
