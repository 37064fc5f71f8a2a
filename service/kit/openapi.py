"""What does the API document say beyond what FastAPI derives? Our problems, the key, Idempotency-Key."""

from typing import Any

from service.kit.http import LONGEST_KEY
from service.kit.problems import Problem

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
        "key": {"type": "http", "scheme": "bearer", "bearerFormat": "lvb_live_…"}
    }
    document["security"] = [{"key": []}]
    schemas = components.setdefault("schemas", {})
    for replaced in ("HTTPValidationError", "ValidationError"):  # ours is a Problem like all others
        schemas.pop(replaced, None)
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(problem.pop("$defs"), Problem=problem)
    for operations in document["paths"].values():
        if "post" in operations:
            operations["post"].setdefault("parameters", []).append(_IDEMPOTENCY_KEY)
    return document
