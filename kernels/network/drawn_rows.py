"""Draw a row of synapses, and keep what of it is a process' own."""

import numpy as np

from spikecuda.kernels.network.draw import J_DEGREE, J_OWN, J_RULE, J_TARGETS, by_column
from spikecuda.kernels.network.machine import address_of, call_draw
from spikecuda.kernels.numerics.inner import inner

# The projection, the addresses of ``network_draw``, and which rows.
ROWS = "int64[::1], float64[::1], int64, int64, int64, int32[::1], int32[::1]"
# Scratch: zeros that tell drawn targets apart, which are zeros again at the end; and six arrays
# as long as the longest row and four: targets, keys, reals twice, weights, delays.
SCRATCH = "int32[::1], int32[::1]"


@inner
def draw_row(ints, floats, draw, s, degrees, twins, key0, key1, first, last, seen, out, keys):
    """Write the targets of a row, or the sources of a column; return how many.

    Of rules that can draw a part of a row, only targets in [first, last) are written.  Where
    ``J_OWN`` does that, the others are drawn, too, but nowhere written; ``keys`` gets what tells
    those in the range apart.
    """
    degree = np.int64(degrees[s]) if degrees.size else ints[J_DEGREE]
    twin = np.int64(twins[s]) if twins.size else np.int64(-1)
    own = ints[J_OWN] != 0
    return call_draw(
        ints[J_OWN] if own else draw, address_of(ints), address_of(floats), s, degree, twin, key0,
        key1, first, last, address_of(keys) if own else address_of(seen), address_of(out),
    )  # fmt: skip


@inner
def _first_from(ids, value):
    """Return the place of the first of ascending numbers that is not below a value."""
    low, high = np.int64(0), np.int64(ids.size)
    while low < high:
        middle = (low + high) >> 1
        if ids[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def own_targets(ints, target_ids, starts):
    """Return which targets of a view are in the blocks: the first, and the end.

    Columns are those of a view's targets already: what is drawn for them are sources.
    """
    if by_column(ints[J_RULE]):
        return np.int64(0), ints[J_TARGETS]
    return _first_from(target_ids, starts[0]), _first_from(target_ids, starts[-1])


@inner
def keep_own(out, n, first, last, by_number, keys):
    """Keep the targets in [first, last) of a row's ``n``, and write what tells them apart.

    Weights and delays are drawn for these alone.

    Returns:
        How many there are.
    """
    kept = np.int64(0)
    for i in range(n):
        t = np.int64(out[i])
        keys[kept] = i if by_number else t
        out[kept] = out[i]
        kept += (t >= first) & (t < last)
    return kept
