"""Edges from lists, generators and graphs: the same synapses as Pairs of arrays."""

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda.errors import SpikecudaError
from spikecuda.network import from_edges
from spikecuda.network.model import edge_lists

NUMBERS = st.floats(-1e9, 1e9)
EDGES = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99), NUMBERS, NUMBERS), max_size=40)


@settings(max_examples=60)
@given(edges=EDGES, nested=st.booleans(), block=st.integers(1, 50))
def test_edges_are_what_is_given(edges, nested, block):
    given_edges = ((s, t, [w, d]) for s, t, w, d in edges) if nested else iter(edges)
    old, edge_lists.BLOCK = edge_lists.BLOCK, block
    try:
        rule, columns = from_edges(given_edges, ("delay", "weight"), shape=(100, 100))
    finally:
        edge_lists.BLOCK = old
    assert rule.sources.tolist() == [s for s, *_ in edges]
    assert rule.targets.tolist() == [t for _, t, *_ in edges] and rule.shape == (100, 100)
    assert columns["delay"].tolist() == [w for _, _, w, _ in edges]
    assert columns["weight"].tolist() == [d for *_, d in edges]


def test_edges_of_a_graph():
    graph = networkx.gnp_random_graph(30, 0.2, seed=1, directed=True)
    for number, edge in enumerate(graph.edges):
        graph.edges[edge]["weight"] = number / 2
    rule, columns = from_edges(graph.edges(data="weight"), "weight")
    assert [*zip(rule.sources.tolist(), rule.targets.tolist(), strict=True)] == [*graph.edges]
    assert np.array_equal(columns["weight"], np.arange(len(graph.edges)) / 2)


def test_connection_sets_of_csa():
    csa = pytest.importorskip("csa")
    cross = csa.cross(range(16), range(10))
    rule, columns = from_edges(cross * csa.cset(csa.random(0.5), 20.0, 1.5), ("weight", "delay"))
    assert 40 < rule.sources.size < 120 and rule.sources.max() < 16 and rule.targets.max() < 10
    assert set(columns["weight"]) == {20.0} and set(columns["delay"]) == {1.5}
    assert from_edges(cross * csa.oneToOne)[0].targets.tolist() == [*range(10)]


@pytest.mark.parametrize(
    ("edges", "values", "message"),
    [
        ([(0, 1)], "weights", r"must be weight, delay or both \(got 'weights'; did you mean"),
        ([(0, 1)], ("weight", "weight"), r"must be weight, delay or both \(got 'weight'"),
        ("edges.csv", (), r"edges must be pairs .*'edges.csv'.*see from_file"),
        (5, (), r"edges must be pairs of a source and a target \(got 5\)"),
        ([(0, 1), (0, 1, 2.0)], (), r"edge 1: must be source, target \(got \(0, 1, 2.0\)\)"),
        ([(0, 1), 7], (), r"edge 1: must be source, target \(got 7\)"),
        ([(0, 1), ("a", 2)], (), r"edge 1: must be numbers, source, target \(got 'a'\)"),
        ([(0, 1), (0, -1)], (), r"edge 1: target must be a whole number from 0"),
        ([(0.5, 1)], (), r"edge 0: source must be a whole number .*0.5"),
        ([(0, 2**40)], (), r"edge 0: target must be a whole number"),
        ([(0, 1, np.nan)], "weight", r"edge 0: weight must be finite \(got nan\)"),
        ([(0, 1, None)], "weight", r"edge 0: must be numbers, source, target, weight \(got None"),
        ([(0, 10**400)], (), r"edge 0: .*(whole number|numbers)"),
    ],
)
def test_refused_with_the_edge(edges, values, message):
    with pytest.raises(SpikecudaError, match=message):
        from_edges(edges, values)
