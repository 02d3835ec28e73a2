"""Draw rows of which a process has a part, where numbers of a row have an order.

Each synapse has a number in its row, and its random word follows from that: the words of all must
be looked at to find the own ones.  They are compared in lanes, and none of the others is written:
0.21 ns a synapse where few are own (Zen 5), as much as the words alone take.  Without multapses a
target depends on those before it, wherever they are, so the whole row is drawn.
"""

import numpy as np

from spikecuda.kernels.compile.entry import loop, pointer
from spikecuda.kernels.network.draw import (
    J_AUTAPSES,
    J_DEGREE,
    J_KEPT,
    J_MULTAPSES,
    J_NUMBER,
    J_TARGETS,
    PROJECTION,
    STREAM_TARGETS,
    below,
    target_again,
)
from spikecuda.kernels.network.drawn_rows import ROWS, SCRATCH, draw_row
from spikecuda.kernels.network.drawn_rows import keep_own as keep_part
from spikecuda.kernels.network.machine import address_of, int32_at, int64_at, read_int64
from spikecuda.kernels.network.rules import TARGETS
from spikecuda.kernels.numerics.inner import inner
from spikecuda.kernels.numerics.philox import philox_wide

U, LONG = np.uint32, np.uint64
# Blocks of four words that are looked at together, and how many 64-bit words their marks are.
BLOCKS, MARKS = np.int64(64), np.int64(8)
# Where at least one word of so many is own, all are gone through.
FEW = np.int64(64)


@inner
def _lowest(target, size):
    """Return the lowest word of which ``below`` makes a target, or a later one."""
    return ((LONG(target) << LONG(32)) + LONG(size - 1)) // LONG(size)


@inner
def _find(source, number, first, key0, key1, low, span, twin_low, twin_span, words, marks):
    """Write words, and mark the blocks with one in [low, low + span) or of the twin."""
    for i in range(BLOCKS):
        a, b, c, d = philox_wide(
            U(source), U(first + i), U(number), U(STREAM_TARGETS), key0, key1
        )  # fmt: skip
        words[0, i], words[1, i], words[2, i], words[3, i] = a, b, c, d
    for i in range(BLOCKS):
        a, b, c, d = words[0, i], words[1, i], words[2, i], words[3, i]
        own = (U(a - low) < span) | (U(b - low) < span) | (U(c - low) < span)
        again = (U(a - twin_low) < twin_span) | (U(b - twin_low) < twin_span)
        again |= (U(c - twin_low) < twin_span) | (U(d - twin_low) < twin_span)
        marks[i] = np.uint8(own | (U(d - low) < span) | again)


@inner
def _keep(i, begin, source, number, size, degree, banned, key0, key1, first, last, words, out, keys,
          kept):  # fmt: skip
    """Write the own ones of a block's four synapses; return how many there are now."""
    for k in range(4):
        target, synapse, attempt = below(words[k, i], size), 4 * (begin + i) + k, 0
        while target == banned:
            attempt += 1
            target = target_again(source, synapse, attempt, number, size, key0, key1)
        out[kept], keys[kept] = target, synapse
        kept += (target >= first) & (target < last) & (synapse < degree)
    return kept


@inner
def own_targets_of(
    source, number, size, degree, banned, key0, key1, first, last, words, marks, out, keys
):
    """Write the targets in [first, last) of a row, those that ``draw.chosen`` has with multapses.

    Args:
        source: whose row it is.
        number: of the projection.
        size: targets; ``banned``: one that is not allowed, or -1.
        first, last: what is wanted, not all.
        words, marks: scratch, uint32 (4, BLOCKS) and uint8 (BLOCKS,).
        out, keys: int32, at least four longer than the row: targets, and their synapses' numbers.

    Returns:
        How many there are.
    """
    low, high = _lowest(first, size), _lowest(last, size)
    twin_low, twin_high = LONG(0), LONG(0)
    if banned >= 0:
        twin_low, twin_high = _lowest(banned, size), _lowest(banned + 1, size)
    few = (last - first) * FEW <= size
    kept = np.int64(0)
    if first >= last:
        return kept
    for begin in range(0, (degree + 3) >> 2, BLOCKS):
        _find(
            source, number, begin, key0, key1, U(low), U(high - low), U(twin_low),
            U(twin_high - twin_low), words, marks,
        )  # fmt: skip
        for m in range(MARKS):
            if few and read_int64(address_of(marks) + 8 * m) == 0:
                continue
            for i in range(8 * m, 8 * m + 8):
                if not few or marks[i]:
                    kept = _keep(
                        i, begin, source, number, size, degree, banned, key0, key1, first, last,
                        words, out, keys, kept,
                    )  # fmt: skip
    return kept


