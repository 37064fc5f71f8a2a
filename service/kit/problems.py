"""How does an error leave the service? As application/problem+json, whatever raised it."""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException

from service.kit.canonical import canonical_json
from service.kit.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    Invalid,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    ServiceError,
    Unauthorised,
    Unavailable,
    UnsupportedMediaType,
    excerpt,
    shortened,
)
from service.kit.shapes import NOT_THAT_SHAPE, violations

MEDIA_TYPE = "application/problem+json"
_BY_STATUS: Mapping[int, type[ServiceError]] = {
    kind.status: kind for kind in (NotFound, MethodNotAllowed, PayloadTooLarge, UnsupportedMediaType)
}
log = structlog.get_logger(__name__)


class ViolationOut(BaseModel):
    """One reason why a document is refused."""

    field: str = Field(examples=["definition.window"])
    message: str = Field(examples=["Field required"])
    rule: str | None = Field(default=None, examples=["missing"])
    how: str | None = Field(default=None, description="What would satisfy the rule.")


class Problem(BaseModel):
    """RFC 9457. `type` is stable and says which error this is; `instance` names this one request."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:leverboard:problem:not-found",
                    "title": "There is no such thing",
                    "status": 404,
                    "detail": "There is no metric met_01jd3q9k2v7x.",
                    "instance": "urn:leverboard:request:req_01jd3q9k2v7x",
                }
            ]
        },
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: list[ViolationOut] | None = Field(
        default=None, description="Given where several rules are broken."
    )


def problems(*kinds: type[ServiceError]) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of an endpoint that raises these."""
    titles: dict[int, list[str]] = {}
    for kind in kinds:
        titles.setdefault(kind.status, []).append(f"{kind.title} (`{kind.slug}`).")
    reference = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": " ".join(told), "content": {MEDIA_TYPE: {"schema": reference}}}
        for status, told in titles.items()
    }


STANDARD_PROBLEMS = problems(BadRequest, Unauthorised, Forbidden, Invalid, Unavailable)


def problem(error: ServiceError, instance: str, headers: Mapping[str, str] | None = None) -> Response:
    document = {
        "type": f"urn:leverboard:problem:{error.slug}",
        "title": error.title,
        "status": error.status,
        "detail": shortened(error.detail),
        "instance": instance,
        **error.extra,
    }
    return Response(
        content=canonical_json(document).encode(errors="replace"),
        status_code=error.status,
        media_type=MEDIA_TYPE,
        headers={**error.headers, **(headers or {})},
    )


def instance_of(request: Request) -> str:
    return f"urn:leverboard:request:{getattr(request.state, 'request_id', 'unknown')}"


def install(app: FastAPI) -> None:
    """One handler per family of errors; nothing leaves in another shape."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, http_exception)
    for kind in (IntegrityError, StaleDataError, OperationalError, PoolTimeout):
        app.add_exception_handler(kind, _database_error)


async def _service_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, ServiceError):
        raise error
    return problem(error, instance_of(request))


async def _validation_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return problem(misshapen(error), instance_of(request))


def misshapen(error: RequestValidationError) -> Invalid:
    return Invalid(NOT_THAT_SHAPE, errors=violations(error.errors(), error.body))


async def http_exception(request: Request, error: Exception) -> Response:
    """What the framework refuses by itself: no such address, no such method."""
    if not isinstance(error, HTTPException):
        raise error
    kind = _BY_STATUS.get(error.status_code, BadRequest)
    nothing = f"Nothing answers at {excerpt(request.url.path)}; /openapi.json lists what does."
    detail = nothing if kind is NotFound else ""
    return problem(kind(detail), instance_of(request), error.headers)


async def _database_error(request: Request, error: Exception) -> Response:
    """Races that a constraint or a lock decided are the caller's to retry, not failures of ours."""
    log.warning("database_refused", error=str(error.__cause__ or error))
    if isinstance(error, IntegrityError):
        return problem(Conflict("It contradicts what is stored already."), instance_of(request))
    if isinstance(error, StaleDataError):
        return problem(PreconditionFailed(), instance_of(request))
    return problem(Unavailable(), instance_of(request))
