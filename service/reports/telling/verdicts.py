"""How is a verdict told? The answer in one sentence, how sure it is and why, and what would change it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import JsonValue, TypeAdapter, ValidationError

from service.charts.relationship import Contrast, Slopes, contrasts_chart
from service.evidence.documents import SlopeDocument, Unanswered, VerdictState
from service.kit.words import Words
from service.reports.bundles import HypothesisPart, LookPart, MetricPart, VerdictPart
from service.reports.content import Block, Cell, Facts, Figure, Heading, Items, Paragraph, Tone
from service.reports.telling.figures import Teller
from service.reports.telling.results import ContrastTold, LookTold, VerdictTold

CONTRASTS: TypeAdapter[tuple[ContrastTold, ...]] = TypeAdapter(tuple[ContrastTold, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """A verdict in the words of one report, whichever document it was kept in."""

    hypothesis: HypothesisPart
    state: str
    label: str | None
    slope: SlopeDocument | Unanswered
    reasons: tuple[str, ...]
    needed_units_per_arm: int | None
    sentence: str
    relationship: dict[str, JsonValue]
    look: LookTold | LookPart | None

    @classmethod
    def of(
        cls,
        hypothesis: HypothesisPart,
        verdict: VerdictTold | VerdictPart,
        relationship: dict[str, JsonValue],
        look: LookTold | LookPart | None,
    ) -> Self:
        same = ("state", "label", "slope", "needed_units_per_arm", "sentence")
        return cls(
            hypothesis=hypothesis,
            **{name: getattr(verdict, name) for name in same},
            reasons=tuple(one.text for one in verdict.reasons),
            relationship=relationship,
            look=look,
        )


def conclusion(
    words: Words,
    found: Concluded,
    at: str,
    names: dict[str, str],
    mechanisms: dict[str, str],
    *,
    said: Sequence[Block] = (),
    awaited: Sequence[str] = (),
) -> list[Block]:
    """The answer, what else is to be said of it, and then how sure it is and what would change it.

    ``at`` is where the slope lies in the bundle.
    """
    return [
        Paragraph(text=answer(words, found), tone=Tone.ANSWER),
        *sizes(words, found, at),
        *said,
        *relationship_figure(words, found, names, mechanisms),
        *how_sure(words, found),
        *change_of_mind(words, found, awaited),
    ]


def question(words: Words, one: HypothesisPart) -> str:
    teller, share = Teller(words=words), one.kpi.share
    return words.gettext("Does “{cpi}” move “{kpi}”, by {smallest} or more for {increment}?").format(
        cpi=one.cpi.name,
        kpi=one.kpi.name,
        smallest=teller.sized(smallest(one), share=share),
        increment=words.retold(one.increment),
    )


def smallest(one: HypothesisPart) -> float:
    """The smallest slope of interest, on the side of 0 that the claim is on."""
    return one.smallest_slope if one.direction == "increase" else -one.smallest_slope


def answer(words: Words, found: Concluded) -> str:
    """The verdict in one sentence, with the size of the lever where it has one."""
    _ = words.gettext
    if found.state == VerdictState.CONFIRMED:
        if found.label == "on_assumption":
            return _("Yes, as long as the arms have no side effect beyond the bound: {size}.").format(
                size=size(words, found.hypothesis, found.slope)
            )
        return _("Yes: {size}.").format(size=size(words, found.hypothesis, found.slope))
    if found.state == VerdictState.REJECTED:
        return _("No: {size}, which is less than would be worth acting on.").format(
            size=size(words, found.hypothesis, found.slope)
        )
    if found.label == "supported":
        return _("Not decided, and supported by one mechanism: {size}.").format(
            size=size(words, found.hypothesis, found.slope)
        )
    return _("Not decided: {size}.").format(size=size(words, found.hypothesis, found.slope))


def size(words: Words, one: HypothesisPart, slope: SlopeDocument | Unanswered) -> str:
    """What one step of the CPI does to the KPI, with its interval."""
    _, teller, share = words.gettext, Teller(words=words), one.kpi.share
    if isinstance(slope, Unanswered):
        return _("no size could be estimated for “{kpi}”").format(kpi=one.kpi.name)
    ends = [_("open") if end is None else teller.sized(end, share=share) for end in slope.interval]
    told = {"kpi": one.kpi.name, "increment": words.retold(one.increment), "low": ends[0], "high": ends[1]}
    if slope.estimate is None:
        return _("{increment} changes “{kpi}” by {low} to {high}, differently by mechanism").format(**told)
    estimate = teller.sized(slope.estimate, share=share)
    return _("{increment} changes “{kpi}” by {estimate}, interval {low} to {high}").format(
        estimate=estimate, **told
    )


def sizes(words: Words, found: Concluded, at: str) -> list[Block]:
    """The slope's own numbers, beside what would have been worth acting on."""
    _, teller, kpi = words.gettext, Teller(words=words), found.hypothesis.kpi
    if isinstance(found.slope, Unanswered):
        return []
    low, high = found.slope.interval
    rows: list[tuple[str, Cell]] = [
        (_("For {increment}").format(increment=words.retold(found.hypothesis.increment)), "–"),
        (_("Interval from"), teller.signed(low, kpi, f"{at}/interval/0")),
        (_("Interval to"), teller.signed(high, kpi, f"{at}/interval/1")),
        (_("Worth acting on from"), teller.sized(smallest(found.hypothesis), share=kpi.share)),
    ]
    if found.slope.estimate is not None:
        rows[0] = (rows[0][0], teller.signed(found.slope.estimate, kpi, f"{at}/estimate"))
    else:
        rows[0] = (rows[0][0], _("differs by mechanism"))
    return [Facts(rows=rows)]


