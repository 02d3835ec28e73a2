"""Rows that are dear to draw, kept between the time that they are counted and filled."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.kernels.network.rules import COLUMNS
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.row_recipe import RowRecipe, row_scratch, row_twins

# Places of a thread's buffer: 16 MB.
BUFFER = 1 << 22


class KeptRows:
    """The rows of a projection by distance, or its columns: 4 bytes for each synapse.

    Args:
        p: the projection.
        ranges: deals so many rows to the threads.
        run: calls a function with each of several tuples of arguments, in parallel.
        key0, key1: of the generator.
        targets: those that are wanted, as numbers within the view: the first, and the end.  Rows
            of rules that can draw a part have these alone; columns of others are not drawn.
    """

    def __init__(
        self,
        p: Projection,
        ranges: Callable[[int], Sequence[tuple[int, int]]],
        run: Callable[[Callable[..., None], Sequence[Any]], Any],
        key0: np.uint32,
        key1: np.uint32,
        targets: tuple[int, int],
    ) -> None:
        recipe = RowRecipe(p)
        self._p, self._twins, self._keys = p, row_twins(p), (key0, key1)
        self._drawn = (*recipe.packed(), recipe.targets_loop())
        # Neighbours one after the other: what is around them stays in the caches.
        self._order = order = p.rule.near.row_order()
        size, self._range = order.size, targets
        if p.rule.order == COLUMNS:
            self._order = order[(order >= targets[0]) & (order < targets[1])]
            self._range = 0, p.target.size
        self._table = np.zeros((size, 2), np.int64)
        self._parts: list[np.ndarray] = []
        run(self._draw, ranges(self._order.size))

    @property
    def address(self) -> int:
        """The address of the table of rows."""
        return int(self._table.ctypes.data)

    @property
    def loop(self) -> int:
        """The address of the loop that reads them."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        return int(load_cpu_loop("network_kept").draw_kept)

    def _draw(self, first: int, last: int) -> None:
        """Draw rows, in the order of their cells from ``first`` up to ``last``."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        keep = load_cpu_loop("network_kept").keep_rows
        seen, scratch = row_scratch(self._p, np.empty(0, np.int32))
        longest = scratch.size // 6
        step = max(1, min(BUFFER // longest, last - first))
        buffer, counts = np.empty(step * longest, np.int32), np.empty(step, np.int64)
        for begin in range(first, last, step):
            rows = self._order[begin : min(begin + step, last)]
            size = keep(
                *self._drawn, rows, self._twins, *self._keys, *self._range, seen, scratch, buffer,
                counts,
            )  # fmt: skip
            part, number = buffer[:size].copy(), counts[: rows.size]
            self._parts.append(part)
            self._table[rows, 0] = part.ctypes.data + 4 * (np.cumsum(number) - number)
            self._table[rows, 1] = number
