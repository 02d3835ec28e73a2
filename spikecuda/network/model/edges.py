"""Connections that exist already: sparse matrices and files of edges."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.network.model.rules import Pairs

COLUMNS = ("source", "target", "weight", "delay")


def from_matrix(matrix: Any) -> tuple[Pairs, np.ndarray]:
    """Return the pairs and the weights of a matrix with a row for each source.

    Args:
        matrix: a SciPy sparse matrix or array, or a NumPy array, shape (sources, targets); an entry
            that is stored (sparse) or not 0 (dense) is a synapse of that weight.

    Returns:
        A rule and its weights, float64 (synapses,), for ``net.connect(a, b, rule, weights, ...)``.
    """
    if hasattr(matrix, "tocoo"):
        entries = matrix.tocoo()
        row, column, weight = entries.row, entries.col, entries.data
    else:
        dense = np.asarray(matrix)
        if dense.ndim != 2 or dense.dtype.kind not in "fiub":
            raise SpikecudaTypeError(
                f"matrix must be 2-D, (sources, targets), of numbers (got shape {dense.shape}, "
                f"{dense.dtype})"
            )
        row, column = np.nonzero(dense)
        weight = dense[row, column]
    return Pairs(np.asarray(row), np.asarray(column)), np.asarray(weight, np.float64)


def from_file(path: str | os.PathLike[str]) -> tuple[Pairs, dict[str, np.ndarray]]:
    """Return the pairs of a file of edges, and its other columns.

    Args:
        path: ``.npz`` with arrays ``source`` and ``target``, and perhaps ``weight`` and ``delay``
            (ms); or text, ``.csv`` (commas) or anything else (white space), with those columns in
            that order, a line for each edge, ``#`` for comments, and perhaps their names as a first
            line.

    Returns:
        A rule, and "weight" and "delay" as far as the file has them, float64 (synapses,).

    Raises:
        SpikecudaValueError: no such columns, or a source or target that is no whole number.
    """
    path = Path(path)
    if path.suffix == ".npz":
        with np.load(path) as file:
            columns = {name: file[name] for name in COLUMNS if name in file.files}
    else:
        columns = _read_text(path)
    for name in ("source", "target"):
        if name not in columns:
            raise SpikecudaValueError(
                f"{path} has no {name} (got {', '.join(columns) or 'nothing'})"
            )
        numbers = columns[name]
        if numbers.dtype.kind == "f":
            if not np.array_equal(numbers, np.floor(numbers)):
                raise SpikecudaValueError(f"{name} must be whole numbers in {path}")
            columns[name] = numbers.astype(np.int64)
    rule = Pairs(columns.pop("source"), columns.pop("target"))
    return rule, {name: values.astype(np.float64) for name, values in columns.items()}


def _read_text(path: Path) -> dict[str, np.ndarray]:
    separator = "," if path.suffix == ".csv" else None
    lines = [
        line.split("#")[0].strip() for line in path.read_text(encoding="utf-8-sig").splitlines()
    ]
    rows = [[cell.strip() for cell in line.split(separator)] for line in lines if line]
    names = list(COLUMNS)
    if rows and not _is_number(rows[0][0]):
        names = [name.lower() for name in rows.pop(0)]
    widths = {len(row) for row in rows}
    if len(widths) > 1:
        raise SpikecudaValueError(f"{path} has lines of {sorted(widths)} columns; give all as many")
    try:
        table = np.array(rows, np.float64).reshape(len(rows), -1)
    except ValueError as error:
        raise SpikecudaValueError(f"{path} must hold numbers ({error})") from None
    return {name: table[:, i] for i, name in enumerate(names[: table.shape[1]])}


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
