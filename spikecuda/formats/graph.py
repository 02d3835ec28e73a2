"""A Network as a graph of networkx: a node for each neuron, an edge for each synapse."""

from typing import Any

import numpy as np

from spikecuda.common.arguments import as_flag, shown
from spikecuda.common.host_memory import require_memory
from spikecuda.common.packages import need
from spikecuda.errors import SpikecudaTypeError
from spikecuda.network.network import Network

EXTRA = "graph"
# Bytes of a node and of an edge with their attributes, measured with networkx 3.6.
NODE, EDGE = 1200.0, 900.0


def to_networkx(net: Network, params: bool = True) -> Any:
    """Return a network as a ``networkx.MultiDiGraph``; this builds the network.

    Nodes are numbered from 0, one population after another, with the attributes ``population``,
    ``neuron`` (its number there), ``model`` ("source" for given spikes) and, as far as there are
    some, its parameters.  Edges have ``weight`` (as of now, in the receptor's unit), ``delay``
    (ms), ``receptor`` and ``projection``; of couplings the delay is 0.  All are numbers and texts,
    so that ``networkx.write_graphml`` and the like can write them.

    Args:
        net: the network.
        params: whether nodes have the parameters of their neurons.

    Raises:
        SpikecudaTypeError: it is no Network.
        MissingPackageError: networkx is not installed: ``pip install "spikecuda[graph]"``.
        OutOfMemoryError: the graph does not fit.
    """
    if not isinstance(net, Network):
        raise SpikecudaTypeError(f"net must be a Network (got {shown(net)})")
    as_flag("params", params)
    networkx = need("networkx", EXTRA, "a graph of networkx")
    nodes = sum(population.size for population in net.populations.values())
    edges = sum(len(projection) for projection in net.projections)
    edges += sum(len(coupling) * (1 + coupling.symmetric) for coupling in net.couplings)
    require_memory(NODE * nodes + EDGE * edges, "a graph of networkx", "use connections()")
    graph, first = networkx.MultiDiGraph(), {}
    for name, population in net.populations.items():
        first[name] = graph.number_of_nodes()
        spec = population.neuron_spec
        values = {} if spec is None or not params else population.params
        columns = {
            key: np.broadcast_to(np.asarray(value, np.float64), population.size).tolist()
            for key, value in values.items()
        }
        model = "source" if spec is None else spec.model.name
        for neuron in range(population.size):
            own = {key: column[neuron] for key, column in columns.items()}
            graph.add_node(first[name] + neuron, population=name, neuron=neuron, model=model, **own)
    for projection in net.projections:
        found = projection.connections()
        source = first[projection.source.population.name]
        target = first[projection.target.population.name]
        rows = (found[key].tolist() for key in ("source", "target", "weight", "delay"))
        for a, b, weight, delay in zip(*rows, strict=True):
            graph.add_edge(
                source + a, target + b, weight=weight, delay=delay, receptor=projection.receptor,
                projection=projection.name,
            )  # fmt: skip
    for coupling in net.couplings:
        pairs = coupling.connections()
        source = first[coupling.source.population.name] + pairs["source"]
        target = first[coupling.target.population.name] + pairs["target"]
        ends = [(source, target, coupling.receptor)]
        ends += [(target, source, coupling.back)] if coupling.symmetric else []
        for one, other, receptor in ends:
            rows = (array.tolist() for array in (one, other, pairs["weight"] * coupling.strength))
            for a, b, weight in zip(*rows, strict=True):
                graph.add_edge(
                    a, b, weight=weight, delay=0.0, receptor=receptor, projection=coupling.name
                )
    return graph
