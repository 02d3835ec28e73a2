"""Networks as graphs of networkx: neurons, synapses, and files that networkx writes."""

import io

import networkx
import numpy as np
import pytest

from spikecuda import Network, SpikecudaError
from spikecuda.formats import to_networkx
from spikecuda.network import ExpCurrent, FixedProbability, SpikeTrain, from_edges


@pytest.fixture(scope="module")
def net():
    net = Network(dt=0.1, seed=2)
    net.source("s", 3, SpikeTrain([1.0]))
    v_th = np.linspace(-50.0, -45.0, 5)
    net.population("a", 5, "lif", {"v_th": v_th}, receptors={"ex": ExpCurrent(5.0)})
    net.connect("s", "a", FixedProbability(0.7), 2.5, 1.5)
    net.connect("a", "a", FixedProbability(0.5), -1.0, 0.3)
    return net


def test_every_neuron_and_synapse(net):
    graph = to_networkx(net)
    assert [data["population"] for _, data in graph.nodes(data=True)] == ["s"] * 3 + ["a"] * 5
    assert [graph.nodes[n]["neuron"] for n in graph] == [0, 1, 2, 0, 1, 2, 3, 4]
    assert graph.nodes[0]["model"] == "source" and graph.nodes[7]["v_th"] == -45.0
    count = 0
    for projection, source, target in zip(net.projections, (0, 3), (3, 3), strict=True):
        found = projection.connections()
        count += len(projection)
        for a, b, weight, delay in zip(*found.values(), strict=True):
            some = graph[source + a][target + b].values()
            wanted = {"weight": weight, "delay": delay, "receptor": "ex"}
            assert any(wanted.items() <= edge.items() for edge in some)
    assert count == graph.number_of_edges() > 10
    file = io.BytesIO()
    networkx.write_graphml(graph, file)
    again = networkx.read_graphml(io.BytesIO(file.getvalue()), node_type=int)
    assert again.number_of_edges() == count and again.nodes[7] == graph.nodes[7]
    inner = graph.subgraph(range(3, 8))
    rule, columns = from_edges(
        ((a - 3, b - 3, w) for a, b, w in inner.edges(data="weight")), "weight"
    )
    assert rule.sources.size == len(net.projections[1]) and set(columns["weight"]) == {-1.0}
    assert "v_th" not in to_networkx(net, params=False).nodes[7]


def test_an_empty_network():
    graph = to_networkx(Network())
    assert isinstance(graph, networkx.DiGraph) and not len(graph.nodes)


def test_refused_by_name(net):
    with pytest.raises(SpikecudaError, match="net must be a Network"):
        to_networkx(5)
    with pytest.raises(SpikecudaError, match="params must be"):
        to_networkx(net, params=1)
