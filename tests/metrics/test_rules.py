"""Which metrics are refused, doubted, provisional or qualified?"""

import datetime as dt

import pytest

from service.metrics import rules
from service.metrics.customer import MetricState
from service.metrics.schemas import MetricDraft
from service.metrics.templates import find_template, templates
from tests.metrics.drafts import INQUIRY, cpi, kpi

TODAY = dt.date(2026, 11, 22)
RATING = {
    "aggregation": "mean",
    "event": {"event": "survey_answered"},
    "value_property": "answer",
    "value_type": "rating",
    "window": "P30D",
}


def broken(draft, template=None):
    found = rules.refusals(
        MetricDraft.model_validate(draft),
        template=find_template(template) if template else None,
        today=TODAY,
    )
    return {(violation["field"], violation["rule"]) for violation in found}


def evidence(method, **changes):
    return {"method": method, "summary": "What we heard", "date": "2026-03-14"} | changes


def warned(draft):
    return {warning.rule for warning in rules.warnings(MetricDraft.model_validate(draft))}


def test_a_cpi_with_both_criteria_is_accepted():
    assert broken(cpi()) == set()
    assert warned(cpi()) == set()


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("outcome", "customers_say_it_matters"),
        ("evidence", "customers_say_it_matters"),
        ("increment", "increments_customers_value"),
        ("value_kind", "increments_customers_value"),
    ],
)
def test_a_cpi_without_either_criterion_is_refused_by_name(field, rule):
    draft = cpi()
    del draft[field]
    assert broken(draft) == {(field, rule)}


def test_a_kind_of_value_called_other_is_put_into_words():
    assert broken(cpi(value_kind="other")) == {("value_note", "increments_customers_value")}
    assert broken(cpi(value_kind="other", value_note="A good conscience")) == set()


@pytest.mark.parametrize(
    "slug",
    ["nps", "likelihood-to-recommend", "csat", "ces-survey", "sentiment", "call-centre-rating", "revenue"],
)
def test_a_company_metric_of_the_templates_is_refused_as_cpi(slug):
    assert ("kind", "template_is_no_cpi") in broken(cpi(), template=slug)


def test_a_rating_is_refused_as_cpi_by_its_declared_scale_and_by_its_value_type():
    assert broken(cpi(scale={"lowest": 0, "highest": 10})) == {("scale", "rating_is_no_cpi")}
    assert broken(cpi(definition=RATING)) == {("definition.value_type", "rating_is_no_cpi")}


def test_a_rating_is_welcome_as_kpi_with_its_scale():
    assert broken(kpi(definition=RATING)) == {("scale", "rating_needs_scale")}
    assert broken(kpi(definition=RATING, scale={"lowest": 0, "highest": 10})) == set()
    assert broken(kpi(definition=RATING, scale={"lowest": 5, "highest": 1})) == {("scale", "scale_order")}


@pytest.mark.parametrize(
    "name", ["NPS of callers", "csat_score", "Star rating", "Clicks on the offer", "Reach"]
)
def test_a_telling_name_is_accepted_with_a_warning(name):
    assert broken(cpi(name=name)) == set()
    assert "telling_name" in warned(cpi(name=name))


def test_a_satisfied_customer_whose_goal_was_reached_is_no_telling_name():
    assert warned(cpi(name="Resolved and satisfied: goal reached at first contact")) == set()


@pytest.mark.parametrize("method", ["another_company", "internal_experts", "focus_group", "survey", "logs"])
def test_weak_evidence_or_logs_alone_leave_a_cpi_provisional(method):
    draft = MetricDraft.model_validate(cpi(evidence=[evidence(method)]))
    assert rules.state(draft) is MetricState.PROVISIONAL
    assert {warning.rule for warning in rules.warnings(draft)} == {"provisional"}


@pytest.mark.parametrize("method", ["contextual_inquiry_observation", "contextual_inquiry_interview"])
def test_one_contextual_inquiry_qualifies_a_cpi(method):
    strong = INQUIRY | {"method": method}
    draft = MetricDraft.model_validate(cpi(evidence=[evidence("survey"), strong]))
    assert rules.state(draft) is MetricState.QUALIFIED


@pytest.mark.parametrize("missing", ["place", "researcher", "journey_point"])
def test_an_inquiry_out_of_context_does_not_qualify_and_says_what_is_missing(missing):
    draft = MetricDraft.model_validate(cpi(evidence=[INQUIRY | {missing: None}]))
    assert rules.state(draft) is MetricState.PROVISIONAL
    told = {warning.rule: warning.message for warning in rules.warnings(draft)}
    assert missing in told["context_incomplete"]


