"""Spikes in files of other tools: read by users, and written in the formats that they need."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_path, is_name
from spikecuda.common.arrays import take_reals, whole_numbers
from spikecuda.common.files import write_text
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.formats.sonata import spike_files
from spikecuda.network.results import sonata

FORMATS = {".h5": "sonata", ".hdf5": "sonata", ".csv": "csv", ".nwb": "nwb"}


def read_spikes(
    path: str | os.PathLike[str], population: str | None = None, *, trial: str | None = None
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read spikes of a file: of SONATA (``.h5``), a table (``.csv``), or NWB (``.nwb``).

    Args:
        path: of the file.
        population: whose spikes they are, where the file does not say it; elsewhere, the only one
            that is returned.  None: all that the file names.
        trial: of an NWB file of version 1 with several.

    Returns:
        By population: ids of nodes, int64 (spikes,), and times, ms, float64 (spikes,), in the
        order of the file; ``SpikeTrain(times, nodes)`` makes an input of them.

    Raises:
        SpikecudaValueError: the file is something else, or does not have the population; the
            message names the file and the row.
        MissingPackageError: h5py is not installed: ``pip install "spikecuda[sonata]"``.
        OSError: it cannot be read.
    """
    file = Path(as_path(path))
    if not isinstance(population, str | None):
        raise SpikecudaTypeError(f"population must be a text or None (got {shown(population)})")
    names = [] if population is None else [population]
    found = spike_files.read_spikes(file, _format(file), names, trial)
    if population is None:
        return found
    if population not in found:
        raise SpikecudaValueError(
            f"{file}: must have spikes of {population} (got {', '.join(found) or 'none'})"
        )
    return {population: found[population]}


def write_spikes(
    path: str | os.PathLike[str],
    spikes: Mapping[str, tuple[Any, Any]],
    sorting: str = "by_time",
) -> Path:
    """Write spikes to a file of SONATA (``.h5``), or to a table (``.csv``): all or nothing.

    Args:
        path: of the file.
        spikes: by population: ids of nodes, integers >= 0 (spikes,), and times, ms (spikes,).
        sorting: "by_time", "by_id", or "none" for the order that they have.

    Returns:
        The path.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: spikes of another kind, or another ending.
        MissingPackageError: h5py is not installed.
        OSError: the file cannot be written.
    """
    file = Path(as_path(path))
    kind = _format(file)
    if kind == "nwb":
        raise SpikecudaValueError(f"path must end in .h5 or .csv (got {file}); see result.to_nwb")
    if not isinstance(spikes, Mapping):
        raise SpikecudaTypeError(f"spikes must be a dict by population (got {shown(spikes)})")
    sent = {name: _checked(name, pair) for name, pair in spikes.items()}
    if kind == "sonata":
        return sonata.write_spikes(file, sent, sorting)
    lines = [" ".join(spike_files.COLUMNS)]
    for name, (nodes, times) in sent.items():
        order = sonata.places(nodes, times, sorting)
        lines += [
            f"{time!r} {name} {node}"
            for time, node in zip(times[order].tolist(), nodes[order].tolist(), strict=True)
        ]
    write_text(file, "\n".join(lines) + "\n")
    return file


def _format(file: Path) -> str:
    if not is_name(file.suffix.lower(), FORMATS):
        raise SpikecudaValueError(
            f"path must end in {', '.join(FORMATS)} (got {file}); rename the file"
        )
    return FORMATS[file.suffix.lower()]


def _checked(name: Any, pair: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return ids and times of a population."""
    if not isinstance(name, str) or not name or set(name) & set(' \t\n\r"/'):
        raise SpikecudaValueError(
            f"populations must have names without spaces, quotes and slashes (got {shown(name)})"
        )
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise SpikecudaTypeError(f"{name}: must be a pair of ids and times (got {shown(pair)})")
    times = take_reals(f"{name}: times", pair[1], "a 1-D array of times in ms")
    need = f"one integer >= 0 for each of {times.size:,} times"
    nodes = whole_numbers(f"{name}: ids", pair[0], need, low=0)
    if times.ndim != 1 or nodes.shape != times.shape or not np.isfinite(times).all():
        raise SpikecudaValueError(
            f"{name}: ids and finite times must be of one length (got shapes {nodes.shape}, "
            f"{times.shape})"
        )
    return nodes, times
