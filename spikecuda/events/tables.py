"""Events in tables: npy and CSV with the columns x, y, polarity, time."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spikecuda.common.npz import DAMAGED
from spikecuda.errors import SpikecudaValueError
from spikecuda.events.aedat import MS
from spikecuda.events.damaged import damaged
from spikecuda.events.events import Events

NAMES = (("x",), ("y",), ("polarity", "p", "pol", "on"), ("time", "t", "ts", "timestamp"))
LARGEST = 2**15
# What some programs write before UTF-8.
MARK = b"\xef\xbb\xbf"


def read_npy(path: Path) -> Events:
    """Return the events of an npy file: an array (events, 4), or one with named fields."""
    try:
        # A map: what the header declares is held against the file's size.
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except DAMAGED as error:
        raise damaged(path, 0, "an array of numbers (npy)", f"{error}") from None
    if table.dtype.names:
        columns = [table[name].ravel() for name in _named(path, table.dtype.names)]
        for name, column in zip(("x", "y", "polarity", "time"), columns, strict=True):
            if column.dtype.kind not in "iufb" or column.size != table.size:
                raise SpikecudaValueError(
                    f"{path}: {name} must be a field of one number an event (got {table.dtype})"
                )
    elif table.ndim == 2 and table.shape[1] == 4 and table.dtype.kind in "iufb":
        columns = list(table.T)
    else:
        raise SpikecudaValueError(
            f"{path} must have an array (events, 4) of x, y, polarity, time, or one with such "
            f"fields (got {table.dtype} {table.shape})"
        )
    return _events(path, columns, lambda row: f"event {row:,}")


def read_csv(path: Path, data: bytes) -> Events:
    """Return the events of a CSV file, with names in its first line or without.

    Args:
        path: the file; ``data``: what it has.
    """
    lines = data.split(b"\n")
    starts = np.cumsum([0, *(len(line) + 1 for line in lines)])
    lines[0] = lines[0].removeprefix(MARK)
    first = lines[0].strip().lower().decode("latin1")
    order, skip = [0, 1, 2, 3], 0
    if any(c.isalpha() for c in first) and not _numbers(lines[0]):
        names = [name.strip() for name in first.split(",")]
        order, skip = [names.index(name) for name in _named(path, names)], 1
    kept = [n for n in range(skip, len(lines)) if lines[n].strip()]
    try:
        table = np.loadtxt(
            io.BytesIO(b"\n".join(lines[n] for n in kept)), delimiter=",", ndmin=2, comments=None
        ) if kept else np.empty((0, 4))  # fmt: skip
        if not skip and table.shape[1] != 4:
            raise SpikecudaValueError(
                f"{path} must have four columns x, y, polarity, time, or their names in the first "
                f"line (got {table.shape[1]} columns without names)"
            )
        columns = [table[:, column] for column in order]
    except SpikecudaValueError:
        raise
    except (ValueError, IndexError):
        for n in kept:
            cells = lines[n].count(b",") + 1
            if not (_numbers(lines[n]) and max(order) < cells == lines[kept[0]].count(b",") + 1):
                raise damaged(
                    path, int(starts[n]), "numbers x, y, polarity, time",
                    f"{lines[n][:60]!r} in line {n + 1}",
                ) from None  # fmt: skip
        raise damaged(path, 0, "lines of x, y, polarity, time", "others") from None
    return _events(path, columns, lambda row: f"line {kept[row] + 1:,}, byte {starts[kept[row]]:,}")


def _numbers(line: bytes) -> bool:
    """Tell whether a line has nothing but numbers."""
    try:
        return bool([float(cell) for cell in line.split(b",")])
    except ValueError:
        return False


def _named(path: Path, names: Sequence[str]) -> list[str]:
    """Return what the columns x, y, polarity and time are called."""
    found = []
    for choices in NAMES:
        here = [name for name in names if name.lower() in choices]
        if len(here) != 1:
            raise SpikecudaValueError(
                f"{path} must have one column called {' or '.join(choices)} (got "
                f"{', '.join(names)})"
            )
        found += here
    return found


def _events(path: Path, columns: list[np.ndarray], where: object) -> Events:
    """Return events of columns, in µs; raise for what is no pixel, polarity or time."""
    x, y, on, time = (np.asarray(column) for column in columns)
    good_pixel = [(c == np.floor(c)) & (c >= 0) & (c < LARGEST) for c in (x, y)]
    checks = (
        ("x", f"be a column from 0 to {LARGEST - 1}", x, good_pixel[0]),
        ("y", f"be a row from 0 to {LARGEST - 1}", y, good_pixel[1]),
        ("polarity", "be 0, 1 or -1", on, np.isin(on, (0, 1, -1))),
        ("time", "be finite, in µs", time, np.isfinite(time)),
    )
    for name, need, column, good in checks:
        if not good.all():
            row = int(np.argmin(good))
            raise SpikecudaValueError(
                f"{path}: {name} must {need} (got {column[row]} in {where(row)})"  # type: ignore[operator]
            )
    return Events(x.astype(np.int32), y.astype(np.int32), on > 0, time.astype(np.float64) * MS)
