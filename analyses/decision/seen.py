"""Does an answer stand whoever the extra units are, where arms changed for whom CPI or KPI is seen?"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod

from analyses.decision.answers import Judgement, Label, Slope, State
from analyses.relationship.contrast import ExperimentContrasts
from analyses.relationship.ends import MOST_CORNERS
from analyses.results import Check, Interval
from analyses.rule import Reason, reason

OBSERVED = "observed_set_moved"


def corners_of(experiments: Sequence[ExperimentContrasts]) -> list[list[ExperimentContrasts]]:
    """The evidence at every combination of the experiments' corners; none where nothing moved, or too many.

    At a corner the check of who is seen gates no longer: it is what the corners are there for.
    """
    ways = [_ways(one) for one in experiments]
    if not 1 < prod(map(len, ways)) <= MOST_CORNERS:
        return []
    return [list(chosen) for chosen in product(*ways)]


def _ways(experiment: ExperimentContrasts) -> Sequence[ExperimentContrasts]:
    if not any(_moved(check) for check in experiment.checks):
        return [experiment]
    left = tuple(check for check in experiment.checks if not _moved(check))
    return [
        replace(corner, checks=left, early=experiment.early, unmeasured=experiment.unmeasured)
        for corner in experiment.corners
    ] or [experiment]


def _moved(check: Check) -> bool:
    return check.name == OBSERVED and check.gates and check.passed is False


def over_corners(measured: Judgement, found: Sequence[Judgement]) -> tuple[Judgement, list[Reason]]:
    """The answer that every corner gives, with the hull of their intervals; else none, as it was measured."""
    verdicts = [one.verdict for one in found]
    state = verdicts[0].state
    slopes = [one.slope for one in verdicts if isinstance(one.slope, Slope)]
    if state is State.INCONCLUSIVE or any(one.state is not state for one in verdicts):
        return measured, [reason("bounds_undecided")]
    told = tuple(dict.fromkeys(why for one in verdicts for why in one.reasons))
    verdict = replace(
        verdicts[0],
        label=_label([one.label for one in verdicts]),
        slope=Slope(estimate=None, interval=_hull(slopes)),
        reasons=told,
    )
    return replace(measured, verdict=verdict), [reason("whoever_is_seen")]


def _label(labels: Sequence[Label | None]) -> Label | None:
    """The most careful one of any corner; strong only where all are."""
    careful = next((one for one in Label if one in labels and one is not Label.STRONG), None)
    return careful or (Label.STRONG if all(one is Label.STRONG for one in labels) else None)


def _hull(slopes: Sequence[Slope]) -> Interval:
    lowers, uppers = [s.interval.lower for s in slopes], [s.interval.upper for s in slopes]
    return Interval(
        lower=None if None in lowers else min(x for x in lowers if x is not None),
        upper=None if None in uppers else max(x for x in uppers if x is not None),
    )
