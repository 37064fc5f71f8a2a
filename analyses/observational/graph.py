"""What does a team believe causes what? A graph drawn by naming causes, and what follows from it alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

from analyses.results import NotEstimable


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalGraph:
    """A directed graph without cycles; make one by ``causal_graph``, which says why where there is none.

    ``causes`` names the direct causes of every node, ``unmeasured`` the nodes that no data show. ``called``
    is what people call a node, where sentences should not use its own name.
    """

    treatment: str
    outcome: str
    causes: Mapping[str, frozenset[str]]
    unmeasured: frozenset[str] = frozenset()
    called: Mapping[str, str] = field(default_factory=dict)

    def said(self, node: str) -> str:
        """The node as sentences name it."""
        return self.called.get(node, node)

    @property
    def nodes(self) -> tuple[str, ...]:
        """In the order of the alphabet."""
        return tuple(sorted(self.causes))

    @property
    def measured(self) -> tuple[str, ...]:
        return tuple(node for node in self.nodes if node not in self.unmeasured)

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """Cause and effect, sorted."""
        return tuple(sorted((cause, node) for node, of in self.causes.items() for cause in of))

    def ancestors(self, nodes: Iterable[str]) -> frozenset[str]:
        """The nodes themselves and whatever causes them over any number of steps."""
        return _reached(nodes, self.causes)

    def descendants(self, nodes: Iterable[str]) -> frozenset[str]:
        """The nodes themselves and whatever they cause over any number of steps."""
        return _reached(nodes, self._effects())

    def without(self, edges: Collection[tuple[str, str]]) -> "CausalGraph":
        """The same graph with some arrows taken away."""
        gone = set(edges)
        kept = {
            node: frozenset(cause for cause in of if (cause, node) not in gone)
            for node, of in self.causes.items()
        }
        return CausalGraph(
            treatment=self.treatment, outcome=self.outcome, causes=kept, unmeasured=self.unmeasured
        )

    def separated(self, one: AbstractSet[str], other: AbstractSet[str], given: AbstractSet[str]) -> bool:
        """Whether the graph says that two sets of nodes are independent, given a third (d-separation).

        By moralising the graph of the ancestors (Lauritzen, Dawid, Larsen & Leimer 1990). What an arrow joins
        is never separated: to say so first spares the search among hundreds of nodes that cause both ends.
        """
        free, others = one - given, other - given
        pairs = ((free, others), (others, free))
        if any(self.causes[node] & some for some, rest in pairs for node in rest):
            return False
        kept = self.ancestors({*one, *other, *given})
        near: dict[str, set[str]] = {node: set() for node in kept}
        for node in kept:
            family = self.causes[node] | {node}
            for member in family:
                near[member] |= family
        open_ones = {node: near[node] - given for node in kept}
        return not _reached(set(one) - set(given), open_ones) & set(other)

    def _effects(self) -> Mapping[str, AbstractSet[str]]:
        found: dict[str, set[str]] = {node: set() for node in self.causes}
        for cause, effect in self.edges:
            found[cause].add(effect)
        return found


def causal_graph(
    causes: Mapping[str, Iterable[str]],
    *,
    treatment: str,
    outcome: str,
    known: Collection[str] = (),
    unmeasured: Collection[str] = (),
    related: Sequence[str] = (),
) -> CausalGraph | NotEstimable:
    """A causal graph from each node's named causes, or why it is none.

    ``related`` are background nodes that may move one another in any way: each gets an arrow from those named
    before it, so that nothing is claimed of them.

    Question: what is believed to cause what, between a CPI and a KPI?
    Estimand: none; what the data can say of the effect follows from the graph (``identify``).
    Assumes: that whoever draws it leaves out no common cause of two nodes: an unmeasured one is drawn too.
    Formula: every named cause must be a node with data (``known``) or be declared unmeasured; arrows may not
    run in a circle; the treatment must cause the outcome over some path.
    Units: none.
    Errors: a missing arrow is the strong claim. ``implied_independences`` asks the data about it.
    Reference: Pearl (2009), Causality, 2nd ed., chapter 1.

    >>> graph = causal_graph({"conversion": ["speed", "plan"], "speed": ["plan"]}, treatment="speed",
    ...               outcome="conversion", known=["plan"])
    >>> graph.edges
    (('plan', 'conversion'), ('plan', 'speed'), ('speed', 'conversion'))
    >>> causal_graph({"k": ["c"], "c": ["k"]}, treatment="c", outcome="k").reason
    'cyclic_graph'
    """
    whole: dict[str, set[str]] = {node: set(of) for node, of in causes.items()}
    for node in {treatment, outcome, *(cause for of in causes.values() for cause in of)}:
        whole.setdefault(node, set())
    for place, node in enumerate(related):
        whole.setdefault(node, set()).update(related[:place])
    graph = CausalGraph(
        treatment=treatment,
        outcome=outcome,
        causes={node: frozenset(of) for node, of in sorted(whole.items())},
        unmeasured=frozenset(unmeasured) & whole.keys(),
    )
    return _refused(graph, {treatment, outcome, *known}) or graph


def _refused(graph: CausalGraph, known: AbstractSet[str]) -> NotEstimable | None:
    if graph.treatment == graph.outcome:
        return NotEstimable(reason="same_node", detail="the CPI and the KPI must be two different nodes")
    if lost := sorted(set(graph.nodes) - known - graph.unmeasured):
        return NotEstimable(
            reason="unknown_node",
            detail=f"no data were named for {_listed(lost)}: name a covariate, or declare it unmeasured",
        )
    if hidden := sorted({graph.treatment, graph.outcome} & graph.unmeasured):
        return NotEstimable(reason="unmeasured_end", detail=f"{_listed(hidden)} must be measured")
    try:
        TopologicalSorter(graph.causes).prepare()
    except CycleError as error:
        circle = " → ".join(str(node) for node in error.args[1])
        return NotEstimable(reason="cyclic_graph", detail=f"causes run in a circle: {circle}")
    if graph.outcome not in graph.descendants({graph.treatment}):
        return NotEstimable(
            reason="no_path",
            detail=f"in this graph {graph.treatment} does not act on {graph.outcome} at all",
        )
    return None


def _reached(start: Iterable[str], onward: Mapping[str, AbstractSet[str]]) -> frozenset[str]:
    found, waiting = set[str](), list(start)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(onward[node] - found)
    return frozenset(found)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
