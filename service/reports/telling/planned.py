"""What was planned and registered before the data, and what deviated from it?"""

from service.kit.words import Words
from service.reports.bundles import ExperimentBundle, HypothesisPart
from service.reports.content import Block, Cell, Column, Facts, Heading, Items, Paragraph, Table
from service.reports.telling.figures import Teller
from service.reports.telling.results import ResultTold


def arms(bundle: ExperimentBundle, result: ResultTold, words: Words) -> list[Block]:
    _, teller = words.gettext, Teller(words=words)
    counted = {one.arm: (i, one.n) for i, one in enumerate(result.arms)}
    rows: list[tuple[Cell, ...]] = []
    for one in bundle.plan.arms:
        i, n = counted.get(one.name, (-1, 0))
        units: Cell = teller.count(n, f"/run/result/arms/{i}/n") if i >= 0 else "–"
        name = _("{arm} (control)").format(arm=one.name) if one.control else one.name
        rows.append((name, words.number(one.weight), units, one.description or "–"))
    columns = (
        Column(text=_("Arm")),
        Column(text=_("Weight"), numeric=True),
        Column(text=_("Units analysed"), numeric=True),
        Column(text=_("What it is")),
    )
    return [Heading(text=_("Arms")), Table(caption=_("As planned and as seen"), columns=columns, rows=rows)]


def plan(bundle: ExperimentBundle, result: ResultTold, words: Words) -> list[Block]:
    _ = words.gettext
    deviations = [words.retold(result.why_not_final)] if result.why_not_final else []
    if len(bundle.plan.phases) > 1:
        told = _(
            "The weights of the arms changed {n} times on the way; contrasts are formed within each phase."
        )
        deviations.append(told.format(n=len(bundle.plan.phases) - 1))
    for one in bundle.hypotheses:
        deviations += amended(one, words)
    blocks: list[Block] = [
        Heading(text=_("The plan, and what deviated from it")),
        Facts(rows=_facts(bundle, result, words)),
        *([Items(texts=[_registered(one, words) for one in bundle.hypotheses])] if bundle.hypotheses else ()),
    ]
    if deviations:
        return [*blocks, Paragraph(text=_("What deviated:")), Items(texts=deviations)]
    return [*blocks, Paragraph(text=_("Nothing deviated from the plan, and no hypothesis was amended."))]


def _facts(bundle: ExperimentBundle, result: ResultTold, words: Words) -> list[tuple[str, Cell]]:
    _, planned, teller = words.gettext, bundle.plan, Teller(words=words)
    alpha = planned.analysis.get("alpha")
    rate: Cell = "–"
    if isinstance(alpha, float):
        rate = teller.plain(alpha, "/plan/analysis/alpha")
    return [
        (_("Units planned"), teller.count(planned.planned_units, "/plan/planned_units")),
        (_("Units analysed"), words.count(sum(one.n for one in result.arms))),
        (_("Error rate of an effect"), rate),
        (_("Approved"), words.moment(planned.approved_at) if planned.approved_at else "–"),
        (_("Started"), words.moment(planned.started_at) if planned.started_at else "–"),
        (_("Stopped"), words.moment(planned.stopped_at) if planned.stopped_at else "–"),
        (_("SHA-256 of the plan"), planned.sha256 or "–"),
    ]


def _registered(one: HypothesisPart, words: Words) -> str:
    told = words.gettext(
        "“{cpi}” → “{kpi}” was registered on {moment} by {author}; version {version}, SHA-256 {sha256}"
    )
    return told.format(
        cpi=one.cpi.name,
        kpi=one.kpi.name,
        moment=words.moment(one.registered_at),
        author=one.registered_by,
        version=one.version,
        sha256=one.sha256,
    )


def amended(one: HypothesisPart, words: Words) -> list[str]:
    told = words.gettext("“{cpi}” → “{kpi}” was amended on {day} by {author} ({fields}): {reason}")
    return [
        told.format(
            cpi=one.cpi.name,
            kpi=one.kpi.name,
            day=words.date(each.at),
            author=each.author,
            fields=", ".join(each.changed),
            reason=each.reason,
        )
        for each in one.amendments
    ]
