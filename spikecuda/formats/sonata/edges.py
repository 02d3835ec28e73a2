"""Populations of edges: from which node to which, how strong, how late."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikecuda.common.hdf5 import Hdf5File, reading_hdf5
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.formats.sonata.elements import Elements, read_elements
from spikecuda.formats.sonata.nodes import EXTRA, Nodes
from spikecuda.formats.sonata.type_table import read_types


@dataclass(eq=False)
class Edges:
    """A population of edges.

    Attributes:
        elements: their types and properties; a row for each.
        source, target: the populations.
        sources, targets: rows of the nodes within them, int64 (rows,).
    """

    elements: Elements
    source: Nodes
    target: Nodes
    sources: np.ndarray
    targets: np.ndarray


def read_edges(
    files: Sequence[tuple[Path, Path | None]], nodes: Mapping[str, Nodes]
) -> Iterator[Edges]:
    """Read the populations of all files of edges, one after another.

    Raises:
        SpikecudaValueError: what is wrong, with the file and the row.
    """
    for path, types_path in files:
        with reading_hdf5(path, "SONATA edges", EXTRA) as file:
            for name in file.names("/edges"):
                types = read_types(types_path, "edge", name)
                elements = read_elements(file, "edge", name, types)
                source, sources = _end(file, elements, "source", nodes)
                target, targets = _end(file, elements, "target", nodes)
                yield Edges(elements, source, target, sources, targets)


def _end(
    file: Hdf5File, elements: Elements, end: str, nodes: Mapping[str, Nodes]
) -> tuple[Nodes, np.ndarray]:
    """Return the population at an end of the edges, and the rows of their nodes."""
    path = f"/edges/{elements.name}/{end}_node_id"
    ids = file.array(path, "iu", 1, elements.size).astype(np.int64)
    population = file.text(path, "node_population")
    if population is None or population not in nodes:
        known = list(nodes)
        raise SpikecudaValueError(
            f"{file.path}, {path}: the attribute node_population must name a population of nodes "
            f"(got {population!r:.80}{nearest(str(population), known)}; there are "
            f"{', '.join(known)})"
        )
    found = nodes[population]
    rows = found.rows(ids)
    if (rows < 0).any():
        row = int((rows < 0).argmax())
        raise SpikecudaValueError(
            f"{elements.where(row)}: {end}_node_id must be a node of {population}, which has "
            f"{found.size:,} (got {ids[row]:,})"
        )
    return found, rows
