"""Is this a CPI? Which metrics does the registry refuse, which does it doubt, and which are qualified?

A CPI is an outcome that customers say matters to them (1), measured in increments that customers value (2).
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum

from service.kit.errors import Violation
from service.metrics.customer import CustomerEvidence, Method, MetricState, ValueKind
from service.metrics.definitions import Definition, Missing, QuantileDefinition, ValueType
from service.metrics.schemas import Metric, MetricDraft, MetricKind, Template, Warned

_IN_CONTEXT = frozenset({Method.CONTEXTUAL_INQUIRY_OBSERVATION, Method.CONTEXTUAL_INQUIRY_INTERVIEW})
_CONTEXT_FIELDS = ("place", "researcher", "journey_point")
_CUSTOMER_FIELDS = (
    "outcome",
    "increment",
    "value_kind",
    "value_note",
    "expectations",
    "evidence",
    "cost_of_one_increment",
)
_ZERO_MEANS_BEST = frozenset({ValueType.DURATION, ValueType.RATING})
_SURVEY_WORDS = re.compile(
    r"\b(nps|net promoter|promoters?|recommend(ed|ation|ing)?|csat|ces|satisfaction|ratings?|stars?"
    r"|scores?|surveys?)\b"
)
_TRAFFIC_WORDS = re.compile(
    r"\b(clicks?|clicked|click through|ctr|reach|impressions?|page ?views?|likes received|followers)\b"
)


class Criterion(StrEnum):
    """What is asked of a CPI, one question after the other."""

    CUSTOMERS_SAY_SO = "customers_say_so"
    STEPS_THEY_VALUE = "steps_they_value"
    NO_COMPANY_SCORE = "no_company_score"


CRITERIA: Mapping[Criterion, frozenset[str]] = {  # by which rules each is judged
    Criterion.CUSTOMERS_SAY_SO: frozenset({"customers_say_it_matters"}),
    Criterion.STEPS_THEY_VALUE: frozenset({"increments_customers_value"}),
    Criterion.NO_COMPANY_SCORE: frozenset({"rating_is_no_cpi", "template_is_no_cpi"}),
}


def refusals(draft: MetricDraft, *, template: Template | None, today: dt.date) -> tuple[Violation, ...]:
    """Every rule that the draft breaks, each with how to satisfy it."""
    return (
        *_definition(draft.definition),
        *_scale(draft),
        *_evidence_dates(draft, today),
        *_segments(draft),
        *(_cpi(draft, template) if draft.kind is MetricKind.CPI else _not_a_cpi(draft)),
    )


def state(draft: MetricDraft) -> MetricState | None:
    """Qualified by one contextual inquiry with place, researcher and journey point; else provisional."""
    if draft.kind is not MetricKind.CPI:
        return None
    if any(qualifies(evidence) for evidence in draft.evidence):
        return MetricState.QUALIFIED
    return MetricState.PROVISIONAL


def qualifies(evidence: CustomerEvidence) -> bool:
    return evidence.method in _IN_CONTEXT and not _missing_context(evidence)


def warnings(draft: MetricDraft) -> tuple[Warned, ...]:
    """What was accepted and is doubtful."""
    if draft.kind is MetricKind.CPI:
        return (*_telling_words(draft), *_weak_evidence(draft))
    if draft.kind is MetricKind.WATCH and draft.better_question is None:
        return (
            Warned(
                rule="better_question",
                message="A count is no outcome, and nothing stands beside it.",
                how="Say in better_question what to measure instead: what customers did after it.",
            ),
        )
    return ()


def twin(existing: Metric) -> Warned:
    """Two metrics of one definition are one outcome under two names."""
    return Warned(
        rule="same_definition",
        message=f'"{existing.name}" ({existing.id}) has the same definition already.',
        how="Use that one, unless the two are to part: evidence on one is none on the other.",
    )


def _definition(definition: Definition) -> Iterator[Violation]:
    if definition.missing is Missing.ZERO and definition.value_type in _ZERO_MEANS_BEST:
        yield Violation(
            field="definition.missing",
            rule="zero_is_best",
            message=f"Zero would count customers without a {definition.value_type} as the best served.",
            how='Say missing "exclude": customers without one are counted, not averaged.',
        )


def _scale(draft: MetricDraft) -> Iterator[Violation]:
    if draft.scale is not None and draft.scale.lowest >= draft.scale.highest:
        yield Violation(
            field="scale",
            rule="scale_order",
            message="The scale's lowest answer must be below its highest.",
            how="Give the two ends of the survey's scale, lowest first.",
        )
    is_rating = draft.definition.value_type is ValueType.RATING
    if is_rating and draft.scale is None and draft.kind is not MetricKind.CPI:
        yield Violation(
            field="scale",
            rule="rating_needs_scale",
            message="A rating means nothing without its scale.",
            how="Give the scale's lowest and highest answer.",
        )


def _evidence_dates(draft: MetricDraft, today: dt.date) -> Iterator[Violation]:
    for position, evidence in enumerate(draft.evidence):
        if evidence.date > today:
            yield Violation(
                field=f"evidence.{position}.date",
                rule="evidence_is_past",
                message=f"Evidence of {evidence.date.isoformat()} does not exist yet.",
                how="Attach evidence after it was gathered, with the day on which it was.",
            )


def _segments(draft: MetricDraft) -> Iterator[Violation]:
    segments = [expectation.segment for expectation in draft.expectations]
    if len(set(segments)) < len(segments):
        yield Violation(
            field="expectations",
            rule="one_expectation_per_segment",
            message="A segment is named twice.",
            how="Give each customer segment one expected level.",
        )


def _cpi(draft: MetricDraft, template: Template | None) -> Iterator[Violation]:
    yield from _company_metric(draft, template)
    yield from _criterion_1(draft)
    yield from _criterion_2(draft)
    if isinstance(draft.definition, QuantileDefinition):
        yield Violation(
            field="definition.aggregation",
            rule="cpi_is_a_mean",
            message="Whether a CPI moves a KPI is judged by its mean; a quantile has none.",
            how="Register the mean, or the share of customers within their expectation, as the CPI.",
        )
    for field in ("value_of_one_unit", "better", "better_question"):
        if getattr(draft, field) is not None:
            yield Violation(
                field=field,
                rule="not_a_cpi_field",
                message=f"A CPI carries no {field}.",
                how="Put it on the KPI that it should move; a CPI has increment and cost_of_one_increment.",
            )


def _company_metric(draft: MetricDraft, template: Template | None) -> Iterator[Violation]:
    """NPS, likelihood to recommend, satisfaction ratings: only the company cares about them."""
    if template is not None and template.metric.kind is not MetricKind.CPI:
        yield Violation(
            field="kind",
            rule="template_is_no_cpi",
            message=template.refused_as_cpi
            or f'"{template.metric.name}" says how customers perform for the company, not the reverse.',
            how=f'Register it with kind "{template.metric.kind}"; as CPI the outcome that customers want.',
        )
    if draft.definition.value_type is ValueType.RATING or draft.scale is not None:
        yield Violation(
            field="scale" if draft.scale is not None else "definition.value_type",
            rule="rating_is_no_cpi",
            message="An answer on a survey's scale is a number that only the company cares about: "
            "no customer gains anything from one more point.",
            how='Register the rating with kind "kpi"; as CPI measure what the customer was after: '
            "minutes, contacts, options, money saved, the goal reached.",
        )


def _criterion_1(draft: MetricDraft) -> Iterator[Violation]:
    rule = "customers_say_it_matters"
    if draft.outcome is None:
        yield Violation(
            field="outcome",
            rule=rule,
            message="A CPI is an outcome that customers say matters to them, and none is given.",
            how="Write the outcome in the customer's own words.",
        )
    if not draft.evidence:
        yield Violation(
            field="evidence",
            rule=rule,
            message="Nothing shows that customers say so.",
            how="Attach evidence: method, summary and date; contextual inquiry qualifies the CPI, "
            "any other method leaves it provisional.",
        )


def _criterion_2(draft: MetricDraft) -> Iterator[Violation]:
    rule = "increments_customers_value"
    if draft.increment is None:
        yield Violation(
            field="increment",
            rule=rule,
            message="A CPI is measured in increments that customers value, and none is given.",
            how='Give amount, unit and which direction is better: 1, "minute", "lower".',
        )
    if draft.value_kind is None:
        yield Violation(
            field="value_kind",
            rule=rule,
            message="It is not said what customers gain from one increment.",
            how="Say the kind of value: " + ", ".join(kind.value for kind in ValueKind) + ".",
        )
    if draft.value_kind is ValueKind.OTHER and draft.value_note is None:
        yield Violation(
            field="value_note",
            rule=rule,
            message='"other" does not say what customers gain.',
            how="Say in value_note what one increment gives the customer.",
        )


def _not_a_cpi(draft: MetricDraft) -> Iterator[Violation]:
    for field in _CUSTOMER_FIELDS:
        if getattr(draft, field):
            yield Violation(
                field=field,
                rule="only_a_cpi_field",
                message=f"A {draft.kind.value} carries no {field}: it is no customer's outcome.",
                how='Leave it out, or register the customer\'s outcome as a metric of kind "cpi".',
            )
    if draft.kind is MetricKind.WATCH and draft.value_of_one_unit is not None:
        yield Violation(
            field="value_of_one_unit",
            rule="counts_have_no_value",
            message="A watched count is worth nothing by itself.",
            how="Register the KPI that earns the money, and put the value there.",
        )


def _telling_words(draft: MetricDraft) -> Iterator[Warned]:
    words = re.sub(
        r"[\W_]+", " ", " ".join((draft.name, draft.description or "", draft.outcome or ""))
    ).lower()
    if found := _SURVEY_WORDS.search(words):
        yield Warned(
            rule="telling_name",
            message=f'"{found[0]}" sounds like a survey score, which only the company cares about.',
            how='If it is one, register it with kind "kpi" and measure the outcome behind the answer as CPI.',
        )
    if found := _TRAFFIC_WORDS.search(words):
        yield Warned(
            rule="telling_name",
            message=f'"{found[0]}" sounds like a count to watch, not an outcome.',
            how='If it is one, register it with kind "watch"; the journey after it is the outcome.',
        )


def _weak_evidence(draft: MetricDraft) -> Iterator[Warned]:
    if state(draft) is MetricState.QUALIFIED:
        return
    methods = sorted({evidence.method.value for evidence in draft.evidence})
    yield Warned(
        rule="provisional",
        message="No customer was watched or interviewed where they try to reach this outcome; "
        f"the evidence is {', '.join(methods)}.",
        how="Attach a contextual inquiry with place, researcher and journey_point.",
    )
    for evidence in draft.evidence:
        if evidence.method in _IN_CONTEXT:
            yield Warned(
                rule="context_incomplete",
                message=f"The {evidence.method.value} of {evidence.date.isoformat()} does not name its "
                f"{', '.join(_missing_context(evidence))}.",
                how="A contextual inquiry counts when it names place, researcher and journey_point.",
            )


def _missing_context(evidence: CustomerEvidence) -> tuple[str, ...]:
    return tuple(field for field in _CONTEXT_FIELDS if getattr(evidence, field) is None)
