"""Whose values are split? Those of a file of units, or of an experiment's units as the lake knows them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from analyses import Measure
from service.cli.onefile.plan import UsageProblem
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.read import Batch, batches, require
from service.cli.replay.splitting import Floats, Splits, bits_by_row, bits_by_unit
from service.cli.store import opened
from service.evidence.job import question_of
from service.evidence.plan import Plan
from service.evidence.plans import plan_of
from service.evidence.wanted import covariates_of, measure_in
from service.facts import fold, unit_values
from service.facts.query.expression import column_names
from service.metrics.definitions import QuantileDefinition
from service.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What is what in a file; ``ratios`` are numerator and denominator."""

    metrics: tuple[str, ...]
    ratios: tuple[tuple[str, str], ...] = ()
    covariates: tuple[str, ...] = ()
    unit: str | None = None

    @property
    def numbers(self) -> tuple[str, ...]:
        ratios = [name for ratio in self.ratios for name in ratio]
        return tuple(dict.fromkeys([*self.metrics, *ratios, *self.covariates]))

    @property
    def complete(self) -> frozenset[str]:
        """What every unit must have."""
        return frozenset([*self.covariates, *(name for ratio in self.ratios for name in ratio)])

    def measures(self) -> list[Measure]:
        """A metric is read over the units that have it."""
        plain = [
            Measure(name=name, value=name, per=f"{name} seen", covariates=self.covariates)
            for name in self.metrics
        ]
        return plain + [
            Measure(name=f"{over}/{under}", value=over, per=under, covariates=self.covariates)
            for over, under in self.ratios
        ]


def of_file(path: Path, columns: Columns, *, splits: int, seed: int) -> Splits:
    """One pass; a metric may be missing for a unit, a covariate or a part of a ratio may not."""
    if not columns.metrics and not columns.ratios:
        raise UsageProblem("expected at least one --metric or --ratio: which columns are to be tried")
    texts = [columns.unit] if columns.unit else []
    require(path, [*texts, *columns.numbers])
    names = [*columns.numbers, *(f"{name} seen" for name in columns.metrics)]
    found, rng = Splits(names, columns.measures(), splits), np.random.default_rng(seed)
    for batch in batches(path, texts, columns.numbers):
        rows = _rows(batch, columns)
        if columns.unit is None:
            bits = bits_by_row(rng, len(rows), splits)
        else:
            bits = bits_by_unit(_units(batch, columns.unit), splits, seed)
        found.add(rows, bits)
    return _enough(found)


def _rows(batch: Batch, columns: Columns) -> Floats:
    parts = []
    for name in columns.numbers:
        values = batch.numbers[name]
        missing = np.isnan(values)
        if missing.any() and name in columns.complete:
            row = batch.first_row + int(missing.argmax())
            raise FileProblem(f"column {name!r} is empty in row {row:,}, expected a number for every unit")
        parts.append(np.where(missing, 0.0, values))
    seen = [~np.isnan(batch.numbers[name]) for name in columns.metrics]
    return np.column_stack([*parts, *seen]).astype(np.float64)


def _units(batch: Batch, column: str) -> list[str]:
    codes, values = batch.texts[column]
    if (codes < 0).any():
        row = batch.first_row + int((codes < 0).argmax())
        raise FileProblem(f"column {column!r} is empty in row {row:,}, expected the unit")
    return [values[code] for code in codes.tolist()]


def of_experiment(settings: Settings, experiment: str, *, splits: int, seed: int) -> Splits:
    """Units of all arms of an experiment, with the values that its own analysis gives them, shuffled anew."""
    with opened(settings) as database:
        with database.read() as session:
            plan = plan_of(session, experiment)
        _see_to(plan)
        asked = question_of(plan, datetime.now(UTC))
        snapshot = fold(settings, database)
    names = column_names(asked)
    covariates = covariates_of(plan, names)
    measures = [
        replace(measure_in(plan, metric, covariates), name=metric.name)
        for metric in plan.metrics
        if not isinstance(metric.definition, QuantileDefinition)
    ]
    found, rng = Splits(names, measures, splits), np.random.default_rng(seed)
    for rows in unit_values(settings, snapshot, asked):
        found.add(rows, bits_by_row(rng, len(rows), splits))
    return _enough(found)


def _see_to(plan: Plan) -> None:
    """What cannot be split unit by unit here is said, and not split wrongly."""
    if plan.source is not None:
        raise UsageProblem(f"{plan.name} has its facts in a warehouse: give a file of its units")
    if plan.clustered or plan.cluster is not None:
        raise UsageProblem(f"{plan.name} assigned clusters: splits of single units would say nothing of it")


def _enough(found: Splits) -> Splits:
    if found.units < FEWEST:
        raise FileProblem(f"{found.units} units are there, expected at least {FEWEST} to be split")
    return found


FEWEST = 20


def ratio_of(flag: str) -> tuple[str, str]:
    """``OVER/UNDER``."""
    over, slash, under = flag.partition("/")
    if not (over and slash and under) or "/" in under:
        raise UsageProblem(f"--ratio {flag} is not two columns: expected COL/COL")
    return over, under


def ratios(flags: Sequence[str]) -> tuple[tuple[str, str], ...]:
    return tuple(map(ratio_of, flags))
