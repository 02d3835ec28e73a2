"""Matrices and edges in files of MATLAB, Parquet, Matrix Market and SciPy."""

import contextlib
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spikecuda.common.host_memory import require_memory
from spikecuda.common.npz import open_regular
from spikecuda.common.packages import need
from spikecuda.errors import SpikecudaError, SpikecudaValueError, nearest
from spikecuda.network.model.edge_text import (
    COLUMNS,
    EDGE,
    IDS,
    SMALLER,
    require_columns,
    require_finite,
    require_ids,
)

EXTRA = "edges"
MATRICES = (".mat", ".mtx", ".npz", ".npy")
# What readers raise for files that are something else.
DAMAGED = (
    OSError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError,
    NotImplementedError, EOFError, struct.error, zlib.error, MemoryError, Warning,
)  # fmt: skip


@contextlib.contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    """Say which file it is, whatever is found wrong with it in the block."""
    open_regular(path, what).close()
    try:
        yield
    except Exception as error:
        # SciPy's MatReadError and pyarrow's errors have no base but Exception, or ValueError.
        known = isinstance(error, DAMAGED) or type(error).__module__.startswith(
            ("scipy", "pyarrow")
        )
        if isinstance(error, SpikecudaError) or not known:
            raise
        words = " ".join(str(error).split()) or type(error).__name__
        remedy = "write it again"
        if "HDF" in words or "v7.3" in words:
            remedy = "save it in MATLAB with -v7"
        raise SpikecudaValueError(
            f"path must be {what} (got {path}: {words:.200}); {remedy}"
        ) from error


def read_matrix(path: Path, variable: str | None) -> Any:
    """Return the matrix in a file, as ``from_matrix`` takes it.

    Args:
        path: ``.mat`` of MATLAB, ``.mtx`` of Matrix Market, ``.npz`` of ``scipy.sparse.save_npz``,
            or ``.npy``.
        variable: of a ``.mat`` file; None: its only one.

    Raises:
        SpikecudaValueError: the file is something else, or has no such variable.
        MissingPackageError: SciPy is not installed.
    """
    kind = path.suffix.lower()
    if kind not in MATRICES:
        raise SpikecudaValueError(
            f"path must be a matrix in a file {', '.join(MATRICES)} (got {path}); from_file reads "
            "files of edges"
        )
    if variable is not None and kind != ".mat":
        raise SpikecudaValueError(
            f"variable is for .mat files (got {variable!r:.80} for {path}); leave it out"
        )
    with _reading(path, f"a matrix in a {kind} file"):
        if kind == ".npy":
            return np.load(path, allow_pickle=False, mmap_mode="r")
        if kind == ".mtx":
            return need("scipy.io", EXTRA, "reading .mtx files").mmread(path)
        if kind == ".npz":
            return need("scipy.sparse", EXTRA, "reading .npz files").load_npz(path)
        shapes = _variables(path)
        if variable is None and len(shapes) == 1:
            variable = next(iter(shapes))
        if variable not in shapes:
            raise SpikecudaValueError(
                f"{path}: variable must be one of {', '.join(shapes) or 'none'} (got "
                f"{variable!r:.80}){nearest(str(variable), list(shapes))}"
            )
        return _load(path, {variable: shapes[variable]})[variable]


def read_columns(path: Path, first: int) -> dict[str, np.ndarray]:
    """Return the columns of edges in a ``.mat`` or ``.parquet`` file: ids int32, others float64.

    Args:
        path: of the file.
        first: number of the first neuron in the file.
    """
    with _reading(path, "a file of edges"):
        columns = _parquet(path) if path.suffix.lower() == ".parquet" else _mat(path)
    sizes = {name: values.size for name, values in columns.items()}
    if len(set(sizes.values())) > 1:
        shown = ", ".join(f"{size:,} of {name}" for name, size in sizes.items())
        raise SpikecudaValueError(f"{path}: columns must be of one length (got {shown})")
    result = {}
    for name in COLUMNS:
        if name in columns:
            check = require_ids if name in IDS else require_finite
            values = columns[name] - first if name in IDS and first else columns[name]
            result[name] = check(name, values, lambda at: f"{path}, edge {at:,}")
    return result


def _parquet(path: Path) -> dict[str, np.ndarray]:
    parquet = need("pyarrow.parquet", EXTRA, "reading .parquet files")
    file = parquet.ParquetFile(path)
    names = [name.lower() for name in file.schema_arrow.names]
    require_columns(names, str(path))
    rows = int(file.metadata.num_rows)
    require_memory(float(EDGE * rows), f"{path}, {rows:,} edges,", SMALLER)
    table = file.read()
    result = {}
    for name, column in zip(names, table.columns, strict=True):
        if column.null_count:
            raise SpikecudaValueError(
                f"{path}: {name} must have a number in every row (got {column.null_count:,} nulls)"
            )
        result[name] = _numbers(path, name, column.to_numpy())
    return result


def _mat(path: Path) -> dict[str, np.ndarray]:
    shapes = _variables(path)
    require_columns([name.lower() for name in shapes], str(path))
    found = _load(path, shapes)
    return {name.lower(): _numbers(path, name, np.ravel(found[name])) for name in shapes}


def _numbers(path: Path, name: str, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "iuf":
        raise SpikecudaValueError(
            f"{path}: {name} must hold numbers (got {values.dtype}); write it again"
        )
    # Differences of unsigned numbers would wrap round.
    return values.astype(np.int64) if values.dtype.kind in "iu" else values


def _variables(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the variables of a .mat file."""
    listed = need("scipy.io", EXTRA, "reading .mat files").whosmat(path)
    return {name: tuple(shape) for name, shape, _ in listed}


def _load(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> Mapping[str, Any]:
    """Return variables of some shapes of a .mat file."""
    size = sum(8.0 * float(np.prod(shape)) for shape in shapes.values())
    # Sparse matrices take what they store, which is at most some times the file.
    require_memory(min(size, 64.0 * path.stat().st_size), str(path), SMALLER)
    found: Mapping[str, Any] = need("scipy.io", EXTRA, "reading .mat files").loadmat(
        path, variable_names=list(shapes)
    )
    return found
