"""What else do the data say, past the verdict? Pure: plan, moments and all contrasts that count go in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, JsonValue

from analyses import (
    ExperimentContrasts,
    Measure,
    NotEstimable,
    Phases,
    as_json,
    contrasts_of,
    dose_response,
    mediation,
    phase_means,
    proxies,
    several_cpis,
    several_kpis,
    stood_still,
    surrogate_index,
)
from service.evidence.analysis import Finding
from service.evidence.documents import Unanswered
from service.evidence.explored import (
    ArmMediation,
    DoseResponseDocument,
    Exploration,
    MechanismDoses,
    MediationDocument,
    Mediations,
    ProxiesDocument,
    SetDocument,
    SeveralCpisDocument,
    SeveralKpisDocument,
    Steering,
    SurrogateIndexDocument,
)
from service.evidence.plan import Plan, PlannedMetric
from service.evidence.wanted import covariates_of, measure_in, strata
from service.facts import MomentsResult
from service.metrics.definitions import QuantileDefinition
from service.metrics.schemas import MetricKind

ALPHA = 0.05  # of every interval here: nothing of this is judged at the hypothesis' own level
MOVED = 0.10  # level at which another CPI counts as moved, as for a rival
BESIDE = (
    "Goes by who has which CPI within an arm, which nobody dealt at random. Beside it stands the slope that "
    "the arms themselves give; only that one can confirm or reject."
)

CLUSTERED = NotEstimable(
    reason="clusters_randomised",
    detail="whole clusters were randomised: what goes by the single unit within an arm would take customers "
    "who are alike for independent ones, and promise more than the data hold",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """The contrasts of every experiment that counts for a hypothesis, and what people call them."""

    contrasts: tuple[ExperimentContrasts, ...]
    names: Mapping[str, str]

    @classmethod
    def of(cls, finding: Finding) -> "Counting":
        """One experiment alone."""
        own = finding.contrasts
        return cls(contrasts=() if isinstance(own, NotEstimable) else (own,), names={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One finding, the moments behind it, and the contrasts of every experiment that counts."""

    plan: Plan
    finding: Finding
    phases: Phases
    measures: Mapping[str, Measure]
    counted: tuple[ExperimentContrasts, ...]

    @property
    def cpi(self) -> PlannedMetric:
        return self.plan.metric(self.finding.hypothesis.cpi)

    @property
    def step(self) -> float:
        """Raw CPI units in one increment of improvement; 1 where the plan knows no increment."""
        return self.cpi.step or 1.0

    @property
    def arms(self) -> list[str]:
        """The hypothesis' arms, control first."""
        return [self.plan.control, *(arm.name for arm in self.finding.hypothesis.arms)]

    @property
    def rivals(self) -> Mapping[str, PlannedMetric]:
        """The other CPIs that were measured, by the name that contrasts give them."""
        own = self.finding.contrasts
        named = () if isinstance(own, NotEstimable) else own.metrics[2:]
        planned = {one.rival: one for one in self.plan.metrics if one.kind is MetricKind.CPI}
        return {name: planned[name] for name in named if name in planned}


def explorations(
    plan: Plan, facts: MomentsResult, findings: Sequence[Finding], counting: Mapping[str, Counting]
) -> dict[str, JsonValue]:
    """Everything by hypothesis, as the run publishes it; a run that counts for nothing asks its own data."""
    plan = plan.without(facts.unanswered)
    covariates = covariates_of(plan, facts.columns)
    measures = {one.ref: measure_in(plan, one, covariates) for one in plan.metrics}
    phases = strata(plan, facts)
    found: dict[str, JsonValue] = {}
    for finding in findings:
        if not {finding.hypothesis.cpi, finding.hypothesis.kpi} <= measures.keys():
            continue  # the finding itself says that there is no answer, and why
        of = counting.get(finding.hypothesis.id) or Counting.of(finding)
        known = Known(plan=plan, finding=finding, phases=phases, measures=measures, counted=of.contrasts)
        found[finding.hypothesis.id] = explore(known, of.names).model_dump(mode="json")
    return found


def explore(known: Known, names: Mapping[str, str]) -> Exploration:
    """Every question, each with an answer or with the reason why there is none."""
    own = known.finding.contrasts
    return Exploration(
        status="exploratory",
        names={**known.plan.names, **names},
        several_cpis=_answer(SeveralCpisDocument, _several_cpis(known)),
        several_kpis=_several_kpis(known),
        dose_response=() if isinstance(own, NotEstimable) else _doses(known, own),
        mediation=_mediations(known),
        steering=Steering(
            status="steering",
            surrogate_index=_answer(SurrogateIndexDocument, _index(known)),
            proxies=_answer(ProxiesDocument, _proxies(known)),
        ),
    )


def _answer[D: BaseModel](document: type[D], found: object) -> D | Unanswered:
    wire = Unanswered if isinstance(found, NotEstimable) else document
    return wire.model_validate(as_json(found))


def _several_cpis(known: Known) -> object:
    """The hypothesis' CPI and every other one that the experiments moved."""
    if not known.counted:
        return _first_refusal(known)
    moved = [name for name in known.rivals if stood_still(known.counted, name) < MOVED]
    if not moved:
        return NotEstimable(reason="no_other_cpi_moved", detail="no other CPI moved with this one")
    cpi = known.counted[0].metrics[0]
    steps = {name: known.rivals[name].step or 1.0 for name in moved} | {cpi: known.step}
    return several_cpis(known.counted, [cpi, *moved], steps=steps)


def _first_refusal(known: Known) -> NotEstimable:
    own = known.finding.contrasts
    if isinstance(own, NotEstimable):
        return own
    return NotEstimable(reason="nothing_counts", detail="no experiment counts for this hypothesis yet")


