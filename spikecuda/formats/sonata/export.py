"""A Network as the files of a SONATA simulation."""

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_positive
from spikecuda.common.files import write_text
from spikecuda.common.time_grid import first_step
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.formats.sonata.export_cells import ExportedCells, export_cells
from spikecuda.formats.sonata.export_files import write_edges, write_nodes
from spikecuda.formats.sonata.export_synapses import (
    ExportedSynapses,
    export_synapses,
    tau_minus_of,
)
from spikecuda.inputs.stimulus import Constant, Step
from spikecuda.network.model.population import Population
from spikecuda.network.model.projection import Projection
from spikecuda.network.network import Network
from spikecuda.network.results.result import NetworkResult
from spikecuda.network.results.sonata import write_spikes

NETWORK, INPUTS, CELLS, OUTPUT = "network", "inputs", "cell_models", "output"
SYNAPSES = "synaptic_models"
CONFIG = "simulation_config.json"


def to_sonata(
    net: Network,
    folder: str | os.PathLike[str],
    duration: float,
    result: NetworkResult | None = None,
) -> Path:
    """Write a network as a SONATA simulation; this builds the network.

    Populations of ``lif``, ``lif_cond`` and ``glif1`` to ``glif5`` become NEST's ``iaf_psc_*``,
    ``iaf_cond_*`` and ``glif_psc``; sources become virtual nodes with files of their spikes.
    Numbers and ``Step`` inputs become constant currents and current clamps.  ``STDP``,
    ``GutigSTDP``, ``Tsodyks2000`` and ``TsodyksMarkram`` become NEST's synapses, with the weights
    of now; other variables start anew.

    Args:
        net: the network.
        folder: where to; it is made if it is not there.
        duration: of the simulation, ms.
        result: of a run, whose spikes are written to ``output/spikes.h5``; None: none.

    Returns:
        The configuration, which ``from_sonata`` and the Brain Modeling Toolkit read.

    Raises:
        SpikecudaValueError: a model, receptor, input or rule that SONATA cannot say; the message
            names it.
        MissingPackageError: h5py is not installed.

    Source: SONATA developer guide 0.1 (github.com/AllenInstitute/sonata).
    """
    if not isinstance(net, Network):
        raise SpikecudaTypeError(f"net must be a Network (got {shown(net)})")
    stop = as_positive("duration", duration, "ms")
    if net.couplings:
        raise SpikecudaValueError(
            f"SONATA has no continuous coupling (got {net.couplings[0].name}); export a network "
            "without couplings, or net.save(path)"
        )
    for projection in net.projections:  # before anything is built
        export_synapses(projection, 1.0)
    projections = [p for p in net.projections if len(p)]
    if len(net.wired) > len(net.projections):
        raise SpikecudaValueError(
            "drives with a SpikeTrain must be sources (got one); net.source(...) and net.connect "
            "are written"
        )
    populations = [p for p in net.populations.values() if p.neuron_spec is not None]
    sources = [p for p in net.populations.values() if p.neuron_spec is None]
    clamps: dict[str, Any] = {}
    currents = {p.name: _currents(net, p, clamps) for p in populations}
    synapses = {p: p.connections() for p in projections}
    cells = {p.name: export_cells(p, currents[p.name], synapses) for p in populations}
    models = {
        p: export_synapses(p, cells[p.target.population.name].factor(p.receptor))
        for p in projections
    }
    for name, some in cells.items():
        onto = [model for p, model in models.items() if p.target.population.name == name]
        some.fixed.update(tau_minus_of(name, onto))
    root = Path(folder)
    for name in (NETWORK, INPUTS, CELLS, SYNAPSES, OUTPUT):
        (root / name).mkdir(parents=True, exist_ok=True)
    inputs = dict(clamps)
    for source in sources:
        inputs[source.name] = _source(root, net, source)
    nodes = [*(_nodes(root, p, cells[p.name]) for p in populations)]
    nodes += [_nodes(root, source, None) for source in sources]
    edges = [
        _edges(root, number, p, found, cells[p.target.population.name], models[p])
        for number, (p, found) in enumerate(synapses.items())
    ]
    if result is not None:
        result.to_sonata(root / OUTPUT / "spikes.h5")
    return _configs(root, net, stop, nodes, edges, inputs, [p.name for p in populations])


def _currents(net: Network, population: Population, clamps: dict[str, Any]) -> np.ndarray:
    """Return the constant current of each neuron, pA; add clamps of those that are not."""
    total = np.zeros(population.size)
    for term, _ in net.inputs_of(population):
        if isinstance(term, Constant):
            total = total + np.asarray(term.value, np.float64)
            continue
        if not isinstance(term, Step):
            raise SpikecudaValueError(
                f"{population.name}: inputs must be numbers, arrays or Step (got "
                f"{type(term).__name__}); give spikes with net.source"
            )
        amplitude = np.broadcast_to(np.asarray(term.amplitude, np.float64), total.shape)
        start = first_step(term.start, net.dt) - 1
        if start < 0 or not math.isfinite(term.stop):
            raise SpikecudaValueError(
                f"{population.name}: a Step must begin at dt or later and end (got {term!r:.80}), "
                "since a clamp acts one step after its time; use a number for one that is always on"
            )
        length = (first_step(term.stop, net.dt) - 1 - start) * net.dt
        for value in np.unique(amplitude[amplitude != 0.0]):
            ids = np.flatnonzero(amplitude == value).tolist()
            clamps[f"{population.name}_clamp_{len(clamps)}"] = {
                "input_type": "current_clamp", "module": "IClamp",
                "node_set": {"population": population.name, "node_id": ids},
                "amp": float(value), "delay": start * net.dt, "duration": length,
            }  # fmt: skip
    return total


