"""A NIR graph from a file or from the package nir: checked, and without graphs within graphs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spikecuda.common.arguments import as_path
from spikecuda.common.hdf5 import Hdf5File, reading_hdf5
from spikecuda.common.packages import need
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown

EXTRA = "nir"
NEURONS = ("LIF", "LI", "CubaLIF", "CubaLI", "IF", "I", "Threshold")
SILENT = ("LI", "CubaLI", "I")
LINEAR = (
    "Affine", "Linear", "Scale", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d", "Flatten", "Delay",
)  # fmt: skip
ENDS = ("Input", "Output")
# Metadata of a graph that to_nir wrote.
CONVENTIONS = ("dt", "reset", "timing")
DEEPEST = 20


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and edges.

    Attributes:
        where: the file, for errors.
        nodes: of nir, by name.
        edges: from, to.
        metadata: of the graph.
    """

    where: str
    nodes: dict[str, Any]
    edges: list[tuple[str, str]]
    metadata: Mapping[str, Any]

    def kind(self, name: str) -> str:
        """Return the type of a node."""
        return type(self.nodes[name]).__name__

    def before(self, name: str) -> list[str]:
        """Return the nodes that a node reads."""
        return [a for a, b in self.edges if b == name]


def read_graph(given: Any) -> Graph:
    """Return a graph.

    Args:
        given: a file, or a ``nir.NIRGraph``.

    Raises:
        SpikecudaValueError: a node of a type that is not possible, or an edge from or to nothing;
            names the file and the node.
        MissingPackageError: nir is not installed.
    """
    nir = need("nir", EXTRA, "NIR")
    if isinstance(given, nir.NIRGraph):
        graph, where = given, "the graph"
    elif isinstance(given, str | os.PathLike):
        where = str(Path(as_path(given)))
        with reading_hdf5(where, "a NIR graph", EXTRA) as file:
            _require_known(file, "/node", 0)
        try:
            graph = nir.read(where, type_check=False)
        except (ValueError, KeyError, TypeError, AssertionError, AttributeError) as error:
            raise SpikecudaValueError(
                f"{where}: must be a NIR graph (got {type(error).__name__}: {error!s:.200}); write "
                "it again"
            ) from None
    else:
        raise SpikecudaTypeError(f"graph must be a file or a NIRGraph (got {shown(given)})")
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    _flatten(where, graph, "", nodes, edges, nir)
    found = Graph(where, nodes, edges, dict(graph.metadata or {}))
    for a, b in edges:
        for name in (a, b):
            if name not in nodes:
                raise SpikecudaValueError(f"{where}: edge {a} -> {b} needs a node {name!r:.80}")
    for kind in ENDS:
        if not any(found.kind(name) == kind for name in nodes):
            raise SpikecudaValueError(f"{where}: must have an {kind} node (got {', '.join(nodes)})")
    return found


def _require_known(file: Hdf5File, group: str, depth: int) -> None:
    """Raise for a node of an unknown type, and for arrays that are not there, before nir reads."""
    if depth > DEEPEST:
        raise SpikecudaValueError(f"{file.path}: graphs must not be nested deeper than {DEEPEST}")
    for name in file.names(f"{group}/nodes"):
        path = f"{group}/nodes/{name}"
        kind = file.scalar_text(f"{path}/type")
        if kind == "NIRGraph":
            _require_known(file, path, depth + 1)
            continue
        _require_kind(str(file.path), name, kind)
        for item in file.names(path):
            if not file.is_group(f"{path}/{item}"):
                file.require_stored(f"{path}/{item}")


def _require_kind(where: str, name: str, kind: str) -> None:
    known = (*NEURONS, *LINEAR, *ENDS)
    if kind not in known:
        raise SpikecudaValueError(
            f"{where}: node {name!r:.80} must be one of {', '.join(known)} (got {kind!r:.80})"
        )


def _flatten(
    where: str,
    graph: Any,
    prefix: str,
    nodes: dict[str, Any],
    edges: list[tuple[str, str]],
    nir: Any,
) -> None:
    """Add the nodes and edges of a graph, and of those within it, under names with dots."""
    inner: dict[str, tuple[list[str], list[str]]] = {}
    for name, node in graph.nodes.items():
        full = f"{prefix}{name}"
        if isinstance(node, nir.NIRGraph):
            _flatten(where, node, f"{full}.", nodes, edges, nir)
            inner[name] = (
                [f"{full}.{n}" for n, part in node.nodes.items() if isinstance(part, nir.Input)],
                [f"{full}.{n}" for n, part in node.nodes.items() if isinstance(part, nir.Output)],
            )
            for end in (0, 1):  # within another graph, its ends only pass on
                for part in inner[name][end]:
                    nodes[part] = nir.Flatten(input_type=None, start_dim=0, end_dim=0)
        else:
            _require_kind(where, full, type(node).__name__)
            nodes[full] = node
    for a, b in graph.edges:
        sources = inner[a][1] if a in inner else [f"{prefix}{a}"]
        targets = inner[b][0] if b in inner else [f"{prefix}{b}"]
        if len(sources) != 1 or len(targets) != 1:
            raise SpikecudaValueError(
                f"{where}: graphs within the graph must have one Input and one Output (got {a} -> "
                f"{b})"
            )
        edges.append((sources[0], targets[0]))
