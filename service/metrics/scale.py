"""In which unit are a metric's effects told? A share's in percentage points, others as they are."""

from dataclasses import dataclass

from service.metrics.definitions import Aggregation, Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What an effect is multiplied by before people read it."""

    factor: float
    points: bool

    @classmethod
    def of(cls, definition: Definition) -> "Scale":
        return cls.of_share(share=definition.aggregation is Aggregation.PROPORTION)

    @classmethod
    def of_share(cls, *, share: bool) -> "Scale":
        """For who knows only whether it is a share of units."""
        return cls(factor=100.0 if share else 1.0, points=share)
