"""Graphs that are none are refused with a reason; d-separation is networkx's."""

import time
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from analyses import (
    CausalGraph,
    Identification,
    ImpliedIndependences,
    NotEstimable,
    StrategyKind,
    causal_graph,
    identify,
    implied_independences,
)
from tests.analyses.observational.planted import graph, sample


@pytest.mark.parametrize(
    ("causes", "known", "unmeasured", "reason", "word"),
    [
        ({"kpi": ["cpi"], "cpi": ["visits"], "visits": ["kpi"]}, ["visits"], [], "cyclic_graph", "→"),
        ({"kpi": ["cpi", "tenure"]}, [], [], "unknown_node", "tenure"),
        ({"cpi": ["tenure"], "kpi": ["tenure"]}, ["tenure"], [], "no_path", "does not act"),
        ({"kpi": ["cpi"]}, [], ["cpi"], "unmeasured_end", "cpi"),
    ],
)
def test_what_is_no_graph_says_why(causes, known, unmeasured, reason, word) -> None:
    found = causal_graph(causes, treatment="cpi", outcome="kpi", known=known, unmeasured=unmeasured)
    assert isinstance(found, NotEstimable)
    assert found.reason == reason
    assert word in found.detail


def test_a_circle_is_told_in_the_direction_of_its_arrows() -> None:
    found = causal_graph(
        {"kpi": ["cpi"], "cpi": ["visits"], "visits": ["kpi"]},
        treatment="cpi",
        outcome="kpi",
        known=["visits"],
    )
    assert isinstance(found, NotEstimable)
    walk = found.detail.rpartition(": ")[2].split(" → ")
    arrows = {("cpi", "kpi"), ("visits", "cpi"), ("kpi", "visits")}
    assert set(pairwise(walk)) == arrows


def test_separation_is_that_of_networkx() -> None:
    rng = np.random.default_rng(7)
    names = [f"n{i}" for i in range(7)]
    for _ in range(60):
        causes = {
            name: [other for other in names[:place] if rng.random() < 0.35]
            for place, name in enumerate(names)
        }
        ours = CausalGraph(
            treatment="n0", outcome="n6", causes={name: frozenset(of) for name, of in causes.items()}
        )
        theirs = nx.DiGraph()
        theirs.add_nodes_from(names)
        theirs.add_edges_from(ours.edges)
        one, other, *given = rng.permutation(names)[: 2 + rng.integers(0, 4)].tolist()
        assert ours.separated({one}, {other}, set(given)) == nx.is_d_separator(
            theirs, {one}, {other}, set(given)
        )


def kinds(found) -> set[StrategyKind]:
    assert isinstance(found, Identification), found
    return {one.kind for one in found.strategies}


def test_a_collider_is_not_held_fixed_and_a_confounder_is() -> None:
    found = identify(
        graph({"kpi": ["cpi", "x"], "cpi": ["x"], "rated": ["cpi", "kpi"]}, known=["x", "rated"])
    )
    assert kinds(found) == {StrategyKind.BACKDOOR}
    assert found.strategies[0].adjust == ("x",)


def test_m_bias_holds_nothing_fixed() -> None:
    found = identify(
        graph({"kpi": ["cpi", "u2"], "cpi": ["u1"], "m": ["u1", "u2"]}, known=["m"], unmeasured=["u1", "u2"])
    )
    assert found.strategies[0].kind is StrategyKind.BACKDOOR
    assert found.strategies[0].adjust == ()


def test_an_instrument_with_a_cause_in_common_is_conditional_on_it() -> None:
    found = identify(
        graph(
            {"kpi": ["cpi", "u", "region"], "cpi": ["u", "queue"], "queue": ["region"]},
            known=["queue", "region"],
            unmeasured=["u"],
        )
    )
    (strategy,) = found.strategies
    assert strategy.kind is StrategyKind.INSTRUMENT
    assert (strategy.instruments, strategy.adjust) == (("queue",), ("region",))


def test_an_instrument_that_acts_on_the_kpi_itself_is_none() -> None:
    found = identify(
        graph({"kpi": ["cpi", "u", "queue"], "cpi": ["u", "queue"]}, known=["queue"], unmeasured=["u"])
    )
    assert isinstance(found, NotEstimable)
    assert found.reason == "unidentified"
    assert "u acts on both" in found.detail


def test_mediation_stands_beside_the_backdoor() -> None:
    found = identify(
        graph({"kpi": ["cpi", "visits", "x"], "visits": ["cpi", "x"], "cpi": ["x"]}, known=["visits", "x"])
    )
    assert kinds(found) == {StrategyKind.BACKDOOR, StrategyKind.MEDIATION}


def test_two_hundred_covariates_are_identified_and_dowhy_is_asked() -> None:
    names = [f"x{i}" for i in range(200)]
    found = identify(graph({"kpi": ["cpi", *names], "cpi": names}, known=names))
    assert isinstance(found, Identification)
    assert found.dowhy
    assert len(found.strategies[0].adjust) == 200


def test_a_graph_too_wide_for_the_search_is_still_answered() -> None:
    names = [f"x{i}" for i in range(30)]
    chain = {name: [names[place]] for place, name in enumerate(names[1:])}
    found = identify(graph({"kpi": ["cpi", *names], "cpi": names, **chain}, known=names))
    assert isinstance(found, Identification)
    assert not found.dowhy
    assert found.strategies[0].kind is StrategyKind.BACKDOOR


def test_the_data_name_the_arrow_that_is_missing() -> None:
    rng = np.random.default_rng(3)
    x, z = rng.normal(size=(2, 4000))
    cpi = x + rng.normal(size=4000)
    kpi = cpi + 0.5 * x + rng.normal(size=4000)
    drawn = graph({"kpi": ["cpi"], "cpi": ["x"]}, known=["x", "z"])
    found = implied_independences(drawn, sample(cpi=cpi, kpi=kpi, x=x, z=z))
    assert isinstance(found, ImpliedIndependences)
    assert found.contradicted == (("kpi", "x"),)


def test_a_right_graph_is_hardly_ever_contradicted() -> None:
    rng = np.random.default_rng(4)
    drawn = graph({"kpi": ["cpi", "x"], "cpi": ["x", "z"], "w": ["z"]}, known=["x", "z", "w"])
    wrong = 0
    for _ in range(200):
        x, z, a, b, c = rng.normal(size=(5, 800))
        cpi = x + z + a
        found = implied_independences(drawn, sample(cpi=cpi, kpi=cpi - x + b, x=x, z=z, w=z + c))
        assert isinstance(found, ImpliedIndependences)
        assert len(found.claims) >= 4
        wrong += bool(found.contradicted)
    assert wrong <= 16  # 5 per cent of 200, and two errors


def test_two_hundred_covariates_that_move_one_another_are_no_endless_search() -> None:
    """Nothing is claimed of them: 19,900 arrows among them, 400 more to both ends."""
    names = [f"x{place}" for place in range(200)]
    drawn = causal_graph(
        {"cpi": names, "kpi": ["cpi", *names]}, treatment="cpi", outcome="kpi", known=names, related=names
    )
    assert isinstance(drawn, CausalGraph)
    began = time.process_time()
    found = identify(drawn)
    assert isinstance(found, Identification)
    (strategy,) = found.strategies
    assert (strategy.kind, strategy.adjust) == (StrategyKind.BACKDOOR, tuple(sorted(names)))
    assert time.process_time() - began < 30  # it took minutes, one candidate instrument after the other
