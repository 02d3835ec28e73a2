"""Existing connections: sparse matrices and files of edges."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count, as_path, shown
from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import reading_npz
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.network.model.edge_files import read_columns, read_matrix
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
def from_matrix(matrix: Any, variable: str | None = None) -> tuple[Pairs, np.ndarray]:
    """Return the pairs and the weights of a matrix with a row for each source.

    Args:
        matrix: a SciPy sparse matrix or array, or a NumPy array, shape (sources, targets); an entry
            that is stored (sparse) or not 0 (dense) is a synapse of that weight.  Or a file of one:
            ``.mat`` (MATLAB), ``.mtx`` (Matrix Market), ``.npz`` (``scipy.sparse.save_npz``) or
            ``.npy``.
        variable: name of the matrix in a ``.mat`` file; None: its only one.

    Returns:
        A rule and its weights, float64 (synapses,), for ``net.connect(a, b, rule, weights, ...)``.
        The rule connects views of the matrix's shape only.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: it is no matrix of finite numbers.
        MissingPackageError: a file needs SciPy: ``pip install "spikecuda[edges]"``.
    """
    if isinstance(matrix, str | os.PathLike):
        matrix = read_matrix(Path(as_path(matrix)), variable)
    elif variable is not None:
        raise SpikecudaTypeError(
            f"variable is for .mat files (got {shown(variable)} for a matrix); leave it out"
        )
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
def from_file(
    path: str | os.PathLike[str], first: int | None = None
) -> tuple[Pairs, dict[str, np.ndarray]]:
    """Return the pairs of a file of edges, and its other columns.

    Args:
        path: ``.npz`` with arrays ``source`` and ``target``, and perhaps ``weight`` and ``delay``
            (ms), and nothing else; or text in UTF-8, ``.csv`` (commas) or anything else (white
            space), with those columns in that order, a line for each edge, ``#`` for comments, and
            perhaps their names, in any order, as a first line.  Or ``.parquet`` with those columns,
            or ``.mat`` (MATLAB) with variables of those names.
        first: number of the first neuron in the file, 0 or 1; None: 0.  MATLAB counts from 1, so
            that for ``.mat`` it must be said.

    Returns:
        A rule, and "weight" and "delay" as far as the file has them, float64 (synapses,).

    Raises:
        SpikecudaValueError: other columns, a source or target that is no whole number from 0, a
            weight or delay that is not finite; names the line or the edge.
        SpikecudaTypeError: the path is none.
        MissingPackageError: ``.mat`` needs SciPy and ``.parquet`` pyarrow: ``pip install
            "spikecuda[edges]"``.
        OutOfMemoryError: the edges do not fit.
    """
    path = Path(as_path(path))
    if path.is_dir():
        raise SpikecudaValueError(f"path must be a file of edges (got the folder {path})")
    kind = path.suffix.lower()
    if kind == ".mat" and first is None:
        raise SpikecudaValueError(
            f"{path}: first must be given, the number of the first neuron (got None); MATLAB "
            "counts from 1: first=1"
        )
    start = as_count("first", 0 if first is None else first, 0, 1)
    if kind in (".mat", ".parquet"):
        columns = read_columns(path, start)
    else:
        columns = _read_npz(path) if kind == ".npz" else read_text(path)
        for name in IDS if start else ():
            zero = np.flatnonzero(columns[name] == 0)
            if zero.size:
                raise SpikecudaValueError(
                    f"{path}, edge {int(zero[0]):,}: {name} must be >= first = 1 (got 0)"
                )
            columns[name] = columns[name] - 1
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
