"""Which data did an analysis read? Table versions and the very files, so that it can be read again."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Self

from service.kit.canonical import canonical_json, sha256_hex

_DAY = "day="
_EXPERIMENT = "experiment="


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One state of the lake. Files are relative to the lake's folder, sorted."""

    fold: int  # the last fold that it holds; 0 before the first
    assignments_version: int
    outcomes_version: int
    assignments: tuple[str, ...]
    outcomes: tuple[str, ...]

    @classmethod
    def from_json(cls, text: str) -> Self:
        document = json.loads(text)
        for table in ("assignments", "outcomes"):
            document[table] = tuple(document[table])
        return cls(**document)

    def to_json(self) -> str:
        return canonical_json(asdict(self))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON; data files are never rewritten under the same name."""
        return sha256_hex(self.to_json())

    def assignments_of(self, experiment: str) -> tuple[str, ...]:
        return tuple(path for path in self.assignments if _part(path, _EXPERIMENT) == experiment)

    def outcomes_between(self, first: date, last: date) -> tuple[str, ...]:
        """The files of these days, both included."""
        start, end = first.isoformat(), last.isoformat()
        return tuple(path for path in self.outcomes if start <= _part(path, _DAY) <= end)


def _part(path: str, key: str) -> str:
    """The value of a partition in a path such as outcomes/day=2026-01-31/part-….parquet."""
    parts: Iterable[str] = path.split("/")
    return next(part.removeprefix(key) for part in parts if part.startswith(key))