def how_sure(words: Words, found: Concluded) -> list[Block]:
    _ = words.gettext
    texts = [_("In one sentence: {sentence}").format(sentence=words.retold(found.sentence))]
    if found.look is not None:
        told = _(
            "Verdict {number} of this hypothesis, at the error rate {alpha}; all its verdicts together keep "
            "to {all}."
        )
        texts.append(
            told.format(
                number=found.look.number,
                alpha=words.number(found.look.alpha),
                all=words.number(found.hypothesis.alpha),
            )
        )
    fit = found.relationship.get("overidentification")
    if isinstance(fit, dict) and isinstance(fit.get("p_value"), int | float):
        told = _("One slope fits all arms: p = {p}. A small p would say that some arms act past the CPI.")
        texts.append(told.format(p=words.number(float(str(fit["p_value"])))))
    mechanisms = found.relationship.get("mechanisms")
    if isinstance(mechanisms, list):
        n = len(mechanisms)
        told = words.ngettext(
            "{n} mechanism moved the CPI.", "{n} mechanisms moved the CPI, each in its own way.", n
        )
        texts.append(told.format(n=n))
    return [Heading(text=_("How sure, and why")), Items(texts=[*texts, *map(words.retold, found.reasons)])]


def change_of_mind(words: Words, found: Concluded, awaited: Sequence[str] = ()) -> list[Block]:
    _ = words.gettext
    texts = list(awaited)
    if found.needed_units_per_arm is not None:
        told = _("About {n} units in each arm would decide.")
        texts.append(told.format(n=words.count(found.needed_units_per_arm)))
    breakdown = found.relationship.get("breakdown")
    if isinstance(breakdown, int | float) and found.state != VerdictState.INCONCLUSIVE:
        told = _("A side effect of the arms on “{kpi}” of {size} or more, past the CPI, would undo it.")
        sized = (
            Teller(words=words)
            .sized(abs(float(breakdown)), share=found.hypothesis.kpi.share)
            .removeprefix("+")
        )
        texts.append(told.format(kpi=found.hypothesis.kpi.name, size=sized))
    if found.state == VerdictState.INCONCLUSIVE:
        texts += map(words.retold, found.reasons)
    if found.look is not None and found.look.due_at > 0:
        told = _(
            "The next verdict is due when the information has grown to {due} (it is {now} now): experiments "
            "that start from here on count, whatever they show."
        )
        texts.append(
            told.format(due=words.number(found.look.due_at), now=words.number(found.look.information))
        )
    if not texts:
        texts.append(_("New experiments: all that start from here on count, whatever they show."))
    return [Heading(text=_("What would change our mind")), Items(texts=texts)]


def relationship_figure(
    words: Words, found: Concluded, names: dict[str, str], mechanisms: dict[str, str]
) -> list[Block]:
    """Effects on CPI and KPI, arm by arm; nothing where the relationship could not be estimated."""
    kept = found.relationship.get("contrasts")
    try:
        told = CONTRASTS.validate_python(kept) if isinstance(kept, list) else ()
    except ValidationError:  # of a release that kept them in another shape
        return []
    if not told:
        return []
    one = found.hypothesis
    factors = [100.0 if metric.share else 1.0 for metric in (one.cpi, one.kpi)]
    chart = contrasts_chart(
        words,
        unit_of(words, one.cpi),
        unit_of(words, one.kpi),
        [_contrast(each, names, mechanisms, *factors) for each in told],
        _raw(found, factors[1] / factors[0]),
    )
    return [Figure(chart=chart)]


def _contrast(
    one: ContrastTold, names: dict[str, str], mechanisms: dict[str, str], cpi: float, kpi: float
) -> Contrast:
    return Contrast(
        name=f"{names.get(one.experiment, one.experiment)}: {one.arm}",
        mechanism=mechanisms.get(one.mechanism or "", one.mechanism or "–"),
        placebo=one.placebo,
        cpi=one.cpi_effect * cpi,
        kpi=one.kpi_effect * kpi,
        var_cpi=one.var_cpi * cpi**2,
        var_kpi=one.var_kpi * kpi**2,
        cov=one.cov * cpi * kpi,
    )


def _raw(found: Concluded, factor: float) -> Slopes:
    """The slope per unit of the CPI as it is drawn, where it was per step of improvement."""
    if isinstance(found.slope, Unanswered):
        return Slopes(estimate=None, low=None, high=None)
    per = factor / found.hypothesis.step
    ends = sorted(end * per for end in found.slope.interval if end is not None)
    closed = len(ends) == 2
    estimate = found.slope.estimate
    return Slopes(
        estimate=None if estimate is None else estimate * per,
        low=ends[0] if closed else None,
        high=ends[1] if closed else None,
    )


def unit_of(words: Words, metric: MetricPart) -> str:
    if metric.share:
        return words.gettext("{name} (points)").format(name=metric.name)
    return f"{metric.name} ({words.unit(metric.unit)})" if metric.unit else metric.name
