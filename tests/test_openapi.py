"""The committed document is the app's, complete and in examples as true as its schemas."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema_rs import Draft202012Validator

from service.app import openapi_text

COMMITTED = Path(__file__).parents[1] / "openapi" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict:
    return json.loads(openapi_text())


def operations(document: dict) -> Iterator[tuple[str, str, dict]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def test_the_committed_document_is_the_apps() -> None:
    assert COMMITTED.read_text() == openapi_text(), "run `make openapi` and commit what changed"


def test_every_operation_of_v1_needs_a_key_and_tells_its_problems(document: dict) -> None:
    assert document["security"] == [{"key": []}]
    for path, method, operation in operations(document):
        if not path.startswith("/v1/"):
            continue
        assert "security" not in operation, (method, path)
        assert {"401", "422"} <= set(operation["responses"]), (method, path)
        for status, response in operation["responses"].items():
            if status >= "400":
                assert list(response["content"]) == ["application/problem+json"], (method, path, status)


def test_every_operation_has_a_name_of_its_own(document: dict) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)


def test_no_parameter_is_listed_twice_and_each_post_takes_an_idempotency_key(document: dict) -> None:
    for path, method, operation in operations(document):
        names = [(one["in"], one["name"].lower()) for one in operation.get("parameters", [])]
        assert len(set(names)) == len(names), (method, path)
        if method == "post":
            assert ("header", "idempotency-key") in names, path


def test_what_a_room_says_of_its_idempotency_key_stands(document: dict) -> None:
    for path in ("/v1/assignments", "/v1/outcomes"):
        parameters = document["paths"][path]["post"]["parameters"]
        assert [one["description"] for one in parameters if one["name"] == "Idempotency-Key"] == [
            "names the batch, for ever"
        ]


def test_a_change_that_would_be_refused_without_if_match_declares_it_required(document: dict) -> None:
    wanting = 0
    for path, method, operation in operations(document):
        shown = [one for one in operation.get("parameters", []) if one["name"] == "If-Match"]
        assert bool(shown) == ("428" in operation["responses"]), (method, path)
        assert all(one["required"] for one in shown), (method, path)
        wanting += len(shown)
    assert wanting


def test_every_reference_leads_somewhere(document: dict) -> None:
    text = json.dumps(document)
    for name in {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}:
        assert name in document["components"]["schemas"]


def test_every_example_satisfies_its_schema(document: dict) -> None:
    schemas = document["components"]["schemas"]
    examples = [(name, one) for name, schema in schemas.items() for one in schema.get("examples", [])]
    assert examples
    for name, example in examples:
        validator = Draft202012Validator({**schemas[name], "components": document["components"]})
        assert list(validator.iter_errors(example)) == [], name


def test_what_is_sent_as_a_json_body_has_an_example(document: dict) -> None:
    schemas = document["components"]["schemas"]
    for _, _, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        reference = content.get("application/json", {}).get("schema", {}).get("$ref")
        if reference is not None:
            schema = schemas[reference.rpartition("/")[2]]
            if schema.get("required"):
                fields = schema["properties"].values()
                assert schema.get("examples") or any(field.get("examples") for field in fields), reference
