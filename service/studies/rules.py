"""Can this be asked at all? What is wrong with a question is said before anything is read."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from analyses import CausalGraph, NotEstimable, causal_graph
from service.kit.errors import Violation
from service.metrics.definitions import QuantileDefinition, RatioDefinition
from service.metrics.service import PinnedMetric
from service.sources.schemas import Source
from service.studies.schemas import (
    CPI,
    KPI,
    MOST_PERIODS,
    Before,
    Category,
    Covariate,
    DifferencesStudy,
    GraphStudy,
    GraphTemplate,
    KnownAttribute,
    Measured,
    SeriesStudy,
    StudyDraft,
    SyntheticStudy,
    ThresholdStudy,
)

PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7)}
FEWEST_PERIODS = 4


def graph_of(draft: GraphStudy, template: GraphTemplate | None) -> CausalGraph | NotEstimable:
    """The template's arrows for the roles that have data, and the draft's own."""
    names = [one.name for one in draft.covariates]
    causes: dict[str, set[str]] = {node: set(of) for node, of in draft.causes.items()}
    if not draft.causes.get(KPI):
        causes.setdefault(KPI, set()).add(CPI)
    roles = [] if template is None else [role for role in template.role if role.name in names]
    for role in roles:
        for end in role.moves:
            causes.setdefault(end, set()).add(role.name)
    return causal_graph(
        causes,
        treatment=CPI,
        outcome=KPI,
        known=names,
        unmeasured=draft.unmeasured,
        related=tuple(dict.fromkeys((*(role.name for role in roles), *draft.related))),
    )


def missing_roles(draft: GraphStudy, template: GraphTemplate | None) -> tuple[str, ...]:
    """Usual common causes that the study has no data for."""
    names = {one.name for one in draft.covariates}
    return () if template is None else tuple(one.name for one in template.role if one.name not in names)


def covariates_of(draft: StudyDraft) -> tuple[Covariate, ...]:
    """What is read of each unit beside the ends."""
    if isinstance(draft, GraphStudy):
        return draft.covariates
    return (draft.score,) if isinstance(draft, ThresholdStudy) else ()


def groups_of(draft: StudyDraft) -> str | None:
    """The attribute that names a unit's group."""
    match draft:
        case GraphStudy() | ThresholdStudy():
            return None
        case SeriesStudy():
            return None if draft.comparison is None else draft.comparison.groups
        case _:
            return draft.groups


def metrics_named(draft: StudyDraft) -> tuple[str, ...]:
    """Of covariates, the ends left out."""
    named = (one.metric for one in covariates_of(draft) if isinstance(one, Before | Measured))
    return tuple(dict.fromkeys(one for one in named if one not in (CPI, KPI)))


def refusals(
    draft: StudyDraft,
    pins: Mapping[str, PinnedMetric],
    template: GraphTemplate | None,
    source: Source | None = None,
) -> tuple[Violation, ...]:
    """Every rule that the question breaks."""
    found = [*_metrics(draft, pins), *_in_time(draft), *_mapped(draft, source)]
    if isinstance(draft, GraphStudy):
        found += _drawn(draft, template)
    return tuple(found)


def _mapped(draft: StudyDraft, source: Source | None) -> Iterator[Violation]:
    """What is known of units lies in tables of its own."""
    if source is None or source.attributes or not (names := attributes_named(draft)):
        return
    yield Violation(
        field="source",
        rule="source_maps_what_is_asked",
        message=f"It asks for attributes ({', '.join(names)}), which the source does not map.",
        how="Map attributes in a new version of the source, or ask by other covariates.",
    )


def attributes_named(draft: StudyDraft) -> tuple[str, ...]:
    """What must be known of units, by the attributes' names."""
    groups = groups_of(draft)
    known = [one.attribute for one in covariates_of(draft) if isinstance(one, KnownAttribute | Category)]
    return tuple(dict.fromkeys([*known, *([] if groups is None else [groups])]))


def _metrics(draft: StudyDraft, pins: Mapping[str, PinnedMetric]) -> Iterator[Violation]:
    by_units = isinstance(draft, GraphStudy | ThresholdStudy)
    for name, metric in pins.items():
        if isinstance(metric.definition, QuantileDefinition):
            yield Violation(
                field=name,
                rule="no_quantile",
                message=f"“{metric.name}” is a quantile: a slope is one of means, which it is not.",
                how="Ask about the mean, or about the share of units beyond a level.",
            )
        if by_units and isinstance(metric.definition, RatioDefinition):
            yield Violation(
                field=name,
                rule="one_value_a_unit",
                message=f"“{metric.name}” is a ratio of sums, which single units do not have; this design "
                "reads them one by one.",
                how="Ask by groups and periods (did, synthetic_control, its), or about a mean, sum or share.",
            )
    types = {metric.unit_type for metric in pins.values()}
    if len(types) > 1:
        yield Violation(
            field="cpi",
            rule="one_unit_type",
            message=f"Its metrics are of different units: {', '.join(sorted(types))}.",
            how="Name metrics of one unit type.",
        )
    for one in covariates_of(draft):
        if isinstance(one, Before) and one.metric in pins and not pins[one.metric].definition.pre_period:
            yield Violation(
                field=one.name,
                rule="has_a_pre_period",
                message=f"“{pins[one.metric].name}” has no pre-period.",
                how="Register a version of it with one, or take another covariate.",
            )


def _in_time(draft: StudyDraft) -> Iterator[Violation]:
    if isinstance(draft, GraphStudy | ThresholdStudy):
        return
    periods = (draft.period.end - draft.period.start) / PERIODS[draft.every]
    if not FEWEST_PERIODS <= periods <= MOST_PERIODS:
        yield Violation(
            field="period",
            rule="enough_periods",
            message=f"It holds {periods:g} periods of a {draft.every}.",
            how=f"Choose {FEWEST_PERIODS} to {MOST_PERIODS}.",
        )
    moments = list(draft.adopted.values()) if isinstance(draft, DifferencesStudy) else []
    if isinstance(draft, SyntheticStudy | SeriesStudy):
        moments = [draft.changed_at]
    if moments and not any(draft.period.start < one < draft.period.end for one in moments):
        yield Violation(
            field="changed_at",
            rule="change_in_the_period",
            message="Nothing changed in the period.",
            how="Choose a period that begins before the change and ends after it.",
        )


def _drawn(draft: GraphStudy, template: GraphTemplate | None) -> Iterator[Violation]:
    if draft.template is not None and template is None:
        yield Violation(
            field="template",
            rule="known_template",
            message=f'There is no template "{draft.template}".',
            how="Name one of GET /v1/studies/templates, or draw the graph by causes.",
        )
        return
    graph = graph_of(draft, template)
    if isinstance(graph, NotEstimable):
        yield Violation(
            field="causes", rule=graph.reason, message=f"{graph.detail}.", how="Draw the graph anew."
        )
