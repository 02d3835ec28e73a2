"""Existing connections: sparse matrices and files of edges."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_path
from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import reading_npz
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.network.model.edge_text import (
    COLUMNS,
    EDGE,
    IDS,
    SMALLER,
    read_text,
    require_columns,
    require_finite,
    require_ids,
)
from spikecuda.network.model.rules import Pairs


@out_of_memory("the synapses of a matrix", "use a smaller one")
def from_matrix(matrix: Any) -> tuple[Pairs, np.ndarray]:
    """Return the pairs and the weights of a matrix with a row for each source.

    Args:
        matrix: a SciPy sparse matrix or array, or a NumPy array, shape (sources, targets); an entry
            that is stored (sparse) or not 0 (dense) is a synapse of that weight.

    Returns:
        A rule and its weights, float64 (synapses,), for ``net.connect(a, b, rule, weights, ...)``.
        The rule connects views of the matrix's shape only.
    """
    if np.ma.isMaskedArray(matrix):
        raise SpikecudaTypeError("matrix must have no mask (got a masked array); fill it")
    sparse = hasattr(matrix, "tocoo")
    entries: Any = matrix if sparse else np.asarray(matrix)
    if len(entries.shape) != 2 or entries.dtype.kind not in "fiub":
        raise SpikecudaTypeError(
            f"matrix must be 2-D, (sources, targets), of numbers (got shape {entries.shape}, "
            f"{entries.dtype})"
        )
    count = int(entries.nnz if sparse else np.count_nonzero(entries))
    require_memory(EDGE * count, f"a matrix of {count:,} synapses", "use a smaller one")
    if sparse:
        entries = entries.tocoo()
        row, column, weight = entries.row, entries.col, entries.data
    else:
        row, column = np.nonzero(entries)
        weight = entries[row, column]
    bad = ~np.isfinite(weight)
    if bad.any():
        at = int(bad.argmax())
        raise SpikecudaValueError(
            f"matrix must be finite (got {weight[at]} in row {row[at]}, column {column[at]}); "
            "replace it"
        )
    shape = (int(matrix.shape[0]), int(matrix.shape[1])) if sparse else entries.shape
    return Pairs(np.asarray(row), np.asarray(column), shape), np.asarray(weight, np.float64)


@out_of_memory("a file of edges", SMALLER)
def from_file(path: str | os.PathLike[str]) -> tuple[Pairs, dict[str, np.ndarray]]:
    """Return the pairs of a file of edges, and its other columns.

    Args:
        path: ``.npz`` with arrays ``source`` and ``target``, and perhaps ``weight`` and ``delay``
            (ms), and nothing else; or text in UTF-8, ``.csv`` (commas) or anything else (white
            space), with those columns in that order, a line for each edge, ``#`` for comments, and
            perhaps their names, in any order, as a first line.

    Returns:
        A rule, and "weight" and "delay" as far as the file has them, float64 (synapses,).

    Raises:
        SpikecudaValueError: other columns, a source or target that is no whole number from 0, a
            weight or delay that is not finite; names the line or the edge.
        SpikecudaTypeError: the path is none.
        OutOfMemoryError: the edges do not fit.
    """
    path = Path(as_path(path))
    if path.is_dir():
        raise SpikecudaValueError(f"path must be a file of edges (got the folder {path})")
    columns = _read_npz(path) if path.suffix.lower() == ".npz" else read_text(path)
    return Pairs(columns.pop("source"), columns.pop("target")), columns


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with reading_npz(path, "an npz file of edges") as file:
        if "indptr" in file or "row" in file:
            raise SpikecudaValueError(
                f"{path} holds a sparse matrix; use from_matrix(scipy.sparse.load_npz(path))"
            )
        require_columns(file.names, str(path))
        columns = {}
        for name in COLUMNS:
            if name in file:
                check = require_ids if name in IDS else require_finite
                values = file.array(name, "iuf", 1)
                columns[name] = check(name, values, lambda at: f"{path}, edge {at:,}")
    sizes = {name: values.size for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{size:,} of {name}" for name, size in sizes.items())
        raise SpikecudaValueError(f"{path}: arrays must be of one length (got {shown})")
    return columns