@pointer(TARGETS, allocates=True)
def draw_own(ints, floats, source, degree, twin, key0, key1, first, last, keys, out):
    """Write the targets in [first, last) of a row with multapses, and their synapses' numbers.

    Args:
        as for ``network_draw.draw_range``, but
        keys: address of int32 as long as ``out``.
    """
    about = int64_at(ints, PROJECTION)
    banned = np.int64(-1) if about[J_AUTAPSES] else twin
    return own_targets_of(
        source, about[J_NUMBER], about[J_TARGETS], degree, banned, U(key0), U(key1), first, last,
        np.empty((4, BLOCKS), np.uint32), np.empty(BLOCKS, np.uint8), int32_at(out, degree + 4),
        int32_at(keys, degree + 4),
    )  # fmt: skip


@pointer(TARGETS)
def kept_own(ints, floats, source, degree, twin, key0, key1, first, last, keys, out):
    """Write what ``draw_own`` would, from where it was kept; see ``keep_own``."""
    about = int64_at(ints, PROJECTION)
    row = int64_at(about[J_KEPT] + 16 * source, 2)
    kept = int32_at(row[0], 2 * row[1])
    targets, numbers = int32_at(out, row[1]), int32_at(keys, row[1])
    for i in range(row[1]):
        targets[i], numbers[i] = kept[2 * i], kept[2 * i + 1]
    return row[1]


@loop(
    f"int64({ROWS}, uint32, uint32, int64, int64, {SCRATCH}, int32[:,::1], int64[::1])",
    allocates=True,
)
def keep_own(
    ints, floats, draw, s0, s1, degrees, twins, key0, key1, first, last, seen, scratch, kept,
    counts,
):  # fmt: skip
    """Keep the own targets of rows from ``s0`` on, as long as there is room.

    Args:
        ints, floats, draw, s0, s1, degrees, twins: as for ``network_build.count_rows``.
        key0, key1: of the generator.
        first, last: the own targets.
        seen, scratch: see ``SCRATCH``.
        kept: int32 (synapses, 2): out: targets and numbers.
        counts: int64, of each row from ``s0`` on: out: its own synapses.

    Returns:
        The first row that is not kept.
    """
    words, marks = np.empty((4, BLOCKS), np.uint32), np.empty(BLOCKS, np.uint8)
    longest = scratch.size // 6
    out, keys = scratch[:longest], scratch[longest : 2 * longest]
    at = np.int64(0)
    for s in range(s0, s1):
        degree = np.int64(degrees[s]) if degrees.size else ints[J_DEGREE]
        banned = np.int64(-1) if ints[J_AUTAPSES] or not twins.size else np.int64(twins[s])
        if ints[J_MULTAPSES]:
            n = own_targets_of(
                s, ints[J_NUMBER], ints[J_TARGETS], degree, banned, key0, key1, first, last, words,
                marks, out, keys,
            )  # fmt: skip
        else:
            n = draw_row(
                ints, floats, draw, s, degrees, twins, key0, key1, first, last, seen, out, keys
            )  # fmt: skip
            n = keep_part(out, n, first, last, True, keys)
        if at + n > kept.shape[0]:
            return s
        for i in range(n):
            kept[at + i, 0], kept[at + i, 1] = out[i], keys[i]
        counts[s - s0] = n
        at += n
    return s1
