"""What does the report of one run say?"""

from collections.abc import Sequence

from service.charts.lifts import Lift, lifts_chart
from service.kit.words import Words
from service.reports.bundles import ExperimentBundle, HypothesisPart, MetricPart
from service.reports.content import (
    Block,
    Cell,
    Column,
    Document,
    Facts,
    Figure,
    Heading,
    Paragraph,
    Table,
    Tone,
)
from service.reports.telling.checks import check_name, left_out_name
from service.reports.telling.figures import Teller, document
from service.reports.telling.methods import methods
from service.reports.telling.planned import arms, plan
from service.reports.telling.provenance import provenance, reproduction
from service.reports.telling.results import EffectTold, FindingTold, ResultTold, ShareTold, ViewTold
from service.reports.telling.verdicts import (
    Concluded,
    conclusion,
    question,
)

RESULT = "/run/result"


def experiment_document(bundle: ExperimentBundle, sha256: str, words: Words) -> Document:
    result = ResultTold.model_validate(bundle.run.result)
    run = bundle.run
    blocks: tuple[Block, ...] = (
        *_answers(bundle, result, words),
        *_quality(result, words),
        *_effects(bundle, result, words),
        *arms(bundle, result, words),
        *plan(bundle, result, words),
        *methods(words, lever=any(one.judgement for one in result.hypotheses)),
        *provenance(words, run.id, run.as_of, run.provenance, run.snapshot),
        *reproduction(words, bundle, sha256),
    )
    return document(words, bundle.title, _lead(bundle, words), sha256, blocks)


def _lead(bundle: ExperimentBundle, words: Words) -> str:
    _ = words.gettext
    kinds = {"final": _("final"), "interim": _("interim"), "exploratory": _("exploratory")}
    told = _("Experiment of the team {team}, analysed as of {moment} ({kind}).")
    return told.format(
        team=bundle.team, moment=words.moment(bundle.run.as_of), kind=kinds.get(bundle.run.type, "")
    )


def _answers(bundle: ExperimentBundle, result: ResultTold, words: Words) -> list[Block]:
    """Question and answer of each hypothesis, then how sure and what would change it."""
    found = {one.hypothesis_id: (i, one) for i, one in enumerate(result.hypotheses)}
    blocks: list[Block] = [Heading(text=words.gettext("Question and answer"))]
    for one in bundle.hypotheses:
        i, finding = found.get(one.id, (-1, None))
        told = _concluded(bundle, one, finding)
        blocks.append(Paragraph(text=question(words, one)))
        if told is None:
            blocks.append(Paragraph(text=_no_answer(result, words), tone=Tone.ANSWER))
            blocks += _so_far(one, finding, words)
            continue
        others = {part.experiment_id: part.name for part in bundle.others.get(one.id, ())}
        names = {bundle.plan.id: bundle.plan.name} | others
        at = f"{RESULT}/hypotheses/{i}/judgement/verdict/slope"
        blocks += conclusion(words, told, at, names, bundle.mechanisms)
    if not bundle.hypotheses:
        text = words.gettext("This experiment tests no hypothesis: it has effects, and no verdict.")
        blocks.append(Paragraph(text=text, tone=Tone.ANSWER))
    return blocks


def _concluded(
    bundle: ExperimentBundle, hypothesis: HypothesisPart, finding: FindingTold | None
) -> Concluded | None:
    if finding is None or finding.judgement is None:
        return None
    judged = finding.judgement
    others = (part.contrasts for part in bundle.others.get(hypothesis.id, ()) if part.used)
    rests_on = (finding.contrasts, *others)
    return Concluded.of(hypothesis, judged.verdict, judged.relationship, judged.look, rests_on)


def _no_answer(result: ResultTold, words: Words) -> str:
    _ = words.gettext
    if result.why_not_final:
        return _("No answer yet. {why}").format(why=words.retold(result.why_not_final))
    return _("No answer yet: this run is not final, so it concludes nothing.")


