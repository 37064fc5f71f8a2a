"""What does the report of one lever say?"""

from datetime import timedelta

from pydantic import TypeAdapter

from service.charts.relationship import Judged, history_chart
from service.evidence.documents import SlopeDocument
from service.kit.words import Words
from service.levers.discoveries import FalseDiscoveryView
from service.reports.bundles import EvidencePart, HistoryPart, LeverBundle, VerdictPart
from service.reports.content import (
    Block,
    Cell,
    Column,
    Document,
    Facts,
    Figure,
    Heading,
    Items,
    Paragraph,
    Table,
    Tone,
)
from service.reports.telling.checks import check_name
from service.reports.telling.figures import Teller, document
from service.reports.telling.methods import methods
from service.reports.telling.planned import amended
from service.reports.telling.provenance import provenance, reproduction
from service.reports.telling.verdicts import (
    Concluded,
    conclusion,
    false_ones,
    question,
    smallest,
    unit_of,
)

SPAN = TypeAdapter(timedelta)


def lever_document(bundle: LeverBundle, sha256: str, words: Words) -> Document:
    _ = words.gettext
    lead = _("One lever, registered on {day} by {owner}, version {version}.")
    hypothesis = bundle.hypothesis
    blocks: tuple[Block, ...] = (
        *_answer(bundle, words),
        *_by_chance(bundle, words),
        *_history(bundle, words),
        *_evidence(bundle, words),
        *_registered(bundle, words),
        *methods(words, lever=True, program=True),
        *_made_of(bundle, words),
        *reproduction(words, bundle, sha256),
    )
    told = lead.format(
        day=words.date(hypothesis.registered_at), owner=hypothesis.owner, version=hypothesis.version
    )
    return document(words, bundle.title, told, sha256, blocks)


def _answer(bundle: LeverBundle, words: Words) -> list[Block]:
    _ = words.gettext
    awaited = _("“{name}” is awaited: {why}")
    waits = [awaited.format(name=one.name, why=words.retold(one.why or "–")) for one in bundle.awaited]
    blocks: list[Block] = [
        Heading(text=_("Question and answer")),
        Paragraph(text=question(words, bundle.hypothesis)),
    ]
    verdict = bundle.verdict
    if verdict is None:
        text = _("No answer yet: no final run has reported.")
        blocks.append(Paragraph(text=text, tone=Tone.ANSWER))
        return [*blocks, Items(texts=waits)] if waits else blocks
    said = [
        *(Paragraph(text=text, tone=Tone.ALARM) for text in _doubts(bundle, words)),
        *(Paragraph(text=text) for text in _carried(bundle, words)),
    ]
    rests_on = (one.contrasts for one in bundle.evidence if one.used)
    found = Concluded.of(bundle.hypothesis, verdict, verdict.relationship, verdict.look, rests_on)
    names = {one.experiment_id: one.name for one in bundle.evidence}
    told = conclusion(words, found, "/verdict/slope", names, bundle.mechanisms, said=said, awaited=waits)
    return [*blocks, *told]


def _by_chance(bundle: LeverBundle, words: Words) -> list[Block]:
    """How many of the company's levers are expected to be none, down to this one."""
    _, found = words.gettext, None if bundle.verdict is None else bundle.verdict.false_discovery
    if not isinstance(found, FalseDiscoveryView):
        return []
    teller, at = Teller(words=words), "/verdict/false_discovery"
    rows: list[tuple[str, Cell]] = [
        (_("False ones expected"), teller.chance(found.share, f"{at}/share")),
        (
            _("Smallest error rate at which it would be confirmed"),
            teller.plain(found.p_value, f"{at}/p_value"),
        ),
        (_("Claims of the company with an answer"), teller.count(found.hypotheses, f"{at}/hypotheses")),
    ]
    heading = Heading(text=_("Could chance alone have made it?"))
    return [heading, Facts(rows=rows), Paragraph(text=false_ones(words), tone=Tone.NOTE)]


def _doubts(bundle: LeverBundle, words: Words) -> list[str]:
    _ = words.gettext
    found = []
    if bundle.outdated:
        found.append(_("The hypothesis was amended since this verdict: the claim above is a newer one."))
    if bundle.hypothesis.cpi.state == "provisional":
        found.append(_("The CPI is provisional: nobody has yet watched customers want it."))
    return found


def _carried(bundle: LeverBundle, words: Words) -> list[str]:
    """Who answers for the lever, and up to where."""
    _, carried = words.gettext, bundle.carried_by
    if carried is None:
        return []
    who = f"{carried.team} · {carried.person}" if carried.person else carried.team
    if carried.target is None:
        return [_("{who} answers for it.").format(who=who)]
    unit = bundle.hypothesis.cpi.unit or ""
    target = f"{words.number(carried.target)} {unit}".strip()
    if carried.by is None:
        return [_("{who} answers for it, up to {target}.").format(who=who, target=target)]
    told = _("{who} answers for it, up to {target} by {day}.")
    return [told.format(who=who, target=target, day=words.date(carried.by))]


def _history(bundle: LeverBundle, words: Words) -> list[Block]:
    """How the verdicts changed as evidence came in, oldest first in the chart."""
    if bundle.verdict is None or not bundle.history:
        return []
    _, kpi = words.gettext, bundle.hypothesis.kpi
    factor = 100.0 if kpi.share else 1.0
    every: list[VerdictPart | HistoryPart] = [bundle.verdict, *bundle.history]
    judged = [_judged(one, factor) for one in reversed(every)]
    unit = f"{unit_of(words, kpi)} · {words.retold(bundle.hypothesis.increment)}"
    chart = history_chart(words, unit, smallest(bundle.hypothesis) * factor, judged)
    told = [f"{words.date(one.at)}: {words.retold(one.sentence)}" for one in bundle.history]
    return [Heading(text=_("Verdicts so far")), Figure(chart=chart), Items(texts=told)]


