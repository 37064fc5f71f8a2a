"""Does the machinery find an effect where none can be, and does the answer hang on a few units?"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from analyses.moments import Floats
from analyses.observational.estimate import AdjustedSlope
from analyses.observational.sample import Sample
from analyses.results import NotEstimable

REPETITIONS = 100
SUBSET = 0.8
MOST_UNITS = 20_000  # rows that each repetition reads
INSIDE = (0.025, 0.975)

type Estimator = Callable[[Sample], AdjustedSlope | NotEstimable]


class RefuterKind(StrEnum):
    """What is done to the data before the same estimate is made again."""

    PLACEBO = "placebo"  # the CPI dealt out anew among all units: no effect can be left
    SUBSET = "subset"  # a random four fifths of the units: the effect should stay


@dataclass(frozen=True, slots=True, kw_only=True)
class Refutation:
    """What the estimate became over the repetitions; ``passed`` None where too few of them could be made."""

    kind: RefuterKind
    passed: bool | None
    repetitions: int
    mean: float | None
    lowest: float | None  # of the middle 95 per cent
    highest: float | None
    units: int
    detail: str


def refuted(
    sample: Sample,
    treatment: str,
    estimator: Estimator,
    kind: RefuterKind,
    *,
    seed: int = 0,
    repetitions: int = REPETITIONS,
) -> Refutation:
    """The published estimator on altered data, a hundred times over.

    Question: would the same machinery find an effect where there is none, or lose it in part of the units?
    Estimand: placebo: 0, for the CPI is dealt out at random; subset: the estimate itself.
    Assumes: nothing.
    Formula: each repetition makes the whole estimate anew. Placebo passes where the middle 95 per cent of
    the effects hold 0 and the estimate lies outside them, or does not differ from 0 by its own interval;
    subset passes where the middle 95 per cent hold the estimate.
    Units: KPI units per raw CPI unit.
    Errors: smoke tests. Neither can see an unmeasured common cause: sensitivity and the randomised answer do.
    Reference: Sharma & Kiciman (2020), arXiv:2011.04216, section 2.4.
    """
    rng = np.random.default_rng([seed, list(RefuterKind).index(kind)])
    some = sample.only(slice(MOST_UNITS))
    whole = estimator(some)
    found = [_again(some, treatment, estimator, kind, rng) for _ in range(repetitions)]
    values = np.array([one.value.value for one in found if isinstance(one, AdjustedSlope)])
    if isinstance(whole, NotEstimable) or len(values) < repetitions * 0.9:
        return Refutation(
            kind=kind,
            passed=None,
            repetitions=len(values),
            mean=None,
            lowest=None,
            highest=None,
            units=some.n,
            detail=f"Only {len(values)} of {repetitions} repetitions gave an estimate.",
        )
    return _told(kind, whole, values, some.n)


def _again(
    sample: Sample, treatment: str, estimator: Estimator, kind: RefuterKind, rng: np.random.Generator
) -> AdjustedSlope | NotEstimable:
    if kind is RefuterKind.PLACEBO:
        return estimator(sample.replaced(treatment, rng.permutation(sample.values([treatment])[:, 0])))
    chosen = rng.permutation(sample.n)[: max(2, round(SUBSET * sample.n))]
    return estimator(sample.only(np.sort(chosen)))


def _told(kind: RefuterKind, whole: AdjustedSlope, values: Floats, units: int) -> Refutation:
    lowest, highest = (float(one) for one in np.quantile(values, INSIDE))
    estimate = whole.value.value
    if kind is RefuterKind.PLACEBO:
        ends = whole.value.interval
        nothing = ends.lower is not None and ends.upper is not None and ends.lower <= 0 <= ends.upper
        passed = lowest <= 0 <= highest and (nothing or not lowest <= estimate <= highest)
        detail = (
            f"With the CPI dealt out at random the effect lies between {lowest:.4g} and {highest:.4g}; "
            f"the estimate is {estimate:.4g}."
        )
    else:
        passed = lowest <= estimate <= highest
        detail = f"On four fifths of the units the effect lies between {lowest:.4g} and {highest:.4g}."
    return Refutation(
        kind=kind,
        passed=passed,
        repetitions=len(values),
        mean=float(values.mean()),
        lowest=lowest,
        highest=highest,
        units=units,
        detail=detail,
    )
