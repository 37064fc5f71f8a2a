"""Which data did an analysis read? Table versions and the very files, so that it can be read again."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Self

from service.facts.lake.delta import NO_VERSION
from service.facts.lake.layout import TABLES
from service.facts.lake.tombstones import absent
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
    erased: tuple[str, ...] = ()  # units that its files may hold and readers leave out, by SHA-256

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
        return cls(fold=document["fold"], tables=tables, erased=tuple(document.get("erased", ())))

    @classmethod
    def kept_by(cls, text: str) -> Self | None:
        """What a run keeps of what it read, if that was the lake."""
        document = json.loads(text)
        return cls.from_json(text) if isinstance(document, dict) and "fold" in document else None

    def to_json(self) -> str:
        """Without tables that were not there: an older release's document is written again the same."""
        document: dict[str, object] = {"fold": self.fold}
        for kind, pinned in self.tables.items():
            if pinned.version != NO_VERSION:
                document |= {_version(kind): pinned.version, str(kind): pinned.files}
        if self.erased:
            document["erased"] = self.erased
        return canonical_json(document)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the canonical JSON; data files are never rewritten under the same name."""
        return sha256_hex(self.to_json())

    def names(self, files: Collection[str]) -> bool:
        """Whether it needs one of these files."""
        return any(file in files for pinned in self.tables.values() for file in pinned.files)

    def files(self, kind: FactKind) -> tuple[str, ...]:
        return self.tables[kind].files

    def keeps(self, kind: FactKind) -> str:
        """Which rows of its files a reader keeps, as a condition in DuckDB's SQL."""
        return absent(self.erased, TABLES[kind].units)

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
