"""Which definitions does the wire accept?"""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from service.metrics.definitions import (
    Definition,
    DistinctDefinition,
    JourneyDefinition,
    LastDefinition,
    QuantileDefinition,
    RetentionDefinition,
    TimeBetweenDefinition,
)

DEFINITION = TypeAdapter[Definition](Definition)
COUNT = {"aggregation": "count", "event": {"event": "call"}, "window": "P7D"}
MEAN = COUNT | {"aggregation": "mean", "value_type": "amount"}


def where(**changes):
    return COUNT | {"event": {"event": "call", "where": [{"property": "container"} | changes]}}


@pytest.mark.parametrize(
    "document",
    [
        COUNT,
        MEAN,
        MEAN | {"aggregation": "sum", "cap": {"upper": 100}},
        COUNT | {"population": {"triggered": {"event": "asked"}}},
        where(op="=", value="eggs"),
        where(op="in", value=["eggs", 3, True]),
        where(op=">=", value=2.5),
        {"aggregation": "proportion", "all_of": [{"event": "a"}, {"event": "b"}], "window": "PT12H"},
        {
            "aggregation": "ratio",
            "numerator": {"event": {"event": "paid"}, "value_property": "amount"},
            "denominator": {"event": {"event": "order"}, "count": True},
            "value_type": "money",
            "window": "P7D",
        },
    ],
)
def test_what_is_accepted_survives_storage(document):
    definition = DEFINITION.validate_python(document)
    assert DEFINITION.validate_json(DEFINITION.dump_json(definition)) == definition


def test_the_pre_period_is_fourteen_days_unless_said_otherwise():
    assert DEFINITION.validate_python(COUNT).pre_period == timedelta(days=14)
    assert DEFINITION.validate_python(COUNT | {"pre_period": "P0D"}).pre_period == timedelta(0)


SHAPES = (
    RetentionDefinition,
    TimeBetweenDefinition,
    JourneyDefinition,
    DistinctDefinition,
    LastDefinition,
    QuantileDefinition,
)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_document_gives_an_example_of_each_shape(shape):
    (example,) = shape.model_json_schema()["examples"]
    assert isinstance(DEFINITION.validate_python(example), shape)


def steps(*events):
    return {"aggregation": "journey", "window": "P7D", "steps": [{"event": {"event": "a"}}, *events]}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"aggregation": "retention", "event": {"event": "a"}, "start": "P7D", "window": "P7D"}, "start"),
        (steps(), "at least 2"),
        (steps({"event": {"event": "b"}, "absent": True}), "needs within"),
        (steps({"event": {"event": "b"}, "within": "P7D"}), "shorter than the window"),
        (
            steps(
                {"event": {"event": "b"}, "within": "P1D", "absent": True},
                {"event": {"event": "c"}},
            ),
            "only the last",
        ),
        (MEAN | {"aggregation": "quantile", "quantile": 1.0}, "less than 1"),
        (MEAN | {"aggregation": "quantile", "quantile": 0.9, "missing": "zero"}, "exclude"),
    ],
)
def test_a_shape_that_makes_no_sense_is_refused(document, why):
    with pytest.raises(ValidationError, match=why):
        DEFINITION.validate_python(document)


def test_what_is_missing_follows_from_the_aggregation():
    assert DEFINITION.validate_python(COUNT).missing == "zero"
    assert DEFINITION.validate_python(MEAN).missing == "exclude"


@pytest.mark.parametrize(
    "document",
    [
        MEAN | {"aggregation": "mode"},
        {"event": {"event": "call"}, "window": "P7D"},
        {key: value for key, value in MEAN.items() if key != "value_type"},
        COUNT | {"window": "-P7D"},
        COUNT | {"window": "P0D"},
        COUNT | {"window": 7},
        COUNT | {"window": "P10000D"},
        COUNT | {"window": "seven days"},
        COUNT | {"pre_period": "-P1D"},
        COUNT | {"colour": "red"},
        COUNT | {"event": {"event": "ca\u0007ll"}},
        COUNT | {"event": {"event": "two\nlines"}},
        COUNT | {"event": {"event": " "}},
        COUNT | {"event": {"event": "x" * 201}},
        COUNT | {"cap": {}},
        COUNT | {"cap": {"lower": 2, "upper": 1}},
        COUNT | {"cap": {"upper": float("nan")}},
        COUNT | {"cap": {"upper": "9"}},
        COUNT | {"value_type": "share"},
        where(op="in", value="eggs"),
        where(op="in", value=[]),
        where(op="=", value=["eggs"]),
        where(op=">", value="eggs"),
        where(op=">", value=True),
        where(op="~", value="eggs"),
        where(op="=", value=float("inf")),
        {"aggregation": "proportion", "all_of": [], "window": "P7D"},
        {
            "aggregation": "ratio",
            "numerator": {"event": {"event": "paid"}, "value_property": "amount", "count": True},
            "denominator": {"event": {"event": "order"}, "count": True},
            "value_type": "money",
            "window": "P7D",
        },
    ],
)
def test_what_makes_no_sense_is_refused(document):
    with pytest.raises(ValidationError):
        DEFINITION.validate_python(document)
