"""What does a file of one row per unit say? Moments per experiment and arm, in one pass."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from analyses import CLUSTER_SIZE, Measure, Moments, Observed, moments_of, of_clusters
from service.cli.onefile.clusters import Totals
from service.cli.onefile.exposure import in_several_arms
from service.cli.onefile.plan import Columns
from service.cli.onefile.problem import FileProblem
from service.cli.onefile.read import Batch, Codes, Floats, batches, require

MOST_ARMS = 100  # of one experiment; more means that the wrong column was named
MOST_GROUPS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitExperiment:
    """Moments of the arms of one experiment, control among them; columns as `names` gives them.

    Where whole clusters were assigned, the moments are of clusters' totals.
    """

    name: str
    control: str
    arms: Mapping[str, Moments]
    multiple: int | None  # units in several arms, left out; None where rows carry no unit
    clustered: bool = False
    clusters_in_several: int = 0  # left out with all their units

    def units(self, arm: str) -> int:
        """Units of an arm, whatever its moments are of."""
        moments = self.arms[arm]
        return (
            round(moments.n * float(moments.mean[moments.index(CLUSTER_SIZE)]))
            if self.clustered
            else moments.n
        )

    @property
    def treatments(self) -> list[str]:
        """Arms other than the control, in their order."""
        return [arm for arm in self.arms if arm != self.control]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitFile:
    """Everything of the file that the analysis needs."""

    experiments: tuple[UnitExperiment, ...]
    rows: int
    unassigned: int


def names(columns: Columns) -> tuple[str, ...]:
    """Columns of the moments: each metric and whether it was seen, each covariate and whether it is not."""
    metrics = [part for i, _ in enumerate(columns.metrics) for part in (f"metric {i}", f"metric {i} seen")]
    known = [part for i, _ in enumerate(columns.covariates) for part in (f"known {i}", f"known {i} missing")]
    return (*metrics, *known)


def read_units(path: Path, columns: Columns) -> UnitFile:
    """One pass over the file. Rows without an arm (or experiment) are counted and left out."""
    texts = [columns.arm, *(name for name in (columns.experiment, columns.unit, columns.cluster) if name)]
    numbers = [*columns.metrics, *columns.covariates]
    require(path, [*texts, *numbers])
    several = in_several_arms(path, columns, columns.unit) if columns.unit else None
    totals = Totals()
    groups: dict[tuple[str, str], Moments] = {}
    rows = assigned = 0
    for batch in batches(path, texts, numbers):
        rows += len(batch.texts[columns.arm][0])
        for key, everybody in _members(batch, columns, path.stem):
            assigned += len(everybody)
            members = _in_one_arm(batch, everybody, columns.unit, (several or {}).get(key[0]))
            matrix = _matrix(batch, columns, members)
            if columns.cluster is not None:
                totals.add(key, batch, columns.cluster, members, matrix)
                continue
            part = moments_of(names(columns), matrix)
            groups[key] = groups[key] + part if key in groups else part
        if len(groups) + len(totals.found) > MOST_GROUPS:
            raise FileProblem(
                f"more than {MOST_GROUPS:,} arms: {' and '.join(map(repr, texts))} seem to tell units apart"
            )
    groups |= totals.moments(names(columns))
    if not groups:
        found = f"has {rows:,} rows, none with an arm" if rows else "has a header and no rows"
        raise FileProblem(f"{path.name} {found}: expected one row per unit")
    split = totals.several
    experiments = tuple(
        replace(
            _experiment(name, groups, columns, None if several is None else len(several.get(name, ()))),
            clusters_in_several=len(split.get(name, ())),
        )
        for name in sorted({e for e, _ in groups})
    )
    return UnitFile(experiments=experiments, rows=rows, unassigned=rows - assigned)


def _members(
    batch: Batch, columns: Columns, only: str
) -> Iterator[tuple[tuple[str, str], npt.NDArray[np.intp]]]:
    """The rows of each experiment and arm of a batch."""
    arm_codes, arms = batch.texts[columns.arm]
    experiment_codes, experiments = (
        batch.texts[columns.experiment] if columns.experiment else (np.zeros_like(arm_codes), [only])
    )
    keys: Codes = np.where(
        (arm_codes < 0) | (experiment_codes < 0), -1, experiment_codes * len(arms) + arm_codes
    )
    order = np.argsort(keys, kind="stable")
    found, starts = np.unique(keys[order], return_index=True)
    for key, members in zip(found, np.split(order, starts[1:]), strict=True):
        if key >= 0:
            yield (experiments[key // len(arms)], arms[key % len(arms)]), members


def _in_one_arm(
    batch: Batch, members: npt.NDArray[np.intp], unit: str | None, several: frozenset[str] | None
) -> npt.NDArray[np.intp]:
    if unit is None or not several:
        return members
    codes, values = batch.texts[unit]
    out = np.array([value in several for value in values])
    kept: npt.NDArray[np.intp] = members[~out[codes[members]]]
    return kept


def _matrix(batch: Batch, columns: Columns, members: npt.NDArray[np.intp]) -> Floats:
    """Rows of `names`: values with 0 where missing, and indicators.

    Beside its indicator a covariate may be filled with anything: the regression fits both.
    """
    parts = []
    for name in columns.metrics:
        values = batch.numbers[name][members]
        seen = ~np.isnan(values)
        parts += [np.where(seen, values, 0.0), seen]
    for name in columns.covariates:
        values = batch.numbers[name][members]
        missing = np.isnan(values)
        parts += [np.where(missing, 0.0, values), missing]
    return np.column_stack(parts).astype(np.float64)


def _experiment(
    name: str, groups: Mapping[tuple[str, str], Moments], columns: Columns, multiple: int | None
) -> UnitExperiment:
    arms = {arm: moments for (experiment, arm), moments in groups.items() if experiment == name}
    where = f" of experiment {name!r}" if columns.experiment else ""
    listed = ", ".join(sorted(arms)[:20])
    if columns.control not in arms:
        raise FileProblem(f"no unit{where} is in the control arm {columns.control!r}; the arms are {listed}")
    if len(arms) == 1:
        raise FileProblem(
            f"every unit{where} is in the arm {columns.control!r}: expected an arm to compare it with"
        )
    if len(arms) > MOST_ARMS:
        raise FileProblem(f"{len(arms):,} arms{where}: is {columns.arm!r} the column of the arm?")
    order = sorted(arms, key=lambda arm: (arm != columns.control, _natural(arm)))
    return UnitExperiment(
        name=name,
        control=columns.control,
        arms={arm: arms[arm] for arm in order},
        multiple=multiple,
        clustered=columns.cluster is not None,
    )


def _natural(arm: str) -> tuple[bool, float, str]:
    """Numbers in their order and before words."""
    try:
        number = float(arm)
    except ValueError:
        return (True, 0.0, arm)
    return (np.isnan(number), 0.0 if np.isnan(number) else number, arm)


def measures(experiment: UnitExperiment, columns: Columns) -> list[Measure]:
    """How each metric is read off the columns: over the units that have it, where not all do."""
    units = sum(experiment.units(arm) for arm in experiment.arms)
    known = tuple(
        part
        for i, _ in enumerate(columns.covariates)
        for part in (
            f"known {i}",
            *([f"known {i} missing"] if _total(experiment, f"known {i} missing") else []),
        )
    )
    found = [
        Measure(
            name=name,
            value=f"metric {i}",
            per=None if _total(experiment, f"metric {i} seen") == units else f"metric {i} seen",
            covariates=known,
        )
        for i, name in enumerate(columns.metrics)
    ]
    return [of_clusters(measure) for measure in found] if experiment.clustered else found


def seen(experiment: UnitExperiment, at: int) -> dict[str, Observed]:
    """For how many units of each arm the metric at this place was seen."""
    column = f"metric {at} seen"
    return {
        arm: Observed(observed=round(m.n * m.mean[m.index(column)]), units=experiment.units(arm))
        for arm, m in experiment.arms.items()
    }


def _total(experiment: UnitExperiment, column: str) -> int:
    return sum(round(m.n * float(m.mean[m.index(column)])) for m in experiment.arms.values())
