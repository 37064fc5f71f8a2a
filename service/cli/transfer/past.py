"""What does a warehouse say of an experiment that was run elsewhere, in the words in which it is imported?

The warehouse is asked for moments, as for any experiment; contrasts alone are kept of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from analyses import (
    Check,
    ContrastArm,
    ExperimentContrasts,
    Json,
    Measure,
    Moments,
    NotEstimable,
    Observed,
    contrasts_of,
    multiple_exposure,
    observed_share,
    phase_means,
)
from service.cli.onefile.past import control_told, doubts_told, treatment_told
from service.evidence.analysis import by_phase
from service.facts import MomentsQuery, MomentsResult, UnitState, measure_of
from service.facts.sources.past import AssignedCell, assigned_cells, span
from service.facts.sources.reading import source_moments
from service.hypotheses.registered import RegisteredHypothesis
from service.kit.errors import Invalid
from service.metrics.definitions import RatioDefinition
from service.metrics.service import PinnedMetric
from service.settings import Settings
from service.sources.schemas import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStudy:
    """What no table says of it: which arm is which, and what the experiment speaks on."""

    experiment: str  # as the warehouse calls it
    control: str
    shares: Mapping[str, float]
    mechanisms: Mapping[str, str]
    placebos: Sequence[str]
    name: str | None
    notes: str | None
    corrects: str | None
    units_per_day: float | None


def past_study(
    settings: Settings, source: Source, asked: PastStudy, hypothesis: RegisteredHypothesis, as_of: datetime
) -> dict[str, Json]:
    """The document of an import; Invalid where the warehouse's rows make no experiment."""
    cells = assigned_cells(settings, source, asked.experiment)
    arms = _arms(asked, cells)
    query = _query(asked.experiment, arms, cells, hypothesis, as_of)
    found, _ = source_moments(settings, source, asked.experiment, query)
    _require_answered(hypothesis, found)
    measures = [measure_of(one.key, one.definition) for one in _ends(hypothesis)]
    contrasts = _contrasts(asked, arms, found, measures)
    start, end = span(cells)
    experiment: dict[str, Json] = {
        "form": "variances",
        "id": asked.experiment,
        "name": asked.name or asked.experiment,
        "origin": f"warehouse {source.name}",
        "started_on": start.date().isoformat(),
        "ended_on": end.date().isoformat(),
        "control": control_told(contrasts, asked.control, asked.shares),
        "arms": [treatment_told(k, contrasts, asked.shares) for k in range(len(contrasts.arms))],
        "doubts": _doubts(found, _seen_for_some(hypothesis)),
    }
    given = {"notes": asked.notes, "corrects": asked.corrects}
    experiment |= {name: text for name, text in given.items() if text is not None}
    document: dict[str, Json] = {"hypothesis": hypothesis.id, "experiments": [experiment]}
    return document if asked.units_per_day is None else {**document, "units_per_day": asked.units_per_day}


def _ends(hypothesis: RegisteredHypothesis) -> tuple[PinnedMetric, PinnedMetric]:
    return hypothesis.cpi, hypothesis.kpi


def _require_answered(hypothesis: RegisteredHypothesis, found: MomentsResult) -> None:
    """A contrast takes both metrics; whichever the source has no answer for says why."""
    for one in _ends(hypothesis):
        if one.key in found.unanswered:
            raise Invalid(f"{one.name} has no answer: {found.unanswered[one.key]}")


def _seen_for_some(hypothesis: RegisteredHypothesis) -> list[Measure]:
    """Metrics that not every unit has; what a ratio divides by is no such count."""
    found = [one for one in _ends(hypothesis) if not isinstance(one.definition, RatioDefinition)]
    measures = [measure_of(one.key, one.definition) for one in found]
    return [one for one in measures if one.per is not None]


def _arms(asked: PastStudy, cells: Sequence[AssignedCell]) -> tuple[str, ...]:
    """The control first; every name that a flag gives must be an arm's."""
    arms = tuple(dict.fromkeys(cell.arm for cell in cells))
    if not arms:
        raise Invalid(f"The source has no assignment of an experiment called {asked.experiment}.")
    named = dict.fromkeys([asked.control, *asked.shares, *asked.mechanisms, *asked.placebos])
    if unknown := [name for name in named if name not in arms]:
        raise Invalid(f"{', '.join(unknown)}: expected arms of it, which are {', '.join(arms[:50])}.")
    if asked.control in {*asked.mechanisms, *asked.placebos}:
        raise Invalid(f"{asked.control} is the control: it has no mechanism, and is no placebo.")
    if len(arms) < 2:
        raise Invalid(f"All its units are in {arms[0]}: there is nothing to compare it with.")
    return (asked.control, *(one for one in arms if one != asked.control))


def _query(
    experiment: str,
    arms: tuple[str, ...],
    cells: Sequence[AssignedCell],
    hypothesis: RegisteredHypothesis,
    as_of: datetime,
) -> MomentsQuery:
    start, end = span(cells)
    metrics = {one.key: one.definition for one in _ends(hypothesis)}
    windows = (*(one.window for one in metrics.values()), hypothesis.window)
    return MomentsQuery(
        experiment=experiment,
        arms=arms,
        metrics=tuple(metrics.items()),
        as_of=as_of,
        horizon=max(windows),
        started_at=start,
        stopped_at=end,
        phases=tuple(sorted({cell.phase for cell in cells})),
    )


def _contrasts(
    asked: PastStudy, arms: Sequence[str], found: MomentsResult, measures: Sequence[Measure]
) -> ExperimentContrasts:
    adjusted = any(one.covariates for one in measures)
    means = phase_means(by_phase(found), arms, measures, adjusted=adjusted)
    if isinstance(means, NotEstimable):
        raise Invalid(f"{asked.experiment} gives no effects: {means.detail}.")
    control, *others = arms
    treated = [
        (
            ContrastArm(name=arm, mechanism=asked.mechanisms.get(arm), placebo=arm in asked.placebos),
            means[arm],
        )
        for arm in others
    ]
    return contrasts_of(asked.experiment, means[control], treated)


def _doubts(found: MomentsResult, measures: Sequence[Measure]) -> list[Json]:
    """What failed, as a verdict would be blocked by it; the sample ratio is asked where it is imported."""
    several = found.n(UnitState.MULTIPLE_ARMS) + found.n(UnitState.MERGED_ACROSS_ARMS)
    analysed = found.n(UnitState.ANALYSED)
    checks: list[Check] = [
        multiple_exposure(several, analysed + several),
        *(observed_share(one.name, *_observed(found, one.per or "")) for one in measures),
    ]
    return doubts_told(checks)


def _observed(found: MomentsResult, per: str) -> list[dict[str, Observed]]:
    """By phase: for how many units of each arm the metric was seen."""
    return [{arm: _seen(of, per) for arm, of in phase.items()} for phase in by_phase(found).values()]


def _seen(moments: Moments, per: str) -> Observed:
    return Observed(observed=round(moments.n * float(moments.mean[moments.index(per)])), units=moments.n)
