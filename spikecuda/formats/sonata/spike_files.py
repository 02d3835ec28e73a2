"""Given spikes in files: SONATA's HDF5, tables of text, and NWB."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spikecuda.common.hdf5 import Hdf5File, reading_hdf5
from spikecuda.errors import SpikecudaValueError
from spikecuda.formats.sonata.nodes import EXTRA, Nodes
from spikecuda.formats.sonata.text_rows import read_rows

# By population: ids of nodes int64 (spikes,), times in ms float64 (spikes,), and the row of each in
# the file.
SpikeRows = dict[str, tuple[np.ndarray, np.ndarray]]
COLUMNS = ("timestamps", "population", "node_ids")
# Units of times that are known, in ms.
UNITS = {None: 1.0, "": 1.0, "ms": 1.0, "milliseconds": 1.0, "s": 1e3, "seconds": 1e3}


def read_spikes(path: Path, module: str, populations: list[str], trial: str | None) -> SpikeRows:
    """Return the spikes of a file, by population.

    Args:
        path: of the file.
        module: "h5", "sonata", "csv" or "nwb".
        populations: whose spikes are wanted: one, where the file does not say whose they are.
        trial: of an NWB file; None: its only one.

    Raises:
        SpikecudaValueError: the file is something else; names the row.
    """
    if module == "csv":
        return _read_csv(path, populations)
    what = "spikes in NWB" if module == "nwb" else "SONATA spikes"
    with reading_hdf5(path, what, EXTRA) as file:
        if module == "nwb":
            return _read_nwb(file, populations, trial)
        return _read_sonata(file, populations)


def _read_sonata(file: Hdf5File, populations: list[str]) -> SpikeRows:
    result: SpikeRows = {}
    for name in file.names("/spikes"):
        if file.is_group(f"/spikes/{name}"):
            result[name] = _arrays(file, f"/spikes/{name}", "node_ids")
    if "/spikes/timestamps" in file:  # the spelling of 2018, without populations
        result[_only(str(file.path), populations)] = _arrays(file, "/spikes", "gids")
    return result


def _arrays(file: Hdf5File, base: str, ids: str) -> tuple[np.ndarray, np.ndarray]:
    times = file.array(f"{base}/timestamps", "fiu").astype(np.float64)
    nodes = file.array(f"{base}/{ids}", "iu", 1, times.size).astype(np.int64)
    unit = file.text(f"{base}/timestamps", "units")
    if unit not in UNITS:
        raise SpikecudaValueError(
            f"{file.path}, {base}/timestamps: units must be ms or s (got {unit!r:.80})"
        )
    return nodes, times * UNITS[unit]


def _only(where: str, populations: list[str]) -> str:
    if len(populations) != 1:
        raise SpikecudaValueError(
            f"{where} does not say whose spikes it has, so the node set must be of one population "
            f"(got {', '.join(populations) or 'none'})"
        )
    return populations[0]


def _read_nwb(file: Hdf5File, populations: list[str], trial: str | None) -> SpikeRows:
    """Return the spikes of an NWB file: units of version 2, or the trials of version 1."""
    population = _only(str(file.path), populations)
    if file.is_group("/units"):
        times = file.array("/units/spike_times", "f").astype(np.float64) * 1e3  # NWB has s
        ends = file.array("/units/spike_times_index", "iu").astype(np.int64)
        ids = file.array("/units/id", "iu", 1, ends.size).astype(np.int64)
        counts = np.diff(ends, prepend=0)
        if (counts < 0).any() or (ends.size and ends[-1] != times.size):
            raise SpikecudaValueError(
                f"{file.path}, /units/spike_times_index: must rise to {times.size:,}, the number "
                "of spike times; write it again"
            )
        return {population: (np.repeat(ids, counts), times)}
    trials = file.names("/processing")
    if trial is None and len(trials) == 1:
        trial = trials[0]
    if trial not in trials:
        raise SpikecudaValueError(
            f"{file.path}: trial must be one of {', '.join(trials) or 'none'} (got {trial!r:.80})"
        )
    base = f"/processing/{trial}/spike_train"
    nodes, parts = [np.empty(0, np.int64)], [np.empty(0)]
    for name in file.names(base):
        if not name.isdigit():
            raise SpikecudaValueError(
                f"{file.path}, {base}: trains must be named by nodes (got {name!r:.80})"
            )
        times = file.array(f"{base}/{name}/data", "fiu").astype(np.float64)
        nodes.append(np.full(times.size, int(name)))
        parts.append(times)
    return {population: (np.concatenate(nodes), np.concatenate(parts))}


def _read_csv(path: Path, populations: list[str]) -> SpikeRows:
    found: dict[str, tuple[list[np.int64], list[float]]] = {}
    columns: tuple[str, ...] = ()
    only = ""
    for line, cells in read_rows(path, "a table of spikes"):
        if not columns:
            columns = tuple(cells)
            if "timestamps" not in columns or "node_ids" not in columns:
                raise SpikecudaValueError(
                    f"{path}, line {line}: must name the columns {', '.join(COLUMNS)} (got "
                    f"{', '.join(columns):.200}); they stand between spaces"
                )
            if "population" not in columns:
                only = _only(str(path), populations)
            continue
        row = dict(zip(columns, cells, strict=False))
        try:
            time, node = float(row["timestamps"]), np.int64(int(row["node_ids"]))
            nodes, times = found.setdefault(only or row["population"], ([], []))
        except (KeyError, ValueError, OverflowError):
            raise SpikecudaValueError(
                f"{path}, line {line}: must be {', '.join(columns)}: a time in ms and a node (got "
                f"{' '.join(cells)!r:.80})"
            ) from None
        nodes.append(node)
        times.append(time)
    return {
        name: (np.array(nodes, np.int64), np.array(times)) for name, (nodes, times) in found.items()
    }


def require_spikes(
    path: Path, spikes: SpikeRows, nodes: Mapping[str, Nodes]
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return rows of nodes and times, by population.

    Raises:
        SpikecudaValueError: a node that is not there, a time that is not finite and > 0, spikes of
            other populations alone; names the population and the row.
    """
    if spikes and not any(name in nodes for name in spikes):
        raise SpikecudaValueError(
            f"{path}: must have spikes of {' or '.join(nodes)}, the node set's populations (got "
            f"{', '.join(spikes):.200}); correct node_set"
        )
    result = {}
    for name, (ids, times) in spikes.items():
        if name not in nodes:
            continue  # other simulators record all populations in one file
        population = nodes[name]
        rows = population.rows(ids)
        for bad, need, got in (
            (rows < 0, f"a node of {name}, which has {population.size:,}", ids),
            (~((times > 0) & np.isfinite(times)), "a time > 0 ms; a run begins at 0", times),
        ):
            if bad.any():
                row = int(bad.argmax())
                raise SpikecudaValueError(
                    f"{path}, spikes of {name}, row {row:,}: must be {need} (got {got[row]})"
                )
        result[name] = rows, times
    return result