def _so_far(one: HypothesisPart, finding: FindingTold | None, words: Words) -> list[Block]:
    """The slopes that are not refuted so far, valid at any look; they decide nothing."""
    _ = words.gettext
    if finding is None or finding.anytime is None:
        return []
    pieces = finding.anytime.slope.get("set")
    if not isinstance(pieces, list):
        return []
    teller = Teller(words=words)
    sets = "; ".join(teller.range(*piece, share=one.kpi.share) for piece in pieces)
    told = _("Not refuted so far, at whatever moment one looks: {sets} of “{kpi}” for {increment}.")
    return [
        Paragraph(
            text=told.format(sets=sets, kpi=one.kpi.name, increment=words.retold(one.increment)),
            tone=Tone.NOTE,
        )
    ]


def _quality(result: ResultTold, words: Words) -> list[Block]:
    _ = words.gettext
    failed = [one for one in result.checks if one.passed is False]
    if any(one.gates for one in failed):
        text, tone = (
            _("These data cannot be trusted as they are: nothing is concluded from them."),
            Tone.ALARM,
        )
    elif failed:
        text, tone = _("Usable, with something to look at."), Tone.CALM
    else:
        text, tone = _("No check found anything wrong with these data."), Tone.CALM
    outcome = {True: _("passed"), False: _("failed"), None: _("not checked")}
    order = sorted(result.checks, key=lambda one: (one.passed is not False, one.passed is None))
    left_out = {state: n for state, n in result.units.items() if n}
    blocks: list[Block] = [
        Heading(text=_("Can the data be trusted?")),
        Paragraph(text=text, tone=tone),
        Table(
            caption=_("Checks; one that gates blocks every verdict when it fails"),
            columns=(Column(text=_("Check")), Column(text=_("Result")), Column(text=_("What was found"))),
            rows=[
                (
                    check_name(words, one.name) + (f" ({_('gates')})" if one.gates else ""),
                    outcome[one.passed],
                    words.retold(one.detail),
                )
                for one in order
            ],
        ),
    ]
    if left_out:
        teller = Teller(words=words)
        rows = [
            (left_out_name(words, state), teller.count(n, f"{RESULT}/units/{state}"))
            for state, n in left_out.items()
        ]
        blocks += [Paragraph(text=_("Units that were left out, and why:")), Facts(rows=rows)]
    return blocks


def _effects(bundle: ExperimentBundle, result: ResultTold, words: Words) -> list[Block]:
    _ = words.gettext
    titles = {
        "goal": _("What it is about"),
        "secondary": _("Also measured"),
        "guardrail": _("Must not suffer"),
    }
    metrics = {one.ref: one for one in bundle.metrics}
    tables: list[Block] = []
    for name, title in titles.items():
        refs: Sequence[str] = getattr(bundle.groups, name)
        if any(one.metric in refs for one in result.effects):
            tables.append(_effect_table(title, [metrics[ref] for ref in refs], bundle, result, words))
    if not tables:
        return []
    return [Heading(text=_("What each arm did")), *_lifts(bundle, result, words), *tables]


def _effect_table(
    title: str, metrics: Sequence[MetricPart], bundle: ExperimentBundle, result: ResultTold, words: Words
) -> Table:
    _ = words.gettext
    columns = (
        Column(text=_("Metric")),
        Column(text=_("Arm")),
        Column(text=_("Control"), numeric=True),
        Column(text=_("Effect"), numeric=True),
        Column(text=_("from"), numeric=True),
        Column(text=_("to"), numeric=True),
        Column(text=_("of control"), numeric=True),
        Column(text=_("How it was read")),
    )
    of_control = _levels(bundle, result, words)
    rows = [
        _effect_row(metric, effect, of_control.get(metric.ref, "–"), f"{RESULT}/effects/{i}", words)
        for metric in metrics
        for i, effect in enumerate(result.effects)
        if effect.metric == metric.ref
    ]
    return Table(caption=title, columns=columns, rows=rows)


