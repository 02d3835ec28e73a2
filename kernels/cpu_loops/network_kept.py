"""Rows that are drawn once and kept.

Called by their addresses like the loops of ``network_draw``.
"""

import numpy as np

from spikecuda.kernels.compile.entry import loop, pointer
from spikecuda.kernels.network.draw import (
    J_DEGREE,
    J_KEPT,
    PROJECTION,
)
from spikecuda.kernels.network.machine import (
    address_of,
    call_draw,
    int32_at,
    int64_at,
)
from spikecuda.kernels.network.rules import TARGETS


@loop(
    "int64(int64[::1], float64[::1], int64, int32[::1], int32[::1], uint32, uint32, int64, int64,"
    " int32[::1], int32[::1], int32[::1], int64[::1])"
)
def keep_rows(
    ints, floats, draw, which, twins, key0, key1, first, last, seen, scratch, kept, counts
):  # fmt: skip
    """Draw rows, one behind the other, so that they need not be drawn again.

    Args:
        ints, floats, draw, twins, seen, scratch: as for ``network_build.count_rows``.
        which: the rows.
        first, last: the targets that are wanted, see ``network_draw.draw_range``.
        kept: out: the rows.
        counts: out: synapses of each row.

    Returns:
        How many there are in all.
    """
    at = np.int64(0)
    for j in range(which.size):
        s = np.int64(which[j])
        twin = np.int64(twins[s]) if twins.size else np.int64(-1)
        n = call_draw(
            draw, address_of(ints), address_of(floats), s, ints[J_DEGREE], twin, key0, key1, first,
            last, address_of(seen), address_of(scratch),
        )  # fmt: skip
        for i in range(n):
            kept[at + i] = scratch[i]
        counts[j] = n
        at += n
    return at


@pointer(TARGETS)
def draw_kept(ints, floats, source, degree, twin, key0, key1, first, last, seen, out):
    """Write a row that was kept; see ``keep_rows`` and ``draw_range``."""
    about = int64_at(ints, PROJECTION)
    row = int64_at(about[J_KEPT] + 16 * source, 2)
    kept, targets = int32_at(row[0], row[1]), int32_at(out, row[1])
    for i in range(row[1]):
        targets[i] = kept[i]
    return row[1]
