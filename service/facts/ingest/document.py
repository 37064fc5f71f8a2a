"""How does the API's document describe the bodies of ingest? The row's shape, in each format."""

import csv
import io
import json
from typing import Any

from service.facts.ingest.cloudevents import BATCH, SINGLE
from service.facts.ingest.rows import LARGEST_NUMBER, LONGEST_NAME, LONGEST_UNIT, MOST_PHASES
from service.facts.tables import FactKind

_TIME = {
    "type": "string",
    "format": "date-time",
    "description": "With an offset, unless ?zone= names the zone; at most a day ahead of now.",
}
_UNIT = {"type": "string", "minLength": 1, "description": f"At most {LONGEST_UNIT:,} bytes."}
_NAME = {"type": "string", "minLength": 1, "description": f"At most {LONGEST_NAME} bytes."}
_NUMBER = {"type": "number", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER}
_PROPERTY = {"anyOf": [{"type": "string"}, _NUMBER, {"type": "boolean"}, {"type": "null"}]}
_ROWS: dict[FactKind, dict[str, Any]] = {
    FactKind.ASSIGNMENTS: {
        "type": "object",
        "additionalProperties": False,
        "required": ["unit", "experiment", "arm", "time"],
        "properties": {
            "unit": _UNIT,
            "experiment": _NAME,
            "arm": _NAME,
            "time": _TIME,
            "phase": {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_PHASES, "default": 1},
        },
    },
    FactKind.EXPOSURES: {
        "type": "object",
        "additionalProperties": False,
        "required": ["unit", "experiment", "time"],
        "properties": {
            "unit": _UNIT,
            "experiment": _NAME,
            "time": _TIME,
            "id": {
                **_UNIT,
                "type": ["string", "null"],
                "description": "The exposure's own within its source; without it what it says names it.",
            },
        },
    },
    FactKind.ATTRIBUTES: {
        "type": "object",
        "additionalProperties": False,
        "required": ["unit", "name", "value", "time"],
        "properties": {
            "unit": _UNIT,
            "name": _NAME,
            "value": {
                "anyOf": [{"type": "string", "minLength": 1}, _NUMBER, {"type": "boolean"}],
                "description": "In a file the column's type says which; a CSV's cells are text.",
            },
            "time": _TIME,
        },
    },
    FactKind.IDENTITIES: {
        "type": "object",
        "additionalProperties": False,
        "required": ["unit", "namespace", "id", "time"],
        "properties": {
            "unit": {**_UNIT, "description": "A plain unit id, or `namespace:id`, as in every kind of fact."},
            "namespace": {
                **_NAME,
                "pattern": "^[^:]*$",
                "description": "What kind of id it is. Other facts name it as `namespace:id`; in the "
                "namespace `unit` as it is.",
            },
            "id": _UNIT,
            "time": _TIME,
        },
    },
    FactKind.OUTCOMES: {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "unit", "event", "time"],
        "properties": {
            "id": {**_UNIT, "description": "The outcome's own within its source, for ever."},
            "unit": _UNIT,
            "event": _NAME,
            "time": _TIME,
            "value": {**_NUMBER, "type": ["number", "null"]},
            "properties": {"type": ["object", "null"], "additionalProperties": _PROPERTY},
        },
    },
}
_EXAMPLES: dict[FactKind, dict[str, Any]] = {
    FactKind.ASSIGNMENTS: {
        "unit": "customer-17",
        "experiment": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f",
        "arm": "prefilled",
        "time": "2026-03-01T09:30:00+01:00",
    },
    FactKind.EXPOSURES: {
        "unit": "customer-17",
        "experiment": "exp_01kq3v5w8x9y2z4a6b8c0d1e2f",
        "time": "2026-03-01T09:32:00+01:00",
    },
    FactKind.ATTRIBUTES: {
        "unit": "customer-17",
        "name": "plan",
        "value": "family",
        "time": "2026-02-01T00:00:00+01:00",
    },
    FactKind.IDENTITIES: {
        "unit": "customer-17",
        "namespace": "phone",
        "id": "+4930123456",
        "time": "2026-03-01T09:00:00+01:00",
    },
    FactKind.OUTCOMES: {
        "id": "quote-4711",
        "unit": "customer-17",
        "event": "quote_shown",
        "time": "2026-03-01T09:34:10+01:00",
        "value": 250.0,
        "properties": {"channel": "web", "minutes": 4.2},
    },
}


