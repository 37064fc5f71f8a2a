"""Which plans are refused, which are doubtful, and which steps may follow which?"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from service.experiments.known import Known, KnownHypothesis
from service.experiments.schemas import (
    ArmRole,
    ExperimentDraft,
    ExperimentState,
    RandomisedBy,
    SizeOf,
    Treatment,
    UnderTest,
)
from service.kit.errors import Violation
from service.metrics.schemas import Warned

LEGAL: Mapping[ExperimentState, Mapping[str, ExperimentState]] = {
    ExperimentState.DRAFT: {"approve": ExperimentState.APPROVED},
    ExperimentState.APPROVED: {"start": ExperimentState.RUNNING},
    ExperimentState.RUNNING: {"stop": ExperimentState.STOPPED},
    ExperimentState.STOPPED: {"conclude": ExperimentState.CONCLUDED},
    ExperimentState.CONCLUDED: {},
}


def refusals(draft: ExperimentDraft, known: Known) -> tuple[Violation, ...]:
    """Every rule that a plan breaks, each with how to satisfy it."""
    return (
        *_arms(draft),
        *_tests(draft, known),
        *_metrics(draft, known),
        *_covariates(draft, known),
        *_analysis(draft, known),
        *_recording(draft, known),
        *_clusters(draft),
        *_source(draft, known),
    )


def unready(draft: ExperimentDraft, known: Known) -> tuple[Violation, ...]:
    """What an approval needs beyond a plan that breaks no rule."""
    return tuple(
        Violation(
            field=f"hypotheses.{position}",
            rule="hypotheses_are_registered",
            message=f"Hypothesis {test.hypothesis} is only a draft.",
            how="Register it first: what it predicts must be frozen before anybody is assigned.",
        )
        for position, test in enumerate(draft.hypotheses)
        if not known.hypotheses[test.hypothesis].registered
    )


def warnings(draft: ExperimentDraft, unbounded: Collection[str]) -> tuple[Warned, ...]:
    """What was accepted and is doubtful; of some hypotheses no bound on the direct effect is known."""
    return (*_interference(draft), *_recorded(draft), *_one_mechanism(draft, unbounded))


def interference_possible(draft: ExperimentDraft) -> bool:
    return bool(draft.shared_capacity) and draft.randomised_by is RandomisedBy.UNIT


def planned_units(draft: ExperimentDraft) -> int:
    """In total, whichever way the plan says it."""
    arms = len(draft.arms) if draft.planned_size.per is SizeOf.ARM else 1
    return draft.planned_size.units * arms


def measured_ids(draft: ExperimentDraft, known: Known) -> set[str]:
    """The metrics that the plan names: under test, secondary or guardrail."""
    return metrics_named(draft, {key: {one.cpi, one.kpi} for key, one in known.hypotheses.items()})


def metrics_named(draft: ExperimentDraft, tested: Mapping[str, Collection[str]]) -> set[str]:
    """The same, where of hypotheses only their metrics are known."""
    named = {pin.metric for pin in (*draft.secondary, *draft.guardrails)}
    return named.union(*(tested.get(test.hypothesis, ()) for test in draft.hypotheses))


def weights_fit(draft: ExperimentDraft, weights: Mapping[str, float]) -> tuple[Violation, ...]:
    if set(weights) == {arm.name for arm in draft.arms}:
        return ()
    return (
        Violation(
            field="weights",
            rule="every_arm_has_a_weight",
            message="The weights do not name exactly the arms of the experiment.",
            how="Give one positive weight for each arm, control included.",
        ),
    )


def _source(draft: ExperimentDraft, known: Known) -> Iterator[Violation]:
    if draft.source is not None and known.source_version is None:
        yield Violation(
            field="source",
            rule="source_is_registered",
            message=f"There is no source {draft.source.source} of that version.",
            how="Register it at /v1/sources, or leave it out to use the managed lake.",
        )
    elif draft.source is not None:
        yield from _unmapped(draft, known)


def _unmapped(draft: ExperimentDraft, known: Known) -> Iterator[Violation]:
    """What the analysis will ask of the source, and the source does not map: no run could succeed."""
    named = ", ".join(sorted(_attributes(draft, known)))
    asked = {"exposures": draft.exposure == "exposures" and "exposure", "attributes": named}
    for kind, what in asked.items():
        if what and kind not in known.source_maps:
            yield Violation(
                field="source",
                rule="source_maps_what_is_asked",
                message=f"The plan asks for {kind} ({what}), which the source does not map.",
                how=f"Map {kind} in a new version of the source, or change what the plan asks for.",
            )


def _attributes(draft: ExperimentDraft, known: Known) -> set[str]:
    """Attributes of units: to adjust by, to tell units apart, their cluster and their block."""
    plan = draft.analysis
    segments = (one for one in plan.segments if isinstance(one, str))
    single = (one for one in (draft.cluster, plan.blocks) if one is not None)
    claimed = (one for hypothesis in known.hypotheses.values() for one in hypothesis.attributes)
    return {*plan.attributes, *segments, *single, *claimed}


def _repeated(values: Iterable[str]) -> list[str]:
    return [value for value, times in Counter(values).items() if times > 1]


def _arms(draft: ExperimentDraft) -> Iterator[Violation]:
    if len(draft.arms) < 2:
        yield Violation(
            field="arms",
            rule="two_arms",
            message="With one arm there is nothing to compare.",
            how="Add a control and at least one arm that differs from it.",
        )
    if sum(arm.control for arm in draft.arms) != 1:
        yield Violation(
            field="arms",
            rule="one_control",
            message=f"{sum(arm.control for arm in draft.arms)} arms are marked as control.",
            how="Mark exactly one arm with control: true.",
        )
    if repeated := _repeated(arm.name.casefold() for arm in draft.arms):
        yield Violation(
            field="arms",
            rule="arm_names_differ",
            message=f'The arm name "{repeated[0]}" is used more than once.',
            how="Give each arm a name of its own; capitals do not tell names apart.",
        )


def _tests(draft: ExperimentDraft, known: Known) -> Iterator[Violation]:
    if repeated := _repeated(test.hypothesis for test in draft.hypotheses):
        yield Violation(
            field="hypotheses",
            rule="hypothesis_once",
            message=f"Hypothesis {repeated[0]} is named more than once.",
            how="Name it once, with the roles of all arms.",
        )
    for position, test in enumerate(draft.hypotheses):
        field = f"hypotheses.{position}"
        hypothesis = known.hypotheses.get(test.hypothesis)
        if hypothesis is None:
            yield Violation(
                field=field,
                rule="known_hypothesis",
                message=f"There is no hypothesis {test.hypothesis}.",
                how="Draft it first, or name one of GET /v1/hypotheses.",
            )
            continue
        if hypothesis.unit_type != draft.unit_type:
            yield Violation(
                field=field,
                rule="one_unit_type",
                message=f"The hypothesis is about each {hypothesis.unit_type}, the experiment is about each "
                f"{draft.unit_type}.",
                how="Test it in an experiment of its own unit type: the two never pool.",
            )
        yield from _roles(draft, test, field)
        yield from _mechanisms(test, hypothesis, known, field)


def _roles(draft: ExperimentDraft, test: UnderTest, field: str) -> Iterator[Violation]:
    treatments = {arm.name for arm in draft.arms if not arm.control}
    for role in test.arms:
        if role.arm not in treatments:
            yield Violation(
                field=f"{field}.arms",
                rule="roles_name_treatment_arms",
                message=f'"{role.arm}" is no arm beside the control.',
                how="Give roles to arms of this experiment; the control has none.",
            )
    if repeated := _repeated(role.arm for role in test.arms):
        yield Violation(
            field=f"{field}.arms",
            rule="one_role_per_arm",
            message=f'The arm "{repeated[0]}" has more than one role.',
            how="Give each arm one role for each hypothesis.",
        )


def _mechanisms(
    test: UnderTest, hypothesis: KnownHypothesis, known: Known, field: str
) -> Iterator[Violation]:
    for mechanism in sorted(_used((test,))):
        cpi = known.mechanisms.get(mechanism)
        if cpi != hypothesis.cpi:
            told = f"There is no mechanism {mechanism}." if cpi is None else "It moves another CPI."
            yield Violation(
                field=f"{field}.arms",
                rule="mechanism_moves_the_cpi",
                message=told,
                how=f"Name a mechanism that is registered for the hypothesis' CPI, {hypothesis.cpi}.",
            )


def _metrics(draft: ExperimentDraft, known: Known) -> Iterator[Violation]:
    pins = [("secondary", pin.metric) for pin in draft.secondary]
    pins += [("guardrails", pin.metric) for pin in draft.guardrails]
    if not pins and not draft.hypotheses:
        yield Violation(
            field="hypotheses",
            rule="something_is_measured",
            message="The plan names no hypothesis and no metric.",
            how="Name at least one hypothesis, secondary metric or guardrail.",
        )
    if repeated := _repeated(metric for _, metric in pins):
        yield Violation(
            field="secondary",
            rule="metric_once",
            message=f"Metric {repeated[0]} is named more than once.",
            how="Name each metric once, as secondary or as guardrail.",
        )
    for field, metric_id in pins:
        metric = known.metrics.get(metric_id)
        if metric is None or metric.unit_type != draft.unit_type:
            told = "does not exist in that version" if metric is None else f"is per {metric.unit_type}"
            yield Violation(
                field=field,
                rule="known_metric_of_the_unit_type",
                message=f"Metric {metric_id} {told}.",
                how=f"Name metrics that are registered per {draft.unit_type}.",
            )


def _covariates(draft: ExperimentDraft, known: Known) -> Iterator[Violation]:
    for metric in sorted(set(draft.covariates) - measured_ids(draft, known)):
        yield Violation(
            field="covariates",
            rule="covariates_are_measured",
            message=f"Metric {metric} is not measured in this experiment.",
            how="Name it as secondary metric too, or leave it out.",
        )
    for metric in draft.covariates:
        pinned = known.metrics.get(metric)
        if pinned is not None and not pinned.definition.pre_period:
            yield Violation(
                field="covariates",
                rule="covariates_precede_exposure",
                message=f"Metric {metric} has no pre-period: after exposure it would be part of the effect.",
                how="Give its definition a pre_period, or leave it out.",
            )


def _analysis(draft: ExperimentDraft, known: Known) -> Iterator[Violation]:
    """Margins are of guardrails, and whatever else names a metric names one that is measured."""
    guardrails = {pin.metric for pin in draft.guardrails}
    measured = measured_ids(draft, known)
    plan = draft.analysis
    named = {
        "margins": [one.metric for one in plan.margins],
        "priors": [one.metric for one in plan.priors],
        "negligible": [one.metric for one in plan.negligible],
        "primary": list(plan.primary),
    }
    for field, metrics in named.items():
        for metric in _repeated(metrics):
            yield Violation(
                field=f"analysis.{field}",
                rule="said_once",
                message=f"Metric {metric} is named more than once.",
                how="Name it once.",
            )
        for metric in sorted(set(metrics) - (guardrails if field == "margins" else measured)):
            told = "no guardrail" if field == "margins" else "not measured in this experiment"
            yield Violation(
                field=f"analysis.{field}",
                rule="named_metrics_are_in_the_plan",
                message=f"Metric {metric} is {told}.",
                how="Name it as guardrail too." if field == "margins" else "Name it as secondary metric too.",
            )
    if plan.looks is not None and draft.planned_looks not in (1, len(plan.looks.fractions)):
        yield Violation(
            field="planned_looks",
            rule="looks_agree",
            message=f"planned_looks says {draft.planned_looks}, analysis.looks {len(plan.looks.fractions)}.",
            how="Leave planned_looks out, or give the same number.",
        )


def _recording(draft: ExperimentDraft, known: Known) -> Iterator[Violation]:
    names = {arm.name for arm in draft.arms}
    measured = measured_ids(draft, known)
    for position, entry in enumerate(draft.records_differently):
        if entry.arm not in names:
            yield Violation(
                field=f"records_differently.{position}.arm",
                rule="known_arm",
                message=f'There is no arm "{entry.arm}".',
                how="Name an arm of this experiment.",
            )
        if entry.metric not in measured:
            yield Violation(
                field=f"records_differently.{position}.metric",
                rule="recorded_metrics_are_measured",
                message=f"Metric {entry.metric} is not measured in this experiment.",
                how="Name a metric under test, secondary or guardrail.",
            )


def _clusters(draft: ExperimentDraft) -> Iterator[Violation]:
    by_cluster = draft.randomised_by is RandomisedBy.CLUSTER
    if by_cluster != (draft.cluster is not None):
        yield Violation(
            field="cluster",
            rule="clusters_are_named",
            message="Clusters are randomised and not named."
            if by_cluster
            else "A cluster is named and units are randomised.",
            how='Give cluster and randomised_by "cluster" together, or neither.',
        )
    if by_cluster and draft.analysis.blocks is not None:
        yield Violation(
            field="analysis.blocks",
            rule="blocks_are_of_units",
            message="Clusters are randomised, and blocks are of units: a cluster may lie in several.",
            how="Leave blocks out, or randomise units.",
        )


def _interference(draft: ExperimentDraft) -> Iterator[Warned]:
    if interference_possible(draft):
        yield Warned(
            rule="interference_possible",
            message=f"The arms share {', '.join(draft.shared_capacity)}: what one takes, the other lacks. "
            "The experiment cannot decide.",
            how='Randomise clusters that do not share it: randomised_by "cluster".',
        )


def _recorded(draft: ExperimentDraft) -> Iterator[Warned]:
    for entry in draft.records_differently:
        yield Warned(
            rule="records_differently",
            message=f'The arm "{entry.arm}" changes how {entry.metric} is recorded; it looks like an effect.',
            how="Record it in the same way in every arm, at a place that the arm does not change.",
        )


def _one_mechanism(draft: ExperimentDraft, unbounded: Collection[str]) -> Iterator[Warned]:
    """With an unknown bound on the direct effect, one mechanism caps the verdict."""
    for test in draft.hypotheses:
        if test.hypothesis in unbounded and len(_moving((test,))) < 2:
            yield Warned(
                rule="one_mechanism",
                message=f"For {test.hypothesis} one mechanism cannot tell the CPI from its own side effects; "
                "by itself this experiment cannot decide.",
                how="Add a second mechanism, and a placebo or clearly different doses, here or in another "
                "experiment; or register a bound on the direct effect.",
            )


def used_mechanisms(draft: ExperimentDraft) -> frozenset[str]:
    return _used(draft.hypotheses)


def _used(tests: Iterable[UnderTest]) -> frozenset[str]:
    """All that the plan names, a placebo's own included."""
    roles: Iterator[ArmRole] = (role for test in tests for role in test.arms)
    return frozenset(role.mechanism for role in roles if role.mechanism is not None)


def _moving(tests: Iterable[UnderTest]) -> frozenset[str]:
    roles: Iterator[ArmRole] = (role for test in tests for role in test.arms)
    return frozenset(role.mechanism for role in roles if isinstance(role, Treatment))
