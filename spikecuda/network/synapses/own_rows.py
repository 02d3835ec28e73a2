"""Own parts of rows whose numbers have an order, kept between being counted and filled."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from spikecuda.kernels.network import draw
from spikecuda.kernels.network.rules import DRAW_CHOSEN, ROWS
from spikecuda.network.model.projection import Projection
from spikecuda.network.synapses.row_recipe import RowRecipe, row_scratch, row_twins

# Synapses of a buffer: 8 MB.
BUFFER = 1 << 20


def drawn_whole(p: Projection) -> bool:
    """Tell whether all numbers of a projection's rows must be looked at to find a part of them."""
    return p.rule.draws == DRAW_CHOSEN and p.rule.order == ROWS


def own_loop(name: str) -> int:
    """Return the address of a loop of ``network_own``: ``draw_own`` or ``kept_own``."""
    from spikecuda.kernels.compile.cpu import load_cpu_loop

    return int(getattr(load_cpu_loop("network_own"), name))


class OwnRows:
    """The own part of a projection's rows: 8 bytes for each synapse, and 16 for each source.

    All are drawn once, although they are gone through twice.

    Args:
        p: the projection, of which ``drawn_whole``.
        ranges: of rows, for the threads.
        run: calls a function with each of several tuples of arguments, in parallel.
        keys: of the generator.
        degrees: synapses of each source, or empty.
        targets: the own ones, as numbers within the view: the first, and the end.
    """

    def __init__(
        self,
        p: Projection,
        ranges: Sequence[tuple[int, int]],
        run: Callable[[Callable[..., None], Sequence[Any]], Any],
        keys: tuple[np.uint32, np.uint32],
        degrees: np.ndarray,
        targets: tuple[int, int],
    ) -> None:
        self._p, self._twins, self._keys, self._degrees = p, row_twins(p), keys, degrees
        recipe = RowRecipe(p)
        self._drawn = (*recipe.packed(), recipe.targets_loop())
        self._targets = targets
        self._table = np.zeros((p.source.size, 2), np.int64)
        self._parts: list[np.ndarray] = []
        run(self._draw, ranges)

    def put(self, ints: np.ndarray) -> None:
        """Let the loops that build rows take what is kept."""
        ints[draw.J_KEPT], ints[draw.J_OWN] = self._table.ctypes.data, own_loop("kept_own")

    def _draw(self, first: int, last: int) -> None:
        """Draw rows from ``first`` up to ``last``."""
        from spikecuda.kernels.compile.cpu import load_cpu_loop

        keep = load_cpu_loop("network_own").keep_own
        seen, scratch = row_scratch(self._p, self._degrees)
        counts = np.empty(last - first, np.int64)
        buffer = np.empty((max(BUFFER, scratch.size // 6), 2), np.int32)
        while first < last:
            end = keep(
                *self._drawn, first, last, self._degrees, self._twins, *self._keys,
                *self._targets, seen, scratch, buffer, counts,
            )  # fmt: skip
            number = counts[: end - first]
            part = buffer[: number.sum()].copy()
            self._parts.append(part)
            self._table[first:end, 0] = part.ctypes.data + 8 * (np.cumsum(number) - number)
            self._table[first:end, 1] = number
            first = end
