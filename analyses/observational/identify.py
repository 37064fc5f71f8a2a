"""Can the effect be had from such data at all, under this graph, and what must then hold?

DoWhy searches the graph; each of its answers is then asked of the graph itself (d-separation), since a search
that was cut short or a set that does not close a path must not become a number.
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from analyses.observational.graph import CausalGraph
from analyses.quiet import silenced
from analyses.results import NotEstimable

MOST_NODES = 16
"""Beyond so many nodes of different places DoWhy's search over sets may not end; the graph is asked alone."""


class StrategyKind(StrEnum):
    """How the effect is had without randomisation."""

    BACKDOOR = "backdoor"  # hold fixed what makes CPI and KPI alike
    FRONT_DOOR = "front_door"  # by what the CPI moves on its way to the KPI
    INSTRUMENT = "instrument"  # by something that moves the CPI and nothing else
    MEDIATION = "mediation"  # how much of it passes through what lies between


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """One way to the effect: which nodes are held fixed or used, and in words what must hold."""

    kind: StrategyKind
    adjust: tuple[str, ...] = ()
    mediators: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    assumptions: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identification:
    """Every way that the graph allows, the most direct first; ``dowhy`` says whether DoWhy was asked."""

    strategies: tuple[Strategy, ...]
    dowhy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What DoWhy names; candidates only."""

    backdoor: tuple[frozenset[str], ...] = ()
    front_door: frozenset[str] = frozenset()
    instruments: frozenset[str] = frozenset()
    mediators: frozenset[str] = frozenset()


def identify(graph: CausalGraph) -> Identification | NotEstimable:
    """Every strategy by which the graph lets unrandomised data show the effect, with what must hold.

    Question: if this graph is right, which data show the effect of the CPI on the KPI?
    Estimand: the average change of the KPI per unit of the CPI, were it set from outside.
    Assumes: the graph, and above all its missing arrows.
    Formula: backdoor: a measured set without descendants of the CPI that d-separates CPI and KPI once the
    CPI's own arrows are gone; of several the parents of the causal paths, the most precise (Henckel et al.
    2022). Front-door: mediators on every directed path, whose own backdoors are closed. Instrument: causes
    the CPI, and is separated from the KPI once the CPI's arrows are gone. Mediation: the backdoor, and
    mediators without an unmeasured cause in common with the KPI. DoWhy searches, d-separation checks
    every answer.
    Units: none.
    Errors: refuses (``unidentified``) where no strategy is left: no amount of such data would tell.
    Reference: Pearl (2009), Causality, sections 3.3 and 7.4; Henckel, Perković & Maathuis (2022), JRSS B
    84(2); van der Zander, Textor & Liśkiewicz (2015), IJCAI; Sharma & Kiciman (2020), arXiv:2011.04216.
    """
    small, twins = _without_twins(graph)
    asked = len(small.nodes) <= MOST_NODES
    found = _expanded(_by_dowhy(small), twins) if asked else _Found()
    strategies = (
        *_backdoor(graph, found),
        *_instrument(graph, found),
        *_front_door(graph, found),
        *_mediation(graph, found),
    )
    if not any(one.kind is not StrategyKind.MEDIATION for one in strategies):
        return NotEstimable(reason="unidentified", detail=_why_not(graph))
    return Identification(strategies=strategies, dowhy=asked)


def _why_not(graph: CausalGraph) -> str:
    hidden = sorted(
        node
        for node in graph.unmeasured & graph.ancestors({graph.treatment})
        if graph.outcome in graph.without(_out(graph)).descendants({node})
    )
    by = f": {', '.join(hidden)} acts on both and is not measured" if hidden else ""
    t, y = _ends(graph)
    return (
        f"under this graph no unrandomised data show the effect of {t} on {y}{by}. "
        "Measure it, name an instrument or a mediator, or run an experiment."
    )


def _without_twins(graph: CausalGraph) -> tuple[CausalGraph, dict[str, frozenset[str]]]:
    """Nodes with the same causes and effects stand at one place: one of them speaks for all."""
    ends = {graph.treatment, graph.outcome}
    places: dict[object, list[str]] = {}
    for node in graph.nodes:
        effects = frozenset(effect for cause, effect in graph.edges if cause == node)
        place = (graph.causes[node], effects, node in graph.unmeasured, node if node in ends else None)
        places.setdefault(place, []).append(node)
    twins = {of[0]: frozenset(of) for of in places.values()}
    causes = {node: frozenset(graph.causes[node] & twins.keys()) for node in twins}
    small = CausalGraph(
        treatment=graph.treatment,
        outcome=graph.outcome,
        causes=causes,
        unmeasured=graph.unmeasured & twins.keys(),
    )
    return small, twins


def _expanded(found: _Found, twins: dict[str, frozenset[str]]) -> _Found:
    def all_of(nodes: Iterable[str]) -> frozenset[str]:
        return frozenset(twin for node in nodes for twin in twins[node])

    return _Found(
        backdoor=tuple(map(all_of, found.backdoor)),
        front_door=all_of(found.front_door),
        instruments=all_of(found.instruments),
        mediators=all_of(found.mediators),
    )


def _by_dowhy(graph: CausalGraph) -> _Found:
    """Average effect and indirect effect, each with an identification of its own."""
    with silenced():
        import networkx as nx  # noqa: PLC0415 - loaded with DoWhy alone
        from dowhy.causal_identifier import EstimandType
        from dowhy.causal_identifier.auto_identifier import identify_effect_auto

        drawing = nx.DiGraph()
        for node in graph.nodes:
            drawing.add_node(node, observed="no" if node in graph.unmeasured else "yes")
        drawing.add_edges_from(graph.edges)
        ends = ([graph.treatment], [graph.outcome], list(graph.measured))
        whole = identify_effect_auto(drawing, *ends, EstimandType.NONPARAMETRIC_ATE)
        through = identify_effect_auto(drawing, *ends, EstimandType.NONPARAMETRIC_NIE)
    return _Found(
        backdoor=tuple(frozenset(of) for of in (whole.backdoor_variables or {}).values() if of is not None),
        front_door=frozenset(whole.frontdoor_variables or ()),
        instruments=frozenset(whole.instrumental_variables or ()),
        mediators=frozenset(through.mediator_variables or ()),
    )


def _out(graph: CausalGraph) -> list[tuple[str, str]]:
    """The CPI's own arrows."""
    return [edge for edge in graph.edges if edge[0] == graph.treatment]


