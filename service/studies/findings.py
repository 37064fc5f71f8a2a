"""What does a design's answer come to, in the words and shape of every study?"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace

from pydantic import JsonValue

from analyses import (
    NUISANCES,
    CausalQuestion,
    Check,
    NotEstimable,
    ObservedEffect,
    Overlap,
    StrategyKind,
    StudyAnswer,
    as_json,
    observed_effect,
)
from service.studies.reading import Read
from service.studies.rules import covariates_of, graph_of, missing_roles
from service.studies.schemas import (
    CPI,
    KPI,
    GraphStudy,
    KnownAttribute,
    StudyCheck,
    StudyDraft,
    StudyFinding,
    StudyRefusal,
    StudySlope,
)
from service.studies.service import Question

OBSERVED, QUASI = 1, 2
"""Rungs of the evidence ladder."""

type Details = dict[str, JsonValue]


def graph_finding(question: Question, read: Read) -> StudyFinding:
    """By the graph: its first strategy that gives a number, and what speaks against it."""
    draft = question.draft
    if not isinstance(draft, GraphStudy):
        raise TypeError(f"expected a graph, got {draft.design}")
    graph = graph_of(draft, question.template)
    if isinstance(graph, NotEstimable):  # it was refused when it was asked
        return refused(question, graph, OBSERVED, units=read.sample.n, left_out=read.left_out)
    if why := unknown(draft, read):
        return refused(question, why, OBSERVED, units=read.sample.n, left_out=read.left_out)
    called = {end: f"“{question.pins[end].name}”" for end in (CPI, KPI)}
    asked = CausalQuestion(
        graph=replace(graph, called=called),
        step=question.step,
        alpha=draft.alpha,
        seed=draft.seed,
        randomised=question.randomised,
    )
    found = observed_effect(asked, read.sample)
    if isinstance(found, NotEstimable):
        return refused(question, found, OBSERVED, units=read.sample.n, left_out=read.left_out)
    slope = slope_of(question, found.answer)
    missing = missing_roles(draft, question.template)
    return StudyFinding(
        rung=OBSERVED,
        sentence=_sentence(question, found, slope),
        slope=slope,
        units=found.units,
        left_out=dict(read.left_out),
        assumptions=(*_assumptions(found, missing), ORDER),
        checks=shown(question, found.checks),
        details=_details(found),
    )


ORDER = (
    "CPI and KPI are measured over windows that begin at the same moment: the KPI does not act back on the"
    " CPI meanwhile."
)


def unknown(draft: StudyDraft, read: Read) -> NotEstimable | None:
    """What no unit was known to have: to call it 0 for all would hold nothing fixed."""
    if not read.unknown:
        return None
    told = f"no unit has {', '.join(read.unknown)} before its anchor: send it, or call it unmeasured"
    if any(isinstance(one, KnownAttribute) and one.name in read.unknown for one in covariates_of(draft)):
        told += ". A text that is no number does not count: name it as a category"
    return NotEstimable(reason="covariate_unknown", detail=told)


def slope_of(question: Question, answer: StudyAnswer | NotEstimable) -> StudySlope | StudyRefusal:
    """Of a study's main answer."""
    found = answer if isinstance(answer, NotEstimable) else answer.found
    if isinstance(found, NotEstimable):
        return refusal(question, found)
    ends = found.value.interval
    return StudySlope(estimate=found.value.value, interval=(ends.lower, ends.upper))


def refusal(question: Question, why: NotEstimable) -> StudyRefusal:
    return StudyRefusal(reason=why.reason, detail=named(question, why.detail))


def refused(
    question: Question,
    why: NotEstimable,
    rung: int,
    *,
    units: int,
    left_out: Mapping[str, int],
    details: Details | None = None,
) -> StudyFinding:
    """No number, and why."""
    return StudyFinding(
        rung=rung,
        sentence=no_answer(question, why),
        slope=refusal(question, why),
        units=units,
        left_out=dict(left_out),
        assumptions=(),
        checks=(),
        details=details or {},
    )