def test_evidence_of_tomorrow_is_refused():
    assert broken(cpi(evidence=[INQUIRY | {"date": "2026-11-23"}])) == {
        ("evidence.0.date", "evidence_is_past")
    }


@pytest.mark.parametrize("value_type", ["duration", "rating"])
def test_missing_as_zero_is_refused_where_zero_means_best(value_type):
    definition = RATING | {"value_type": value_type, "missing": "zero"}
    assert ("definition.missing", "zero_is_best") in broken(kpi(definition=definition))


def test_missing_as_zero_is_fine_where_zero_is_honest():
    definition = RATING | {"value_type": "money", "aggregation": "sum", "missing": "zero"}
    assert broken(kpi(definition=definition)) == set()


def test_a_sum_of_times_does_not_become_zero_by_default():
    definition = RATING | {"value_type": "duration", "aggregation": "sum"}
    assert broken(kpi(definition=definition)) == {("definition.missing", "zero_is_best")}


def test_a_segment_has_one_expectation():
    twice = [{"segment": "consumers", "level": 1}, {"segment": "consumers", "level": 2}]
    assert broken(cpi(expectations=twice)) == {("expectations", "one_expectation_per_segment")}


def test_customer_fields_belong_to_cpis_and_money_per_unit_to_kpis():
    assert broken(kpi(outcome="I like it")) == {("outcome", "only_a_cpi_field")}
    money = {"amount": 10, "currency": "EUR"}
    assert broken(cpi(value_of_one_unit=money)) == {("value_of_one_unit", "not_a_cpi_field")}
    assert broken(kpi(kind="watch", value_of_one_unit=money)) == {
        ("value_of_one_unit", "counts_have_no_value")
    }


def test_a_watched_count_without_the_better_question_is_warned():
    assert warned(kpi(kind="watch")) == {"better_question"}
    assert warned(kpi(kind="watch", better_question="What did they do next?")) == set()


def test_every_refusal_says_how_to_satisfy_it():
    draft = MetricDraft.model_validate(kpi(kind="cpi", scale={"lowest": 1, "highest": 1}, definition=RATING))
    for violation in rules.refusals(draft, template=find_template("nps"), today=TODAY):
        assert violation["how"].endswith(".")
        assert violation["message"].endswith(".")


def test_a_quantile_is_no_cpi_and_may_be_a_kpi():
    quantile = RATING | {"aggregation": "quantile", "quantile": 0.9, "value_type": "duration"}
    assert broken(cpi(definition=quantile)) == {("definition.aggregation", "cpi_is_a_mean")}
    assert broken(kpi(definition=quantile)) == set()


CPI_TEMPLATES = {
    "quick-quote",
    "payment-flexibility",
    "quote-turnaround",
    "friends-like-this-song",
    "first-time-resolution",
    "nothing-broke",
    "value-delivered",
    "time-to-value",
    "request-resolution-time",
    "customer-effort-steps",
    "customer-effort-contacts",
    "customer-effort-minutes",
    "calls-after-digital",
}
KPI_TEMPLATES = {
    "acquisition-conversion",
    "revenue",
    "retention",
    "customer-lifetime-value",
    "time-spent-streaming",
    "repeat-purchases",
    "cost-of-service",
    "credits-issued",
    "replaced-items",
    "loyalty",
    "sentiment",
    "speed-of-sale",
    "adoption-daily",
    "adoption-weekly",
    "adoption-monthly",
    "csat",
    "ces-survey",
    "nps",
    "likelihood-to-recommend",
}


def test_the_templates_are_those_that_the_mission_names():
    by_kind = {
        kind: {t.slug for t in templates() if t.metric.kind == kind} for kind in ("cpi", "kpi", "watch")
    }
    assert by_kind == {
        "cpi": CPI_TEMPLATES,
        "kpi": KPI_TEMPLATES,
        "watch": {"click-through", "reach", "call-centre-rating"},
    }


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.slug)
def test_a_template_is_complete_and_breaks_no_rule(template):
    draft = template.metric
    if draft.kind == "cpi":
        borrowed = MetricDraft.model_validate(cpi(evidence=[evidence("another_company")])).evidence
        draft = draft.model_copy(update={"evidence": borrowed})
    assert rules.refusals(draft, template=template, today=TODAY) == ()
    assert draft.function is not None
    assert draft.template == template.slug
    if draft.kind == "watch":
        assert draft.better_question
        assert template.refused_as_cpi
