"""NetworkResult as files of SONATA: spikes, and reports of variables.

Source: SONATA developer guide 0.1, "Output file formats" (github.com/AllenInstitute/sonata).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.hdf5 import writing_hdf5
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.network.results.result import NetworkResult

EXTRA = "sonata"
MAGIC, VERSION = 0x0A7A, (0, 1)
# By what SONATA and the Brain Modeling Toolkit call it: the value of the attribute "sorting".
ORDERS = {
    "time": "by_time", "by_time": "by_time", "id": "by_id", "by_id": "by_id", "none": "none",
    "": "none",
}  # fmt: skip
# By population: ids of nodes, int64 (spikes,), and times in ms, float64 (spikes,).
Sent = Mapping[str, tuple[np.ndarray, np.ndarray]]


def to_sonata(
    result: NetworkResult, path: str | os.PathLike[str], sorting: str = "by_time"
) -> Path:
    """Write the spikes of all recorded populations to a file that libsonata reads.

    Args:
        result: of a run.
        path: of the file, such as ``spikes.h5``.
        sorting: "by_time" or "by_id".

    Returns:
        The path.

    Raises:
        MissingPackageError: h5py is not installed.
        SpikecudaValueError: no spikes were recorded, or an unknown order.
    """
    if not result.spikes:
        raise SpikecudaValueError(
            'no spikes were recorded (got a file for them); net.record(name, "spikes") records them'
        )
    sent = {
        name: (spikes.neuron.astype(np.int64), spikes.time)
        for name, spikes in result.spikes.items()
    }
    return write_spikes(path, sent, sorting)


def write_spikes(path: str | os.PathLike[str], sent: Sent, sorting: str = "by_time") -> Path:
    """Write spikes: all of the file or nothing.

    Args:
        path: of the file.
        sent: by population: ids of nodes and times in ms.
        sorting: "by_time", "by_id" or "none"; with equal keys, the other one decides.
    """
    order = _order(sorting)
    with writing_hdf5(path, EXTRA) as file:
        sign(file)
        enum = _sorting_type()
        group = file.create_group("spikes")
        for name, (nodes, times) in sent.items():
            chosen = places(nodes, times, order)
            of = group.create_group(name)
            of.attrs.create("sorting", SORTINGS[order], dtype=enum)
            stored = of.create_dataset("timestamps", data=np.asarray(times, np.float64)[chosen])
            stored.attrs["units"] = "ms"
            of.create_dataset("node_ids", data=np.asarray(nodes, np.uint64)[chosen])
    return Path(path)


def places(nodes: np.ndarray, times: np.ndarray, sorting: str) -> np.ndarray:
    """Return the order of spikes: the numbers of the first, second and so on.

    Raises:
        SpikecudaValueError: an unknown order.
    """
    order = _order(sorting)
    if order == "none":
        return np.arange(len(nodes))
    return np.lexsort((times, nodes) if order == "by_id" else (nodes, times))


def _order(sorting: str) -> str:
    if not is_name(sorting, ORDERS):
        raise SpikecudaValueError(
            f"sorting must be one of by_time, by_id, none (got {sorting!r:.80})"
            f"{nearest(str(sorting), list(ORDERS))}"
        )
    return ORDERS[sorting]


def write_report(
    path: str | os.PathLike[str],
    frames: Mapping[str, tuple[np.ndarray, np.ndarray]],
    times: tuple[float, float, float],
    unit: str,
) -> Path:
    """Write samples of one variable: all of the file or nothing.

    Args:
        path: of the file.
        frames: by population: ids of nodes, int64 (nodes,), and samples (samples, nodes).
        times: first sample, end (which is no sample), and interval, ms.
        unit: of the samples.
    """
    with writing_hdf5(path, EXTRA) as file:
        sign(file)
        group = file.create_group("report")
        for name, (nodes, values) in frames.items():
            of = group.create_group(name)
            data = of.create_dataset("data", data=np.asarray(values, np.float32))
            data.attrs["units"] = unit
            mapping = of.create_group("mapping")
            ids = mapping.create_dataset("node_ids", data=np.asarray(nodes, np.uint64))
            ids.attrs["sorted"] = np.uint8(bool((np.diff(nodes) > 0).all()))
            pointers = np.arange(len(nodes) + 1, dtype=np.uint64)
            mapping.create_dataset("index_pointers", data=pointers)
            mapping.create_dataset("element_ids", data=np.zeros(len(nodes), np.uint32))
            mapping.create_dataset("element_pos", data=np.zeros(len(nodes), np.float32))
            when = mapping.create_dataset("time", data=np.array(times, np.float64))
            when.attrs["units"] = "ms"
    return Path(path)


SORTINGS = {"none": 0, "by_id": 1, "by_time": 2}


def _sorting_type() -> Any:
    """Return the enumeration of orders."""
    import h5py

    return h5py.enum_dtype(SORTINGS, basetype="u1")


def sign(file: Any) -> None:
    """Write what every file of SONATA has."""
    file.attrs["magic"] = np.uint32(MAGIC)
    file.attrs["version"] = np.array(VERSION, np.uint32)
