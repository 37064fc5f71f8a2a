"""What does a plan refer to, as far as it exists? What its rules must know of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.metrics.service import PinnedMetric


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHypothesis:
    """What a plan must know of a hypothesis that it tests."""

    registered: bool
    unit_type: str
    cpi: str
    kpi: str
    attributes: frozenset[str] = frozenset()  # by which it is registered to be read apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the plan refers to, as far as it exists."""

    hypotheses: Mapping[str, KnownHypothesis]
    mechanisms: Mapping[str, str]  # id to CPI
    metrics: Mapping[str, PinnedMetric]
    source_version: int | None = None  # of the source that the plan names, if there is such a one
    source_team: str | None = None  # which registered it
    source_maps: frozenset[str] = frozenset()  # what that source has besides assignments and outcomes
