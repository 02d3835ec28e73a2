"""Build rows of synapses: count them, fill them, sort them.  Pure functions of the seed."""

import numpy as np

from spikecuda.kernels.compile.numba_cache import compiled
from spikecuda.kernels.network.draw import (
    FIXED,
    J_AUTAPSES,
    J_DEGREE,
    J_DELAY,
    J_MULTAPSES,
    J_NUMBER,
    J_RULE,
    J_SOURCES,
    J_TARGETS,
    J_WEIGHT,
    ONE_TO_ONE,
    OUT_DEGREE,
    STREAM_TARGETS,
    below,
    chosen,
    draw_values,
    numbered,
    row_targets,
)
from spikecuda.kernels.network.layout import LAST
from spikecuda.kernels.network.machine import int16_at, int32_at, uint8_at, uint16_at
from spikecuda.kernels.network.sort import sort_row
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.philox import philox

U = np.uint32

PROJECTION_TYPES = "int64[::1], float64[::1]"


@compiled(
    "void(int64, int64, int64, int64, uint32, uint32, int32[::1])",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def deal(first, last, number, size, key0, key1, degrees):
    """Deal synapses [first, last) of a projection to its sources; ``first`` is a multiple of 4.

    Each goes to a uniform source: the sources' degrees are multinomial.
    """
    for e in range(first >> 2, (last + 3) >> 2):
        words = philox(U(e), U(e >> 32), U(number), U(STREAM_TARGETS + 8), key0, key1)
        if 4 * e + 4 <= last:
            degrees[below(words[0], size)] += 1
            degrees[below(words[1], size)] += 1
            degrees[below(words[2], size)] += 1
            degrees[below(words[3], size)] += 1
        else:
            for i in range(last - 4 * e):
                degrees[below(words[i], size)] += 1


@inner
def _row(ints, floats, s, degrees, source_ids, target_ids, same, key0, key1, seen, out):
    """Write the targets of a row; return how many."""
    degree = np.int64(degrees[s]) if degrees.size else ints[J_DEGREE]
    twin = np.int64(-1)
    if same and not ints[J_AUTAPSES]:
        # Views are ascending: find the source among the targets.
        at = np.searchsorted(target_ids, source_ids[s])
        if at < target_ids.size and target_ids[at] == source_ids[s]:
            twin = at
    return row_targets(ints, floats, s, degree, twin, key0, key1, seen, out)


@inner
def _longest(ints, degrees):
    longest = np.int64(1)
    if ints[J_RULE] == OUT_DEGREE:
        longest = ints[J_DEGREE]
        for s in range(degrees.size):
            longest = max(longest, np.int64(degrees[s]))
    elif ints[J_RULE] != ONE_TO_ONE:
        longest = ints[J_TARGETS]
    return longest + 4


@inner
def _block_of(target, starts):
    b = 0
    for i in range(1, starts.size - 1):
        b += target >= starts[i]
    return b


@compiled(
    f"void({PROJECTION_TYPES}, int64, int64, int32[::1], int32[::1], int32[::1], int64,"
    " int32[::1], uint32, uint32, int32[:,::1], int32[::1])",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def count_rows(
    ints, floats, s0, s1, degrees, source_ids, target_ids, same, starts, key0, key1, counts,
    indegree,
):  # fmt: skip
    """Count the synapses of rows [s0, s1) by block and source, and by target.

    Args:
        ints, floats: the projection, by rows.
        degrees: synapses of each source, or empty.
        source_ids, target_ids: int32, the views' neurons within their populations.
        same: whether both views are of one population.
        starts: first neuron of each block's part of the target population, and the end.
        counts: int32 (blocks, sources of the population), added to.
        indegree: int32 (targets of the population), added to.
    """
    out = np.empty(_longest(ints, degrees), np.int32)
    seen = np.zeros(1 if ints[J_MULTAPSES] else ints[J_TARGETS], np.int32)
    for s in range(s0, s1):
        n = _row(ints, floats, s, degrees, source_ids, target_ids, same, key0, key1, seen, out)
        for i in range(n):
            t = target_ids[out[i]]
            indegree[t] += 1
            counts[_block_of(t, starts), source_ids[s]] += 1


@inner
def _put(b, source, cell, weight, delay, at, targets, weights, delays, width, delay_width):
    """Write a synapse at its row's next place."""
    where = np.int64(at[b, source])
    at[b, source] = U(where + 1)
    uint16_at(targets[b], where + 1)[where] = np.uint16(cell)
    if width == 2:
        int16_at(weights[b], where + 1)[where] = np.int16(weight)
    elif width == 4:
        int32_at(weights[b], where + 1)[where] = weight
    if delay_width == 1:
        uint8_at(delays[b], where + 1)[where] = np.uint8(delay)
    elif delay_width == 2:
        uint16_at(delays[b], where + 1)[where] = np.uint16(delay)


PLACES = "uint32[:,::1], int64[::1], int64[::1], int64[::1], int64, int64"


@compiled(
    f"void({PROJECTION_TYPES}, int64, int64, int32[::1], int32[::1], int32[::1], int64,"
    f" int32[::1], int64[::1], uint32, uint32, {PLACES})",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def fill_rows(
    ints, floats, s0, s1, degrees, source_ids, target_ids, same, starts, cells, key0, key1,
    at, targets, weights, delays, width, delay_width,
):  # fmt: skip
    """Write the synapses of rows [s0, s1), unsorted.

    Args:
        as for ``count_rows``, and
        cells: int64, per block: what makes a target's number its cell: cell = target + cells[b].
        at: uint32 (blocks, sources), next place of each row; advanced.
        targets, weights, delays: addresses, per block.
        width: bytes of a weight: 0 (all the same), 2 or 4.
        delay_width: bytes of a delay: 0, 1 or 2.
    """
    longest = _longest(ints, degrees)
    out = np.empty(longest, np.int32)
    keys = np.empty(longest, np.int32)
    w, d = np.empty(longest, np.float32), np.empty(longest, np.float32)
    weight, delay = np.empty(longest, np.int32), np.empty(longest, np.int32)
    seen = np.zeros(1 if ints[J_MULTAPSES] else ints[J_TARGETS], np.int32)
    by_number = numbered(ints[J_RULE])
    drawn = ints[J_WEIGHT] != FIXED or ints[J_DELAY] != FIXED
    for s in range(s0, s1):
        n = _row(ints, floats, s, degrees, source_ids, target_ids, same, key0, key1, seen, out)
        if drawn or width or delay_width:
            for i in range(n):
                keys[i] = i if by_number else out[i]
            draw_values(ints, floats, s, keys[:n], key0, key1, w[:n], d[:n], weight[:n], delay[:n])
        source = source_ids[s]
        for i in range(n):
            t = np.int64(target_ids[out[i]])
            b = _block_of(t, starts)
            _put(
                b, source, t + cells[b], weight[i], delay[i], at, targets, weights, delays, width,
                delay_width,
            )  # fmt: skip


@inner
def _column(ints, t, source_ids, target_ids, same, key0, key1, seen, out):
    """Write the sources of a target (fixed in-degree)."""
    degree, size, number = ints[J_DEGREE], ints[J_SOURCES], ints[J_NUMBER]
    twin = np.int64(-1)
    if same and not ints[J_AUTAPSES]:
        at = np.searchsorted(source_ids, target_ids[t])
        if at < source_ids.size and source_ids[at] == target_ids[t]:
            twin = at
    chosen(t, number, size, degree, twin, ints[J_MULTAPSES], key0, key1, seen, out)
    return degree


@compiled(
    f"void({PROJECTION_TYPES}, int64, int64, int32[::1], int32[::1], int64, int32[::1], uint32,"
    " uint32, int32[:,::1], int32[::1])",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def count_columns(
    ints, floats, t0, t1, source_ids, target_ids, same, starts, key0, key1, counts, indegree
):  # fmt: skip
    """Count the synapses of targets [t0, t1) of the view, by block and source; see count_rows."""
    out = np.empty(ints[J_DEGREE] + 4, np.int32)
    seen = np.zeros(1 if ints[J_MULTAPSES] else ints[J_SOURCES], np.int32)
    for t in range(t0, t1):
        n = _column(ints, t, source_ids, target_ids, same, key0, key1, seen, out)
        target = target_ids[t]
        b = _block_of(target, starts)
        indegree[target] += n
        for j in range(n):
            counts[b, source_ids[out[j]]] += 1


@compiled(
    f"void({PROJECTION_TYPES}, int64, int64, int32[::1], int32[::1], int64, int32[::1],"
    f" int64[::1], uint32, uint32, {PLACES})",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def fill_columns(
    ints, floats, t0, t1, source_ids, target_ids, same, starts, cells, key0, key1,
    at, targets, weights, delays, width, delay_width,
):  # fmt: skip
    """Write the synapses of targets [t0, t1); one thread a block; see fill_rows."""
    longest = ints[J_DEGREE] + 4
    out = np.empty(longest, np.int32)
    keys = np.arange(longest).astype(np.int32)
    w, d = np.empty(longest, np.float32), np.empty(longest, np.float32)
    weight, delay = np.empty(longest, np.int32), np.empty(longest, np.int32)
    seen = np.zeros(1 if ints[J_MULTAPSES] else ints[J_SOURCES], np.int32)
    for t in range(t0, t1):
        n = _column(ints, t, source_ids, target_ids, same, key0, key1, seen, out)
        draw_values(ints, floats, t, keys[:n], key0, key1, w[:n], d[:n], weight[:n], delay[:n])
        target = np.int64(target_ids[t])
        b = _block_of(target, starts)
        for j in range(n):
            _put(
                b, source_ids[out[j]], target + cells[b], weight[j], delay[j], at, targets,
                weights, delays, width, delay_width,
            )  # fmt: skip


@compiled(
    "void(int32[::1], int32[::1], int32[::1], int32[:,::1], int32[::1])",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def count_pairs(sources, targets, starts, counts, indegree):
    """Count given synapses, by block and source; numbers within the populations."""
    for e in range(sources.size):
        indegree[targets[e]] += 1
        counts[_block_of(targets[e], starts), sources[e]] += 1


@compiled(
    "void(int64, int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], int64[::1], "
    f"{PLACES})",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def fill_pairs(
    block, sources, targets, weight, delay, starts, cells, at, to, weights, delays, width,
    delay_width,
):  # fmt: skip
    """Write the given synapses of one block."""
    for e in range(sources.size):
        t = np.int64(targets[e])
        b = _block_of(t, starts)
        if b == block:
            _put(
                b, sources[e], t + cells[b], weight[e], delay[e], at, to, weights, delays, width,
                delay_width,
            )  # fmt: skip


@compiled(
    f"void({PROJECTION_TYPES}, int32[::1], uint32, uint32, int32[::1], int32[::1])",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def draw_pairs(ints, floats, keys, key0, key1, weight, delay):
    """Write drawn weights and delays for given synapses, numbered by ``keys``."""
    w, d = np.empty(keys.size, np.float32), np.empty(keys.size, np.float32)
    draw_values(ints, floats, 0, keys, key0, key1, w, d, weight, delay)


@compiled(
    "int64(int64, int64, uint32[::1], int64, int64, int64, int64, int64, int64, uint32[::1],"
    " uint16[::1], uint32[::1])",
    nogil=True, no_cfunc_wrapper=True, error_model="numpy",
)  # fmt: skip
def sort_rows(
    s0, s1, rows, targets, weights, delays, width, delay_width, delay, starts, delays_out, segments
):  # fmt: skip
    """Sort rows [s0, s1) by delay, then target, and list their segments.

    Args:
        rows: uint32, first synapse of each source's row, and the end.
        targets, weights, delays: addresses of the bundle's synapses.
        width, delay_width: as for ``fill_rows``.
        delay: the delay of all synapses, where ``delay_width`` is 0.
        starts: out: first synapse of each segment.
        delays_out: out: its delay, with ``LAST`` on the last one of a row.
        segments: out: number of segments of each row.

    Returns:
        The number of segments.
    """
    longest = np.int64(0)
    for s in range(s0, s1):
        longest = max(longest, np.int64(rows[s + 1]) - np.int64(rows[s]))
    keys, keys2 = np.empty(longest, np.uint32), np.empty(longest, np.uint32)
    values, values2 = np.zeros(longest, np.int32), np.empty(longest, np.int32)
    counts = np.empty((4, 256), np.int64)
    total = np.int64(0)
    for s in range(s0, s1):
        first, size = np.int64(rows[s]), np.int64(rows[s + 1]) - np.int64(rows[s])
        segments[s] = 0
        if size == 0:
            continue
        t = uint16_at(targets + 2 * first, size)
        w2, w4 = int16_at(weights + 2 * first, size), int32_at(weights + 4 * first, size)
        d1, d2 = uint8_at(delays + first, size), uint16_at(delays + 2 * first, size)
        for i in range(size):
            key = U(t[i])
            if delay_width == 1:
                key = U(key | (U(d1[i]) << U(16)))
            elif delay_width == 2:
                key = U(key | (U(d2[i]) << U(16)))
            keys[i] = key
            if width == 2:
                values[i] = w2[i]
            elif width == 4:
                values[i] = w4[i]
        sort_row(keys, values, size, keys2, values2, counts)
        before = total
        current = np.int64(-1)
        for i in range(size):
            t[i] = np.uint16(keys[i] & U(0xFFFF))
            if width == 2:
                w2[i] = np.int16(values[i])
            elif width == 4:
                w4[i] = values[i]
            here = np.int64(keys[i] >> U(16)) if delay_width else delay
            if here != current:
                starts[total] = U(first + i)
                delays_out[total] = np.uint16(here)
                total += 1
                current = here
        delays_out[total - 1] = np.uint16(np.int64(delays_out[total - 1]) | LAST)
        segments[s] = U(total - before)
    return total
