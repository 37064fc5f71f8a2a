"""Which rows can be kept? Column by column; a bad cell rejects its row, and no other.

The first fault of a row, in the order of the fields, is the one that is told.
"""

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

from service.experiments.assignable import Assignable
from service.facts.inbox import ROWS
from service.facts.ingest.cells import CHECKS, Check, given_id, text_or_none
from service.facts.ingest.kernels import kernels
from service.facts.ingest.rows import Parsed
from service.facts.ingest.sieve import Checked, Reading, Sieve
from service.facts.ingest.unused import unused
from service.facts.tables import FactKind
from service.kit.errors import excerpt

type Known = Mapping[str, Assignable]
_ECHO = 60  # of a name that is unknown

# What a kind asks of a field that others ask less or more of.
_OWN: Mapping[tuple[FactKind, str], Check] = MappingProxyType(
    {(FactKind.OUTCOMES, "id"): given_id, (FactKind.EXPOSURES, "id"): text_or_none}
)


def checked(kind: FactKind, parsed: Parsed, reading: Reading) -> Checked:
    """Brings the columns to the inbox's types and keeps the rows in which each of them holds."""
    numbers = parsed.columns["row"].combine_chunks()
    sieve = Sieve(numbers)
    arrays = {
        field: _OWN.get((kind, field), CHECKS[field])(parsed.columns, field, sieve, reading)
        for field in ROWS[kind].names
    }
    known = reading.experiments(_named(arrays["experiment"])) if "experiment" in arrays else {}
    if kind is FactKind.ASSIGNMENTS:
        _check_assignable(sieve, arrays, known, reading.team)
    elif kind is FactKind.EXPOSURES:
        _check_experiments(sieve, arrays, known, reading.team)
        arrays["id"] = _named_by_content(arrays)
    elif kind is FactKind.ATTRIBUTES:
        _check_value(sieve, arrays)
    kept = sieve.kept()
    rows = pa.table(arrays, schema=ROWS[kind])
    if kept is not None:
        rows, numbers = rows.filter(kept), numbers.filter(kept)
    rejections = sorted([*parsed.unreadable, *sieve.rejections()], key=lambda one: one.row)
    return Checked(rows=rows, numbers=numbers, rejections=rejections, unused=unused(kind, rows, known))


def _named(texts: pa.Array) -> set[str]:
    return {text for text in texts.unique().to_pylist() if text is not None}


def _check_assignable(sieve: Sieve, arrays: Mapping[str, pa.Array], known: Known, team: str | None) -> None:
    """Does the experiment exist, is it the caller's, and does it have this arm and this phase?"""
    fields = (arrays[field].to_pylist() for field in ("experiment", "arm", "phase"))
    rows = list(zip(*fields, strict=True))
    faults = {(one, arm, at): _fault(one, known.get(one), arm, at, team) for one, arm, at in set(rows)}
    for place, row in enumerate(rows):
        if fault := faults[row]:
            sieve.reject([place], *fault)


def _fault(
    name: str | None, found: Assignable | None, arm: str, phase: int, team: str | None
) -> tuple[str, str] | None:
    """The field and the reason."""
    if found is None or team not in {None, found.team}:
        return _stranger(name, found, team)
    if arm not in found.arms:
        arms = ", ".join(sorted(found.arms))
        return "arm", excerpt(f"{name} has no arm {excerpt(arm, _ECHO)}; it has {arms}")
    if phase not in found.phases:
        return "phase", f"{name} has no phase {phase}: open it before assigning in it"
    return None


def _stranger(name: str | None, found: Assignable | None, team: str | None) -> tuple[str, str] | None:
    if found is None:
        return "experiment", f"there is no experiment {excerpt(name, _ECHO)}"
    if team not in {None, found.team}:
        return "experiment", "belongs to another team, and this key assigns for its own team alone"
    return None


def _check_experiments(sieve: Sieve, arrays: Mapping[str, pa.Array], known: Known, team: str | None) -> None:
    """Does the experiment exist, and is it the caller's? An exposure names no arm: its assignment does."""
    experiments = arrays["experiment"].to_pylist()
    faults = {one: _stranger(one, known.get(one), team) for one in set(experiments)}
    for place, experiment in enumerate(experiments):
        if fault := faults[experiment]:
            sieve.reject([place], *fault)


def _named_by_content(arrays: Mapping[str, pa.Array]) -> pa.Array:
    """An exposure without an id is known by what it says, so that it counts once all the same."""
    times = kernels().cast(arrays["time"], pa.string())
    said = kernels().binary_join_element_wise(arrays["experiment"], times, arrays["unit"], "/")
    return kernels().coalesce(arrays["id"], said)


def _check_value(sieve: Sieve, arrays: Mapping[str, pa.Array]) -> None:
    """An attribute has a value; that it has one alone follows from the column's type."""
    text, number, truth = (arrays[name].is_null() for name in ("text", "number", "truth"))
    sieve.reject_where(kernels().and_(kernels().and_(text, number), truth), "value", "is missing")
