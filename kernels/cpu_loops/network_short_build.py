"""Build rows that are short: fill them as they are drawn; see ``kernels/network/short``."""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.network.draw import (
    FIXED,
    J_DELAY,
    J_FIXED_DELAY,
    J_FIXED_WEIGHT,
    J_OWN,
    J_RULE,
    J_WEIGHT,
    by_column,
    numbered,
)
from spikecuda.kernels.network.drawn_rows import (
    ROWS,
    SCRATCH,
    draw_row,
    keep_own,
    own_targets,
)
from spikecuda.kernels.network.machine import address_of, call_draw, int16_at, int32_at
from spikecuda.kernels.numerics.inner import inner

U = np.uint32
# Of each own target, its block and cell; bits below the delay; and where synapses go.
WORDS = "uint32[::1], int64, int64[::1], uint32[::1], int64, int64"


@inner
def _put(source, word, weight, delay, shift, at, words, weights, width):
    """Write a synapse at its row's next place."""
    where = at[source]
    at[source] = where + 1
    words[where] = U(word | (U(delay) << U(shift)))
    if width == 2:
        int16_at(weights + 2 * where, 1)[0] = np.int16(weight)
    elif width == 4:
        int32_at(weights + 4 * where, 1)[0] = weight


@loop(
    f"void({ROWS}, int32[::1], int32[::1], int32[::1], uint32, uint32, {SCRATCH}, int64, {WORDS})"
)
def fill_short(
    ints, floats, draw, s0, s1, degrees, twins, source_ids, target_ids, starts, key0, key1, seen,
    scratch, draw_values, word_of, shift, at, words, weights, width,
):  # fmt: skip
    """Write the synapses of rows [s0, s1), in the order in which they are drawn.

    Args:
        as for ``network_build.fill_rows``, and
        starts: the first of the process' targets, and the end.
        word_of: of each of them, its block and cell.
        shift: bits of a word below the delay.
        at: next place of each row; advanced.
        words, weights: out; ``weights`` is an address.
        width: bytes of a weight: 0 (all the same), 2 or 4.
    """
    longest, here = scratch.size // 6, address_of(scratch)
    out, keys = int32_at(here, longest), int32_at(here + 4 * longest, longest)
    weight = int32_at(here + 16 * longest, longest)
    delay = int32_at(here + 20 * longest, longest)
    for i in range(longest):
        weight[i], delay[i] = np.int32(ints[J_FIXED_WEIGHT]), np.int32(ints[J_FIXED_DELAY])
    by_number, columns = numbered(ints), by_column(ints[J_RULE])
    drawn = ints[J_WEIGHT] != FIXED or ints[J_DELAY] != FIXED
    first, last = own_targets(ints, target_ids, starts)
    for s in range(s0, s1):
        n = draw_row(
            ints, floats, draw, s, degrees, twins, key0, key1, first, last, seen, out, keys
        )  # fmt: skip
        if ints[J_OWN]:
            pass
        elif columns:
            for i in range(n):
                keys[i] = i if by_number else out[i]
        else:
            n = keep_own(out, n, first, last, by_number, keys)
        if drawn and n:
            call_draw(
                draw_values, address_of(ints), address_of(floats), s, here + 4 * longest, n, key0,
                key1, here + 8 * longest, here + 12 * longest, here + 16 * longest,
                here + 20 * longest,
            )  # fmt: skip
        for i in range(n):
            source = source_ids[out[i] if columns else s]
            target = target_ids[s if columns else out[i]]
            _put(
                source, word_of[target - starts[0]], weight[i], delay[i], shift, at, words,
                weights, width,
            )  # fmt: skip


@loop(f"void(int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], {WORDS})")
def fill_short_pairs(
    sources, targets, weight, delay, starts, word_of, shift, at, words, weights, width
):  # fmt: skip
    """Write the given synapses of a process; see ``fill_short``."""
    for e in range(sources.size):
        if starts[0] <= targets[e] < starts[1]:
            _put(
                sources[e], word_of[targets[e] - starts[0]], weight[e], delay[e], shift, at, words,
                weights, width,
            )  # fmt: skip
