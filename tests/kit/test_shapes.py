"""What is wrong with a document is said where its writer wrote it, and once."""

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from service.kit.shapes import violations
from service.kit.text import PositiveNumber


class Wire(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Mean(Wire):
    kind: Literal["mean"]
    window: int
    caps: Annotated[tuple[int, ...], Field(min_length=1)] = (1,)


class Count(Wire):
    kind: Literal["count"]
    event: str


class Sized(Wire):
    size: PositiveNumber


class Named(Wire):
    names: Annotated[frozenset[str], Field(max_length=1)]


class Metric(Wire):
    name: str
    definition: Annotated[Mean | Count, Field(discriminator="kind")]
    bound: float | Literal["unknown"] = 0.0
    of: Annotated[str, Field(pattern=r"^[a-z]+_[0-9a-z]+$")] = "met_1"


def told(document):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Metric).validate_python(document)
    faults = [{**one, "loc": ("body", *one["loc"])} for one in caught.value.errors()]
    return [(one["field"], one["message"], one.get("how")) for one in violations(faults, document)]


def metric(**changes):
    return {"name": "Wait", "definition": {"kind": "mean", "window": 7}} | changes


def test_a_field_is_named_as_it_was_written_and_not_by_the_kind_that_was_tried():
    (found,) = told(metric(definition={"kind": "mean", "window": "soon"}))
    assert found[0] == "definition.window"
    assert [one[0] for one in told(metric(definition={"kind": "mean"}))] == ["definition.window"]


def test_a_value_that_may_be_several_things_is_one_place():
    assert {one[0] for one in told(metric(bound="much"))} == {"bound"}


def test_a_kind_that_is_missing_or_unknown_is_asked_for_where_it_belongs():
    (missing,) = told(metric(definition={"window": 7}))
    assert missing[0] == "definition.kind"
    assert "says which kind" in missing[1]
    (unknown,) = told(metric(definition={"kind": "median"}))
    assert unknown[:2] == ("definition.kind", "Expected one of 'mean', 'count', got median")


def test_a_list_whose_entries_are_wrong_is_not_called_too_short_as_well():
    found = told(metric(definition={"kind": "mean", "window": 7, "caps": ["x"]}))
    assert [one[0] for one in found] == ["definition.caps.0"]
    (empty,) = told(metric(definition={"kind": "mean", "window": 7, "caps": []}))
    assert empty[:2] == ("definition.caps", "Expected at least 1 of them, got 0")


def test_where_nobody_counted_how_many_there_are_only_the_bound_is_told():
    with pytest.raises(ValidationError) as refused:
        Named(names=frozenset({"a", "b"}))
    (found,) = violations(refused.value.errors(), None)
    assert found["message"] == "Expected at most 1 of them"


def test_a_bound_of_next_to_nothing_is_called_zero():
    with pytest.raises(ValidationError) as refused:
        Sized(size=0.0)
    (found,) = violations(refused.value.errors(), None)
    assert found["message"] == "Input should be greater than 0"


def test_a_slip_of_the_pen_is_told_apart_from_a_field_that_nobody_asked_for():
    missing, extra = told({"nmae": "Wait", "definition": {"kind": "count", "event": "called"}})
    assert missing[0] == "name"
    assert extra == ("nmae", "There is no such field", "Perhaps name is meant, which is missing.")
    (other,) = told(metric(colour="red"))
    assert other == ("colour", "There is no such field", None)


def test_nothing_speaks_of_python():
    assert told([])[0][:2] == ("body", "Expected an object")
    assert told(metric(definition={"kind": "mean", "window": 7, "caps": {}}))[0][1] == "Expected a list"
    assert "an id" in told(metric(of="nope!"))[0][1]


def test_a_query_has_no_document_to_look_at():
    (found,) = violations(
        [{"loc": ("query", "limit"), "type": "int_parsing", "msg": "Input should be a number"}], None
    )
    assert found["field"] == "limit"
