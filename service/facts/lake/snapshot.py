"""Which data did an analysis read? Table versions and the very files, so that it can be read again."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from service.facts.lake.delta import NO_VERSION
from service.facts.tables import FactKind
from service.kit.canonical import canonical_json, sha256_hex

_DAY = "day="
_EXPERIMENT = "experiment="


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """One table of a snapshot. Files are relative to the lake's folder, sorted."""

    version: int
    files: tuple[str, ...]


_NOT_THERE = Pinned(version=NO_VERSION, files=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One state of the lake, every kind's table in it."""

    fold: int  # the last fold that it holds; 0 before the first
    tables: Mapping[FactKind, Pinned]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Also of a time when there were fewer kinds: their tables were not there yet."""
        document = json.loads(text)
        tables = {
            kind: Pinned(version=document[_version(kind)], files=tuple(document[kind]))
            if kind in document
            else _NOT_THERE
            for kind in FactKind
        }
        return cls(fold=document["fold"], tables=tables)

    def to_json(self) -> str:
        """Without tables that were not there: an older release's document is written again the same."""
        document: dict[str, object] = {"fold": self.fold}
        for kind, pinned in self.tables.items():
            if pinned.version != NO_VERSION:
                document |= {_version(kind): pinned.version, str(kind): pinned.files}
        return canonical_json(document)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON; data files are never rewritten under the same name."""
        return sha256_hex(self.to_json())

    def files(self, kind: FactKind) -> tuple[str, ...]:
        return self.tables[kind].files

    def assignments_of(self, experiment: str) -> tuple[str, ...]:
        return self._of_experiment(FactKind.ASSIGNMENTS, experiment)

    def exposures_of(self, experiment: str) -> tuple[str, ...]:
        return self._of_experiment(FactKind.EXPOSURES, experiment)

    def _of_experiment(self, kind: FactKind, experiment: str) -> tuple[str, ...]:
        return tuple(path for path in self.files(kind) if _part(path, _EXPERIMENT) == experiment)

    def outcomes_between(self, first: date, last: date) -> tuple[str, ...]:
        """The files of these days, both included."""
        start, end = first.isoformat(), last.isoformat()
        return tuple(path for path in self.files(FactKind.OUTCOMES) if start <= _part(path, _DAY) <= end)


def _version(kind: FactKind) -> str:
    return f"{kind}_version"


def _part(path: str, key: str) -> str:
    """The value of a partition in a path such as outcomes/day=2026-01-31/part-….parquet."""
    parts: Iterable[str] = path.split("/")
    return next(part.removeprefix(key) for part in parts if part.startswith(key))