def _between(graph: CausalGraph) -> frozenset[str]:
    """Nodes on directed paths from the CPI to the KPI, both ends left out."""
    on = graph.descendants({graph.treatment}) & graph.ancestors({graph.outcome})
    return on - {graph.treatment, graph.outcome}


def _before(graph: CausalGraph, of: AbstractSet[str]) -> frozenset[str]:
    """Measured ancestors of some nodes that the CPI does not move."""
    early = graph.ancestors(of) - graph.descendants({graph.treatment}) - graph.unmeasured
    return early - {graph.treatment, graph.outcome}


def _backdoor(graph: CausalGraph, found: _Found) -> Iterator[Strategy]:
    later = graph.descendants({graph.treatment})
    cut = graph.without(_out(graph))
    ends = {graph.treatment, graph.outcome}
    parents = {cause for node in (*_between(graph), graph.outcome) for cause in graph.causes[node]}
    candidates = (frozenset(parents - later), *sorted(found.backdoor, key=lambda of: (len(of), sorted(of))))
    for given in (*candidates, _before(graph, ends)):
        if given & (later | graph.unmeasured):
            continue
        if cut.separated({graph.treatment}, {graph.outcome}, given):
            yield Strategy(
                kind=StrategyKind.BACKDOOR,
                adjust=tuple(sorted(given)),
                assumptions=_nothing_else(graph, given),
            )
            return


def _nothing_else(graph: CausalGraph, given: AbstractSet[str]) -> tuple[str, ...]:
    """What the backdoor rests on; with nothing held fixed, on there being nothing to hold fixed."""
    t, y = _ends(graph)
    if not given:
        said = f"Nothing at all moves both {t} and {y}: the graph names no common cause"
        return (f"{said}, and nothing was held fixed.",)
    held = _words(given)
    return (
        (
            f"Apart from what {t} itself does, nothing but {held} makes it and {y} go together: no common "
            "cause was left out of the graph."
        ),
        f"Among units alike in {held}, every level of {t} can be found.",
    )


