"""What does the digest for leaders say?"""

from service.evidence.discovered import MADE_BEFORE
from service.evidence.documents import Unanswered
from service.kit.words import Words
from service.levers.discoveries import FalseDiscoveryView
from service.reports.bundles import BoardBundle, ChangePart, LinePart, MetricPart
from service.reports.content import Block, Cell, Column, Document, Facts, Heading, Paragraph, Table, Tone
from service.reports.telling.figures import Teller, document
from service.reports.telling.methods import methods
from service.reports.telling.provenance import reproduction
from service.reports.telling.verdicts import false_ones, said, size


def board_document(bundle: BoardBundle, sha256: str, words: Words) -> Document:
    _ = words.gettext
    lead = _("All levers as of {as_of}, and what was concluded since {since}.")
    blocks: tuple[Block, ...] = (
        *_answer(bundle, words),
        *_changes(bundle, words),
        *_proven(bundle, words),
        *_others(bundle, words),
        *_chance(bundle, words),
        *methods(words, effects=False, lever=True, program=True),
        *reproduction(words, bundle, sha256),
    )
    told = lead.format(as_of=words.moment(bundle.as_of), since=words.moment(bundle.since))
    return document(words, _("What grows the business"), told, sha256, blocks)


def _answer(bundle: BoardBundle, words: Words) -> list[Block]:
    _ = words.gettext
    proven = sum(one.proven for one in bundle.levers)
    text = words.ngettext("{n} lever of {all} is proven.", "{n} levers of {all} are proven.", proven).format(
        n=words.count(proven), all=words.count(len(bundle.levers))
    )
    names = {
        "confirmed": _("Confirmed"),
        "inconclusive": _("Inconclusive"),
        "rejected": _("Rejected"),
        "untested": _("Not tested yet"),
    }
    teller = Teller(words=words)
    rows = [
        (names.get(state, state), teller.count(n, f"/standings/{state}"))
        for state, n in bundle.standings.items()
    ]
    return [Paragraph(text=text, tone=Tone.ANSWER), Facts(rows=rows)]


def _changes(bundle: BoardBundle, words: Words) -> list[Block]:
    _ = words.gettext
    heading = Heading(text=_("What is new"))
    if not bundle.changes:
        return [heading, Paragraph(text=_("No verdict changed in this time."))]
    levers = {one.hypothesis_id: one for one in bundle.levers}
    columns = (
        Column(text=_("Lever")),
        Column(text=_("Day")),
        Column(text=_("Was")),
        Column(text=_("Is")),
        Column(text=_("In one sentence")),
    )
    rows = [_change(one, levers[one.hypothesis_id], words) for one in bundle.changes]
    return [heading, Table(caption=_("Verdicts that say something else"), columns=columns, rows=rows)]


def _change(one: ChangePart, lever: LinePart, words: Words) -> tuple[Cell, ...]:
    before = words.gettext("Not tested yet")
    if one.before is not None:
        before = _state(one.before, one.before_label, words)
    sized = size(words, lever.kpi, lever.increment, one.slope, share=lever.share, alpha=one.alpha)
    codes = [why.code for why in one.reasons]
    told = [said(words, one.after, one.label, codes, sized), *(words.retold(why.text) for why in one.reasons)]
    after = _state(one.after, one.label, words)
    return (f"{lever.cpi} → {lever.kpi}", words.date(one.at), before, after, " ".join(told))


def _state(state: str, label: str | None, words: Words) -> str:
    _ = words.gettext
    if label == "supported":
        return _("Supported by one mechanism")
    if label == "on_assumption":
        return _("Confirmed on an assumption")
    names = {"confirmed": _("Confirmed"), "inconclusive": _("Inconclusive"), "rejected": _("Rejected")}
    return names.get(state, state)


def _proven(bundle: BoardBundle, words: Words) -> list[Block]:
    _ = words.gettext
    rows = [_line(i, one, words) for i, one in enumerate(bundle.levers) if one.proven]
    heading = Heading(text=_("Proven levers"))
    if not rows:
        return [heading, Paragraph(text=_("None yet."))]
    return [heading, Table(caption=_caption(words), columns=_columns(words), rows=rows)]


def _others(bundle: BoardBundle, words: Words) -> list[Block]:
    _ = words.gettext
    rows = [_line(i, one, words) for i, one in enumerate(bundle.levers) if not one.proven]
    if not rows:
        return []
    return [
        Heading(text=_("All other levers")),
        Table(caption=_caption(words), columns=_columns(words), rows=rows),
    ]


def _chance(bundle: BoardBundle, words: Words) -> list[Block]:
    """What the column of false discoveries says, where one has a number."""
    if not any(isinstance(one.false_discovery, FalseDiscoveryView) for one in bundle.levers):
        return []
    return [
        Heading(text=words.gettext("What “False ones expected” means")),
        Paragraph(text=false_ones(words)),
    ]


def _caption(words: Words) -> str:
    return words.gettext("Sizes are changes of the KPI for one step that customers value")


def _columns(words: Words) -> tuple[Column, ...]:
    _ = words.gettext
    return (
        Column(text=_("Lever")),
        Column(text=_("One step")),
        Column(text=_("Size"), numeric=True),
        Column(text=_("from"), numeric=True),
        Column(text=_("to"), numeric=True),
        Column(text=_("Verdict")),
        Column(text=_("False ones expected"), numeric=True),
        Column(text=_("Who answers for it")),
    )


def _line(i: int, one: LinePart, words: Words) -> tuple[Cell, ...]:
    teller, at = Teller(words=words), f"/levers/{i}/slope"
    kpi = MetricPart(
        ref="", id="", version=0, name=one.kpi, kind="kpi", state=None, share=one.share, unit=None
    )
    size: tuple[Cell, Cell, Cell] = ("–", "–", "–")
    if one.slope is not None:
        low, high = one.slope.interval
        size = (
            words.gettext("differs by mechanism")
            if one.slope.estimate is None
            else teller.signed(one.slope.estimate, kpi, f"{at}/estimate"),
            teller.signed(low, kpi, f"{at}/interval/0"),
            teller.signed(high, kpi, f"{at}/interval/1"),
        )
    return (
        f"{one.cpi} → {one.kpi}",
        words.retold(one.increment),
        *size,
        _standing(one, words),
        _false_share(i, one, words),
        _who(one, words),
    )


def _false_share(i: int, one: LinePart, words: Words) -> Cell:
    _, found = words.gettext, one.false_discovery
    if found is None:
        return "–"
    if isinstance(found, Unanswered):
        before = found.not_estimable.reason == MADE_BEFORE
        return _("not kept with this verdict") if before else _("nothing claimed yet")
    return Teller(words=words).chance(found.share, f"/levers/{i}/false_discovery/share")


def _standing(one: LinePart, words: Words) -> str:
    """The verdict with what qualifies it."""
    _ = words.gettext
    if one.verdict_id is None:
        told = _("Not tested yet")
    elif one.outdated:
        told = _("Judged before an amendment")
    elif one.state == "confirmed" and not one.proven:
        told = _("Confirmed on an assumption")
    else:
        told = _state(one.state, one.label, words)
    return f"{told}; {_('provisional CPI')}" if one.provisional else told


def _who(one: LinePart, words: Words) -> str:
    carried = one.carried_by
    if carried is None:
        return words.gettext("nobody yet ({team})").format(team=one.team)
    who = f"{carried.team} · {carried.person}" if carried.person else carried.team
    if carried.target is None:
        return who
    return words.gettext("{who}, target {target}").format(who=who, target=words.number(carried.target))