def _judged(one: VerdictPart | HistoryPart, factor: float) -> Judged:
    slope = one.slope if isinstance(one.slope, SlopeDocument) else None
    low, high = (None, None) if slope is None else slope.interval
    estimate = None if slope is None else slope.estimate
    return Judged(
        at=one.at,
        state=one.state,
        estimate=None if estimate is None else estimate * factor,
        low=None if low is None else low * factor,
        high=None if high is None else high * factor,
    )


def _evidence(bundle: LeverBundle, words: Words) -> list[Block]:
    _ = words.gettext
    if not bundle.evidence:
        return []
    columns = (
        Column(text=_("Experiment and arm")),
        Column(text=_("Mechanism")),
        Column(text=bundle.hypothesis.cpi.name, numeric=True),
        Column(text=bundle.hypothesis.kpi.name, numeric=True),
        Column(text=_("Units"), numeric=True),
    )
    rows = [row for i, one in enumerate(bundle.evidence) for row in _arm_rows(bundle, i, one, words)]
    table = Table(caption=_("Effects of each arm on CPI and KPI"), columns=columns, rows=rows)
    refused = _("“{name}” could not be estimated: {why}")
    texts = [
        refused.format(name=one.name, why=words.retold(one.not_estimable.detail))
        for one in bundle.evidence
        if one.not_estimable is not None
    ]
    doubts = _failed(bundle, words)
    quality: list[Block] = [
        Heading(text=_("Can the data be trusted?")),
        Items(texts=doubts)
        if doubts
        else Paragraph(text=_("No check found anything wrong with these data."), tone=Tone.CALM),
    ]
    told: list[Block] = [Items(texts=texts)] if texts else []
    return [Heading(text=_("The evidence, arm by arm")), table, *told, *quality]


def _arm_rows(bundle: LeverBundle, i: int, one: EvidencePart, words: Words) -> list[tuple[Cell, ...]]:
    contrasts = one.contrasts or {}
    arms, effects = contrasts.get("arms"), contrasts.get("effects")
    if not isinstance(arms, list) or not isinstance(effects, list):
        return []
    teller, at = Teller(words=words), f"/evidence/{i}/contrasts"
    found: list[tuple[Cell, ...]] = []
    for k, (arm, effect) in enumerate(zip(arms, effects, strict=True)):
        if not isinstance(arm, dict) or not isinstance(effect, list):
            continue
        mechanism = str(arm.get("mechanism") or "")
        named = words.gettext("placebo") if arm.get("placebo") else bundle.mechanisms.get(mechanism, "–")
        cpi, kpi = (float(str(value)) for value in effect[:2])
        found.append(
            (
                f"{one.name}: {arm.get('name')}",
                named,
                teller.signed(cpi, bundle.hypothesis.cpi, f"{at}/effects/{k}/0"),
                teller.signed(kpi, bundle.hypothesis.kpi, f"{at}/effects/{k}/1"),
                teller.count(int(str(arm.get("units"))), f"{at}/arms/{k}/units"),
            )
        )
    return found


def _failed(bundle: LeverBundle, words: Words) -> list[str]:
    """Checks that failed, experiment by experiment."""
    found = []
    for one in bundle.evidence:
        checks = (one.contrasts or {}).get("checks")
        for check in checks if isinstance(checks, list) else []:
            if isinstance(check, dict) and check.get("passed") is False:
                gates = words.gettext("gates") if check.get("gates") else words.gettext("to be looked at")
                name = check_name(words, str(check.get("name")))
                found.append(f"{one.name}: {name} ({gates}): {words.retold(str(check.get('detail')))}")
    return found


def _registered(bundle: LeverBundle, words: Words) -> list[Block]:
    _, one = words.gettext, bundle.hypothesis
    bound = _("unknown: several mechanisms must agree")
    if one.direct_effect_bound is not None:
        bound = _("assumed to be at most {bound}").format(bound=words.number(one.direct_effect_bound))
    rows: list[tuple[str, Cell]] = [
        (_("Claim"), words.retold(one.statement)),
        (_("Rationale"), one.rationale),
        (_("Direct effect of the arms on the KPI"), bound),
        (_("Error rate"), Teller(words=words).plain(one.alpha, "/hypothesis/alpha")),
        (_("Units and window"), f"{one.unit_type}, {words.duration(SPAN.validate_python(one.window))}"),
        (_("Registered"), f"{words.moment(one.registered_at)}, {one.registered_by}"),
        (_("SHA-256"), one.sha256),
    ]
    changes = amended(one, words)
    text = _("The hypothesis was never amended.")
    told: Block = Items(texts=changes) if changes else Paragraph(text=text)
    return [Heading(text=_("What was registered, and what deviated from it")), Facts(rows=rows), told]


def _made_of(bundle: LeverBundle, words: Words) -> list[Block]:
    """The provenance of each counting run, under one heading."""
    found: list[Block] = []
    for one in bundle.evidence:
        parts = provenance(words, one.run_id, one.as_of, one.provenance or {}, one.snapshot)
        own = [Paragraph(text=one.name), *parts[2:]]
        found += own if found else [*parts[:2], *own]
    return found
