"""What drives a SONATA network: given spikes of virtual nodes, and currents."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.sonata.clamps import (
    CURRENT_MODULES,
    CURRENT_TYPES,
    Clamp,
    read_clamp,
    require_options,
)
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.node_sets import NodeSets, Selection
from spikecuda.formats.sonata.nodes import Nodes
from spikecuda.formats.sonata.probes import MODULE as PROBE
from spikecuda.formats.sonata.probes import OPTIONS as PROBE_OPTIONS
from spikecuda.formats.sonata.probes import read_probes
from spikecuda.formats.sonata.spike_files import read_spikes, require_spikes

SPIKE_MODULES = ("h5", "hdf5", "sonata", "csv", "nwb")


def read_inputs(
    config: Config, sets: NodeSets, nodes: Mapping[str, Nodes], seed: int
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray]], list[Clamp]]:
    """Return given spikes, as rows of nodes and times in ms by population, and the currents.

    Args:
        config, sets, nodes: of the simulation.
        seed: of what inputs choose at random.

    Raises:
        SpikecudaValueError: an input that is not possible; names the file, the input and the row.
    """
    spikes: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    clamps: list[Clamp] = []
    path = config.sources.get("inputs", config.path)
    for name, options in config.inputs.items():
        where = f"{path}, inputs.{name}"
        kind, module = options.get("input_type"), options.get("module")
        selection = sets.find(where, options.get("node_set"))
        if kind == "spikes":
            known = PROBE_OPTIONS if module == PROBE else ("input_file", "trial")
            require_options(where, options, known)
            given = _spikes(where, options, selection, nodes, seed)
            for population, part in given.items():
                spikes.setdefault(population, []).append(part)
        elif kind in CURRENT_TYPES and module in CURRENT_MODULES:
            clamps.append(read_clamp(where, options, selection, nodes))
        else:
            raise SpikecudaValueError(
                f"{where}: input_type must be spikes, or current_clamp with module IClamp (got "
                f"{kind!r:.80} with {module!r:.80}); enabled: false leaves it out"
            )
    joined = {
        population: (np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts]))
        for population, parts in spikes.items()
    }
    return joined, clamps


def _spikes(
    where: str,
    options: Mapping[str, Any],
    selection: Selection,
    nodes: Mapping[str, Nodes],
    seed: int,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the spikes of an input, those of the selected nodes."""
    module, file = options.get("module"), options.get("input_file")
    if not is_name(module, (*SPIKE_MODULES, PROBE)):
        raise SpikecudaValueError(
            f"{where}: module must be one of {', '.join(SPIKE_MODULES)}, {PROBE} (got "
            f"{module!r:.80}); write the spikes to a file"
        )
    if module != PROBE and not isinstance(file, str):
        raise SpikecudaValueError(f"{where}: input_file must be one file (got {file!r:.80})")
    if options.get("node_set") in (None, "all"):  # whoever sends given spikes
        virtual = {name: rows[nodes[name].virtual[rows]] for name, rows in selection.items()}
        selection = {name: rows for name, rows in virtual.items() if rows.size}
    if not any(rows.size for rows in selection.values()):
        raise SpikecudaValueError(
            f"{where}: node_set must have virtual nodes, which send spikes (got none); give the "
            "set of the sources"
        )
    for population, rows in selection.items():
        real = ~nodes[population].virtual[rows]
        if real.any():
            elements = nodes[population].elements
            raise SpikecudaValueError(
                f"{where}: node_set must be of virtual nodes, which send spikes (got "
                f"{elements.where(int(rows[real.argmax()]))}); give the set of the sources"
            )
    if module == PROBE:
        if len(selection) != 1:
            raise SpikecudaValueError(
                f"{where}: node_set must be of one population for {PROBE} (got "
                f"{', '.join(selection)})"
            )
        ((population, rows),) = selection.items()
        spikes = {population: read_probes(where, options, nodes[population], rows, seed)}
        return require_spikes(Path(where), spikes, {population: nodes[population]})
    trial = options.get("trial")
    found = read_spikes(Path(str(file)), str(module), list(selection), trial)
    checked = require_spikes(Path(str(file)), found, {name: nodes[name] for name in selection})
    result = {}
    for population, (rows, times) in checked.items():
        chosen = np.isin(rows, selection[population])
        result[population] = rows[chosen], times[chosen]
    return result
