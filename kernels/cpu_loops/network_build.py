"""Build rows of synapses: count them, fill them, sort them.  Pure functions of the seed."""

import numpy as np

from spikecuda.kernels.compile.entry import loop
from spikecuda.kernels.network.draw import (
    FIXED,
    J_DEGREE,
    J_DELAY,
    J_FIXED_DELAY,
    J_FIXED_WEIGHT,
    J_OWN,
    J_RULE,
    J_TARGETS,
    J_WEIGHT,
    STREAM_TARGETS,
    TILE,
    below,
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
from spikecuda.kernels.network.layout import LAST
from spikecuda.kernels.network.machine import (
    address_of,
    call_draw,
    int32_at,
    read_int64,
    uint8_at,
    uint16_at,
    uint32_at,
)
from spikecuda.kernels.network.rules import PROBABILITY
from spikecuda.kernels.network.sort import is_sorted, sort_row
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.philox import philox_wide

U = np.uint32
# No block has as many synapses: their numbers are uint32.
LONGEST = np.int64(2**32)
# Blocks of random words that are dealt out together.
DEALT = np.int64(64)
# Blocks that a row is gone through for, one by one.
PASSES = 8


@loop("void(int64, int64, int64, int64, uint32, uint32, int32[::1])", allocates=True)
def deal(first, last, number, size, key0, key1, degrees):
    """Deal synapses [first, last) of a projection to its sources; ``first`` is a multiple of 4.

    Each goes to a uniform source: the sources' degrees are multinomial.
    """
    dealt = np.empty((4, DEALT), np.int32)
    for begin in range(first >> 2, (last + 3) >> 2, DEALT):
        for i in range(DEALT):
            e = begin + i
            a, b, c, d = philox_wide(
                U(e), U(e >> 32), U(number), U(STREAM_TARGETS + 8), key0, key1
            )  # fmt: skip
            dealt[0, i], dealt[1, i] = below(a, size), below(b, size)
            dealt[2, i], dealt[3, i] = below(c, size), below(d, size)
        for i in range(min(4 * DEALT, last - 4 * begin)):
            degrees[dealt[i & 3, i >> 2]] += 1


@inner
def _block_of(target, starts):
    b = 0
    for i in range(1, starts.size - 1):
        b += target >= starts[i]
    return b


@loop(
    f"void({ROWS}, int32[::1], int32[::1], int32[::1], uint32, uint32, {SCRATCH}, int32[:,::1],"
    " int32[::1])"
)
def count_rows(
    ints, floats, draw, s0, s1, degrees, twins, source_ids, target_ids, starts, key0, key1,
    seen, scratch, counts, indegree,
):  # fmt: skip
    """Count the synapses of rows [s0, s1) by block and source, and by target.

    Args:
        ints, floats: the projection; with a fixed in-degree rows are columns, see ``_row``.
        draw: address of the loop of ``network_draw`` that draws the rule's rows.
        degrees: synapses of each source, or empty.
        twins: number of each row's own neuron within the other view or -1, or empty.
        source_ids, target_ids: int32, the views' neurons within their populations.
        starts: first neuron of each block's part of the target population, and the end; targets
            outside of all blocks are left out.
        seen, scratch: see ``SCRATCH``.
        counts: int32 (blocks, sources of the population), added to.
        indegree: int32 (targets of the population), added to.
    """
    longest = scratch.size // 6
    out = int32_at(address_of(scratch), longest)
    keys = int32_at(address_of(scratch) + 4 * longest, longest)
    first, last = own_targets(ints, target_ids, starts)
    for s in range(s0, s1):
        n = draw_row(
            ints, floats, draw, s, degrees, twins, key0, key1, first, last, seen, out, keys
        )  # fmt: skip
        if by_column(ints[J_RULE]):
            target = target_ids[s]
            b = _block_of(target, starts)
            indegree[target] += n
            for i in range(n):
                counts[b, source_ids[out[i]]] += 1
        else:
            for i in range(n):
                t = target_ids[out[i]]
                if starts[0] <= t < starts[-1]:
                    indegree[t] += 1
                    counts[_block_of(t, starts), source_ids[s]] += 1


@loop(f"int64({ROWS}, int64, uint32, uint32, {SCRATCH})")
def count_synapses(
    ints, floats, draw, s0, s1, degrees, twins, enough, key0, key1, seen, scratch
):  # fmt: skip
    """Return the synapses of rows [s0, s1), or at least ``enough``; see ``count_rows``.

    Rows that can be drawn in part need scratch for a tile of targets only.
    """
    size = ints[J_TARGETS]
    step = np.int64(TILE) if ints[J_RULE] == PROBABILITY else size
    total = np.int64(0)
    for s in range(s0, s1):
        degree = np.int64(degrees[s]) if degrees.size else ints[J_DEGREE]
        twin = np.int64(twins[s]) if twins.size else np.int64(-1)
        for first in range(0, size, step):
            total += call_draw(
                draw, address_of(ints), address_of(floats), s, degree, twin, key0, key1, first,
                min(first + step, size), address_of(seen), address_of(scratch),
            )  # fmt: skip
        if total >= enough:
            break
    return total


@inner
def _put(b, source, cell, weight, delay, at, targets, weights, delays, width, delay_width):
    """Write a synapse at its row's next place."""
    where = np.int64(at[b, source])
    at[b, source] = U(where + 1)
    if width == 2:
        word = (U(weight) << U(16)) | U(cell)
        uint32_at(targets[b], where + 1)[where] = word
    else:
        uint16_at(targets[b], where + 1)[where] = np.uint16(cell)
        if width == 4:
            int32_at(weights[b], where + 1)[where] = weight
    if delay_width == 1:
        uint8_at(delays[b], where + 1)[where] = np.uint8(delay)
    elif delay_width == 2:
        uint16_at(delays[b], where + 1)[where] = np.uint16(delay)


@inner
def _put_row(
    b, out, n, target_ids, starts, shift, source, weight, delay, scratch, longest, at, targets,
    weights, delays, width, delay_width,
):  # fmt: skip
    """Write what a row has in one block at its next places.

    It is gathered first, without a branch: no processor foresees whether a target is there.

    Args:
        out: the row's ``n`` targets, as numbers within the view.
        shift: what makes a target's number its cell.
        scratch: address of int32, three times ``longest``.
    """
    cell, w = int32_at(scratch, longest), int32_at(scratch + 4 * longest, longest)
    d = int32_at(scratch + 8 * longest, longest)
    low, high, found = starts[b], starts[b + 1], 0
    for i in range(n):
        t = target_ids[out[i]]
        cell[found] = np.int32(t + shift)
        w[found], d[found] = weight[i], delay[i]
        found += (t >= low) & (t < high)
    where = np.int64(at[b, source])
    at[b, source] = U(where + found)
    if width == 2:
        words = uint32_at(targets[b] + 4 * where, found)
        for i in range(found):
            words[i] = U(cell[i]) | (U(w[i]) << U(16))
    else:
        cells = uint16_at(targets[b] + 2 * where, found)
        for i in range(found):
            cells[i] = np.uint16(cell[i])
        if width == 4:
            whole = int32_at(weights[b] + 4 * where, found)
            for i in range(found):
                whole[i] = w[i]
    if delay_width == 1:
        short = uint8_at(delays[b] + where, found)
        for i in range(found):
            short[i] = np.uint8(d[i])
    elif delay_width == 2:
        long = uint16_at(delays[b] + 2 * where, found)
        for i in range(found):
            long[i] = np.uint16(d[i])


@inner
def _put_column(sources, n, source_ids, cell, at, targets):
    """Write a column of synapses that have one weight and one delay, each at its row's end.

    Args:
        sources: the ``n`` sources, as numbers within the view.
        at: uint32 (sources,), next place of each row of the block; advanced.
        targets: address of the block's.
    """
    rows = uint16_at(targets, LONGEST)
    for i in range(n):
        source = source_ids[sources[i]]
        where = at[source]
        at[source] = U(where + U(1))
        rows[where] = np.uint16(cell)


PLACES = "uint32[:,::1], int64[::1], int64[::1], int64[::1], int64, int64"


@loop(
    f"void({ROWS}, int32[::1], int32[::1], int32[::1], int64[::1], uint32, uint32, {SCRATCH},"
    f" int64, {PLACES})"
)
def fill_rows(
    ints, floats, draw, s0, s1, degrees, twins, source_ids, target_ids, starts, cells, key0, key1,
    seen, scratch, draw_values, at, targets, weights, delays, width, delay_width,
):  # fmt: skip
    """Write the synapses of rows [s0, s1), unsorted.

    Args:
        as for ``count_rows``, and
        cells: int64, per block: what makes a target's number its cell: cell = target + cells[b].
        draw_values: address of ``network_draw.draw_row_values``; not called if nothing is drawn.
        at: uint32 (blocks, sources), next place of each row; advanced.
        targets, weights, delays: addresses, per block.
        width: bytes of a weight: 0 (all the same), 2 (in the upper half of a word whose lower one
            is the target) or 4.
        delay_width: bytes of a delay: 0, 1 or 2.
    """
    longest, here = scratch.size // 6, address_of(scratch)
    out, keys = int32_at(here, longest), int32_at(here + 4 * longest, longest)
    weight = int32_at(here + 16 * longest, longest)
    delay = int32_at(here + 20 * longest, longest)
    for i in range(longest):
        weight[i], delay[i] = np.int32(ints[J_FIXED_WEIGHT]), np.int32(ints[J_FIXED_DELAY])
    by_number = numbered(ints)
    columns = by_column(ints[J_RULE])
    drawn = ints[J_WEIGHT] != FIXED or ints[J_DELAY] != FIXED
    first, last = own_targets(ints, target_ids, starts)
    for s in range(s0, s1):
        n = draw_row(
            ints, floats, draw, s, degrees, twins, key0, key1, first, last, seen, out, keys
        )  # fmt: skip
        if drawn:
            if ints[J_OWN]:
                pass
            elif columns or last - first == ints[J_TARGETS]:
                for i in range(n):
                    keys[i] = i if by_number else out[i]
            else:
                n = keep_own(out, n, first, last, by_number, keys)
            call_draw(
                draw_values, address_of(ints), address_of(floats), s, here + 4 * longest, n, key0,
                key1, here + 8 * longest, here + 12 * longest, here + 16 * longest,
                here + 20 * longest,
            )  # fmt: skip
        if columns and width == 0 and delay_width == 0:
            t = np.int64(target_ids[s])
            b = _block_of(t, starts)
            _put_column(out, n, source_ids, t + cells[b], at[b], targets[b])
            continue
        if not columns and starts.size - 1 <= PASSES:
            for b in range(starts.size - 1):
                _put_row(
                    b, out, n, target_ids, starts, cells[b], source_ids[s], weight, delay,
                    here + 4 * longest, longest, at, targets, weights, delays, width, delay_width,
                )  # fmt: skip
            continue
        for i in range(n):
            source = source_ids[out[i] if columns else s]
            t = np.int64(target_ids[s if columns else out[i]])
            if starts[0] <= t < starts[-1]:
                b = _block_of(t, starts)
                _put(
                    b, source, t + cells[b], weight[i], delay[i], at, targets, weights, delays,
                    width, delay_width,
                )  # fmt: skip


@loop("void(int32[::1], int32[::1], int32[::1], int32[:,::1], int32[::1])")
def count_pairs(sources, targets, starts, counts, indegree):
    """Count given synapses, by block and source; numbers within the populations."""
    for e in range(sources.size):
        if starts[0] <= targets[e] < starts[-1]:
            indegree[targets[e]] += 1
            counts[_block_of(targets[e], starts), sources[e]] += 1


@loop(
    f"void(int64, int32[::1], int32[::1], int32[::1], int32[::1], int32[::1], int64[::1], {PLACES})"
)
def fill_pairs(
    block, sources, targets, weight, delay, starts, cells, at, to, weights, delays, width,
    delay_width,
):  # fmt: skip
    """Write the given synapses of one block."""
    for e in range(sources.size):
        t = np.int64(targets[e])
        if starts[block] <= t < starts[block + 1]:
            _put(
                block, sources[e], t + cells[block], weight[e], delay[e], at, to, weights, delays,
                width, delay_width,
            )  # fmt: skip


@loop(
    "void(int64[::1], float64[::1], int64, int32[::1], uint32, uint32, int32[::1], int32[::1],"
    " int32[::1])"
)
def draw_pairs(ints, floats, draw_values, keys, key0, key1, scratch, weight, delay):
    """Write drawn weights and delays for given synapses, numbered by ``keys``.

    ``scratch`` is twice as long.
    """
    here = address_of(scratch)
    call_draw(
        draw_values, address_of(ints), address_of(floats), 0, address_of(keys), keys.size, key0,
        key1, here, here + 4 * keys.size, address_of(weight), address_of(delay),
    )  # fmt: skip


@loop(
    "int64(int64, int64, uint32[::1], int64, int64, int64, int64, int64, int64, int64[::1],"
    " int64[::1], int32[::1], uint32[::1], uint16[::1], uint32[::1])"
)
def sort_rows(
    s0, s1, rows, targets, weights, delays, width, delay_width, delay, pairs, others, counts,
    starts, delays_out, segments,
):  # fmt: skip
    """Sort rows [s0, s1) by delay, then target, and list their segments.

    Args:
        rows: uint32, first synapse of each source's row, and the end.
        targets, weights, delays: addresses of the bundle's synapses.
        width, delay_width: as for ``fill_rows``.
        delay: the delay of all synapses, where ``delay_width`` is 0.
        pairs, others: scratch as long as the longest row.
        counts: scratch: ``sort.DIGITS`` x ``sort.DIGIT``.
        starts: out: first synapse of each segment.
        delays_out: out: its delay, with ``LAST`` on the last one of a row.
        segments: out: number of segments of each row.

    Returns:
        The number of segments.
    """
    total = np.int64(0)
    for s in range(s0, s1):
        first, size = np.int64(rows[s]), np.int64(rows[s + 1]) - np.int64(rows[s])
        segments[s] = 0
        if size == 0:
            continue
        t = uint16_at(targets + 2 * first, size)
        words, w4 = uint32_at(targets + 4 * first, size), int32_at(weights + 4 * first, size)
        d1, d2 = uint8_at(delays + first, size), uint16_at(delays + 2 * first, size)
        if width == 0 and delay_width == 0 and is_sorted(t, size):  # one segment, as it is
            starts[total] = U(first)
            delays_out[total] = np.uint16(delay | LAST)
            total += 1
            segments[s] = U(1)
            continue
        for i in range(size):
            if width == 2:
                key, value = np.int64(words[i] & U(0xFFFF)), np.int64(words[i] >> U(16))
            else:
                key = np.int64(t[i])
                value = np.int64(w4[i]) & 0xFFFFFFFF if width == 4 else np.int64(0)
            if delay_width == 1:
                key |= np.int64(d1[i]) << 16
            elif delay_width == 2:
                key |= np.int64(d2[i]) << 16
            pairs[i] = (key << 32) | value
        sorted_at = sort_row(address_of(pairs), address_of(others), size, address_of(counts))
        before = total
        current = np.int64(-1)
        for i in range(size):
            pair = read_int64(sorted_at + 8 * i)
            cell = (pair >> 32) & 0xFFFF
            if width == 2:
                words[i] = U(cell | ((pair & 0xFFFF) << 16))
            else:
                t[i] = np.uint16(cell)
                if width == 4:
                    w4[i] = np.int32(pair & 0xFFFFFFFF)
            here = pair >> 48 if delay_width else delay
            if here != current:
                starts[total] = U(first + i)
                delays_out[total] = np.uint16(here)
                total += 1
                current = here
        delays_out[total - 1] = np.uint16(np.int64(delays_out[total - 1]) | LAST)
        segments[s] = U(total - before)
    return total