def _levels(bundle: ExperimentBundle, result: ResultTold, words: Words) -> dict[str, Cell]:
    """What the control's units had of each metric: from where the effects are counted."""
    teller, metrics = Teller(words=words), {one.ref: one for one in bundle.metrics}
    controls = {one.name for one in bundle.plan.arms if one.control}
    return {
        one.metric: teller.level(one.mean, metrics[one.metric], f"{RESULT}/levels/{i}/mean")
        for i, one in enumerate(result.levels)
        if one.mean is not None and one.arm in controls and one.metric in metrics
    }


def _effect_row(
    metric: MetricPart, effect: EffectTold, control: Cell, at: str, words: Words
) -> tuple[Cell, ...]:
    """The adjusted effect where the plan named covariates; before the end, what holds at any look."""
    _, teller = words.gettext, Teller(words=words)
    view, at, how = _chosen(effect, at, words)
    if view.estimate is None or view.interval is None:
        why = view.not_estimable or effect.not_estimable
        detail = "–" if why is None else words.retold(why.detail)
        return (metric.name, effect.arm, control, "–", "–", "–", "–", detail)
    lift = effect.relative if view is effect else getattr(view, "relative", None)
    share: Cell = "–"
    if isinstance(lift, ShareTold) and lift.estimate is not None:
        share = teller.percent(lift.estimate, f"{at}/relative/estimate")
    return (
        metric.name,
        effect.arm,
        control,
        teller.signed(view.estimate, metric, f"{at}/estimate"),
        teller.signed(view.interval[0], metric, f"{at}/interval/0"),
        teller.signed(view.interval[1], metric, f"{at}/interval/1"),
        share,
        how + _harm(effect, words),
    )


def _chosen(effect: EffectTold, at: str, words: Words) -> tuple[ShareTold, str, str]:
    _ = words.gettext
    adjusted: ViewTold | None = effect.adjusted
    if adjusted is not None and adjusted.estimate is not None:
        return adjusted, f"{at}/adjusted", _("adjusted for what was known before")
    if effect.estimate is not None:
        return effect, at, _("as measured")
    if adjusted is not None and adjusted.anytime is not None and adjusted.anytime.estimate is not None:
        return adjusted.anytime, f"{at}/adjusted/anytime", _("adjusted; holds at any look")
    if effect.anytime is not None:
        return effect.anytime, f"{at}/anytime", _("holds at any look")
    return effect, at, ""


def _harm(effect: EffectTold, words: Words) -> str:
    _ = words.gettext
    told = None if effect.guardrail is None else effect.guardrail.harm_beyond_margin
    said = {
        "ruled_out": _("harm beyond the margin is ruled out"),
        "shown": _("harm beyond the margin is shown"),
        "open": _("harm beyond the margin is not ruled out"),
    }
    return f"; {said[told]}" if told in said else ""


def _lifts(bundle: ExperimentBundle, result: ResultTold, words: Words) -> list[Block]:
    """All effects on one scale, where they can be told as shares of the control."""
    _, names = words.gettext, {one.ref: one.name for one in bundle.metrics}
    found = []
    for effect in result.effects:
        adjusted = effect.adjusted
        lift = adjusted.relative if adjusted is not None and adjusted.relative else effect.relative
        if effect.metric in names and lift is not None and lift.estimate is not None and lift.interval:
            low, high = lift.interval
            name = names[effect.metric]
            found.append(Lift(metric=name, arm=effect.arm, estimate=lift.estimate, low=low, high=high))
    if not found:
        return []
    alt = _("{n} effects as shares of the control, each with its interval around nothing.")
    columns = (_("Metric"), _("Arm"), _("Effect, of control"), _("from"), _("to"))
    title = _("Effects as shares of the control")
    return [Figure(chart=lifts_chart(words.language, title, alt.format(n=len(found)), columns, found))]
