"""Which business errors exist, and with which status and stable type do they leave, after RFC 9457?"""

import re
from collections.abc import Sequence
from typing import Any, ClassVar, NotRequired, TypedDict

ECHO_LIMIT = 200  # no message repeats more of a submitted value than this
_LONG_WORD = re.compile(rf"\S{{{ECHO_LIMIT + 1},}}")


class Violation(TypedDict):
    """One reason why a submitted document is refused: where, by which rule, and what would satisfy it."""

    field: str
    message: str
    rule: NotRequired[str]
    how: NotRequired[str]


def excerpt(value: object, limit: int = ECHO_LIMIT) -> str:
    """A submitted value, short enough to be repeated in a message."""
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def shortened(message: str) -> str:
    """A message in which no word is longer than what may be repeated."""
    return _LONG_WORD.sub(lambda match: excerpt(match[0]), message)


def joined(messages: Sequence[str]) -> str:
    """Several reasons as one text; a reason that is a sentence loses its full stop to the semicolon."""
    return "; ".join([*(message.removesuffix(".") for message in messages[:-1]), *messages[-1:]])


class ServiceError(Exception):
    """A refusal that the caller can act on; concepts subclass the errors below for slugs of their own."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong here"
    headers: ClassVar[dict[str, str]] = {}

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra = extra


class Invalid(ServiceError):
    """The document can be read, and breaks a rule."""

    status, slug, title = 422, "invalid", "The request breaks a rule"

    def __init__(self, detail: str = "", *, errors: Sequence[Violation] = (), **extra: Any) -> None:
        super().__init__(detail or joined([error["message"] for error in errors]), **extra)
        self.extra["errors"] = list(errors)


class BadRequest(ServiceError):
    status, slug, title = 400, "bad-request", "The request cannot be read"


class Unauthorised(ServiceError):
    status, slug, title = 401, "unauthorised", "A valid API key is needed"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": 'Bearer realm="leverboard"'}


class Forbidden(ServiceError):
    status, slug, title = 403, "forbidden", "This key may not do that"


class NotFound(ServiceError):
    status, slug, title = 404, "not-found", "There is no such thing"


class MethodNotAllowed(ServiceError):
    status, slug, title = 405, "method-not-allowed", "This address does not answer to that method"


class Conflict(ServiceError):
    status, slug, title = 409, "conflict", "The state of things does not allow that"


class IdempotencyInFlight(Conflict):
    slug, title = "idempotency-in-flight", "A request with this Idempotency-Key is still being answered"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


class PreconditionFailed(ServiceError):
    status, slug, title = 412, "precondition-failed", "Somebody else changed it first"


class PayloadTooLarge(ServiceError):
    status, slug, title = 413, "payload-too-large", "The body is larger than this address takes"


class UnsupportedMediaType(ServiceError):
    status, slug, title = 415, "unsupported-media-type", "This address does not take that kind of body"


class IdempotencyMismatch(Invalid):
    slug, title = "idempotency-mismatch", "This Idempotency-Key was used with another request"


class PreconditionRequired(ServiceError):
    status, slug, title = (
        428,
        "precondition-required",
        "A change needs If-Match with the ETag of what it changes",
    )

    def __init__(self, detail: str = "", **extra: Any) -> None:
        told = 'GET it, and send the ETag of that answer as it is, quotes included, as in If-Match: "3".'
        super().__init__(detail or told, **extra)


class Unavailable(ServiceError):
    status, slug, title = 503, "unavailable", "The database is busy or out of reach; try again"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "1"}


def check_version(*, current: int, expected: int) -> None:
    """Nobody overwrites what they have not seen."""
    if current != expected:
        raise PreconditionFailed(
            f'If-Match says "{expected}", and the ETag is "{current}" now: GET it again, look at what '
            f'changed, and send If-Match: "{current}".'
        )
