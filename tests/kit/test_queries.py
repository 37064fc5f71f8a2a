"""A query that asks for what nobody answers is refused: a misspelt filter never answers with everything."""

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import QueryParams

from service.app import ROUTERS
from service.kit.errors import Invalid, Violation
from service.kit.http import Route
from service.kit.queries import names_of, refuse_unknown


def refused(query: str, known: set[str]) -> list[Violation]:
    with pytest.raises(Invalid) as told:
        refuse_unknown(QueryParams(query), known)
    errors: list[Violation] = told.value.extra["errors"]
    return errors


def test_what_is_known_may_be_asked_once() -> None:
    refuse_unknown(QueryParams("team=growth&limit=3"), {"team", "limit", "cursor"})
    refuse_unknown(QueryParams(""), set())


@pytest.mark.parametrize(
    ("query", "field", "how"),
    [
        ("stat=confirmed", "stat", "Perhaps state is meant."),
        ("colour=red", "colour", "This address takes limit, state."),
    ],
)
def test_what_is_not_is_named_with_what_was_perhaps_meant(query: str, field: str, how: str) -> None:
    (told,) = refused(query, {"state", "limit"})
    assert (told["field"], told["rule"], told["how"]) == (field, "extra_forbidden", how)


def test_an_address_without_parameters_says_so() -> None:
    (told,) = refused("q=1", set())
    assert told["how"] == "This address takes none."


def test_of_two_neither_is_passed_over_in_silence() -> None:
    (told,) = refused("state=confirmed&state=rejected", {"state"})
    assert told == {"field": "state", "rule": "repeated", "message": "Given 2 times", "how": "Give it once."}


def test_a_name_of_any_length_is_told_shortened() -> None:
    (told,) = refused("x" * 9_000 + "=1", {"state"})
    assert len(told["field"]) == 200


def test_every_address_refuses_what_its_document_does_not_list(client: TestClient) -> None:
    document = client.get("/openapi.json").json()["paths"]
    compared = 0
    for route in (one for router in ROUTERS for one in router.routes if isinstance(one, Route)):
        for method in (route.methods or ()) if route.include_in_schema else ():
            listed = document[route.path_format][method.lower()].get("parameters", [])
            names = {one["name"] for one in listed if one["in"] == "query"}
            assert names_of(route.dependant) == names, (method, route.path)
            compared += 1
    assert compared > 80


@pytest.mark.parametrize(
    ("method", "address"),
    [("GET", "/v1/runs?team=growth"), ("GET", "/v1/levers?stat=confirmed"), ("POST", "/v1/outcomes?zon=UTC")],
)
def test_a_misspelt_filter_does_not_answer_with_everything(
    client: TestClient, method: str, address: str
) -> None:
    answer = client.request(method, address, json=[] if method == "POST" else None)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"] == "There is no such parameter"


def test_other_tools_and_shared_links_may_add_what_they_like(client: TestClient) -> None:
    assert client.post("/v1/track?debug=1", json={"userId": "u", "event": "e"}).status_code == 200
    assert client.get("/sign-in?utm_source=mail").status_code == 200
