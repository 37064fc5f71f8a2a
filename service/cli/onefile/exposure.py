"""Which units of a file are in two arms of one experiment? They belong to neither, and are left out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.cli.onefile.plan import Columns
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.read import Batch, batches
from service.kit.errors import excerpt

type Exposures = Mapping[str, frozenset[str]]
"""The units in several arms, by experiment; an experiment without any may be absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one row says of who was where; empty where it says nothing."""

    number: int
    experiment: str
    unit: str
    arm: str


def in_several_arms(path: Path, columns: Columns, unit: str) -> Exposures:
    """One pass over all units, held in memory; a unit that is twice in one arm stops the analysis."""
    arms: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for row in _rows(path, columns, unit):
        if not row.arm or not row.experiment:
            continue
        if not row.unit:
            raise FileProblem(f"column {unit!r} is empty in row {row.number:,}, expected the unit")
        before = arms[row.experiment].get(row.unit, ())
        if row.arm in before:
            raise FileProblem(
                f"the unit {excerpt(row.unit, 60)!r} is twice in the arm {row.arm!r} (again in row "
                f"{row.number:,}): expected one row per unit"
            )
        arms[row.experiment][row.unit] = (*before, row.arm)
    return {
        experiment: frozenset(unit for unit, seen in units.items() if len(seen) > 1)
        for experiment, units in arms.items()
    }


def _rows(path: Path, columns: Columns, unit: str) -> Iterator[Row]:
    texts = [unit, columns.arm, *([columns.experiment] if columns.experiment else [])]
    for batch in batches(path, texts, []):
        experiments = _words(batch, columns.experiment) if columns.experiment else iter(lambda: path.stem, "")
        told = zip(experiments, _words(batch, unit), _words(batch, columns.arm), strict=False)
        for number, (experiment, of, arm) in enumerate(told, batch.first_row):
            yield Row(number=number, experiment=experiment, unit=of, arm=arm)


def _words(batch: Batch, column: str) -> Iterable[str]:
    codes, values = batch.texts[column]
    return ("" if code < 0 else values[code] for code in codes.tolist())