def _source(root: Path, net: Network, source: Population) -> dict[str, Any]:
    """Write the spikes of a source; return the input that reads them."""
    points, trains = net.train_of(source).on_grid(net.dt, source.size)
    write_spikes(
        root / INPUTS / f"{source.name}.h5", {source.name: (trains, points * net.dt)}, "by_id"
    )
    return {
        "input_type": "spikes", "module": "h5", "input_file": f"{INPUTS}/{source.name}.h5",
        "node_set": source.name,
    }  # fmt: skip


def _nodes(root: Path, population: Population, cells: ExportedCells | None) -> dict[str, Any]:
    """Write a population's nodes and types; return their files."""
    name = population.name
    if cells is None:
        types = {"node_type_id": "100", "model_type": "virtual"}
        params: dict[str, np.ndarray] = {}
    else:
        types = {
            "node_type_id": "100", "model_type": "point_neuron", "model_template": cells.template,
            "dynamics_params": f"{name}.json",
        }  # fmt: skip
        params = cells.varied
        write_text(root / CELLS / f"{name}.json", json.dumps(cells.fixed, indent=2) + "\n")
    where = None if population.space is None else population.positions
    write_nodes(root / NETWORK / f"{name}_nodes.h5", name, population.size, params, where)
    _table(root / NETWORK / f"{name}_node_types.csv", types)
    return {
        "nodes_file": f"{NETWORK}/{name}_nodes.h5",
        "node_types_file": f"{NETWORK}/{name}_node_types.csv",
        "populations": {name: {"type": types["model_type"]}},
    }


def _edges(
    root: Path,
    number: int,
    projection: Projection,
    found: dict[str, np.ndarray],
    cells: ExportedCells,
    model: ExportedSynapses,
) -> dict[str, Any]:
    """Write a projection's edges and their type; return their files."""
    source, target = projection.source.population.name, projection.target.population.name
    name = f"{source}_to_{target}_{number}"
    write_edges(
        root / NETWORK / f"{name}_edges.h5", name, (source, target), found,
        cells.factor(projection.receptor),
    )  # fmt: skip
    port = cells.receptor_type(projection.receptor)
    params = model.params if port is None else {"receptor_type": port, **model.params}
    write_text(root / SYNAPSES / f"{name}.json", json.dumps(params) + "\n")
    types = {
        "edge_type_id": "100", "model_template": model.template,
        "dynamics_params": f"{name}.json",
    }  # fmt: skip
    _table(root / NETWORK / f"{name}_edge_types.csv", types)
    return {
        "edges_file": f"{NETWORK}/{name}_edges.h5",
        "edge_types_file": f"{NETWORK}/{name}_edge_types.csv",
        "populations": {name: {"type": "chemical"}},
    }


def _table(path: Path, row: dict[str, str]) -> None:
    write_text(path, f"{' '.join(row)}\n{' '.join(row.values())}\n")


def _configs(
    root: Path,
    net: Network,
    duration: float,
    nodes: list[dict[str, Any]],
    edges: list[dict[str, Any]],
    inputs: dict[str, Any],
    neurons: list[str],
) -> Path:
    """Write circuit, node sets and simulation; return the last one's file."""
    here = "$BASE_DIR"
    circuit = {
        "manifest": {here: "."},
        "components": {
            "point_neuron_models_dir": f"{here}/{CELLS}",
            "synaptic_models_dir": f"{here}/{SYNAPSES}",
        },
        "networks": {
            kind: [
                {k: f"{here}/{v}" if k.endswith("_file") else v for k, v in item.items()}
                for item in items
            ]
            for kind, items in (("nodes", nodes), ("edges", edges))
        },
    }
    simulation = {
        "manifest": {here: "."},
        "run": {"tstop": duration, "dt": net.dt},
        "network": f"{here}/circuit_config.json",
        "node_sets_file": f"{here}/node_sets.json",
        "inputs": {
            name: {k: f"{here}/{v}" if k == "input_file" else v for k, v in options.items()}
            for name, options in inputs.items()
        },
        "output": {
            "output_dir": f"{here}/{OUTPUT}", "spikes_file": "spikes.h5",
            "spikes_sort_order": "by_time",
        },
    }  # fmt: skip
    sets = {"neurons": {"population": neurons}}
    for name, content in (
        ("circuit_config.json", circuit), ("node_sets.json", sets), (CONFIG, simulation)
    ):  # fmt: skip
        write_text(root / name, json.dumps(content, indent=2) + "\n")
    return root / CONFIG