def no_answer(question: Question, why: NotEstimable | StudyRefusal) -> str:
    return f"{ends(question)}: no answer. {sentence_of(named(question, why.detail))}"


def ends(question: Question) -> str:
    return f"“{question.pins[CPI].name}” on “{question.pins[KPI].name}”"


def named(question: Question, text: str) -> str:
    """A sentence with the ends as people call them; what a covariate is called is left as it is."""
    called = {end: f"“{question.pins[end].name}”" for end in (CPI, KPI)}
    end = rf"\b(?:{CPI}|{KPI})\b"
    names = [*called.values(), *(one.name for one in covariates_of(question.draft))]
    whole = [re.escape(name) for name in sorted(names, key=len, reverse=True) if re.search(end, name)]
    pattern = "|".join([*whole, end])
    return re.sub(pattern, lambda found: called.get(found[0], found[0]), text)


def shown(question: Question, checks: Iterable[Check]) -> tuple[StudyCheck, ...]:
    return tuple(
        StudyCheck(name=one.name, passed=one.passed, detail=named(question, one.detail)) for one in checks
    )


def increment(question: Question) -> str:
    found = question.pins[CPI].increment
    return "increment" if found is None else found.words


def sentence_of(text: str) -> str:
    """As a sentence: a capital, and a full stop."""
    whole = text[:1].upper() + text[1:]
    return whole if whole.endswith(".") else f"{whole}."


def spoken(interval: tuple[float | None, float | None]) -> tuple[str, str]:
    """Both ends in figures, one that is open in words."""
    lower, upper = ("unbounded" if end is None else f"{end:+.3g}" for end in interval)
    return lower, upper


def _sentence(question: Question, found: ObservedEffect, slope: StudySlope | StudyRefusal) -> str:
    if isinstance(slope, StudyRefusal):
        return no_answer(question, slope)
    doubts = sum(one.passed is False for one in found.checks)
    cpi, kpi, (lower, upper) = question.pins[CPI].name, question.pins[KPI].name, spoken(slope.interval)
    said = (
        f"Observed, not proven: “{cpi}” on “{kpi}” {slope.estimate:+.3g} (interval {lower} to {upper}) per "
        f"{increment(question)}."
    )
    raw = ["Nothing was adjusted for: this is a raw correlation."] if _unadjusted(found) else []
    against = [f"{doubts} of {len(found.checks)} checks speak against it."] if doubts else []
    return " ".join([said, *raw, *against, "An experiment would tell."])


def _unadjusted(found: ObservedEffect) -> bool:
    if isinstance(found.answer, NotEstimable):
        return False
    strategy = found.answer.strategy
    return strategy.kind is StrategyKind.BACKDOOR and not strategy.adjust


def _assumptions(found: ObservedEffect, missing: tuple[str, ...]) -> tuple[str, ...]:
    stated = () if isinstance(found.answer, NotEstimable) else found.answer.strategy.assumptions
    if not missing:
        return stated
    return (
        *stated,
        f"Usual common causes without data in this study do nothing: {', '.join(missing)}.",
    )


def _details(found: ObservedEffect) -> Details:
    """Everything but which units were trimmed."""
    doubts: Details = {one.name: _doubt(getattr(found.doubts, one.name)) for one in fields(found.doubts)}
    rest = {one.name: getattr(found, one.name) for one in fields(found) if one.name != "doubts"}
    named: Details = {"doubts": doubts, "nuisances": None if found.doubts.learned is None else NUISANCES}
    return {name: as_json(value) for name, value in rest.items()} | named


def _doubt(value: object) -> JsonValue:
    if not isinstance(value, Overlap):
        return as_json(value)
    return {one.name: as_json(getattr(value, one.name)) for one in fields(value) if one.name != "kept"}
