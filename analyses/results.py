"""What every estimator answers with: a finite number and its uncertainty, or why there is none."""

from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A closed interval; an open end is None, never an infinity."""

    lower: float | None
    upper: float | None

    def __post_init__(self) -> None:
        lower, upper = self.lower, self.upper
        if not ((lower is None or isfinite(lower)) and (upper is None or isfinite(upper))):
            raise ValueError(f"an interval's end must be finite or None, got {self}")
        if lower is not None and upper is not None and lower > upper:
            raise ValueError(f"an interval's lower end must not exceed its upper end, got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A point estimate in the units of its estimand, with standard error, interval and two-sided p-value."""

    value: float
    std_error: float
    interval: Interval
    p_value: float

    def __post_init__(self) -> None:
        if not (isfinite(self.value) and isfinite(self.std_error) and isfinite(self.p_value)):
            raise ValueError(f"an estimate must be finite, got {self}")
        if self.std_error < 0 or not 0 <= self.p_value <= 1:
            raise ValueError(f"expected a standard error >= 0 and a p-value in [0, 1], got {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEstimable:
    """Why the data cannot answer: a stable code for machines and a sentence for people."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question about whether an experiment can be trusted.

    ``passed`` is None where it could not be asked; ``gates`` says whether a failure blocks a verdict.
    """

    name: str
    passed: bool | None
    detail: str
    gates: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a published number was made of, so that anybody can make it again."""

    method: str
    versions: tuple[tuple[str, str], ...]
    fingerprint: str
    seed: int | None = None
