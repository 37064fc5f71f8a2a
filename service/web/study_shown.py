"""What does a study's page show of what was found: slopes side by side, and what would overturn them?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError

from service.charts.chart import Chart
from service.charts.slopes import Line, forest_chart
from service.kit.words import Words
from service.studies.schemas import CPI, Design, StudyFinding, StudySlope
from service.web.exploration_shown import words_of_line

_DETAILS = TypeAdapter(dict[str, JsonValue])
MOST_BENCHMARKS = 10


class _Kept(BaseModel):
    """A part of the details; what it has besides is not shown."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Estimate(_Kept):
    value: float
    interval: tuple[float | None, float | None]


class _Slope(_Kept):
    value: _Estimate
    units: int


class _Strategy(_Kept):
    kind: str
    adjust: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    mediators: tuple[str, ...] = ()


class Randomised(_Kept):
    """Observed beside randomised, per increment of improvement."""

    observed: float
    randomised: float
    randomised_interval: tuple[float | None, float | None] = (None, None)  # earlier versions kept none
    difference: float
    interval: tuple[float | None, float | None]
    agrees: bool
    sentence: str


class Benchmark(_Kept):
    """What a cause as strong as a covariate would leave of the slope."""

    covariate: str
    times: int
    adjusted: float
    lower: float
    upper: float


class _Robustness(_Kept):
    value: float
    value_alpha: float


class Sensitivity(_Kept):
    """How strong an unmeasured cause would have to be."""

    robustness: _Robustness
    e_value: float
    e_value_end: float
    benchmarks: tuple[Benchmark, ...]
    detail: str


class _Shift(_Kept):
    outcomes: tuple[str, ...]
    effects: tuple[_Estimate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What a change did to one end, in its raw units."""

    cpi: bool
    value: float
    interval: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that the page says beyond the finding itself."""

    slope: StudySlope | None  # None: no answer
    lines: Sequence[Line]
    strategy: str | None
    fixed: Sequence[str]
    compared: Randomised | None
    sensitivity: Sensitivity | None
    effects: Sequence[Effect]


def shown(words: Words, design: Design, finding: StudyFinding) -> Shown:
    """Of a result as it is kept, whatever version of the service made it."""
    details = finding.details
    doubts = _part(details, "doubts")
    answer = _read(_Strategy, _part(_part(details, "answer"), "strategy"))
    sensitivity = _read(Sensitivity, _part(doubts, "sensitivity"))
    if sensitivity is not None:
        once = tuple(one for one in sensitivity.benchmarks if one.times == 1)
        sensitivity = sensitivity.model_copy(update={"benchmarks": once[:MOST_BENCHMARKS]})
    return Shown(
        slope=told(finding),
        lines=list(_lines(words, design, finding, doubts)),
        strategy=None if answer is None else answer.kind,
        fixed=() if answer is None else (*answer.adjust, *answer.instruments, *answer.mediators),
        compared=_read(Randomised, _part(details, "comparison")),
        sensitivity=sensitivity,
        effects=list(_effects(details)),
    )


def told(finding: StudyFinding) -> StudySlope | None:
    """The slope, unless its interval is open on both sides: such a number says nothing."""
    slope = finding.slope
    return slope if isinstance(slope, StudySlope) and slope.interval != (None, None) else None


def chart_of(words: Words, found: Shown, *, unit: str, smallest: float) -> Chart | None:
    """The slopes that were computed, beneath one another; none where there is nothing to compare."""
    _ = words.gettext
    if len([one for one in found.lines if one.low is not None and one.high is not None]) < 2:
        return None
    alt = "; ".join(map(words_of_line(words), found.lines))
    title = _("The same question, answered in several ways")
    return forest_chart(words, title=title, alt=alt, unit=unit, smallest=smallest, lines=found.lines)


def _lines(
    words: Words, design: Design, finding: StudyFinding, doubts: Mapping[str, JsonValue]
) -> Iterator[Line]:
    _ = words.gettext
    observed, randomised = _("observed"), _("randomised")
    slope = told(finding)
    if slope is not None:
        low, high = slope.interval
        yield Line(name=_("this study"), kind=observed, estimate=slope.estimate, low=low, high=high)
    if design is not Design.GRAPH:
        return
    for name, document in (
        (_("nothing held fixed"), _part(finding.details, "naive")),
        (_("only units that have counterparts"), _part(doubts, "trimmed")),
        (_("by learned curves"), _part(doubts, "learned")),
    ):
        if (one := _read(_Slope, document)) is not None:
            low, high = one.value.interval
            yield Line(name=name, kind=observed, estimate=one.value.value, low=low, high=high)
    compared = _read(Randomised, _part(finding.details, "comparison"))
    if compared is not None:
        low, high = compared.randomised_interval
        yield Line(name=_("experiments"), kind=randomised, estimate=compared.randomised, low=low, high=high)


def _effects(details: Mapping[str, JsonValue]) -> Iterator[Effect]:
    """Of a design by a change: what it did to CPI and KPI."""
    found = _read(_Shift, _part(details, "overall")) or _read(_Shift, _part(details, "jump"))
    if found is None:
        return
    for name, one in zip(found.outcomes, found.effects, strict=False):
        yield Effect(cpi=name == CPI, value=one.value, interval=one.interval)


def _part(document: object, name: str) -> dict[str, JsonValue]:
    if not isinstance(document, Mapping) or not isinstance(found := document.get(name), Mapping):
        return {}
    return _DETAILS.validate_python(found)


def _read[T: _Kept](kind: type[T], document: Mapping[str, JsonValue]) -> T | None:
    """None for a refusal, and for what an earlier version wrote otherwise."""
    try:
        return kind.model_validate(document)
    except ValidationError:
        return None
