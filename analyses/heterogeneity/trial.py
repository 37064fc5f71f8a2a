"""What must be known of each unit to ask for whom an effect is larger? Checked before anything is fitted."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from analyses.moments import Floats
from analyses.results import Check, NotEstimable

type Bools = npt.NDArray[np.bool_]
type Codes = npt.NDArray[np.int32]

LEAST_UNITS = 100
"""Of each arm in each half: below it a normal interval of a mean is a guess."""
LEAST_CLUSTERS = 20
"""The same, where clusters were drawn and not units: their totals are what is normal."""
UNITS_A_COLUMN = 10
"""Of each arm in each half, for every column of a model; where clusters were drawn, clusters of a half."""
WEAK = 4.0
"""Of the z of the effect on the CPI: below it a slope of single units says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Covariate:
    """Something known of each unit before exposure: a number, NaN where unknown, or one of several levels.

    With ``levels``, ``values`` are their places, -1 where unknown. ``name`` is what people call it.
    """

    name: str
    values: Floats
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One arm against the control, unit by unit; both halves.

    ``strata`` are phases, within which the chance of either arm is constant. ``discovery`` marks the half
    to look for something in. ``units`` is how many the rows are a sample of. Where whole clusters were drawn,
    ``clusters`` says which each unit is of, -1 where that is unknown; all units of one are in one half.
    """

    treated: Bools
    cpi: Floats
    kpi: Floats
    strata: Codes
    discovery: Bools
    covariates: tuple[Covariate, ...]
    units: int
    clusters: Codes | None = None

    def __post_init__(self) -> None:
        n = len(self.treated)
        columns = (self.cpi, self.kpi, self.strata, self.discovery, *(one.values for one in self.covariates))
        columns = columns if self.clusters is None else (*columns, self.clusters)
        sizes = [len(np.asarray(one)) for one in columns]
        if any(size != n for size in sizes):
            raise ValueError(f"expected {n} values in every column, got {sizes}")
        if not (np.isfinite(self.cpi).all() and np.isfinite(self.kpi).all()):
            raise ValueError("expected finite values of CPI and KPI for every unit")
        if len({one.name for one in self.covariates}) != len(self.covariates):
            raise ValueError(f"expected no covariate twice, got {[one.name for one in self.covariates]}")
        if self.clusters is not None and not _whole(self.clusters, self.discovery)[self.clusters >= 0].all():
            raise ValueError("expected each cluster in one half")

    @property
    def n(self) -> int:
        return len(self.treated)

    def at(self, rows: Bools | slice) -> "Trial":
        """These units alone; the sample is still of as many."""
        return replace(
            self,
            treated=self.treated[rows],
            cpi=self.cpi[rows],
            kpi=self.kpi[rows],
            strata=self.strata[rows],
            discovery=self.discovery[rows],
            covariates=tuple(replace(one, values=one.values[rows]) for one in self.covariates),
            clusters=None if self.clusters is None else self.clusters[rows],
        )

    @property
    def propensity(self) -> Floats:
        """The share of the treated in each unit's own stratum."""
        _, place, sizes = np.unique(self.strata, return_inverse=True, return_counts=True)
        shares: Floats = np.bincount(place, weights=self.treated) / sizes
        return shares[place]


def _whole(clusters: Codes, marked: Bools) -> Bools:
    """Of each unit, whether all units of its cluster are marked as it is."""
    _, place, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    inside = np.bincount(place, weights=marked)
    found: Bools = ((inside == 0) | (inside == sizes))[place]
    return found


def in_clusters(trial: Trial) -> tuple[Trial, Check]:
    """The units of known clusters, each of which is in one arm, and how many are left out."""
    if trial.clusters is None:
        return trial, Check(name="clusters", passed=True, detail="units were drawn one by one", gates=False)
    kept = (trial.clusters >= 0) & _whole(trial.clusters, trial.treated)
    dropped = trial.n - int(kept.sum())
    if not dropped:
        detail = f"{len(np.unique(trial.clusters)):,} clusters, each in one arm"
        return trial, Check(name="clusters", passed=True, detail=detail, gates=False)
    detail = f"{dropped:,} units are left out: their cluster is unknown, or in several arms"
    return trial.at(kept), Check(name="clusters", passed=False, detail=detail, gates=False)


