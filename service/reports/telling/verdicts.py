"""How is a verdict told? The answer in one sentence, how sure it is and why, and what would change it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Self

from pydantic import JsonValue, TypeAdapter, ValidationError

from service.charts.relationship import Contrast, Slopes, contrasts_chart
from service.evidence.documents import LookState, SlopeDocument, Unanswered, VerdictState
from service.kit.words import Words
from service.reports.bundles import HypothesisPart, LookPart, MetricPart, VerdictPart
from service.reports.content import Block, Cell, Facts, Figure, Heading, Items, Paragraph, Tone
from service.reports.telling.checks import distrusted
from service.reports.telling.figures import Teller
from service.reports.telling.results import ContrastTold, LookTold, VerdictTold

UNLIKELY, TINY = 0.05, 0.001
CONTRASTS: TypeAdapter[tuple[ContrastTold, ...]] = TypeAdapter(tuple[ContrastTold, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Concluded:
    """A verdict in the words of one report, whichever document it was kept in."""

    hypothesis: HypothesisPart
    state: str
    label: str | None
    slope: SlopeDocument | Unanswered
    reasons: tuple[str, ...]
    codes: tuple[str, ...]  # of the reasons
    needed_units_per_arm: int | None
    relationship: dict[str, JsonValue]
    look: LookTold | LookPart | None
    units: int  # in all arms that it rests on, controls left out

    @classmethod
    def of(
        cls,
        hypothesis: HypothesisPart,
        verdict: VerdictTold | VerdictPart,
        relationship: dict[str, JsonValue],
        look: LookTold | LookPart | None,
        contrasts: Iterable[Mapping[str, JsonValue] | None],
    ) -> Self:
        same = ("state", "label", "slope", "needed_units_per_arm")
        return cls(
            hypothesis=hypothesis,
            **{name: getattr(verdict, name) for name in same},
            reasons=tuple(one.text for one in verdict.reasons),
            codes=tuple(one.code for one in verdict.reasons),
            relationship=relationship,
            look=look,
            units=sum(map(_units, contrasts)),
        )


def _units(contrasts: Mapping[str, JsonValue] | None) -> int:
    """Of the arms of one experiment, as its contrasts keep them."""
    arms = None if contrasts is None else contrasts.get("arms")
    kept = [arm.get("units") for arm in arms if isinstance(arm, dict)] if isinstance(arms, list) else []
    return sum(n for n in kept if isinstance(n, int))


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
    one = found.hypothesis
    sized = size(
        words, one.kpi.name, one.increment, found.slope, share=one.kpi.share, alpha=_alpha(found.look)
    )
    return said(words, found.state, found.label, found.codes, sized)


def said(words: Words, state: str, label: str | None, codes: Sequence[str], sized: str) -> str:
    """Yes, no or not decided, and how large; no size where a gate forbids to read one."""
    _ = words.gettext
    if distrusted(words, codes):
        return _("Not decided: the data cannot be trusted as they are, so no size is read from them.")
    if state == VerdictState.CONFIRMED and label == "on_assumption":
        told = _("Yes, as long as the arms have no side effect beyond the bound: {size}.")
    elif state == VerdictState.CONFIRMED:
        told = _("Yes: {size}.")
    elif state == VerdictState.REJECTED:
        told = _("No: {size}, which is less than would be worth acting on.")
    elif label == "supported":
        told = _("Not decided, and supported by one mechanism: {size}.")
    else:
        told = _("Not decided: {size}.")
    return told.format(size=sized)


def _alpha(look: LookTold | LookPart | None) -> float | None:
    return None if look is None else look.alpha


def size(
    words: Words,
    kpi: str,
    increment: str,
    slope: SlopeDocument | Unanswered,
    *,
    share: bool,
    alpha: float | None,
) -> str:
    """What one step of the CPI does to the KPI, with its interval and how sure that is."""
    _, teller = words.gettext, Teller(words=words)
    if isinstance(slope, Unanswered):
        return _("no size could be estimated for “{kpi}”").format(kpi=kpi)
    told = {
        "kpi": kpi,
        "increment": words.retold(increment),
        "range": teller.range(*slope.interval, share=share),
        "interval": interval_name(words, alpha),
    }
    if slope.estimate is None:
        return _("{increment} changes “{kpi}” differently by mechanism, {interval} {range}").format(**told)
    estimate = teller.sized(slope.estimate, share=share)
    return _("{increment} changes “{kpi}” by {estimate}, {interval} {range}").format(
        estimate=estimate, **told
    )


def interval_name(words: Words, alpha: float | None) -> str:
    """How sure an interval is, where an error rate was spent on it."""
    if not alpha:
        return words.gettext("interval")
    return words.gettext("{level} % interval").format(level=words.amount(100.0 * (1.0 - alpha), ""))


def sizes(words: Words, found: Concluded, at: str) -> list[Block]:
    """The slope's own numbers, beside what would have been worth acting on."""
    _, teller, kpi = words.gettext, Teller(words=words), found.hypothesis.kpi
    if isinstance(found.slope, Unanswered) or distrusted(words, found.codes):
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
    texts = []
    if isinstance(found.look, LookTold) and found.look.state == LookState.BLOCKED:
        texts.append(_("Nothing could be decided, whatever the effects are: no error rate was spent."))
    elif found.look is not None:
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
        texts.append(_fit(words, float(str(fit["p_value"]))))
    mechanisms = found.relationship.get("mechanisms")
    if isinstance(mechanisms, list):
        n = len(mechanisms)
        told = words.ngettext(
            "{n} mechanism moved the CPI.", "{n} mechanisms moved the CPI, each in its own way.", n
        )
        texts.append(told.format(n=n))
    return [Heading(text=_("How sure, and why")), Items(texts=[*texts, *map(words.retold, found.reasons)])]


