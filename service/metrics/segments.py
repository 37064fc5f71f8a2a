"""By what are customers told apart? By what was known of each of them before the experiment reached them."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from service.kit.canonical import canonical_json, sha256_hex
from service.kit.text import Duration, Name, Number, Wire
from service.metrics.definitions import Term


class BeforeExposure(Wire):
    """Customers by how much of something there was before exposure: none, some, a lot.

    ``at_least`` cuts the amount: [1, 3] makes the segments "< 1", "1 to < 3" and ">= 3".
    """

    name: Name = Field(examples=["policies before"])
    amount: Term = Field(description="counted or added up over the period, 0 where there was nothing")
    period: Duration = Field(description="before exposure", examples=["P365D"])
    at_least: Annotated[tuple[Number, ...], Field(min_length=1, max_length=19)] = Field(examples=[[1.0, 3.0]])

    @model_validator(mode="after")
    def _cuts_ascend(self) -> Self:
        if list(self.at_least) != sorted(set(self.at_least)):
            raise ValueError(f"at_least must ascend, got {list(self.at_least)}")
        return self


type Segmentation = Annotated[
    Name | BeforeExposure,
    Field(
        description="the name of a unit attribute, whose latest value before exposure is the segment; "
        "or an amount before exposure, cut at thresholds"
    ),
]


def named(segmentation: Segmentation) -> str:
    """What it is called in every answer; two amounts of one name are told apart by what they are."""
    if isinstance(segmentation, str):
        return segmentation
    return f"{segmentation.name} #{sha256_hex(canonical_json(segmentation.model_dump(mode='json')))[:6]}"


def labels(at_least: tuple[float, ...]) -> tuple[str, ...]:
    """The names of the segments that these thresholds cut, lowest first."""
    between = [f"{low:g} to < {high:g}" for low, high in pairwise(at_least)]
    return f"< {at_least[0]:g}", *between, f">= {at_least[-1]:g}"
