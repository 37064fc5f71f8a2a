"""What must a hypothesis say before it can be registered, and what is doubtful about it?"""

from collections.abc import Iterator

from service.hypotheses.schemas import Direction, HypothesisDraft, ProposedSlope
from service.kit.errors import Violation
from service.kit.numbers import singular
from service.metrics.customer import Better, MetricState
from service.metrics.definitions import QuantileDefinition
from service.metrics.scale import Scale
from service.metrics.schemas import MetricKind, Warned
from service.metrics.segments import named
from service.metrics.service import PinnedMetric

DECISION_RULE = "E"  # the rule of the verdict; part of what is frozen


def refusals(draft: HypothesisDraft, cpi: PinnedMetric, kpi: PinnedMetric) -> tuple[Violation, ...]:
    """Every rule that a draft breaks, each with how to satisfy it."""
    return (
        *_kind("cpi", cpi, MetricKind.CPI),
        *_kind("kpi", kpi, MetricKind.KPI),
        *_means(kpi),
        *_unit_type(draft, cpi, kpi),
        *_window(draft, cpi, kpi),
        *_bound(draft),
        *_segments(draft),
    )


def unready(draft: HypothesisDraft) -> tuple[Violation, ...]:
    """What a draft may leave open and a registration may not."""
    if draft.smallest_slope is not None:
        return ()
    return (
        Violation(
            field="smallest_slope",
            rule="smallest_slope_required",
            message="Without a smallest slope of interest nothing can be rejected.",
            how="Give d in KPI units per increment; proposed_smallest_slope says where it breaks even.",
        ),
    )


def warnings(draft: HypothesisDraft, cpi: PinnedMetric) -> tuple[Warned, ...]:
    found = []
    if cpi.state is MetricState.PROVISIONAL:
        found.append(
            Warned(
                rule="provisional_cpi",
                message=f'"{cpi.name}" is provisional: nobody has yet watched customers want it.',
                how="Attach a contextual inquiry to the CPI; the hypothesis stays as it is.",
            )
        )
    if draft.direct_effect_bound == "unknown":
        found.append(
            Warned(
                rule="bound_unknown",
                message="With an unknown direct effect one mechanism alone can decide nothing.",
                how="Plan two mechanisms with a placebo or clearly different doses, or register a bound.",
            )
        )
    return tuple(found)


def proposed_slope(cpi: PinnedMetric, kpi: PinnedMetric) -> ProposedSlope:
    """The d at break-even: what one increment costs, over what one unit of the KPI is worth."""
    cost, value = cpi.cost_of_one_increment, kpi.value_of_one_unit
    if cost is None:
        return ProposedSlope(value=None, reason=f'"{cpi.name}" has no cost of one increment.')
    if value is None:
        return ProposedSlope(value=None, reason=f'"{kpi.name}" has no value of one unit.')
    if cost.currency != value.currency:
        return ProposedSlope(value=None, reason=f"{cost.currency} and {value.currency} do not compare.")
    return ProposedSlope(
        value=cost.amount / value.amount,
        reason=f'One increment of "{cpi.name}" costs {cost.amount:g} {cost.currency}, one unit of '
        f'"{kpi.name}" is worth {value.amount:g} {value.currency}: below this slope it does not pay.',
    )


def statement(draft: HypothesisDraft, cpi: PinnedMetric, kpi: PinnedMetric) -> str:
    """The hypothesis as a sentence, as people say it: each minute less of a wait."""
    name, increment = cpi.name, cpi.increment
    size = "" if draft.smallest_slope is None else _at_least(draft.smallest_slope, kpi)
    rises = draft.direction is Direction.INCREASE
    if increment is None or increment.amount != 1:
        step = "increment" if increment is None else increment.words
        if rises:
            return f'Each {step} of "{name}" will increase "{kpi.name}"{size}.'
        return f'Each {step} of "{name}" will decrease "{kpi.name}"{size}.'
    unit, less = singular(increment.unit), increment.better is Better.LOWER
    said = {
        (True, True): f'Each {unit} less of "{name}" will increase "{kpi.name}"{size}.',
        (True, False): f'Each {unit} less of "{name}" will decrease "{kpi.name}"{size}.',
        (False, True): f'Each {unit} more of "{name}" will increase "{kpi.name}"{size}.',
        (False, False): f'Each {unit} more of "{name}" will decrease "{kpi.name}"{size}.',
    }
    return said[less, rises]


