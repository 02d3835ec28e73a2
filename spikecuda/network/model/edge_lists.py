"""Edges from anything that can be gone through: lists, generators, graphs, connection sets."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest, shown
from spikecuda.network.model.edge_text import COLUMNS, IDS, require_finite, require_ids
from spikecuda.network.model.rules import Pairs

VALUES = tuple(name for name in COLUMNS if name not in IDS)
# Edges that are taken at once; a Python number takes four times an array's.
BLOCK = 1 << 16


@out_of_memory("a list of edges", "give fewer, or a file for from_file")
def from_edges(
    edges: Iterable[Any],
    values: Sequence[str] | str = (),
    shape: tuple[int, int] | None = None,
) -> tuple[Pairs, dict[str, np.ndarray]]:
    """Return the pairs of edges, and their weights and delays.

    Edges are gone through once, so that a generator is enough.  A connection set of the package
    csa is one, as ``csa.cross(range(16), range(16)) * csa.random(0.1)``, and so are the edges of a
    networkx graph whose nodes are numbers, ``graph.edges(data="weight")``.

    Args:
        edges: source, target and values of each: numbers of the neurons within the two views, from
            0, then a number for each name in ``values``, one after another or in a sequence.
        values: names of the values, among "weight" and "delay" (ms).
        shape: (sources, targets), the number of neurons that the views must have; None: any.

    Returns:
        A rule, and the values by name, float64 (synapses,), for ``net.connect(a, b, rule, ...)``.

    Raises:
        SpikecudaValueError: a source or target that is no whole number from 0, a value that is not
            finite; names the edge.
        SpikecudaTypeError: edges of something else, or with more or fewer values.
        OutOfMemoryError: the edges do not fit.
    """
    names = (values,) if isinstance(values, str) else tuple(values)
    for name in names:
        if not is_name(name, VALUES) or names.count(name) > 1:
            raise SpikecudaValueError(
                f"values must be weight, delay or both (got {shown(name)}"
                f"{nearest(str(name), VALUES)})"
            )
    if isinstance(edges, str | bytes) or not isinstance(edges, Iterable):
        raise SpikecudaTypeError(
            f"edges must be pairs of a source and a target (got {shown(edges)}); see from_file and "
            "from_matrix"
        )
    need = f"source, target{''.join(f', {name}' for name in names)}"
    blocks: list[np.ndarray] = []
    rows: list[tuple[Any, ...]] = []
    done = 0
    for edge in edges:
        rows.append(_row(edge, 2 + len(names), need, done + len(rows)))
        if len(rows) == BLOCK:
            blocks.append(_numbers(rows, need, done))
            done, rows = done + len(rows), []
    blocks.append(_numbers(rows, need, done) if rows else np.empty((0, 2 + len(names))))
    table = np.concatenate(blocks)
    columns = {}
    for column, name in enumerate((*IDS, *names)):
        check = require_ids if name in IDS else require_finite
        columns[name] = check(name, table[:, column], lambda at: f"edge {at:,}")
    return Pairs(columns.pop("source"), columns.pop("target"), shape), columns


def _row(edge: Any, size: int, need: str, number: int) -> tuple[Any, ...]:
    """Return an edge as one tuple; values may be in a sequence of their own."""
    try:
        row = tuple(edge)
        if len(row) == 3 and isinstance(row[2], list | tuple):
            row = (*row[:2], *row[2])
    except TypeError:
        row = ()
    if len(row) != size:
        raise SpikecudaTypeError(f"edge {number:,}: must be {need} (got {shown(edge)})")
    return row


def _numbers(rows: list[tuple[Any, ...]], need: str, first: int) -> np.ndarray:
    """Return edges as an array."""
    try:
        table = np.array(rows)
        if table.dtype.kind in "iufb" and table.ndim == 2:
            return table.astype(np.float64)
    except (ValueError, TypeError, OverflowError):
        pass
    for number, row in enumerate(rows, first):
        for value in row:
            if not isinstance(value, int | float | np.integer | np.floating) or (
                isinstance(value, int) and abs(value) > 2**63
            ):
                raise SpikecudaTypeError(
                    f"edge {number:,}: must be numbers, {need} (got {shown(value)}); number the "
                    "neurons of a view from 0"
                )
    return np.array([[float(value) for value in row] for row in rows])
