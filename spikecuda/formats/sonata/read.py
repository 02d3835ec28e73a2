"""All that a SONATA configuration names, read and checked: what a network is then built of."""

from dataclasses import dataclass

import numpy as np

from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.sonata.cells import Cells, find_cells
from spikecuda.formats.sonata.clamps import Clamp
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.edges import read_edges
from spikecuda.formats.sonata.inputs import read_inputs
from spikecuda.formats.sonata.node_sets import NodeSets
from spikecuda.formats.sonata.nodes import Nodes, read_nodes
from spikecuda.formats.sonata.synapses import Synapses, find_synapses
from spikecuda.formats.sonata.weight_reports import read_weight_reports
from spikecuda.models.base import as_model
from spikecuda.plasticity.tsodyks import TsodyksMarkram

INTFIRE = "nrn:IntFire1"


@dataclass(frozen=True, eq=False)
class Circuit:
    """A network and its input.

    Attributes:
        nodes: populations by name.
        cells: by population: its neurons, by model.
        synapses: all edges.
        spikes: by population: rows of virtual nodes and times in ms.
        clamps: currents.
        sets: node sets.
    """

    nodes: dict[str, Nodes]
    cells: dict[str, list[Cells]]
    synapses: list[Synapses]
    spikes: dict[str, tuple[np.ndarray, np.ndarray]]
    clamps: list[Clamp]
    sets: NodeSets


def read_circuit(config: Config, dt: float, seed: int) -> Circuit:
    """Read the nodes, edges and inputs of a configuration.

    Args:
        config: what its files say.
        dt: length of a step, ms.
        seed: of what inputs choose at random.

    Raises:
        SpikecudaValueError: what is wrong, with the file and the row.
    """
    nodes = read_nodes(config.nodes)
    cells = {name: find_cells(population, config) for name, population in nodes.items()}
    if not any(cells.values()):
        raise SpikecudaValueError(
            f"{config.path}: must have neurons (got only virtual nodes in {', '.join(nodes)})"
        )
    synapses: list[Synapses] = []
    recorders = read_weight_reports(config)
    for edges in read_edges(config.edges, nodes):
        synapses += find_synapses(edges, cells[edges.target.name], config, recorders, dt)
    used = {some.report for some in synapses}
    config.ignored += [
        f"reports: no edge has the model_template {name}, so {report.file_name} is not written"
        for name, report in recorders.items()
        if report.file_name not in used
    ]
    if any(isinstance(some.rule, TsodyksMarkram) for some in synapses):
        config.ignored.append(
            "tsodyks2_synapse: NEST's begin as after a spike at time 0, these with full resources"
        )
    path = config.sources.get("node_sets", config.path)
    sets = NodeSets(path, config.node_sets, nodes)
    spikes, clamps = read_inputs(config, sets, nodes, seed)
    for clamp in clamps:
        for population, rows in clamp.selection.items():
            for some in cells[population]:
                model = as_model(some.kind.model)
                takes = model.takes_current(model.check_scheme(some.kind.scheme))
                if not takes and np.isin(some.rows, rows).any():
                    raise SpikecudaValueError(
                        f"{clamp.where}: {some.template} takes no current (got an input for "
                        f"{population}); give spikes"
                    )
    return Circuit(nodes, cells, synapses, spikes, clamps, sets)
