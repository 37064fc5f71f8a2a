"""What does the demo read of the API's answers? Only these fields; a client decodes what it needs."""

from datetime import datetime

import msgspec

type Number = float | None


class Violation(msgspec.Struct, frozen=True):
    field: str
    message: str
    rule: str | None = None
    how: str | None = None


class Problem(msgspec.Struct, frozen=True):
    """RFC 9457."""

    title: str
    status: int
    detail: str
    errors: tuple[Violation, ...] = ()


class Warned(msgspec.Struct, frozen=True):
    rule: str
    message: str


class Made(msgspec.Struct, frozen=True):
    """Anything with an id."""

    id: str


class Metric(msgspec.Struct, frozen=True):
    id: str
    name: str
    version: int
    state: str | None


class Template(msgspec.Struct, frozen=True):
    slug: str
    refused_as_cpi: str | None
    metric: msgspec.Raw  # ready to be posted


class ProposedSlope(msgspec.Struct, frozen=True):
    value: float | None
    reason: str


class Hypothesis(msgspec.Struct, frozen=True):
    id: str
    statement: str
    proposed_smallest_slope: ProposedSlope
    sha256: str | None
    warnings: tuple[Warned, ...]


class Experiment(msgspec.Struct, frozen=True):
    id: str
    state: str
    started_at: datetime | None
    stopped_at: datetime | None


class Receipt(msgspec.Struct, frozen=True):
    accepted: int
    rejected: int


class RunError(msgspec.Struct, frozen=True):
    type: str
    message: str


class Check(msgspec.Struct, frozen=True):
    name: str
    passed: bool | None
    detail: str


class Result(msgspec.Struct, frozen=True):
    why_not_final: str | None
    checks: tuple[Check, ...]


class Run(msgspec.Struct, frozen=True):
    id: str
    state: str
    type: str
    stage: str | None
    error: RunError | None
    result: Result | None


class Slope(msgspec.Struct, frozen=True):
    """Either an estimate with its interval, or why there is none."""

    estimate: Number = None
    interval: tuple[Number, Number] | None = None


class Reason(msgspec.Struct, frozen=True):
    code: str
    text: str


class Verdict(msgspec.Struct, frozen=True):
    state: str
    label: str | None
    sentence: str
    slope: Slope
    reasons: tuple[Reason, ...]
    needed_units_per_arm: int | None
    experiments: tuple[msgspec.Raw, ...]


class VerdictHistory(msgspec.Struct, frozen=True):
    statement: str
    latest: Verdict | None


class LeverMetric(msgspec.Struct, frozen=True):
    name: str


class LeverVerdict(msgspec.Struct, frozen=True):
    label: str | None
    slope: Slope
    experiments: int
    mechanisms: int


class Lever(msgspec.Struct, frozen=True):
    hypothesis_id: str
    cpi: LeverMetric
    kpi: LeverMetric
    provisional: bool
    increment: str
    state: str
    verdict: LeverVerdict | None
    owner: str


class Page[T](msgspec.Struct, frozen=True):
    items: tuple[T, ...]
    next: str | None
