"""What does the API document say beyond what FastAPI derives? Our problems, the key, Idempotency-Key."""

from typing import Any

from service.kit.errors import IdempotencyInFlight, PayloadTooLarge, UnsupportedMediaType
from service.kit.http import LONGEST_KEY
from service.kit.problems import Problem, problems

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A request that repeats the key within 24 hours is given the first one's answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Change the document in place: what every operation shares is said here and not by each of them."""
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "lvb_live_…",
            "description": "Or Basic, with the key as the user name and no password.",
        }
    }
    document["security"] = [{"key": []}]
    schemas = components.setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):  # ours is a Problem like all others
        schemas.pop(replaced, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    for path, operations in document["paths"].items():
        if path.startswith("/v1/"):
            for method, operation in operations.items():
                _complete(method, operation)
    return document


def _complete(method: str, operation: dict[str, Any]) -> None:
    shared = problems(PayloadTooLarge, UnsupportedMediaType) if "requestBody" in operation else {}
    parameters = operation.get("parameters", [])
    for parameter in parameters:
        if parameter["name"].lower() == "if-match":  # without it the answer is 428 and not 422
            parameter |= {"name": "If-Match", "required": True, "schema": {"type": "string"}}
    if method == "post":
        if all(parameter["name"] != "Idempotency-Key" for parameter in parameters):  # or a room says its own
            operation["parameters"] = [*parameters, _IDEMPOTENCY_KEY]
        shared |= problems(IdempotencyInFlight)
    for status, described in shared.items():
        operation["responses"].setdefault(str(status), described)
