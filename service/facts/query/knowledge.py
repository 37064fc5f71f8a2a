"""What was known of a unit before it met the difference? Segments that tell units apart, and covariates.

An attribute's value is the latest before exposure; of several at the same moment, the largest.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from service.facts.query.columns import Period
from service.facts.query.functions import finite_number
from service.facts.query.question import PerUnit
from service.metrics.definitions import Term
from service.metrics.segments import BeforeExposure, labels

if TYPE_CHECKING:
    from ibis.expr.types import NumericValue, StringValue, Table


def names(query: PerUnit) -> tuple[str, ...]:
    """Attributes that are asked for, as segments, as covariates or as the cluster, each once."""
    segments = (one for one in query.segments if isinstance(one, str))
    cluster = () if query.cluster is None else (query.cluster,)
    return tuple(dict.fromkeys((*segments, *query.attributes, *cluster)))


def column_names(query: PerUnit) -> tuple[str, ...]:
    """A numeric attribute is two columns: the number, 0 if unknown, and whether it is known."""
    return tuple(name for one in query.attributes for name in attribute_columns(one))


def attribute_columns(name: str) -> tuple[str, str]:
    return f"attribute:{name}", f"attribute:{name}/known"


def amounts(query: PerUnit) -> list[tuple[Term, Period]]:
    """What is added up over the time before exposure, for the segments that it cuts."""
    return [
        (one.amount, Period(start=-one.period, end=timedelta(0)))
        for one in query.segments
        if isinstance(one, BeforeExposure)
    ]


def by_unit(analysed: "Table", attributes: "Table", query: PerUnit) -> "Table":
    """Of analysed units with any of them: `text_i` and `number_i` of each attribute."""
    ours = attributes.filter(attributes.name.isin(names(query)))
    joined = ours.join(analysed, "unit")
    before = joined.filter(joined["at"] < joined["exposed_at"])
    latest = _valued(_latest(before, names(query)))
    found = {}
    for place, name in enumerate(names(query)):
        found[f"text_{place}"] = latest.label.max(where=latest.name == name)
        found[f"number_{place}"] = latest.amount.max(where=latest.name == name)
    return latest.group_by("unit").aggregate(**found)


def _latest(before: "Table", asked: Sequence[str]) -> "Table":
    """Rows of the latest moment of each unit and name.

    The moments stand beside each other, a row a unit: a row a name as well would be as many as there are
    facts, and to group a million units by ten names took gigabytes.
    """
    import ibis

    moments = {
        f"last_{place}": before["at"].max(where=before.name == name) for place, name in enumerate(asked)
    }
    both = before.join(before.group_by("unit").aggregate(**moments), "unit")
    last = ibis.cases(*((both.name == name, both[f"last_{place}"]) for place, name in enumerate(asked)))
    return both.filter(both["at"] == last)


def numbers(units: "Table", query: PerUnit) -> "list[NumericValue]":
    """The columns of ``column_names``."""
    places = [names(query).index(one) for one in query.attributes]
    found = [units[f"number_{place}"] for place in places]
    return [
        column for one in found for column in (one.fill_null(0.0), one.notnull().ifelse(1, 0).cast("float64"))
    ]


def segments(units: "Table", found: "Sequence[NumericValue]", query: PerUnit) -> "list[StringValue]":
    """Each segmentation's value; null where nothing was known. ``found`` are the amounts of ``amounts``."""
    remaining = iter(found)
    return [
        units[f"text_{names(query).index(one)}"] if isinstance(one, str) else _cut(next(remaining), one)
        for one in query.segments
    ]


def cluster(units: "Table", query: PerUnit) -> "dict[str, StringValue]":
    """The cluster that each unit belongs to, where clusters were randomised; null where it is unknown."""
    return {} if query.cluster is None else {"cluster": units[f"text_{names(query).index(query.cluster)}"]}


def _valued(latest: "Table") -> "Table":
    """A value as a name to tell units apart by (5 for the number 5.0), and as a number (1 for true).

    A text that is a number is one here: files without types, such as CSV, bring no other.
    """
    import ibis

    whole = latest.number.round().cast("int64").cast("string")
    small = latest.number.abs() < 1e15
    number = (small & (latest.number.round() == latest.number)).ifelse(whole, latest.number.cast("string"))
    truth = ibis.cases((latest.truth, "true"), (~latest.truth, "false"))
    return latest.mutate(
        label=ibis.coalesce(latest.text, number, truth),
        amount=ibis.coalesce(
            latest.number, latest.truth.cast("int8").cast("float64"), finite_number(latest.text)
        ),
    )


def _cut(amount: "NumericValue", segmentation: BeforeExposure) -> "StringValue":
    import ibis

    lowest, *above = labels(segmentation.at_least)
    reached = [(amount >= least, label) for least, label in zip(segmentation.at_least, above, strict=True)]
    return ibis.cases(*reversed(reached), else_=lowest)
