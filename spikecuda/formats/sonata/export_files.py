"""HDF5 files of nodes and edges."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.hdf5 import writing_hdf5
from spikecuda.network.results.sonata import EXTRA, sign

TYPE = 100


def write_nodes(
    path: Path,
    name: str,
    size: int,
    params: Mapping[str, np.ndarray],
    positions: np.ndarray | None = None,
) -> None:
    """Write a population of nodes.

    Args:
        path: of the file.
        name: of the population.
        size: number of nodes.
        params: parameters that differ, float64 (nodes,), by name.
        positions: coordinates, float64 (nodes, axes), or None.
    """
    with writing_hdf5(path, EXTRA) as file:
        sign(file)
        of = file.create_group(f"nodes/{name}")
        _common(of, "node", size)
        of.create_dataset("node_id", data=np.arange(size, dtype=np.uint64))
        for key, values in params.items():
            of.create_dataset(f"0/dynamics_params/{key}", data=values)
        for axis, values in zip("xyz", () if positions is None else positions.T, strict=False):
            of.create_dataset(f"0/{axis}", data=values)


def write_edges(
    path: Path,
    name: str,
    ends: tuple[str, str],
    found: Mapping[str, np.ndarray],
    factor: float,
) -> None:
    """Write a population of edges.

    Args:
        path: of the file.
        name: of the population.
        ends: populations of source and target.
        found: source, target, weight and delay of each edge, as ``connections()`` has them.
        factor: that weights are multiplied with.
    """
    size = int(found["source"].size)
    with writing_hdf5(path, EXTRA) as file:
        sign(file)
        of = file.create_group(f"edges/{name}")
        _common(of, "edge", size)
        for end, population in zip(("source", "target"), ends, strict=True):
            ids = of.create_dataset(f"{end}_node_id", data=found[end].astype(np.uint64))
            ids.attrs["node_population"] = population
        of.create_dataset("0/syn_weight", data=found["weight"] * factor)
        of.create_dataset("0/delay", data=found["delay"])


def _common(of: Any, kind: str, size: int) -> None:
    """Write the arrays of types and groups; all elements are of one."""
    of.create_dataset(f"{kind}_type_id", data=np.full(size, TYPE, np.uint32))
    of.create_dataset(f"{kind}_group_id", data=np.zeros(size, np.uint32))
    of.create_dataset(f"{kind}_group_index", data=np.arange(size, dtype=np.uint64))
    of.create_group("0")