def _several_kpis(known: Known) -> SeveralKpisDocument | Unanswered:
    """The CPI with each KPI of the plan, in this experiment."""
    kpis = [one for one in known.plan.metrics if one.kind is MetricKind.KPI]
    formed = {kpi.ref: _with_kpi(known, kpi) for kpi in kpis}
    usable = [one for one in formed.values() if isinstance(one, ExperimentContrasts)]
    if len(usable) < 2:
        detail = f"the plan has {len(usable)} KPI that can be compared; two or more make a family"
        return _refused(NotEstimable(reason="one_kpi", detail=detail))
    found = several_kpis(usable, cpi_step=known.step, alpha=ALPHA)
    refused = [*((kpi, one) for kpi, one in formed.items() if isinstance(one, NotEstimable)), *found.refused]
    return SeveralKpisDocument.model_validate(
        {
            "cpi": found.cpi,
            "slopes": as_json(found.slopes),
            "refused": [{"kpi": kpi, "reason": as_json(why)} for kpi, why in refused],
        }
    )


def _with_kpi(known: Known, kpi: PlannedMetric) -> ExperimentContrasts | NotEstimable:
    if isinstance(kpi.definition, QuantileDefinition):
        return NotEstimable(reason="quantile", detail="a slope is one of means, and a quantile is none")
    return _paired(known, known.measures[kpi.ref])


def _refused(why: NotEstimable) -> Unanswered:
    return Unanswered.model_validate(as_json(why))


def _paired(known: Known, *kpis: Measure, adjusted: bool = True) -> ExperimentContrasts | NotEstimable:
    """Contrasts of the CPI and these measures over the hypothesis' arms."""
    if not known.finding.hypothesis.arms:
        return _first_refusal(known)
    measures = [known.measures[known.cpi.ref], *kpis]
    adjusting = adjusted and bool(measures[0].covariates)
    means = phase_means(known.phases, known.arms, measures, adjusted=adjusting)
    if isinstance(means, NotEstimable):
        return means
    treated = [(arm, means[arm.name]) for arm in known.finding.hypothesis.arms]
    return contrasts_of(known.plan.experiment, means[known.plan.control], treated)


def _doses(known: Known, own: ExperimentContrasts) -> tuple[MechanismDoses, ...]:
    """Every named mechanism of this experiment."""
    named = dict.fromkeys(arm.mechanism for arm in own.arms if arm.mechanism is not None)
    return tuple(
        MechanismDoses(
            mechanism=name,
            found=_answer(
                DoseResponseDocument,
                dose_response(own, name, cpi_step=known.step, alpha=ALPHA),
            ),
        )
        for name in named
    )


def _mediations(known: Known) -> Mediations:
    return Mediations(
        status="exploratory",
        note=BESIDE,
        randomised=_answer(SetDocument, _randomised(known)),
        arms=tuple(
            ArmMediation(arm=arm, found=_answer(MediationDocument, _mediated(known, arm)))
            for arm in known.arms[1:]
        ),
    )


def _randomised(known: Known) -> object:
    """The slope from this experiment's arms alone: the set of a single KPI."""
    own = known.finding.contrasts
    if isinstance(own, NotEstimable):
        return own
    found = several_kpis([own], cpi_step=known.step, alpha=ALPHA)
    return found.slopes[0].set if found.slopes else found.refused[0][1]


def _mediated(known: Known, arm: str) -> object:
    """Within each phase in which both arms have units, one after the other."""
    pair = [known.measures[known.finding.hypothesis.cpi], known.measures[known.finding.hypothesis.kpi]]
    if why := _not_per_unit(known.plan, pair):
        return why
    pairs = [
        (phase[known.plan.control], phase[arm])
        for phase in known.phases.values()
        if all(name in phase and phase[name].n >= 2 for name in (known.plan.control, arm))
    ]
    if not pairs:
        return NotEstimable(reason="too_few_units", detail=f"{arm} and control share no phase with units")
    return mediation(pairs, pair[0].value, pair[1].value, pair[1].covariates, alpha=ALPHA)


def _not_per_unit(plan: Plan, measures: Sequence[Measure]) -> NotEstimable | None:
    """A ratio, or what only some units have, is no number of each unit; nor is a cluster's total."""
    if plan.clustered:
        return CLUSTERED
    one = next((measure for measure in measures if measure.per is not None), None)
    if one is None:
        return None
    detail = f"{one.name} is a ratio or seen for some units only: not every unit has a value of its own"
    return NotEstimable(reason="not_per_unit", detail=detail)


def _index(known: Known) -> object:
    """Weights from this experiment's control units, phase by phase; effects of its arms."""
    hypothesis = known.finding.hypothesis
    pair = [known.measures[hypothesis.cpi], known.measures[hypothesis.kpi]]
    if why := _not_per_unit(known.plan, pair):
        return why
    others = [known.measures[one.ref] for one in known.rivals.values()]
    whole = [one for one in others if one.per is None]
    formed = _paired(known, pair[1], *whole, adjusted=False)
    if isinstance(formed, NotEstimable):
        return formed
    history = [phase[known.plan.control] for phase in known.phases.values() if known.plan.control in phase]
    columns = (pair[1].value, [pair[0].value, *(one.value for one in whole)])
    usable = [moments for moments in history if moments.n >= 2]
    return surrogate_index(usable, columns, formed, alpha=ALPHA)


def _proxies(known: Known) -> object:
    if not known.counted:
        return _first_refusal(known)
    everywhere = [name for name in known.rivals if all(name in one.metrics for one in known.counted)]
    return proxies(known.counted, [known.counted[0].metrics[0], *everywhere])