def _at_least(smallest_slope: float, kpi: PinnedMetric) -> str:
    """A share moves by points."""
    scale = Scale.of(kpi.definition)
    points = smallest_slope * scale.factor
    if scale.points:
        return f" by at least {points:g} point" if points == 1 else f" by at least {points:g} points"
    return f" by at least {smallest_slope:g}"


def frozen(draft: HypothesisDraft) -> dict[str, object]:
    """What is hashed: every field, defaults included, and the rule that will decide."""
    return draft.model_dump(mode="json") | {"decision_rule": DECISION_RULE}


def _kind(field: str, metric: PinnedMetric, wanted: MetricKind) -> Iterator[Violation]:
    if metric.kind is not wanted:
        yield Violation(
            field=field,
            rule=f"{field}_is_a_{field}",
            message=f'"{metric.name}" is registered as {metric.kind.value}, not as {wanted.value}.',
            how="A hypothesis goes from a CPI to a KPI; a watched count takes part in none.",
        )


def _means(kpi: PinnedMetric) -> Iterator[Violation]:
    if isinstance(kpi.definition, QuantileDefinition):
        yield Violation(
            field="kpi",
            rule="relationship_needs_means",
            message=f'"{kpi.name}" is a quantile, and a slope is a ratio of effects on means.',
            how="Take its mean, or the share of units beyond a fixed value, as the KPI; "
            "plan the quantile as a secondary metric.",
        )


def _unit_type(draft: HypothesisDraft, cpi: PinnedMetric, kpi: PinnedMetric) -> Iterator[Violation]:
    for field, metric in (("cpi", cpi), ("kpi", kpi)):
        if metric.unit_type != draft.unit_type:
            yield Violation(
                field=field,
                rule="one_unit_type",
                message=f'"{metric.name}" is measured per {metric.unit_type}, the hypothesis per '
                f"{draft.unit_type}.",
                how="Choose metrics of the hypothesis' unit type, or register them for it.",
            )


def _window(draft: HypothesisDraft, cpi: PinnedMetric, kpi: PinnedMetric) -> Iterator[Violation]:
    longest = max((cpi, kpi), key=lambda metric: metric.definition.window)
    if draft.window < longest.definition.window:
        yield Violation(
            field="window",
            rule="window_covers_both_metrics",
            message=f'The window of {draft.window.days} days ends before that of "{longest.name}", '
            f"{longest.definition.window.days} days.",
            how="Give a window at least as long as those of both metrics.",
        )


def _bound(draft: HypothesisDraft) -> Iterator[Violation]:
    if draft.direct_effect_bound == "unknown" and draft.bound_evidence:
        yield Violation(
            field="bound_evidence",
            rule="evidence_needs_a_bound",
            message="Experiments are named behind a bound that is unknown.",
            how="Give the bound that they support as a number, or leave bound_evidence empty.",
        )
    if len(set(draft.bound_evidence)) < len(draft.bound_evidence):
        yield Violation(
            field="bound_evidence",
            rule="evidence_counts_once",
            message="An experiment is named twice behind the bound.",
            how="Name each experiment once.",
        )


def _segments(draft: HypothesisDraft) -> Iterator[Violation]:
    if len({named(one) for one in draft.segments}) < len(draft.segments):
        yield Violation(
            field="segments",
            rule="segments_differ",
            message="A segment is named twice.",
            how="Name each segment once.",
        )
