"""Several reasons in one detail read as one text."""

import pytest

from service.kit.errors import Invalid


@pytest.mark.parametrize(
    ("messages", "detail"),
    [
        ([], Invalid.title),
        (["It has no name."], "It has no name."),
        (
            ["It has no name.", "a team is missing", "It is late."],
            "It has no name; a team is missing; It is late.",
        ),
    ],
)
def test_reasons_are_joined_without_a_stop_before_the_semicolon(messages: list[str], detail: str) -> None:
    errors = [{"field": "f", "message": message} for message in messages]
    assert Invalid(errors=errors).detail == detail
