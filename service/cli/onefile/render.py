"""How does a person at a terminal read the answer? Arms, checks, effects, relationship, then the verdict."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from analyses import (
    Believed,
    Check,
    Estimate,
    Guarded,
    Label,
    NotEstimable,
    Reading,
    Relationship,
    State,
)
from service.cli.onefile.answer import Answer
from service.cli.onefile.words import chance, number, p_value, per_cent, piece, printable, signed, slopes
from service.cli.onefile.words import effect as said

COLOURS = {State.CONFIRMED: "bold green", State.REJECTED: "bold red", State.INCONCLUSIVE: "bold yellow"}
LABELS = {
    Label.ON_ASSUMPTION: "on an assumption",
    Label.SIZE_DIFFERS: "the size differs between mechanisms",
    Label.SEGMENT_DEPENDENT: "depends on the segment",
    Label.MECHANISMS_AGREE: "the mechanisms agree",
    Label.SUPPORTED: "supported, not proven",
    Label.NOT_SUPPORTED: "not supported, not refuted",
    Label.STRONG: "strong",
}


def render(answer: Answer, console: Console) -> None:
    """Everything, from what was looked at to the one sentence that counts."""
    several = len({arm.experiment for arm in answer.arms}) > 1
    _section(console, "Arms", _arms(answer, several=several))
    _section(console, "Checks", _checks(answer))
    level = f"{1 - answer.alpha:.4g}".removeprefix("0")
    _section(console, f"Effects, arm minus control (intervals at {level})", _effects(answer, several=several))
    _section(console, "Does the CPI move the KPI? KPI units per increment of improvement", _relation(answer))
    for note in answer.notes:
        console.print(Text(note, style="dim"))
    verdict = answer.judgement.verdict
    label = "" if verdict.label is None else f", {LABELS[verdict.label]}"
    console.print()
    console.print(Text(f"Verdict: {verdict.state}{label}", style=COLOURS[verdict.state]))
    console.print(printable(verdict.sentence))


def _section(console: Console, title: str, body: Table | str) -> None:
    console.print(Text(title, style="bold"))
    console.print(body)
    console.print()


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", overflow="fold", vertical="top"
        )
    return table


def _arms(answer: Answer, *, several: bool) -> Table:
    table = _table(*(["experiment"] if several else []), "arm", "units", right=("units",))
    for arm in answer.arms:
        units = "not given" if arm.n is None else f"{arm.n:,}"
        table.add_row(*([printable(arm.experiment)] if several else []), printable(arm.arm), units)
    return table


def _checks(answer: Answer) -> Table:
    table = _table("", "", "")
    table.show_header = False
    for check in answer.checks:
        table.add_row(check.name.replace("_", " "), _result(check), printable(check.detail))
    return table


def _result(check: Check) -> Text:
    if check.passed is None:
        return Text("not asked", style="dim")
    if check.passed:
        return Text("passed", style="green")
    return Text("FAILED" if check.gates else "look", style="bold red" if check.gates else "yellow")


def _effects(answer: Answer, *, several: bool) -> Table:
    leading = ["experiment"] if several else []
    right = ("effect", "p", "relative")
    table = _table(*leading, "metric", "arm", "effect", "interval", "p", "relative", right=right)
    for effect in answer.effects:
        named = [printable(name) for name in (effect.experiment, effect.metric, effect.arm)]
        named = named if several else named[1:]
        relative = per_cent(effect.relative.value) if isinstance(effect.relative, Estimate) else "–"
        table.add_row(*named, *_cells(effect.absolute), relative)
        if effect.adjusted is not None:
            table.add_row(*[""] * (len(named) - 1), "  adjusted", *_cells(effect.adjusted), "", style="dim")
        for what, cells in _more(effect.reading):
            table.add_row(*[""] * (len(named) - 1), what, *cells, "", style="dim")
    return table


def _more(reading: Reading) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """What was asked of the effect besides: whether harm is ruled out, and what may be believed now."""
    guarded, belief = reading.guarded, reading.belief
    test = guarded.test if isinstance(guarded, Guarded) else guarded
    if isinstance(test, NotEstimable):
        yield "  harm", ("–", test.reason.replace("_", " "), "")
    elif test is not None:
        harm = per_cent(test.margin) if test.relative else number(test.margin)
        held = f"harm beyond {harm} {'is ruled out' if test.holds else 'is not ruled out'}"
        yield "  harm", ("", held, p_value(test.p_value))
    if isinstance(belief, Believed) and belief.prior.distribution is not None:
        found = belief.belief
        better = f"P({'better' if belief.direction_known else 'higher'}) {found.p_better:.0%}"
        interval = piece(found.interval.lower, found.interval.upper)
        yield "  believed", (signed(found.mean), interval, better)


def _cells(found: Estimate | NotEstimable) -> tuple[str, str, str]:
    """Effect, interval and p-value, or in their place why there are none."""
    if isinstance(found, NotEstimable):
        return "–", found.reason.replace("_", " "), ""
    return (*said(found), p_value(found.p_value))


def _relation(answer: Answer) -> Table | str:
    found = answer.judgement.relationship
    if isinstance(found, NotEstimable):
        return f"Not estimable: {printable(found.detail)}."
    table = _table("", "")
    table.show_header = False
    for what, value in _rows(found, answer.bound):
        table.add_row(printable(what), printable(value))
    return table


def _rows(found: Relationship, bound: float | None) -> Iterator[tuple[str, str]]:
    yield "slope (LIML)", number(found.liml.estimate)
    wald = found.tsls
    if isinstance(wald, NotEstimable):
        yield "slope (2SLS)", wald.detail
    else:
        yield "slope (2SLS)", f"{number(wald.estimate)}, standard error {number(wald.std_error)}"
    yield "Anderson–Rubin set", slopes(found.anderson_rubin)
    yield "CLR set", slopes(found.clr)
    if found.bounded is not None and bound is not None:
        yield f"set if side effects stay within {number(bound)}", slopes(found.bounded)
    if found.many is not None:
        yield "set of slopes that may differ by experiment", slopes(found.many.interval)
        yield "set past what all arms share", slopes(found.many.egger)
    else:
        yield "set past what all arms share", slopes(found.differenced)
    fit = found.overidentification
    if isinstance(fit, NotEstimable):
        yield "one slope fits all arms", fit.detail
    else:
        yield "one slope fits all arms", f"χ²({fit.df}) = {number(fit.statistic)}, {chance(fit.p_value)}"
    yield "side effect that would explain it", _breakdown(found.breakdown)
    power = found.exclusion_power
    noticed = power.detail if isinstance(power, NotEstimable) else f"{power:.0%}"
    yield "power to notice a shared side effect", noticed
    for mechanism in found.mechanisms:
        d = (
            ""
            if mechanism.p_reject is None
            else f"; against a lever worth having {chance(mechanism.p_reject)}"
        )
        yield f"mechanism {mechanism.name}", f"against no lever {chance(mechanism.p_confirm)}{d}"
    for rival in found.rivals:
        moved = "moved too" if rival.co_moved else "did not move"
        slope = "" if rival.set is None else f"; slope with it left free: {slopes(rival.set)}"
        yield f"rival {rival.metric}", f"{moved} ({chance(rival.p_unmoved)}){slope}"


def _breakdown(size: float | NotEstimable) -> str:
    if isinstance(size, NotEstimable):
        return size.detail
    return "none needed: a slope of 0 fits already" if size == 0 else f"{number(size)} KPI units in an arm"
