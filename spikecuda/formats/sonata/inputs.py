"""What drives a SONATA network: given spikes of virtual nodes, and currents."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.node_sets import NodeSets, Selection
from spikecuda.formats.sonata.nodes import Nodes
from spikecuda.formats.sonata.probes import MODULE as PROBE
from spikecuda.formats.sonata.probes import OPTIONS as PROBE_OPTIONS
from spikecuda.formats.sonata.probes import read_probes
from spikecuda.formats.sonata.spike_files import read_spikes, require_spikes
from spikecuda.formats.sonata.text_rows import read_rows

SPIKE_MODULES = ("h5", "hdf5", "sonata", "csv", "nwb")
CURRENT_MODULES = ("IClamp", "iclamp")
CURRENT_TYPES = ("current_clamp", "csv", "file")
COMMON = ("input_type", "module", "node_set", "enabled")


@dataclass(frozen=True, eq=False)
class Clamp:
    """A current of pieces.

    Attributes:
        where: file and name, for errors.
        selection: whose.
        start, stop: of each piece, ms, float64 (pieces,).
        amplitude: of each, pA.
    """

    where: str
    selection: Selection
    start: np.ndarray
    stop: np.ndarray
    amplitude: np.ndarray


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
            _require(where, options, known)
            given = _spikes(where, options, selection, nodes, seed)
            for population, part in given.items():
                spikes.setdefault(population, []).append(part)
        elif kind in CURRENT_TYPES and module in CURRENT_MODULES:
            clamps.append(_clamp(where, options, selection, nodes))
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


def _require(where: str, options: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in options:
        if key not in (*COMMON, *known):
            raise SpikecudaValueError(
                f"{where}: has an option that is not known here (got {key!r:.80}"
                f"{nearest(key, [*COMMON, *known])}); it takes {', '.join(known)}"
            )


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


def _clamp(
    where: str, options: Mapping[str, Any], selection: Selection, nodes: Mapping[str, Nodes]
) -> Clamp:
    if not any(rows.size for rows in selection.values()):
        raise SpikecudaValueError(f"{where}: node_set must have neurons (got none); give theirs")
    for population, rows in selection.items():
        virtual = nodes[population].virtual[rows]
        if virtual.any():
            elements = nodes[population].elements
            raise SpikecudaValueError(
                f"{where}: node_set must be of neurons (got "
                f"{elements.where(int(rows[virtual.argmax()]))}, which is virtual)"
            )
    if options["input_type"] == "current_clamp" and "file" not in options:
        _require(where, options, ("amp", "delay", "duration"))
        amp, delay, length = (_list(where, options, key) for key in ("amp", "delay", "duration"))
        if not amp.size == delay.size == length.size:
            raise SpikecudaValueError(
                f"{where}: amp, delay and duration must be of one length (got {amp.size}, "
                f"{delay.size}, {length.size})"
            )
        start, stop = delay, delay + length
    else:
        _require(where, options, ("file", "separator", "timestamps_column", "amplitudes_column"))
        start, amp = _table(where, options)
        stop = np.full(start.size, np.inf)
    if (np.diff(start) <= 0).any() or (start < 0).any() or (stop < start).any():
        raise SpikecudaValueError(
            f"{where}: pieces must begin at 0 ms or later and follow each other (got delay "
            f"{start.tolist()!s:.80})"
        )
    # A later piece takes the place of one that is still on.
    stop[:-1] = np.minimum(stop[:-1], start[1:])
    return Clamp(where, selection, start, stop, amp)


def _list(where: str, options: Mapping[str, Any], key: str) -> np.ndarray:
    value = options.get(key)
    values: list[Any] = value if isinstance(value, list) else [value]
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    if not values or not numbers or not np.isfinite(values).all():
        raise SpikecudaValueError(
            f"{where}: {key} must be a number or a list of numbers (got {value!r:.80})"
        )
    return np.array(values, np.float64)


def _table(where: str, options: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return times and amplitudes of a file."""
    file = options.get("file")
    if not isinstance(file, str):
        raise SpikecudaValueError(f"{where}: file must be given (got {file!r:.80})")
    time = str(options.get("timestamps_column", "timestamps"))
    amps = str(options.get("amplitudes_column", "amps"))
    separator = str(options.get("separator", " "))
    if len(separator) != 1 or separator in '"\r\n':
        raise SpikecudaValueError(f"{where}: separator must be one character (got {separator!r})")
    rows: list[tuple[float, float]] = []
    columns: list[str] = []
    for line, cells in read_rows(Path(file), "a table of currents", separator):
        if not columns:
            columns = cells
            continue
        row = dict(zip(columns, cells, strict=False))
        try:
            rows.append((float(row[time]), float(row[amps])))
        except (KeyError, ValueError):
            raise SpikecudaValueError(
                f"{file}, line {line}: must have numbers in the columns {time} and {amps} (got "
                f"{', '.join(f'{name}: {cell}' for name, cell in row.items()):.120})"
            ) from None
    if not rows or not np.isfinite(rows).all():
        raise SpikecudaValueError(f"{file}: must have finite times and amplitudes")
    table = np.array(rows)
    return table[:, 0], table[:, 1]
