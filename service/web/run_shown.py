"""What was a run made of, as a person reads it? Tables at a version, a method, libraries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from service.facts.lake.snapshot import Snapshot
from service.runs.schemas import RunView


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the lake as it was read: its version, and how many of its files."""

    kind: str
    version: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lake:
    """One pinned state of the lake; tables that had no rows are left out."""

    fold: int
    tables: tuple[Table, ...]
    erased: int  # units that its files may hold and were not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A warehouse, which keeps no state: what was asked of it, and why it may answer otherwise today."""

    engine: str
    query_sha256: str
    why_not_pinned: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Everything that a run's numbers hang on."""

    method: str
    seed: int | None
    plan_hash: str | None
    fingerprint: str | None
    libraries: tuple[tuple[str, str], ...]
    read: Lake | Asked | None


def made_of(run: RunView) -> Made | None:
    """Nothing before it has a result."""
    kept = run.provenance
    if kept is None:
        return None
    seed, versions = kept.get("seed"), kept.get("versions")
    return Made(
        method=_text(kept, "method") or "",
        seed=seed if isinstance(seed, int) else None,
        plan_hash=_text(kept, "plan_hash"),
        fingerprint=_text(kept, "fingerprint"),
        libraries=tuple((name, str(found)) for name, found in sorted(versions.items()))
        if isinstance(versions, dict)
        else (),
        read=None if run.snapshot is None else _read(run.snapshot),
    )


def snapshot_json(snapshot: str) -> str:
    """All of it, a value a line."""
    return json.dumps(json.loads(snapshot), indent=2, ensure_ascii=False)


def _read(snapshot: str) -> Lake | Asked | None:
    """The lake's state or the warehouse's answer; a snapshot of neither form is left to its download."""
    lake = Snapshot.kept_by(snapshot)
    if lake is not None:
        return Lake(fold=lake.fold, tables=_tables(lake), erased=len(lake.erased))
    asked = json.loads(snapshot)
    if not isinstance(asked, dict) or "engine" not in asked:
        return None
    return Asked(
        engine=_text(asked, "engine") or "",
        query_sha256=_text(asked, "query_sha256") or "",
        why_not_pinned=_text(asked, "why_not_pinned") or "",
    )


def _tables(lake: Snapshot) -> tuple[Table, ...]:
    return tuple(
        Table(kind=kind.value, version=pinned.version, files=len(pinned.files))
        for kind, pinned in lake.tables.items()
        if pinned.files
    )


def _text(document: Mapping[str, JsonValue], name: str) -> str | None:
    found = document.get(name)
    return found if isinstance(found, str) else None