def usable(trial: Trial) -> tuple[Trial, Check] | NotEstimable:
    """The strata in which both arms have units in both halves, or why there are too few."""
    kept = [one for one in np.unique(trial.strata).tolist() if _both(trial, trial.strata == one)]
    ours = trial if len(kept) == len(np.unique(trial.strata)) else trial.at(np.isin(trial.strata, kept))
    counts = {
        (half, arm): int(((ours.discovery == half) & (ours.treated == arm)).sum())
        for half in (True, False)
        for arm in (True, False)
    }
    if not kept or min(counts.values()) < LEAST_UNITS:
        fewest = min(counts.values()) if kept else 0
        detail = f"an arm has {fewest:,} units in one half of the sample; it takes {LEAST_UNITS} to explore"
        return NotEstimable(reason="too_few_units", detail=detail)
    if why := _too_few_clusters(ours):
        return why
    for name, values in (("CPI", ours.cpi), ("KPI", ours.kpi)):
        if float(np.ptp(values)) == 0.0:
            return NotEstimable(reason="constant", detail=f"every unit has the same value of the {name}")
    dropped = trial.n - ours.n
    told = (
        f"{dropped:,} units are left out: in their phase one arm had none"
        if dropped
        else "both arms in every phase"
    )
    return ours, Check(name="phases", passed=not dropped, detail=told, gates=False)


def _too_few_clusters(trial: Trial) -> NotEstimable | None:
    if trial.clusters is None:
        return None
    fewest = min(
        len(np.unique(trial.clusters[(trial.discovery == half) & (trial.treated == arm)]))
        for half in (True, False)
        for arm in (True, False)
    )
    if fewest >= LEAST_CLUSTERS:
        return None
    detail = f"an arm has {fewest:,} clusters in one half of them; it takes {LEAST_CLUSTERS} to explore"
    return NotEstimable(reason="too_few_clusters", detail=detail)


def _both(trial: Trial, rows: Bools) -> bool:
    return all(
        bool((rows & (trial.discovery == half) & (trial.treated == arm)).any())
        for half in (True, False)
        for arm in (True, False)
    )


def overlap(matrix: Floats, trial: Trial) -> Check | NotEstimable:
    """Whether what is known of a unit tells its arm: it should tell nothing, since the arm was drawn.

    The arm is regressed on all columns; an F test asks whether they tell more than chance would, and units
    whose fitted chance lies outside [.02, .98] have nobody to be compared with. Where clusters were drawn,
    the same is asked of their averages.
    """
    from scipy.special import fdtrc

    chance, left = trial.propensity, trial.treated - trial.propensity
    if trial.clusters is not None:
        matrix, chance, left = (_averages(one, trial.clusters) for one in (matrix, chance, left))
        if len(left) < UNITS_A_COLUMN * matrix.shape[1]:
            detail = f"{len(left):,} clusters cannot say whether {matrix.shape[1]} columns tell the arm"
            return Check(name="overlap", passed=None, detail=detail, gates=False)
    fitted, rank = _fitted(matrix - matrix.mean(axis=0), left)
    n = len(left)
    explained = float(fitted @ fitted) / max(float(left @ left), 1e-300)
    statistic = explained / max(rank, 1) / max((1.0 - explained) / max(n - rank - 1, 1), 1e-12)
    p_value = float(fdtrc(max(rank, 1), max(n - rank - 1, 1), statistic))
    alone = float(((chance + fitted < 0.02) | (chance + fitted > 0.98)).mean())
    if alone > 0.001 and p_value < 0.001:
        detail = (
            f"what is known of {alone:.1%} of the units tells their arm: nobody is there to compare them with"
        )
        return NotEstimable(reason="no_overlap", detail=detail)
    return Check(
        name="overlap",
        passed=p_value >= 0.001,
        detail=f"the covariates tell the arm with p = {p_value:.3g}; drawn arms give less than .001 rarely",
        gates=False,
    )


def _averages(values: Floats, clusters: Codes) -> Floats:
    """Of each column, over the units of each cluster."""
    _, place, sizes = np.unique(clusters, return_inverse=True, return_counts=True)
    columns = values[:, None] if values.ndim == 1 else values
    sums = np.stack([np.bincount(place, weights=column) for column in columns.T], axis=1)
    found: Floats = sums / sizes[:, None]
    return found[:, 0] if values.ndim == 1 else found


def _fitted(centred: Floats, target: Floats) -> tuple[Floats, int]:
    gram = centred.T @ centred
    weights, _, rank, _ = np.linalg.lstsq(gram, centred.T @ target, rcond=1e-10)
    fitted: Floats = centred @ weights
    return fitted, int(rank)