def _instrument(graph: CausalGraph, found: _Found) -> Iterator[Strategy]:
    later, cut = graph.descendants({graph.treatment}), graph.without(_out(graph))
    causes = graph.ancestors({graph.treatment}) - later - graph.unmeasured
    single = [z for z in sorted(causes | (found.instruments - later)) if _moves_alone(graph, cut, {z})]
    together = frozenset(single)
    chosen = together if single and _moves_alone(graph, cut, together) else frozenset(single[:1])
    if not chosen:
        return
    given = _before(graph, {*chosen, graph.outcome}) - chosen
    t, y = _ends(graph)
    names, among = _words(chosen), f", among units alike in {_words(given)}," if given else ""
    yield Strategy(
        kind=StrategyKind.INSTRUMENT,
        adjust=tuple(sorted(given)),
        instruments=tuple(sorted(chosen)),
        assumptions=(
            f"{names} moves {t}.",
            f"{names} acts on {y} only through {t}{among} and shares no cause.",
            f"Each unit of {t} is worth the same to all, or the answer is about whom it moves.",
        ),
    )


def _moves_alone(graph: CausalGraph, cut: CausalGraph, instruments: AbstractSet[str]) -> bool:
    given = _before(graph, {*instruments, graph.outcome}) - instruments
    moves = all(not graph.separated({z}, {graph.treatment}, given) for z in instruments)
    return moves and cut.separated(instruments, {graph.outcome}, given)


def _front_door(graph: CausalGraph, found: _Found) -> Iterator[Strategy]:
    between = _between(graph) - graph.unmeasured
    first = frozenset(node for node in between if graph.treatment in graph.causes[node])
    last = frozenset(between & graph.causes[graph.outcome])
    t, y = _ends(graph)
    for mediators in (found.front_door, first, last):
        if not mediators:
            continue
        given = _before(graph, {graph.treatment, graph.outcome, *mediators})
        if _intercepts(graph, mediators) and _closed(graph, mediators, given):
            names = _words(mediators)
            yield Strategy(
                kind=StrategyKind.FRONT_DOOR,
                adjust=tuple(sorted(given)),
                mediators=tuple(sorted(mediators)),
                assumptions=(
                    f"{t} acts on {y} through {names} alone.",
                    f"Nothing unmeasured moves both {t} and {names}.",
                    f"Nothing unmeasured moves both {names} and {y} past {t}.",
                ),
            )
            return


def _intercepts(graph: CausalGraph, mediators: AbstractSet[str]) -> bool:
    """Whether every directed path goes through one of them."""
    cut = graph.without([edge for edge in graph.edges if edge[0] in mediators])
    return graph.outcome not in cut.descendants({graph.treatment})


def _closed(graph: CausalGraph, mediators: AbstractSet[str], given: AbstractSet[str]) -> bool:
    """No open backdoor from the CPI to the mediators, nor from them to the KPI with the CPI held fixed."""
    first = graph.without(_out(graph))
    second = graph.without([edge for edge in graph.edges if edge[0] in mediators])
    return first.separated({graph.treatment}, mediators, given) and second.separated(
        mediators, {graph.outcome}, {*given, graph.treatment}
    )


def _mediation(graph: CausalGraph, found: _Found) -> Iterator[Strategy]:
    between = _between(graph) - graph.unmeasured
    direct = frozenset(node for node in between if graph.treatment in graph.causes[node])
    t, y = _ends(graph)
    for mediators in (found.mediators & between, direct):
        if not mediators:
            continue
        given = _before(graph, {graph.treatment, graph.outcome, *mediators})
        backdoor = graph.without(_out(graph)).separated({graph.treatment}, {graph.outcome}, given)
        if backdoor and _closed(graph, mediators, given):
            names = _words(mediators)
            yield Strategy(
                kind=StrategyKind.MEDIATION,
                adjust=tuple(sorted(given)),
                mediators=tuple(sorted(mediators)),
                assumptions=(
                    f"Nothing unmeasured moves two of {t}, {names} and {y}.",
                    f"What {t} does to {y} past {names} does not depend on them.",
                ),
            )
            return


def _ends(graph: CausalGraph) -> tuple[str, str]:
    """The CPI and the KPI as people call them."""
    return graph.said(graph.treatment), graph.said(graph.outcome)


def _words(nodes: Iterable[str]) -> str:
    names: Sequence[str] = sorted(nodes)
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