def _line(row: dict[str, Any]) -> str:
    return f"{json.dumps(row)}\n"


def _table(row: dict[str, Any]) -> str:
    """A CSV of one row; an object is one cell of JSON."""
    file = io.StringIO()
    cells = csv.writer(file, lineterminator="\n")
    cells.writerow(row)
    cells.writerow(json.dumps(cell) if isinstance(cell, dict) else cell for cell in row.values())
    return file.getvalue()


def request_body(kind: FactKind) -> dict[str, Any]:
    """The `openapi_extra` of an ingest route: one schema of rows, five ways to send them."""
    rows = {"type": "array", "minItems": 1, "items": _ROWS[kind]}
    file = {"schema": {"type": "string", "format": "binary"}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": rows, "example": [_EXAMPLES[kind]]},
                "application/x-ndjson": {**file, "example": _line(_EXAMPLES[kind])},
                "text/csv": {**file, "example": _table(_EXAMPLES[kind])},
                "application/vnd.apache.parquet": file,
                "application/vnd.apache.arrow.stream": file,
            },
        }
    }


_ID = {"type": ["string", "integer", "null"]}
_CALL_EXAMPLE = {
    "messageId": "5d0a3f2e-0c6b-4a3c-9d5e-7a4b1c2d3e4f",
    "userId": "customer-17",
    "event": "Order Completed",
    "timestamp": "2026-03-01T09:34:10+01:00",
    "properties": {"revenue": 250.0, "currency": "EUR"},
}
_CALL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "messageId": {"type": ["string", "null"], "description": "Needed of what is tracked."},
        "userId": _ID,
        "anonymousId": _ID,
        "previousId": {**_ID, "description": "What alias links to the userId."},
        "groupId": _ID,
        "event": {"type": ["string", "null"]},
        "timestamp": {"type": ["string", "null"], "description": "Without it the time of sending counts."},
        "properties": {"type": ["object", "null"]},
        "traits": {"type": ["object", "null"]},
    },
}


def call_body() -> dict[str, Any]:
    """One call of Segment's HTTP API, as far as it is read."""
    return _json_body(_CALL, _CALL_EXAMPLE)


def batch_body() -> dict[str, Any]:
    calls = {**_CALL, "properties": {**_CALL["properties"], "type": {"type": ["string", "null"]}}}
    schema = {
        "type": "object",
        "required": ["batch"],
        "properties": {"batch": {"type": "array", "minItems": 1, "items": calls}},
    }
    return _json_body(schema, {"batch": [{"type": "track", **_CALL_EXAMPLE}]})


_EVENT_EXAMPLE = {
    "specversion": "1.0",
    "id": "quote-4711",
    "source": "/quotes",
    "type": "quote_shown",
    "subject": "customer-17",
    "time": "2026-03-01T09:34:10+01:00",
    "data": {"value": 250.0, "channel": "web"},
}
_SAID = {"type": "string", "minLength": 1}
_EVENT: dict[str, Any] = {
    "type": "object",
    "required": ["specversion", "id", "source", "type", "subject", "time"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": _SAID,
        "source": {**_SAID, "format": "uri-reference"},
        "type": _SAID,
        "subject": {**_SAID, "description": "The unit."},
        "time": {"type": "string", "format": "date-time"},
        "data": {},
    },
}


def cloudevents_body() -> dict[str, Any]:
    one = {"schema": _EVENT, "example": _EVENT_EXAMPLE}
    several = {"schema": {"type": "array", "minItems": 1, "items": _EVENT}, "example": [_EVENT_EXAMPLE]}
    content = {SINGLE: one, BATCH: several}
    return {"requestBody": {"required": True, "content": content}}


def _json_body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"required": True, "content": content}}