def _fit(words: Words, p_value: float) -> str:
    _ = words.gettext
    if p_value >= UNLIKELY:
        told = _("One slope fits all arms: p = {p}. A small p would say that some arms act past the CPI.")
        return told.format(p=words.number(p_value))
    told = _("The arms do not fit one slope ({p}): some of them act past the CPI, or each in its own way.")
    tiny = f"p < {words.amount(TINY, '')}"
    return told.format(p=tiny if p_value < TINY else f"p = {words.number(p_value)}")


def change_of_mind(words: Words, found: Concluded, awaited: Sequence[str] = ()) -> list[Block]:
    _ = words.gettext
    texts = list(awaited)
    if found.needed_units_per_arm is not None:
        told = _("About {n} units in each arm would decide.")
        texts.append(told.format(n=words.count(found.needed_units_per_arm)))
    texts += _reached(words, found)
    breakdown = found.relationship.get("breakdown")
    if isinstance(breakdown, int | float) and found.state == VerdictState.CONFIRMED:
        told = _("A side effect of the arms on “{kpi}” of {size} or more, past the CPI, would undo it.")
        sized = (
            Teller(words=words)
            .sized(abs(float(breakdown)), share=found.hypothesis.kpi.share)
            .removeprefix("+")
        )
        texts.append(told.format(kpi=found.hypothesis.kpi.name, size=sized))
    told_already = found.needed_units_per_arm is not None and len(found.reasons) == 1
    if found.state == VerdictState.INCONCLUSIVE and not told_already:
        texts += map(words.retold, found.reasons)
    texts += _due(words, found)
    if not texts:
        texts.append(_("New experiments: all that start from here on count, whatever they show."))
    return [Heading(text=_("What would change our mind")), Items(texts=texts)]


def _reached(words: Words, found: Concluded) -> list[str]:
    """Which interval would open the question again."""
    _, teller, share = words.gettext, Teller(words=words), found.hypothesis.kpi.share
    if isinstance(found.slope, Unanswered):
        return []
    low, high = found.slope.interval
    upwards = found.hypothesis.direction == "increase"
    near, far = (low, high) if upwards else (high, low)
    if found.state == VerdictState.CONFIRMED and near is not None:
        told = _("It would be open again if the interval came to reach 0: its near end is {end} now.")
        return [told.format(end=teller.sized(near, share=share))]
    if found.state == VerdictState.REJECTED and far is not None:
        told = _("It would be open again if the interval came to reach {smallest}: its far end is {end} now.")
        worth = teller.sized(smallest(found.hypothesis), share=share)
        return [told.format(smallest=worth, end=teller.sized(far, share=share))]
    return []


def _due(words: Words, found: Concluded) -> list[str]:
    """How much more evidence the next verdict takes, in units where arms like these bring it."""
    _, look = words.gettext, found.look
    if look is None or not 0 < look.information < look.due_at:
        return []
    more = look.due_at / look.information - 1.0
    told = _(
        "The next verdict is due with about {n} units more in arms like these. Experiments that start from "
        "here on count, whatever they show."
    )
    return [told.format(n=words.number(float(ceil(more * found.units))))] if found.units else []


def false_ones(words: Words) -> str:
    """What the share of false discoveries says, in the words of the board."""
    return words.gettext(
        "Among many claims some look right by chance. If this lever and all that are at least as sure are "
        "called levers, this share of them is expected to be none. All claims of the company with an answer "
        "are counted, not only those shown, however they hang together (Benjamini–Yekutieli); the share is "
        "smaller “if alike”, where they err in the same direction or independently (Benjamini–Hochberg). "
        "Verdicts never depend on it: none changes because somebody registers another claim."
    )


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
